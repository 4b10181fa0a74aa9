/** The gallery's spec of DNS messages against the recorded bytes of others. */
import { encodeWith, hexOf, Reader, Writer } from "@wirewright/codec"
import * as Dns from "@wirewright/examples/gallery/dns"
import { expect, it } from "vitest"
import { Recorded } from "./Conversations.ts"
import { dns } from "./Dns.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(dns)
galleryTests(recorded)

it("messages written one after the other point at no names of those before", () => {
  const writer = new Writer()
  for (const { one } of recorded.packets) Dns.encode(writer, one.packet as unknown as Parameters<typeof Dns.encode>[1])
  expect(hexOf(writer.take())).toBe(hexOf(Buffer.concat(recorded.packets.map(({ bytes }) => bytes))))
})

it("neither do records that are written by themselves", () => {
  const question = { name: "a.test.", type: 1, class: 1 }
  const alone = encodeWith((writer) => Dns.encodeQuestion(writer, question))
  const writer = new Writer()
  Dns.encodeQuestion(writer, question)
  Dns.encodeQuestion(writer, question)
  expect(hexOf(writer.take())).toBe(hexOf(alone).repeat(2))
  expect(Dns.readQuestion(new Reader(alone), 0, alone.length, 0)).toEqual(question)
})
