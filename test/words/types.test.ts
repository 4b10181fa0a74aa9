/** Generated code of every entry of the table type-checks, and its types are what the values of the table have. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, it } from "vitest"
import { groups, states } from "./Groups.ts"
import { compile, Generated } from "./Harness.ts"

const made: Array<Generated> = []
afterAll(() => made.forEach((one) => one.remove()))

/** A value of the table as an expression. */
const literal = (value: unknown): string => {
  if (value instanceof Uint8Array) return `Uint8Array.of(${value.join(", ")})`
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "number") return String(value)
  if (Array.isArray(value)) return value.length > 40 ? "[]" : `[${value.map(literal).join(", ")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value).map(([name, one]) => `${name}: ${literal(one)}`).join(", ")} }`
}

it("type-checks, with the values of the table", async () => {
  for (const [group, entries] of Object.entries(groups)) {
    const g = await Generated.of(`${group}-types`, entries.map(({ type }) => type), { states })
    made.push(g)
    const lines = entries.flatMap(({ examples, type }) =>
      examples.map(({ value }, i) => `export const ${type.name}Example${i}: Types.${type.name} = ${literal(value)}`)
    )
    Fs.writeFileSync(Path.join(g.directory, "Values.ts"), [`import type * as Types from "./Types.ts"`, ...lines].join("\n"))
  }
  const said = compile(made.map(({ directory }) => directory))
  if (said !== "") throw new Error(said)
})
