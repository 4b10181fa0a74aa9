/**
 * Effect's service that makes WebSockets, by its key. Its own module brings schemas, HTTP and addresses to browsers, 14 kB that this client
 * does not need; services are told apart by their keys.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as Socket from "effect/socket/Socket"

/** `WebSocketConstructor` of `effect/socket/Socket`. */
export const WebSocketConstructor = Context.Service(
  "@effect/platform/Socket/WebSocketConstructor"
) as unknown as typeof Socket.WebSocketConstructor

/** The platform's own. */
export const layerGlobal: Layer.Layer<Socket.WebSocketConstructor> = Layer.succeed(
  WebSocketConstructor,
  ((url: string) => new (globalThis as unknown as { readonly WebSocket: new(url: string) => unknown }).WebSocket(url)) as never
)
