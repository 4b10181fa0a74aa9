/** Random specs, some hundreds in the whole run: what is written is read as the same, by the decoder and by the interpreter, and as nothing else. */
import { typeSchema } from "@wirewright/codec/PacketSchema"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, expect, it } from "vitest"
import { random } from "../../packages/codec/src/Random.fixture.ts"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { compile, Generated, hasNaN, hexOf, plain } from "./Harness.ts"
import { unrefused } from "./Strangers.ts"
import { type MadeRecord, RandomSpec } from "./RandomSpec.ts"

const seed = Number(process.env["WORDS_SEED"] ?? 1)
const specs = Number(process.env["WORDS_SPECS"] ?? tried(30, 100))
const samples = 12

const next = random(seed)
const made: ReadonlyArray<MadeRecord> = Array.from({ length: specs }, (_, i) => new RandomSpec(next, `S${i}`).struct(3, i % 3 === 0))

let g: Generated
beforeAll(async () => {
  g = await Generated.of("random", made.map(({ type }) => type))
})
afterAll(() => g?.remove())

it("writes what it reads", () => {
  const faults: Array<string> = []
  for (const { type, value } of made) {
    const { name } = type
    const schema = typeSchema([g.model], name) as Schema.Schema<unknown>
    const is = Schema.is(schema)
    for (let n = 0; n < samples; n++) {
      const own = value()
      const at = `${name} ${JSON.stringify(plain(own))}`
      try {
        const bytes = g.encode(name, own)
        const decoded = g.decode(name, bytes)
        expect(plain(decoded)).toEqual(plain({ value: own }))
        g.agree(name, bytes)
        if (!is(own)) throw new Error("the schema refuses it")
        const json = JSON.parse(JSON.stringify(g.catalog.toJson(g.typeOf(name), own, "named"))) as unknown
        expect(hexOf(g.encode(name, g.catalog.fromJson(g.typeOf(name), json, name, "")))).toBe(hexOf(bytes))
        for (let length = 0; length < bytes.length; length++) {
          const part = bytes.subarray(0, length)
          g.agree(name, part)
          if (g.ends(name)) expect(g.decode(name, part), hexOf(part)).toMatchObject({ error: { incomplete: true } })
        }
        for (let i = 0; i < 6 && bytes.length > 0; i++) {
          const other = bytes.slice()
          for (let k = next(3); k >= 0; k--) other[next(other.length)] = next(256)
          g.agree(name, other)
          const again = g.decode(name, other)
          if ("value" in again && !hasNaN(again.value)) expect(hexOf(g.encode(name, again.value)), "again").toBe(hexOf(other))
        }
      } catch (error) {
        faults.push(
          `${at}\n${error instanceof Error ? error.message : String(error)}\n${
            error instanceof Error
              ? error.stack?.split("\n").filter((line) => line.includes("wirewright-words")).slice(0, 3).join("\n")
              : ""
          }`
        )
        break
      }
    }
  }
  if (faults.length > 0) throw new Error(`${faults.length} of ${made.length} (seed ${seed})\n${faults.slice(0, 12).join("\n\n")}`)
}, tried(120_000, 400_000))

it("refuses values of other types, or writes what is read as they are", () => {
  const faults = made.flatMap(({ type: { name }, value }) =>
    unrefused(value(), (other) => g.read(name, g.encode(name, other))).map((one) => `${name} ${one}`)
  )
  expect(faults.slice(0, 12)).toEqual([])
})

it("type-checks, a part of them", async () => {
  const few = await Generated.of("random-types", made.slice(0, 100).map(({ type }) => type))
  try {
    const said = compile([few.directory])
    if (said !== "") throw new Error(said)
  } finally {
    few.remove()
  }
})
