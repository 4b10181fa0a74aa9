/**
 * Conversations of the bootstrap, packet by packet. Requests are compared with the bytes that Couchbase's own clients send (Node SDK
 * 4.7.1); those bytes were put together from its traffic by another program. What is fatal and what is tolerated, case by case.
 */
import { assert, describe, it } from "@effect/vitest"
import { bytesOfHex, hexOf, Writer } from "@wirewright/codec"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { pbkdf2Sync } from "node:crypto"
import { inspect } from "node:util"
import { Bootstrap, type BootstrapOptions, type BootstrapOutput, defaultFeatures } from "./Bootstrap.ts"
import { type Answer, refusal } from "./FakeNode.fixture.ts"
import { encode, type Request, type Response } from "./gen/index.ts"
import { type ParsedServerFirst, scramKeys, serverFirst, serverFinal, readClientFirst } from "./Scram.ts"
import { nodeCrypto } from "./ScramCrypto.ts"

const utf8 = new TextEncoder()
const empty = new Uint8Array(0)
const sdkFeatures = [3, 6, 7, 8, 0xb, 0xc, 0x10, 0xf, 0x11, 0x15, 0x12, 0x17, 0x14, 0x1c, 0x21, 0xe, 0xd, 0x1e, 0xa, 4]
const nonce = "0xffffffe1 0x2d"
const credentials = { user: "user", password: Redacted.make("pencil") }
const options: BootstrapOptions = {
  agent: "{\"a\":\"nodejs/4.7.1\",\"i\":\"1/2\"}",
  features: sdkFeatures,
  credentials,
  bucket: "default",
  tls: false,
  host: "127.0.0.1",
  nonce
}

const golden = {
  hello: "801f001e00000000000000460000000000000000000000007b2261223a226e6f64656a732f342e372e31222c2269223a22312f32227d"
    + "0003000600070008000b000c0010000f00110015001200170014001c0021000e000d001e000a0004",
  mechanisms: "802000000000000000000000000000000000000000000000",
  scram: "8021000c0000000000000027000000000000000000000000534352414d2d5348413531326e2c2c6e3d757365722c723d307866666666666665312030783264",
  plain: "802100050000000000000011000000000000000000000000504c41494e00757365720070656e63696c",
  errorMap: "80fe000000000000000000020000000000000000000000000002",
  bucket: "80890007000000000000000700000000000000000000000064656661756c74",
  config: "80b500000000000000000000000000000000000000000000"
}

const config = "{\"rev\":1,\"nodesExt\":[{\"services\":{\"kv\":11210}}],\"vBucketServerMap\":{\"vBucketMap\":[[0],[0],[0],[0]]}}"

const opcodes: { readonly [name: string]: number } = {
  hello: 0x1f,
  mechanisms: 0x20,
  auth: 0x21,
  step: 0x22,
  errorMap: 0xfe,
  bucket: 0x89,
  config: 0xb5
}

const answer = (name: keyof typeof opcodes & string, given: Answer): Response =>
  ({ magic: 0x81, datatype: 0, status: 0, opaque: 0, cas: 0n, framing: [], opcode: opcodes[name], ...given }) as Response

const fine = {
  hello: answer("hello", { _tag: "HelloResponse", features: [7, 8, 0x12] }),
  mechanisms: answer("mechanisms", { _tag: "SaslListMechsResponse", mechanisms: "SCRAM-SHA512 SCRAM-SHA256 SCRAM-SHA1 PLAIN" }),
  errorMap: answer("errorMap", { _tag: "GetErrorMapResponse", errorMap: "{\"version\":2,\"revision\":1,\"errors\":{}}" }),
  bucket: answer("bucket", { _tag: "SelectBucketResponse" }),
  config: answer("config", { _tag: "GetClusterConfigResponse", clusterMap: config }),
  plain: answer("auth", { _tag: "SaslAuthResponse", serverData: empty })
}

const refuse = (name: string, status: number): Response => answer(name, refusal(status))

const plain = { ...credentials, mechanisms: ["PLAIN"], allowPlainWithoutTls: true }

const bytesOf = (request: Request): string => {
  const writer = new Writer()
  encode(writer, request)
  return hexOf(writer.take())
}

const sent = (outputs: ReadonlyArray<BootstrapOutput>): ReadonlyArray<string> =>
  outputs.flatMap((output) => output._tag === "Send" ? output.requests.map(bytesOf) : [])

const tags = (outputs: ReadonlyArray<BootstrapOutput>): ReadonlyArray<string> => outputs.map(({ _tag }) => _tag)

