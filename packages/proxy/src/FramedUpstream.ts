/**
 * Handlers as an upstream of binary clients: where what stands behind speaks no binary packets, requests are decoded, and answers made.
 *
 * Quiet commands come as loud ones, as `ProxySession` wants all of them answered.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import { type Outcome, Server, type ServerClient } from "@wirewright/connection"
import { classicHandlers, type MemcachedHandlers } from "@wirewright/memcached"
import * as Gen from "@wirewright/memcached/gen"
import { statusText } from "@wirewright/memcached/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Slot } from "./ProxySession.ts"
import { type Frame, frameAt, writeCopy } from "./RawFrame.ts"

/** Sends requests of one client to handlers. */
export const framedUpstream = (
  handlers: MemcachedHandlers,
  client: ServerClient,
  fork: (effect: Effect.Effect<void>) => void
): (slot: Slot, request: Frame) => void => {
  const { getAndTouch, set } = handlers
  const requests = Server.requestsOf(
    Gen,
    classicHandlers({
      ...handlers,
      // memcached answers TOUCH with the flags of the item, which only a read tells elsewhere
      ...getAndTouch === undefined ? {} : { touch: getAndTouch },
      // and it takes anything with a CAS for a replacement of that version
      add: (request, client) => request.cas === 0n ? handlers.add!(request, client) : set!(request, client),
      replace: (request, client) => request.cas === 0n ? handlers.replace!(request, client) : set!(request, client)
    }),
    { text: statusText }
  )
  return (slot, frame) => {
    const loud = new Reader(encodeWith((writer) => writeCopy(writer, frame, slot.command!.loud, slot.opaque)))
    const result = requests.handle(Gen.decodeRequest(loud, 0), client)
    if (!Effect.isEffect(result)) return settle(slot, result)
    fork(Effect.map(Effect.exit(result), (exit) => Exit.isSuccess(exit) ? settle(slot, exit.value) : slot.fail("misbehaved")))
  }
}

const settle = (slot: Slot, { answer, last }: Outcome): void => {
  if (answer === undefined) return last === true ? slot.fail("ambiguous") : undefined
  const bytes = encodeWith(answer)
  const reader = new Reader(bytes)
  for (let at = 0; at < bytes.length;) {
    const frame = frameAt(reader, at)
    slot.answer(frame)
    at = frame.end
  }
}
