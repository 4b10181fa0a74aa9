/** The gallery's spec of WebSocket frames against the recorded bytes of others. */
import { bytesOfHex } from "@wirewright/codec/Hex"
import { expect, it } from "vitest"
import { Recorded } from "./Conversations.ts"
import { galleryTests } from "./Suite.ts"
import { websocket } from "./WebSocket.ts"

const recorded = new Recorded(websocket)

galleryTests(recorded)

it("of a payload that has not all come, the interpreter shows what is there and waits", () => {
  // a pong of 256 bytes, of which one has come
  const { error, fields } = recorded.annotate(bytesOfHex("8a7e010082"), {})
  expect(error).toMatchObject({ reason: "Incomplete", path: "payload", offset: 5, incomplete: true })
  expect(fields.at(-1)).toMatchObject({ path: "payload", offset: 4, length: 1 })
})
