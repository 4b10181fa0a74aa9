/**
 * The echo server of the libcouchbase tutorial's second part: every line a client sends is stored as a document of its own, and answered with
 * the CAS of that document once it is stored. `WIREWRIGHT_URL=couchbase://user:password@127.0.0.1:11210/default node 02_echo_persist.ts`
 */
import { NodeRuntime, NodeSocketServer } from "@effect/platform-node"
import { KvClient } from "@wirewright/couchbase"
import { Config, Console, Effect, Stream } from "effect"
import { NetAddress } from "effect/net"
import { Socket } from "effect/socket"

const persist = (socket: Socket.Socket) =>
  Effect.scoped(Effect.gen(function*() {
    const kv = yield* KvClient
    const writer = yield* socket.writer
    yield* Stream.fromPull(Socket.readerString(socket)).pipe(
      Stream.splitLines,
      Stream.runForEach((line) =>
        kv.upsert(`message:${crypto.randomUUID()}`, line).pipe(
          Effect.map(({ cas }) => `0x${cas.toString(16)}\n`),
          Effect.catchTag("KvError", (error) => Effect.succeed(`not stored: ${error.message}\n`)),
          Effect.flatMap(writer.write)
        )
      )
    )
  })).pipe(Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void))

const program = Effect.scoped(Effect.gen(function*() {
  const port = yield* Config.Port("PORT").pipe(Config.withDefault(0))
  const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port })
  yield* Console.log(`listening on ${NetAddress.isInetAddress(server.address) ? server.address.port : ""}`)
  yield* server.run(persist)
}))

NodeRuntime.runMain(program.pipe(Effect.provide(KvClient.layerConfig)))