const failureOf = (outputs: ReadonlyArray<BootstrapOutput>): string => {
  const found = outputs.find((output) => output._tag === "Failed")
  return found?._tag === "Failed" ? `${found.error.step}: ${found.error.reason}` : `no failure but ${tags(outputs).join()}`
}

const resultOf = (outputs: ReadonlyArray<BootstrapOutput>) => {
  const found = outputs.find((output) => output._tag === "Done")
  if (found?._tag !== "Done") return assert.fail(`not done: ${inspect(outputs)}`)
  return found.result
}

/** A session with the answers given to it, and what it said to the last. */
const play = (given: Partial<BootstrapOptions>, answers: ReadonlyArray<Response>): ReadonlyArray<BootstrapOutput> => {
  const session = new Bootstrap({ ...options, ...given }, nodeCrypto)
  let last = session.start()
  for (const one of answers) last = session.receive(one)
  return last
}

/** The server's part of SCRAM. */
const server = (mechanism: "SCRAM-SHA512" | "SCRAM-SHA256" | "SCRAM-SHA1", clientFirst: string, password = "pencil") => {
  const salt = utf8.encode("saltsaltsalt")
  const [hash, length] =
    ({ "SCRAM-SHA512": ["sha512", 64], "SCRAM-SHA256": ["sha256", 32], "SCRAM-SHA1": ["sha1", 20] } as const)[mechanism]
  const salted = new Uint8Array(pbkdf2Sync(password, salt, 4096, length, hash))
  const challenge = serverFirst(Result.getOrThrow(readClientFirst(mechanism, clientFirst)), "srv", salt, 4096)
  return {
    challenge: answer("auth", { _tag: "SaslAuthResponse", status: 0x21, serverData: utf8.encode(challenge.message) }),
    derive: (asked: ParsedServerFirst) => new Uint8Array(pbkdf2Sync("pencil", asked.salt, asked.iterations, length, hash)),
    final: (message: string) => {
      const final = serverFinal(nodeCrypto, challenge, scramKeys(nodeCrypto, mechanism, salted), message)
      return Result.isSuccess(final)
        ? answer("step", { _tag: "SaslStepResponse", serverData: utf8.encode(final.success) })
        : refuse("step", 0x20)
    }
  }
}

const challengeOf = (outputs: ReadonlyArray<BootstrapOutput>): ParsedServerFirst => {
  const [found] = outputs
  if (found?._tag !== "Derive") return assert.fail(`no challenge: ${inspect(outputs)}`)
  return found.challenge
}

const messageOf = (outputs: ReadonlyArray<BootstrapOutput>): string => {
  const [found] = outputs
  const request = found?._tag === "Send" ? found.requests[0] : undefined
  return request?._tag === "SaslStep" ? new TextDecoder().decode(request.clientData) : assert.fail(`no step: ${inspect(outputs)}`)
}

describe("the conversation of the Node SDK", () => {
  it("is two flights with SCRAM between them, byte for byte", () => {
    const session = new Bootstrap(options, nodeCrypto)
    assert.deepStrictEqual(sent(session.start()), [golden.hello, golden.mechanisms, golden.scram])
    const negotiated = session.receive(fine.hello)
    assert.deepStrictEqual(negotiated, [{ _tag: "Negotiated", states: { collections: true } }])
    assert.deepStrictEqual(session.receive(fine.mechanisms), [])
    const peer = server("SCRAM-SHA512", `n,,n=user,r=${nonce}`)
    const challenge = challengeOf(session.receive(peer.challenge))
    const step = session.derived(challenge, peer.derive(challenge))
    assert.isTrue(messageOf(step).startsWith(`c=biws,r=${nonce}srv,p=`))
    assert.deepStrictEqual(sent(session.receive(peer.final(messageOf(step)))), [golden.errorMap, golden.bucket, golden.config])
    assert.deepStrictEqual(session.receive(fine.errorMap), [])
    assert.deepStrictEqual(session.receive(fine.bucket), [])
    const result = resultOf(session.receive(fine.config))
    assert.deepStrictEqual([result.mechanism, result.states.collections, result.clusterMap?.vbuckets.length, result.warnings], [
      "SCRAM-SHA512",
      true,
      4,
      []
    ])
    assert.deepStrictEqual(result.clusterMap?.nodes, [{
      host: "127.0.0.1",
      port: 11_210,
      tlsPort: undefined,
      thisNode: false,
      serverGroup: undefined
    }])
  })

  it("takes the answers in any order", () => {
    for (const order of [["config", "bucket", "errorMap"], ["bucket", "errorMap", "config"]] as const) {
      const answers = [fine.plain, fine.mechanisms, fine.hello, ...order.map((name) => fine[name])]
      assert.strictEqual(resultOf(play({ credentials: plain }, answers)).mechanism, "PLAIN")
    }
  })

  it("without a user is one flight less", () => {
    const { credentials: _, ...anonymous } = options
    const session = new Bootstrap(anonymous, nodeCrypto)
    assert.deepStrictEqual(sent(session.start()), [golden.hello])
    assert.deepStrictEqual(sent(session.receive(fine.hello)), [golden.errorMap, golden.bucket, golden.config])
  })

  it("asks for no error map without XERROR and selects no bucket without one", () => {
    const { bucket: _, ...withoutBucket } = { ...options, credentials: plain }
    const session = new Bootstrap(withoutBucket, nodeCrypto)
    session.start()
    session.receive(fine.plain)
    session.receive(fine.mechanisms)
    assert.deepStrictEqual(sent(session.receive(answer("hello", { _tag: "HelloResponse", features: [] }))), [golden.config])
    const result = resultOf(session.receive(refuse("config", 0x08)))
    assert.deepStrictEqual([result.clusterMap, result.warnings.length, result.states.collections], [undefined, 1, false])
  })
})

