/**
 * Test only: a scripted node on loopback. It bootstraps as a real one does, keeps documents in a Map, and answers whatever a test's
 * `script` wants instead. It shares nothing with the client but the generated codec.
 */
import { type ConnectionError, servePackets, type ServerClient } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { pbkdf2Sync } from "node:crypto"
import { decode, encode, frameShape, type Packet, type Request, type Response, type States } from "./gen/index.ts"
import { isScramMechanism, scramKeys, type ServerFirst, serverFirst, serverFinal, readClientFirst } from "./Scram.ts"
import { nodeCrypto } from "./ScramCrypto.ts"

/** An answer without what is copied from the request. */
export type Answer = Partial<Response> & { readonly _tag: Response["_tag"] }

/** What a test wants answered; `undefined` leaves it to the node, an empty list is silence. */
export type Script = (request: Request, client: ServerClient) => ReadonlyArray<Answer> | Answer | "close" | undefined

export interface FakeNodeOptions {
  readonly script?: Script
  /** The map it hands out; made by the node alone unless given. */
  readonly config?: (port: number) => string
  readonly vbuckets?: number
  /** Features it grants if they are asked for; all of them unless given. */
  readonly features?: ReadonlyArray<number>
}

export interface FakeNode {
  readonly port: number
  /** Every request that arrived. */
  readonly requests: ReadonlyArray<Request>
  readonly documents: Map<string, { readonly value: Uint8Array; readonly flags: number; readonly cas: bigint }>
  readonly clients: Iterable<ServerClient>
  /** Sends a request of the server to all clients. */
  readonly push: (packet: Packet) => void
}

const utf8 = new TextEncoder()
const text = new TextDecoder()
const empty = new Uint8Array(0)

/** A map of one bucket: `rows[vbucket]` is the node's position. */
export const configOf = (ports: ReadonlyArray<number>, rows: ReadonlyArray<number>, revision: number): string =>
  JSON.stringify({
    rev: revision,
    revEpoch: 1,
    name: "default",
    bucketCapabilities: ["rangeScan"],
    nodesExt: ports.map((kv) => ({ services: { kv }, hostname: "127.0.0.1" })),
    vBucketServerMap: { hashAlgorithm: "CRC", vBucketMap: rows.map((row) => [row]) }
  })

/** An error as a response. */
export const refusal = (status: number, value: Uint8Array | string = empty): Answer => ({
  _tag: "ErrorResponse",
  status,
  extras: empty,
  key: empty,
  value: typeof value === "string" ? utf8.encode(value) : value
})

export const user = { name: "user", password: "pencil" }

