/** The models of a page say what the models say, as far as the page shows it. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { compactModel } from "./CompactModel.ts"

const evaluated = (module: string): unknown => new Function(module.replace("export default", "return"))()

it("gives back every value, and writes what stands twice once", () => {
  const shared = { name: "shared", type: { kind: "int", int: "u32" }, doc: "Said of a field, so it stays." }
  const model = { format: 1, a: [shared, shared, { b: shared }], c: null, d: [true, 1.5, "", "x"], ["__proto__x"]: 1, ["a-b"]: { "1": [] } }
  const module = compactModel(JSON.stringify(model))
  expect(evaluated(module)).toEqual(model)
  expect(module.match(/Said of a field/g)).toHaveLength(1)
})

it("leaves out what nobody sees", () => {
  const model = {
    commands: [{
      name: "Get",
      doc: "unseen",
      family: "KeyValue",
      examples: [
        { kind: "request", hex: "00", origin: "somewhere", states: [], fields: { opaque: 1 } },
        { kind: "request", hex: "01", origin: "elsewhere", states: [] },
        { kind: "response", hex: "ff".repeat(400), origin: "too long", states: [] }
      ]
    }],
    field: { name: "key", type: {}, doc: "seen" }
  }
  expect(evaluated(compactModel(JSON.stringify(model)))).toEqual({
    commands: [{ name: "Get", examples: [{ kind: "request", hex: "00", states: [] }] }],
    field: model.field
  })
})

it("of a model of ours, everything else is there", () => {
  const text = readFileSync(new URL("../../dcp/src/gen/dcp.model.json", import.meta.url), "utf8")
  const without = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (name, one: unknown) => ["doc", "examples", "origin", "family", "@generated"].includes(name) ? undefined : one)
    )
  const compact = evaluated(compactModel(text))
  expect(without(compact)).toEqual(without(JSON.parse(text)))
  expect(compactModel(text).length).toBeLessThan(JSON.stringify(JSON.parse(text)).length * 0.7)
})
