/** The gallery's spec of BSON documents against the recorded bytes of others. */
import { encodeWith, hexOf, Reader } from "@wirewright/codec"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import { decodeDocument, type Document, encodeDocument } from "@wirewright/examples/gallery/bson"
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { bson } from "./Bson.ts"
import { Recorded } from "./Conversations.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(bson)

galleryTests(recorded)

const { documents } = JSON.parse(readFileSync(new URL("../fixtures/gallery/bson.json", import.meta.url), "utf8")) as {
  readonly documents: ReadonlyArray<{ readonly name: string; readonly hex: string; readonly ejson: string }>
}

/** Names of all fields, those within first. */
const names = (document: Document): ReadonlyArray<string> =>
  document.elements.flatMap((one) => [one.name, ...one._tag === "Document" || one._tag === "Array" ? names(one.value) : []])

it.each(documents)("the document $name of npm's bson", ({ ejson, hex }) => {
  const document = decodeDocument(bytesOfHex(hex))
  expect(hexOf(encodeWith((writer) => encodeDocument(writer, document)))).toBe(hex)
  for (const name of names(document)) if (!/^\d+$/.test(name)) expect(ejson).toContain(JSON.stringify(name))
  // every prefix may yet become the document
  for (let size = 0; size < hex.length / 2; size += 1 + Math.floor(hex.length / 400)) {
    expect(() => decodeDocument(bytesOfHex(hex.slice(0, 2 * size)))).toThrow(expect.objectContaining({ incomplete: true }))
  }
})

it("an unknown operation of a negative number comes back from JSON", () => {
  const bytes = bytesOfHex("140000000100000000000000ffffffff00000000")
  const packet = recorded.decode(new Reader(bytes), 0, {})
  const json: unknown = JSON.parse(JSON.stringify(packetToJson(recorded.catalog, packet, bytes.length)))
  expect(json).toMatchObject({ packet: "Unknown", opCode: "-0x00000001" })
  expect(packetFromJson(recorded.catalog, json)).toEqual(packet)
})