/** Starts a node; it stops with the scope. */
export const fakeNode: (options?: FakeNodeOptions) => Effect.Effect<FakeNode, ConnectionError, Scope.Scope> = Effect.fnUntraced(
  function*(options: FakeNodeOptions = {}) {
    const documents: FakeNode["documents"] = new Map()
    const requests: Array<Request> = []
    const sessions = new Map<number, { states: States; challenge: ServerFirst | undefined }>()
    let cas = 100n
    let port = 0

    const sasl = (
      request: Extract<Request, { _tag: "SaslAuth" | "SaslStep" }>,
      session: { challenge: ServerFirst | undefined }
    ): Answer => {
      const { clientData, mechanism } = request
      const data = text.decode(clientData)
      if (request._tag === "SaslAuth" && mechanism === "PLAIN") {
        return data === `\0${user.name}\0${user.password}` ? { _tag: "SaslAuthResponse", serverData: empty } : refusal(0x20)
      }
      if (!isScramMechanism(mechanism)) return refusal(0x20)
      const salt = utf8.encode("salt of the earth")
      if (request._tag === "SaslAuth") {
        const read = readClientFirst(mechanism, data)
        if (Result.isFailure(read)) return refusal(0x20)
        session.challenge = serverFirst(read.success, "server", salt, 4096)
        return { _tag: "SaslAuthResponse", status: 0x21, serverData: utf8.encode(session.challenge.message) }
      }
      const sha = mechanism.slice("SCRAM-".length).toLowerCase()
      const salted = new Uint8Array(pbkdf2Sync(user.password, salt, 4096, sha === "sha512" ? 64 : sha === "sha256" ? 32 : 20, sha))
      const final = serverFinal(nodeCrypto, session.challenge!, scramKeys(nodeCrypto, mechanism, salted), data)
      return Result.isSuccess(final) ? { _tag: "SaslStepResponse", serverData: utf8.encode(final.success) } : refusal(0x20)
    }

    const store = (request: Extract<Request, { _tag: "Set" | "Add" | "Replace" }>): Answer => {
      const before = documents.get(request.key)
      if (request._tag === "Add" && before !== undefined) return refusal(2)
      if (request._tag === "Replace" && before === undefined) return refusal(1)
      if (request.cas !== 0n && before?.cas !== request.cas) return refusal(before === undefined ? 1 : 2)
      documents.set(request.key, { value: request.value.slice(), flags: request.flags, cas: ++cas })
      return { _tag: `${request._tag}Response`, cas, mutationToken: { vbucketUuid: 7n, seqno: cas } } as Answer
    }

    const answer = (request: Request, client: ServerClient): ReadonlyArray<Answer> | Answer | "close" => {
      const session = sessions.get(client.id)!
      const scripted = options.script?.(request, client)
      if (scripted !== undefined) return scripted
      switch (request._tag) {
        case "Hello": {
          const features = request.features.filter((feature) => options.features?.includes(feature) ?? true)
          return { _tag: "HelloResponse", features }
        }
        case "SaslListMechs":
          return { _tag: "SaslListMechsResponse", mechanisms: "SCRAM-SHA512 SCRAM-SHA256 SCRAM-SHA1 PLAIN" }
        case "SaslAuth":
        case "SaslStep":
          return sasl(request, session)
        case "GetErrorMap":
          return {
            _tag: "GetErrorMapResponse",
            errorMap: JSON.stringify({
              version: 2,
              revision: 1,
              errors: { "86": { name: "ETMPFAIL", desc: "Temporary failure", attrs: ["temp", "retry-later"] } }
            })
          }
        case "SelectBucket":
          return request.bucket === "default" ? { _tag: "SelectBucketResponse" } : refusal(0x24)
        case "GetClusterConfig":
          return {
            _tag: "GetClusterConfigResponse",
            clusterMap: options.config?.(port) ?? configOf([port], Array.from({ length: options.vbuckets ?? 4 }, () => 0), 1)
          }
        case "Get": {
          const found = documents.get(request.key)
          return found === undefined ? refusal(1) : { _tag: "GetResponse", ...found }
        }
        case "GetQ": {
          const found = documents.get(request.key)
          return found === undefined ? [] : { _tag: "GetQResponse", ...found }
        }
        case "Set":
        case "Add":
        case "Replace":
          return store(request)
        case "Delete":
          return documents.delete(request.key) ? { _tag: "DeleteResponse", cas: ++cas } : refusal(1)
        case "Noop":
          return { _tag: "NoopResponse" }
        case "Version":
          return { _tag: "VersionResponse", version: "7.6.0-0000" }
        case "Stat":
          return [{ _tag: "StatResponse", name: "uptime", value: "1" }, { _tag: "StatResponse", name: "", value: "" }]
        default:
          return refusal(0x81)
      }
    }

    const server = yield* servePackets<Packet>({
      frameShape,
      decode: (reader, at, client) => decode(reader, at, sessions.get(client.id)!.states),
      handler: (client) => {
        sessions.set(client.id, { states: { collections: false }, challenge: undefined })
        return {
          onRequest: (packet) => {
            const request = packet as Request
            requests.push(request)
            const made = answer(request, client)
            if (made === "close") return client.close("the script")
            const list = Array.isArray(made) ? made as ReadonlyArray<Answer> : [made as Answer]
            for (const one of list) {
              const whole = {
                magic: 0x81,
                datatype: 0,
                status: 0,
                cas: 0n,
                framing: [],
                opcode: request.opcode,
                ...one,
                opaque: request.opaque
              }
              client.reply((writer) => encode(writer, whole as unknown as Response))
              if (one._tag === "HelloResponse") {
                sessions.get(client.id)!.states = { collections: (one as { features: ReadonlyArray<number> }).features.includes(0x12) }
              }
            }
          },
          onMalformed: (error) => client.misbehaved(error.message, error),
          onClose: () => sessions.delete(client.id)
        }
      }
    })
    port = server.port
    const push = (packet: Packet): void => {
      for (const client of server.clients) client.reply((writer) => encode(writer, packet))
    }
    return { port, requests, documents, clients: server.clients, push }
  }
)
