/** Every word of the grammar: both directions against bytes written by hand, the interpreter, JSON, schemas, and what must be refused. */
import { typeSchema } from "@wirewright/codec/PacketSchema"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { groups, states } from "./Groups.ts"
import { bytesOf, Generated, hexOf, plain } from "./Harness.ts"
import { unrefused } from "./Strangers.ts"
import { random } from "../../packages/codec/src/Random.fixture.ts"

for (const [group, entries] of Object.entries(groups)) {
  describe(group, () => {
    let g: Generated
    beforeAll(async () => {
      g = await Generated.of(group, entries.map(({ type }) => type), { states })
    })
    afterAll(() => g?.remove())

    const readAlike = entries.flatMap(({ alike = [], examples, name, type }) =>
      alike.map((hex) => [name, hex, type.name, examples[0]!.value] as const)
    )
    it.runIf(readAlike.length > 0).each(readAlike)("%s reads %s as it writes other bytes", (_, hex, name, value) => {
      expect(plain(g.decode(name, bytesOf(hex)))).toEqual(plain({ value }))
      g.agree(name, bytesOf(hex))
    })

    describe.each(entries.map((entry) => [entry.name, entry] as const))("%s", (_, { examples, lossy, refused = [], type, wrong = [] }) => {
      const { name } = type

      it("has the bytes of the table, in both directions, and for the interpreter", () => {
        for (const { hex, value, ...around } of examples) {
          const bytes = bytesOf(hex)
          expect(hexOf(g.encode(name, value, around))).toBe(hexOf(bytes))
          expect(plain(g.decode(name, bytes, around))).toEqual(plain({ value }))
          g.agree(name, bytes, around)
        }
      })

      it("goes through JSON, and its schema accepts it", () => {
        const schema = typeSchema([g.model], name) as Schema.Schema<unknown>
        for (const { hex, value, ...around } of examples) {
          const catalog = g.catalog.inStates(around.states ?? {})
          for (const notation of ["named", "plain"] as const) {
            const json = JSON.parse(JSON.stringify(catalog.toJson(g.typeOf(name), value, notation))) as unknown
            const back = catalog.fromJson(g.typeOf(name), json, name, "")
            expect(hexOf(g.encode(name, back, around)), JSON.stringify(json)).toBe(hexOf(bytesOf(hex)))
          }
          expect(Schema.is(schema)((g.decode(name, bytesOf(hex), around) as { readonly value: unknown }).value), hex).toBe(true)
        }
      })

      it("is incomplete at every prefix", () => {
        for (const { hex, value: _value, ...around } of examples) {
          const bytes = bytesOf(hex)
          for (let length = 0; length < bytes.length; length++) {
            const part = bytes.subarray(0, length)
            g.agree(name, part, around)
            if (g.ends(name)) expect(g.decode(name, part, around), hexOf(part)).toMatchObject({ error: { incomplete: true } })
          }
        }
      })

      it("is wrong where the table says so, whatever follows", () => {
        const next = random(1)
        for (const { hex, offset, path, reason, ...around } of wrong) {
          const bytes = bytesOf(hex)
          const error = { reason, path, offset, incomplete: false }
          expect(g.decode(name, bytes, around), hex).toEqual({ error })
          expect(g.walk(name, bytes, around), hex).toEqual({ error })
          for (let i = 0; i < 20; i++) {
            const longer = Uint8Array.from([...bytes, ...Array.from({ length: 1 + next(12) }, () => next(256))])
            expect(g.decode(name, longer, around), hexOf(longer)).toHaveProperty("error")
          }
        }
      })

      it("reads mutated bytes as the interpreter does, and writes again what it reads", () => {
        const next = random(2)
        for (const { hex, value: _value, ...around } of examples) {
          for (let i = 0; i < 60; i++) {
            const bytes = bytesOf(hex)
            for (let n = next(3); n >= 0 && bytes.length > 0; n--) bytes[next(bytes.length)] = next(2) === 0 ? next(256) : next(4)
            const cut = next(4) === 0 ? bytes.subarray(0, next(bytes.length + 1)) : bytes
            g.agree(name, cut, around)
            const decoded = g.decode(name, cut, around)
            if ("value" in decoded) {
              if (lossy === undefined) expect(hexOf(g.encode(name, decoded.value, around))).toBe(hexOf(cut))
            } else if (!decoded.error.incomplete) {
              const longer = Uint8Array.from([...cut, ...Array.from({ length: 1 + next(12) }, () => next(256))])
              if (g.ends(name)) expect(g.decode(name, longer, around), hexOf(longer)).toHaveProperty("error")
            }
          }
        }
      })

      it("refuses values of other types, or writes what is read as they are", () => {
        const faults = examples.flatMap(({ hex: _hex, value, ...around }) =>
          unrefused(value, (other) => g.read(name, g.encode(name, other, around), around), { mayBeUnread: lossy !== undefined })
        )
        expect(faults).toEqual([])
      })

      it("cannot write what would be read differently", () => {
        for (const { path, reason, value, ...around } of refused) {
          expect(g.refusal(name, value, around), JSON.stringify(plain(value))).toEqual({ reason, path })
        }
      })
    })
  })
}
