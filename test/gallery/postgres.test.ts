/** The gallery's spec of PostgreSQL's protocol against the recorded bytes of others. */
import { Reader } from "@wirewright/codec"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import { Recorded } from "./Conversations.ts"
import { expect, it } from "vitest"
import { postgres } from "./Postgres.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(postgres)

galleryTests(recorded)

it("an authentication that the spec does not know is unknown in JSON too, and comes back", () => {
  const bytes = bytesOfHex("520000000800000063")
  const packet = recorded.decode(new Reader(bytes), 0, { kind: "backend" })
  const json: unknown = JSON.parse(JSON.stringify(packetToJson(recorded.catalog, packet, bytes.length)))
  expect(json).toMatchObject({ packet: "Unknown", kind: "backend", type: "0x52" })
  expect(packetFromJson(recorded.catalog, json)).toEqual(packet)
})