describe("signing in", () => {
  it("is PLAIN over TLS, byte for byte, and never without it unless asked for", () => {
    assert.deepStrictEqual(sent(new Bootstrap({ ...options, tls: true }, nodeCrypto).start())[2], golden.plain)
    assert.deepStrictEqual(sent(new Bootstrap({ ...options, credentials: plain }, nodeCrypto).start())[2], golden.plain)
    const refused = new Bootstrap({ ...options, credentials: { ...credentials, mechanisms: ["PLAIN"] } }, nodeCrypto).start()
    assert.deepStrictEqual([tags(refused), failureOf(refused)], [["Failed"], "authentication: PlainNeedsTls"])
  })

  it("takes the strongest mechanism the server has, whichever answer comes first", () => {
    const offers = [["SCRAM-SHA1 PLAIN", "SCRAM-SHA1"], ["PLAIN SCRAM-SHA1 SCRAM-SHA256", "SCRAM-SHA256"]] as const
    const orders = offers.flatMap(([mechanisms, strongest]) => {
      const offer = answer("mechanisms", { _tag: "SaslListMechsResponse", mechanisms })
      return [[strongest, [offer, refuse("auth", 0x20)]], [strongest, [refuse("auth", 0x20), offer]]] as const
    })
    for (const [strongest, answers] of orders) {
      const session = new Bootstrap(options, nodeCrypto)
      session.start()
      const last = answers.map((one) => session.receive(one)).at(-1)!
      const [request] = last.flatMap((output) => output._tag === "Send" ? output.requests : [])
      if (request?._tag !== "SaslAuth") return assert.fail("no second attempt")
      const message = new TextDecoder().decode(request.clientData)
      assert.deepStrictEqual([request.mechanism, message], [strongest, `n,,n=user,r=${nonce}2`])
      const peer = server(strongest, message)
      const challenge = challengeOf(session.receive(peer.challenge))
      const step = session.derived(challenge, peer.derive(challenge))
      session.receive(peer.final(messageOf(step)))
      session.receive(fine.hello)
    }
  })

  it("never falls back to PLAIN in the clear, nor when the mechanism was there", () => {
    const plainOnly = answer("mechanisms", { _tag: "SaslListMechsResponse", mechanisms: "PLAIN" })
    assert.strictEqual(failureOf(play({}, [plainOnly, refuse("auth", 0x20)])), "authentication: NoMechanism")
    assert.strictEqual(failureOf(play({}, [fine.mechanisms, refuse("auth", 0x20)])), "authentication: AuthenticationFailed")
    assert.strictEqual(failureOf(play({}, [refuse("mechanisms", 0x81), refuse("auth", 0x20)])), "authentication: AuthenticationFailed")
  })

  it("needs the server's proof", () => {
    const session = new Bootstrap(options, nodeCrypto)
    session.start()
    const peer = server("SCRAM-SHA512", `n,,n=user,r=${nonce}`)
    const challenge = challengeOf(session.receive(peer.challenge))
    session.derived(challenge, peer.derive(challenge))
    const forged = answer("step", { _tag: "SaslStepResponse", serverData: utf8.encode(`v=${"A".repeat(86)}==`) })
    assert.strictEqual(failureOf(session.receive(forged)), "authentication: AuthenticationBroken")
    // a server that says "welcome" to the first message has proved nothing
    assert.strictEqual(failureOf(play({}, [fine.mechanisms, fine.plain])), "authentication: AuthenticationBroken")
  })

  it("fails by name: wrong password, too few iterations, a user that needs SASLprep; and shows no password", () => {
    const session = new Bootstrap(options, nodeCrypto)
    session.start()
    const peer = server("SCRAM-SHA512", `n,,n=user,r=${nonce}`, "another")
    const challenge = challengeOf(session.receive(peer.challenge))
    const failed = session.receive(peer.final(messageOf(session.derived(challenge, peer.derive(challenge)))))
    assert.strictEqual(failureOf(failed), "authentication: AuthenticationFailed")
    const weak = answer("auth", { _tag: "SaslAuthResponse", status: 0x21, serverData: utf8.encode(`r=${nonce}x,s=QUJD,i=4095`) })
    assert.strictEqual(failureOf(play({}, [weak])), "authentication: AuthenticationBroken")
    const user = new Bootstrap({ ...options, credentials: { ...credentials, user: "jürgen" } }, nodeCrypto).start()
    assert.strictEqual(failureOf(user), "authentication: AuthenticationFailed")
    for (const shown of [failed, user, session]) assert.notInclude(inspect(shown, { depth: 9 }), "pencil")
  })
})

