/** An echo server, as the libcouchbase tutorial begins: every byte a client sends comes back. `PORT=7000 node 01_echo_server.ts` */
import { NodeRuntime, NodeSocketServer } from "@effect/platform-node"
import { Config, Console, Effect } from "effect"
import { NetAddress } from "effect/net"
import { Socket } from "effect/socket"

const echo = (socket: Socket.Socket) =>
  Effect.scoped(Effect.gen(function*() {
    const writer = yield* socket.writer
    const pull = yield* Socket.readerBytes(socket)
    while (true) yield* writer.writeAll(yield* pull)
  })).pipe(Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void))

const program = Effect.scoped(Effect.gen(function*() {
  const port = yield* Config.Port("PORT").pipe(Config.withDefault(0))
  const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port })
  yield* Console.log(`listening on ${NetAddress.isInetAddress(server.address) ? server.address.port : ""}`)
  yield* server.run(echo)
}))

NodeRuntime.runMain(program)
