/** The gallery's spec of Modbus TCP against the recorded bytes of others. */
import { annotate, hexdump } from "@wirewright/codec"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { expect, it } from "vitest"
import { Recorded } from "./Conversations.ts"
import { modbus } from "./Modbus.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(modbus)

galleryTests(recorded)

it("a length less than the header's is shown with all of the header", () => {
  // length 1 ends the packet before its function code
  const bytes = bytesOfHex("00030000000101010200c4")
  const annotation = annotate(recorded.catalog, bytes, { kind: "request" })
  expect(annotation.error).toMatchObject({ reason: "Length", path: "length", offset: 4 })
  expect(annotation.length).toBe(8)
  expect(hexdump(annotation, bytes)).toContain("functionCode")
})
