/** The service that makes WebSockets is Effect's, though its module is not loaded. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"
import { expect, it } from "vitest"
import { layerGlobal, WebSocketConstructor } from "./PlatformSocket.ts"

it("has its key, and is found by either", () => {
  expect(WebSocketConstructor.key).toBe(Socket.WebSocketConstructor.key)
  const construct = (() => ({})) as never
  const found = Effect.provide(WebSocketConstructor, Layer.succeed(Socket.WebSocketConstructor, construct))
  expect(Effect.runSync(found)).toBe(construct)
  expect(typeof Effect.runSync(Effect.provide(Socket.WebSocketConstructor, layerGlobal))).toBe("function")
})
