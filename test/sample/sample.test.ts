/**
 * Samples of every protocol of this repository: that there are some of each packet, layout, status and case; that generated decoders read them
 * as what they were drawn to be, and write them again as they are; and that bytes which are no packets are refused for the same reason.
 *
 * `SAMPLES=full` draws all that cover each protocol, and changes all of its packets (minutes); without it, a part that takes seconds.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { hexOf } from "@wirewright/codec/Hex"
import { headerFields } from "@wirewright/codec/Json"
import { annotate } from "@wirewright/codec/Layout"
import { packetOf } from "@wirewright/codec/LayoutPacket"
import { malformed, objectionOf } from "@wirewright/codegen/sample/Malformed"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import { isDeepStrictEqual } from "node:util"
import { describe, expect, it } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { Recorded } from "../gallery/Conversations.ts"
import { all as gallery } from "../gallery/All.ts"
import { plain } from "../words/Harness.ts"
import { unrefused } from "../words/Strangers.ts"
import { decoded, encoded, protocols } from "./Protocols.ts"

const isFull = process.env["SAMPLES"] === "full"
const count = tried(25, 80)
/** Packets whose changes are tried. */
const changed = 3
const faults = 3

const text = (value: unknown): string =>
  JSON.stringify(value, (_, one) => typeof one === "bigint" ? `${one}n` : one instanceof Uint8Array ? hexOf(one) : one)

/** Every NaN is written as the same one. */
const holdsNaN = (value: unknown): boolean =>
  Number.isNaN(value) ||
  typeof value === "object" && value !== null && !(value instanceof Uint8Array) && Object.values(value).some(holdsNaN)

describe.each(protocols.map((one) => [one.title, one] as const))("%s", (_, protocol) => {
  const sampler = new Sampler(protocol.catalog)

  it("has samples of every packet, layout, status and case, which its decoder reads and its encoder writes", () => {
    const wrong: Array<string> = []
    const drawn = new Map<string, number>()
    for (const sample of sampler.all(isFull ? {} : { count })) {
      const { annotation, bytes, kind, states, tag } = sample
      const key = `${tag} ${annotation.layout ?? ""} ${annotation.status ?? ""}`
      drawn.set(key, (drawn.get(key) ?? 0) + 1)
      const own = sampler.packet(sample)
      const theirs = decoded(protocol, bytes, kind, states)
      const at = `${tag} ${[...states].join(" ")} ${hexOf(bytes)}`
      if (theirs instanceof DecodeError) wrong.push(`${at} is refused: ${theirs.message}`)
      else if (!isDeepStrictEqual(plain(theirs), plain(own))) wrong.push(`${at} is\n${text(theirs)}\nand not\n${text(own)}`)
      else if (!protocol.spellings && !holdsNaN(own)) {
        const again = encoded(protocol, theirs, states)
        if (Buffer.compare(again, bytes) !== 0) wrong.push(`${at} is written ${hexOf(again)}`)
      }
      if (wrong.length >= faults) break
    }
    expect(wrong).toEqual([])
    if (!isFull) return
    const missing = sampler.plans.filter(({ layout, statusName, tag }) =>
      ![...drawn.keys()].some((key) => key.startsWith(`${tag} ${layout?.name ?? ""} ${statusName ?? ""}`))
    )
    expect(missing.map(({ layout, statusName, tag }) => [tag, layout?.name, statusName, sampler.refusals.get(tag)])).toEqual([])
  }, 120_000)

  it("the same seed gives the same", () => {
    const { tag } = sampler.plans.at(-1)!
    const some = (seed: number) =>
      [...new Sampler(protocol.catalog, { seed }).all({ count: 20, packet: tag })].map(({ bytes }) => hexOf(bytes))
    expect(some(5)).toEqual(some(5))
    expect(some(6)).not.toEqual(some(5))
  })

  it("values of other types are refused, or written as they are", () => {
    const wrong: Array<string> = []
    const seen = new Set<string>()
    for (const { annotation, bytes, kind, states, tag } of sampler.all({ count })) {
      const key = `${tag} ${annotation.layout ?? ""}`
      if (seen.has(key)) continue
      seen.add(key)
      const packet = decoded(protocol, bytes, kind, states)
      if (packet instanceof DecodeError) continue
      const fields = headerFields(protocol.catalog.kind(kind)!)
      const header = new Set(fields.map(({ name }) => name))
      const opcode = fields.find(({ role }) => role === "opcode")?.name
      wrong.push(
        ...unrefused(packet, (other) => {
          const again = decoded(protocol, encoded(protocol, other as typeof packet, states), kind, states)
          if (again instanceof DecodeError) throw again
          return again
        }, {
          mayBeUnread: protocol.spellings,
          // what says which packet it is, and headers, in which null is nothing
          isLeftOut: (path, other) =>
            ["_tag", "layout", opcode].includes(path) || header.has(path) && (other as Record<string, unknown>)[path] === null
        })
      )
      if (wrong.length >= faults) break
    }
    expect(wrong.slice(0, faults)).toEqual([])
  })

  it("what is malformed is refused for the same reason", () => {
    const names = [...new Set(sampler.plans.map(({ tag }) => tag))]
    const some = isFull ? names : names.filter((_, i) => i % Math.ceil(names.length / changed) === 0)
    const found = some.flatMap((packet) => malformed(new Sampler(protocol.catalog, { seed: 2 }), { packet, seeds: 3, changes: 40 }))
    const bad = [...new Map(found.map((one) => [objectionOf(one.error), one])).values()]
    expect(bad.length).toBeGreaterThan(3)
    const wrong = bad.flatMap(({ bytes, error, kind, states, tag }) => {
      // a transport hands over text up to its end
      if (protocol.catalog.frame.over === "text" && bytes.indexOf(0x1e) !== bytes.length - 1) return []
      const theirs = decoded(protocol, bytes, kind, states)
      return theirs instanceof DecodeError ? [] : [`${tag} ${hexOf(bytes)}: ${error.message}, and is ${text(theirs)}`]
    })
    expect(wrong.slice(0, faults)).toEqual([])
  }, isFull ? 1_200_000 : 120_000)
})

describe.each(gallery.map((one) => [one.title, one] as const))("%s as others recorded it", (_, one) => {
  it("the interpreter's packets are the decoder's", () => {
    const recorded = new Recorded(one)
    const wrong: Array<string> = []
    for (const { bytes, one: { packet, reading } } of recorded.packets) {
      const states = new Map(Object.entries(reading.states ?? {}).map(([name, value]) => [name, Number(value)]))
      const annotation = annotate(recorded.catalog, bytes, { states, ...(reading.kind === undefined ? {} : { kind: reading.kind }) })
      const own = packetOf(recorded.catalog, annotation, states)
      if (!isDeepStrictEqual(plain(packet), plain(own))) wrong.push(`${hexOf(bytes)} is\n${text(packet)}\nand not\n${text(own)}`)
      if (wrong.length >= faults) break
    }
    expect(wrong).toEqual([])
  })
})
