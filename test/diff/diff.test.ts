/**
 * Kinds of changes, each classified and proved: what is called WIRE has a packet that the other side reads otherwise or refuses, what is called
 * SAFE or SOURCE has none among many. `DIFF_SAMPLES=10000` tries as many packets of each.
 */
import { buildModel, type Built } from "@wirewright/codegen/Build"
import { checkModel } from "@wirewright/codegen/check/Model"
import { diffOf } from "@wirewright/codegen/diff/Diff"
import { Origin } from "@wirewright/codegen/Origin"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { annotate } from "@wirewright/codec/Layout"
import { Catalog } from "@wirewright/codec/Catalog"
import type { Protocol } from "@wirewright/dsl"
import * as D from "@wirewright/dsl"
import { describe, expect, it } from "vitest"
import { table } from "./Table.ts"

const samples = Number(process.env["DIFF_SAMPLES"] ?? 200)
const origin = await Origin.make()

const catalogOf = (value: Protocol): Catalog => {
  const built: Built = buildModel(value, origin)
  expect([...built.complaints, ...checkModel(built)].map(({ message, rule }) => `${rule} ${message}`)).toEqual([])
  return Catalog.of([built.model])
}

describe("kinds of changes", () => {
  it("are many, and all of another name", () => {
    expect(new Set(table.map(({ name }) => name)).size).toBe(table.length)
    expect(table.length).toBeGreaterThanOrEqual(60)
  })

  it.each(table.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const [old, now] = [catalogOf(row.old), catalogOf(row.now)]
    const found = diffOf(old, now, { samples })
    const shown = found.map(({ changes, class: of, isUnshown, place, witnesses }) => ({ of, place, changes, isUnshown, witnesses }))
    if (row.class === undefined) return expect(shown).toEqual([])
    expect(found.length, "something differs").toBeGreaterThan(0)
    expect(found[0]!.class, JSON.stringify(shown, null, 1)).toBe(row.class)
    expect(found.every(({ changes }) => changes.length > 0), "each says what").toBe(true)
    // the specs say so by themselves
    expect(found.some(({ isCovered }) => !isCovered), "by structure").toBe(row.class === "WIRE")
    const witnesses = found.flatMap((one) => one.witnesses)
    if (row.class !== "WIRE") return expect(witnesses).toEqual([])
    expect(found.filter(({ class: of }) => of === "WIRE").some(({ isUnshown }) => isUnshown)).toBe(row.isUnshown === true)
    if (row.isUnshown === true) return expect(witnesses).toEqual([])
    expect(witnesses.length).toBeGreaterThan(0)
    if (row.only !== undefined) expect([...new Set(witnesses.map(({ direction }) => direction))]).toEqual([row.only])
    for (const { direction, hex, states } of witnesses) {
      // its writer reads it without an objection
      const writer = direction === "old to new" ? old : now
      const kinds = writer.frame.kinds.map(({ name }) => annotate(writer, bytesOfDigits(hex), { kind: name, states }))
      expect(kinds.some(({ error }) => error === undefined), `${direction} ${hex}`).toBe(true)
    }
  })

  it("of one packet do not stand for one another: what only one of them changes on the wire is told of that one", () => {
    const version = (id: D.Type, cases: D.Choice["cases"]): Catalog => {
      const frame = D.frame("T", {
        sections: ["b"],
        kinds: { m: { headers: [{ fields: { length: D.bodyLength(D.u16), type: D.opcode(D.u8) } }] } }
      })
      const value = D.choice("Value", D.by("code"), cases, { unknown: "keep" })
      const item = D.struct("Item", { code: D.u8, value: D.prefixed(D.u8, value) })
      const fields = { id, items: D.array(item) }
      return catalogOf(D.protocol(frame, { name: "t", module: "./t", commands: [D.packetsOf(frame, "m")("Open", { opcode: 1, fields })] }))
    }
    const [one, more] = [{ A: D.tagged(1, {}) }, { A: D.tagged(1, {}), B: D.tagged(2, { n: D.u8 }) }]
    const found = diffOf(version(D.u32, one), version(D.u32.le, more), { samples })
    expect(found.map(({ class: of, place, witnesses }) => [of, place, witnesses.length > 0])).toEqual([
      ["WIRE", "Open", true],
      ["SAFE", "Value", false]
    ])
    expect(diffOf(version(D.u32, one), version(D.u32, more), { samples }).map(({ class: of, place }) => [of, place])).toEqual([[
      "SAFE",
      "Value"
    ]])
  })
})
