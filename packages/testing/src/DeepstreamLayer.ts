/** A client of deepstream and a server for it, in one layer: no sockets, and timeouts by the Clock in place. */
import { Deepstream, type DeepstreamClient, type DeepstreamError, type DeepstreamOptions } from "@wirewright/deepstream"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { DeepstreamNode, type LogIn } from "./DeepstreamNode.ts"
import { WebSockets, type WebSocketsOptions } from "./WebSockets.ts"

const url = "ws://memory/deepstream"

/** What a server and its client are made of. */
export interface DeepstreamTestOptions extends WebSocketsOptions {
  readonly logIn?: LogIn
  /** Of every client. Its credentials are, unless others are given, `{ username: "test" }`. */
  readonly client?: Partial<Omit<DeepstreamOptions, "url">>
}

/** The other end of a test's client of deepstream, and further clients. */
export class DeepstreamTest extends Context.Service<DeepstreamTest, {
  readonly node: DeepstreamNode
  /** A further client. */
  readonly connect: (username: string) => Effect.Effect<DeepstreamClient, DeepstreamError, Scope.Scope>
}>()("@wirewright/testing/DeepstreamTest") {
  /** A client of deepstream that is signed in, and its server. */
  static readonly layer = ({ client, logIn, ...network }: DeepstreamTestOptions = {}): Layer.Layer<
    Deepstream | DeepstreamTest,
    DeepstreamError
  > =>
    Layer.effectContext(Effect.gen(function*() {
      const node = new DeepstreamNode(logIn)
      const sockets = new WebSockets(network)
      sockets.serve(url, node.accept)
      const connect = (credentials: object) =>
        // the server sends no pings
        Deepstream.make({ url, heartbeatInterval: "365 days", credentials, ...client }).pipe(
          Effect.provideService(Socket.WebSocketConstructor, sockets.dial)
        )
      const mine = yield* connect({ username: "test" })
      return Context.make(Deepstream, mine).pipe(
        Context.add(DeepstreamTest, { node, connect: (username) => connect({ username }) })
      )
    }))
}
