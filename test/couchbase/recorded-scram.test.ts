/**
 * SCRAM as it was recorded between a client and Couchbase Server 6.0, with all three mechanisms: our client says what that client said, our
 * server what that server said, and each believes the other's last word.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  readServerFirst,
  clientFinal,
  clientFirst,
  verifyServerFinal,
  nodeCrypto,
  saltedPassword,
  scramKeys,
  type ScramMechanism,
  serverFirst,
  serverFinal,
  readClientFirst
} from "@wirewright/couchbase/internal"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { readRecording, recordings } from "../conformance/recordings.fixture.ts"

interface Exchange {
  readonly mechanism: ScramMechanism
  readonly said: Array<string>
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const exchanges = (): ReadonlyArray<Exchange> => {
  const byStream = new Map<number, Exchange>()
  for (const { packet, stream } of readRecording(recordings[0]!).packets) {
    if (packet?._tag === "SaslAuth" && packet.mechanism.startsWith("SCRAM-")) {
      byStream.set(stream, { mechanism: packet.mechanism as ScramMechanism, said: [text(packet.clientData)] })
    } else if (packet?._tag === "SaslStep") byStream.get(stream)?.said.push(text(packet.clientData))
    else if (packet?._tag === "SaslAuthResponse" || packet?._tag === "SaslStepResponse") {
      byStream.get(stream)?.said.push(text(packet.serverData))
    }
  }
  return [...byStream.values()]
}

/** The password of the recorded user; it stands in the recording's PLAIN messages. */
const password = Redacted.make("password")
const ok = <A, E>(result: Result.Result<A, E>): A => Result.getOrThrow(result)

describe("recorded SCRAM", () => {
  const recorded = exchanges()

  it("has all three mechanisms, four messages each", () => {
    assert.deepStrictEqual(recorded.map(({ mechanism, said }) => [mechanism, said.length]), [
      ["SCRAM-SHA1", 4],
      ["SCRAM-SHA256", 4],
      ["SCRAM-SHA512", 4]
    ])
  })

  for (const { mechanism, said: [first, challenge, final, verified] } of recorded) {
    it.effect(`${mechanism}: both sides say what was recorded`, () =>
      Effect.gen(function*() {
        const nonce = /r=(.*)$/.exec(first!)![1]!
        const client = ok(clientFirst(mechanism, "Administrator", nonce))
        assert.strictEqual(client.message, first)
        const challenged = ok(readServerFirst(client, challenge!))
        const salted = yield* saltedPassword(mechanism, password, challenged.salt, challenged.iterations)
        const proved = clientFinal(nodeCrypto, challenged, salted)
        // the recorded client names its attributes in the same order, so the bytes are the same
        assert.strictEqual(proved.message, final)
        assert.isTrue(Result.isSuccess(verifyServerFinal(proved, verified!)))
        const read = ok(readClientFirst(mechanism, first!))
        const mine = serverFirst(read, challenged.fullNonce.slice(nonce.length), challenged.salt, challenged.iterations)
        assert.strictEqual(mine.message, challenge)
        assert.strictEqual(ok(serverFinal(nodeCrypto, mine, scramKeys(nodeCrypto, mechanism, salted), final!)), verified)
      }))
  }
})