describe("what is tolerated and what is not", () => {
  const signedIn = [fine.hello, fine.mechanisms, fine.plain]
  const rest = (...answers: ReadonlyArray<Response>) => play({ credentials: plain }, [...signedIn, ...answers])

  it("a server that does not know HELLO has no features", () => {
    const result = resultOf(play({ credentials: plain }, [refuse("hello", 0x81), fine.mechanisms, fine.plain, fine.bucket, fine.config]))
    assert.deepStrictEqual([result.features.size, result.warnings.length], [0, 1])
  })

  it("HELLO that is refused for its features is fatal", () => {
    assert.strictEqual(failureOf(play({}, [refuse("hello", 0x04)])), "hello: HelloRefused")
  })

  it("an error map that is missing or nonsense is not", () => {
    const nonsense = answer("errorMap", { _tag: "GetErrorMapResponse", errorMap: "<html>" })
    for (const one of [refuse("errorMap", 0x81), refuse("errorMap", 0x84), nonsense]) {
      const result = resultOf(rest(one, fine.bucket, fine.config))
      assert.deepStrictEqual([result.errorMap.entries.size, result.warnings.length], [0, 1])
    }
  })

  it("no bucket, no access: fatal, by name; a server that selects none has one", () => {
    assert.strictEqual(failureOf(rest(refuse("bucket", 0x01))), "bucket: BucketNotFound")
    assert.strictEqual(failureOf(rest(refuse("bucket", 0x24))), "bucket: BucketAccessDenied")
    assert.strictEqual(failureOf(rest(refuse("bucket", 0x81))), "bucket: UnexpectedStatus")
    const old = answer("hello", { _tag: "HelloResponse", features: [] })
    const result = resultOf(play({ credentials: plain }, [old, fine.mechanisms, fine.plain, refuse("bucket", 0x81), fine.config]))
    assert.strictEqual(result.warnings.length, 1)
  })

  it("no cluster map is tolerated, one that is broken is not, and neither is one that needs a user", () => {
    assert.isUndefined(resultOf(rest(fine.errorMap, fine.bucket, refuse("config", 0x81))).clusterMap)
    const broken = answer("config", { _tag: "GetClusterConfigResponse", clusterMap: "{}" })
    assert.strictEqual(failureOf(rest(fine.errorMap, fine.bucket, broken)), "cluster map: ClusterMapInvalid")
    assert.strictEqual(failureOf(rest(fine.errorMap, fine.bucket, refuse("config", 0x24))), "cluster map: AuthenticationFailed")
  })

  it("says nothing more once it is over", () => {
    const session = new Bootstrap(options, nodeCrypto)
    session.start()
    session.receive(refuse("hello", 0x04))
    for (const one of Object.values(fine)) assert.deepStrictEqual(session.receive(one), [])
  })

  it("an answer to nothing that was asked is fatal", () => {
    assert.strictEqual(failureOf(play({}, [{ ...refuse("hello", 0), opcode: 0x00 } as Response])), "authentication: UnexpectedStatus")
  })
})

describe("features", () => {
  it("have what they need: notifications need duplex, virtual attributes and macros need attributes", () => {
    const has = (feature: number): boolean => defaultFeatures.includes(feature)
    assert.isTrue(has(0x0c) && has(0x0d) && has(0x06) && has(0x15) && has(0x18))
    assert.isFalse([1, 2, 5, 9, 0x16].some(has), "numbers that servers never grant")
    assert.isFalse(has(0x0a) || has(0x13), "Snappy without a codec")
    assert.deepStrictEqual(bytesOfHex(golden.hello).length, 24 + 30 + 2 * sdkFeatures.length)
  })
})
