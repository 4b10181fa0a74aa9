/**
 * An opcode of our own, on both sides: `spec/LengthOf.ts` says what it looks like, `wirewright generate` makes codecs of that, and client and
 * server use them. Everything else stays what it was: the server hands other requests to the handlers of classic memcached.
 */
import { NodeRuntime } from "@effect/platform-node"
import type { Reader, Writer } from "@wirewright/codec"
import { PacketConnection, serveRequests } from "@wirewright/connection"
import { memcachedRequests } from "@wirewright/memcached/internal"
import { refusal } from "@wirewright/memcached"
import { Console, Effect } from "effect"
import * as Measured from "./gen/index.ts"

const none = new Uint8Array(0)

const items = new Map<string, Uint8Array>()

const item = (key: string) => {
  const value = items.get(key)
  return value === undefined ? Effect.fail(refusal(Measured.Status.KeyEnoent)) : Effect.succeed(value)
}

const classic = memcachedRequests({
  get: ({ key }) => Effect.map(item(key), (value) => ({ value })),
  set: ({ key, value }) => Effect.sync(() => (items.set(key, value.slice()), {}))
})

const refused = ({ opaque, opcode }: Measured.Request, status: number) => ({
  answer: (writer: Writer) => Measured.encodeErrorResponse(writer, { opcode, opaque, status, extras: none, key: none, value: none })
})

const server = serveRequests<Measured.Request, never>(
  { frameShape: Measured.frameShape, decode: (reader, at) => Measured.decodeRequest(reader, at) },
  {
    ...classic,
    died: (request) => refused(request, Measured.Status.Einternal),
    handle: (request, client) => {
      if (request._tag !== "LengthOf") return classic.handle(request, client)
      const { key, opaque } = request
      return Effect.match(item(key), {
        onSuccess: ({ length }) => ({ answer: (writer: Writer) => Measured.encodeLengthOfResponse(writer, { opaque, length }) }),
        onFailure: ({ status }) => refused(request, status)
      })
    }
  }
)

const codec = {
  frameShape: Measured.frameShape,
  decodeResponse: (reader: Reader, at: number) => Measured.decodeResponse(reader, at),
  decodeServerRequest: (reader: Reader, at: number) => Measured.decodeServerRequest(reader, at)
}

const program = Effect.scoped(Effect.gen(function*() {
  const { host, port } = yield* server
  const connection = yield* PacketConnection.make<Measured.Response, Measured.ServerRequest>({ host, port, codec })
  const lengthOf = (key: string) => connection.request((writer, opaque) => Measured.encodeLengthOf(writer, { opaque, key }))

  const value = new TextEncoder().encode("x".repeat(1024))
  yield* connection.request((writer, opaque) => Measured.encodeSet(writer, { opaque, key: "Hello", flags: 0, expiration: 0, value }))
  for (const key of ["Hello", "nobody"]) {
    const answer = yield* lengthOf(key)
    yield* Console.log(key, answer._tag === "LengthOfResponse" ? answer.length : Measured.statusTable[answer.status]?.name)
  }
}))

NodeRuntime.runMain(program)
