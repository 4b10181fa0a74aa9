/** The reference of the words is made of a table, whose examples are run in both directions. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bytesOf, Generated, hexOf, plain } from "../words/Harness.ts"
import { evaluated, recordOf, reference, referenceName as nameOf, rows, unsaid } from "../words/Reference.ts"
import { expectGuide } from "./Guide.ts"

let g: Generated
beforeAll(async () => {
  g = await Generated.of("reference", rows.map(recordOf))
})
afterAll(() => g?.remove())

describe("examples", () => {
  it.each(rows.map((row, i) => [row.word, row, i] as const))("%s", (_, { hex, value }, i) => {
    const own = evaluated<object>(value)
    expect(hexOf(g.encode(nameOf(i), own))).toBe(hexOf(bytesOf(hex)))
    expect(plain(g.decode(nameOf(i), bytesOf(hex)))).toEqual(plain({ value: own }))
    g.agree(nameOf(i), bytesOf(hex))
  })
})

it("every word that the DSL exports for types is in the reference", () => {
  const kinds = new Set(JSON.stringify(g.model).match(/"kind":"\w+"/g))
  const words = [
    "int",
    "float",
    "varint",
    "escaped",
    "decimal",
    "bytes",
    "utf8",
    "json",
    "text",
    "literal",
    "constant",
    "reserved",
    "align",
    "checksum",
    "lengthOf",
    "countOf",
    "tagOf",
    "prefixed",
    "counted",
    "optional",
    "when",
    "array",
    "bits",
    "tokens",
    "struct",
    "choice",
    "flags",
    "enumeration",
    "bool",
    "bcd"
  ]
  expect(words.filter((word) => !kinds.has(`"kind":"${word}"`))).toEqual([])
})

const typeText = (i: number): string => {
  const type = g.interfaceOf(nameOf(i))
  return type.replaceAll(/(Point|Either|Data|Value|Kind|Rights|Cas)\d+/g, "$1")
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

const table = (group: string): string => {
  const lines = reference[group]!.map((row) => {
    const i = rows.indexOf(row)
    return `| ${
      row.word.split(", ").map((word) =>
        /^[.\w ]+$/.test(word) && !word.includes(" by ") && !word.includes(" several")
          ? word.split(" ").map((one) => `\`${one}\``).join(" ")
          : word
      ).join(", ")
    } | \`${cell(row.spec)}\` | ${cell(row.bytes)} | ${cell(row.says)} | \`${cell(typeText(i))}\` | \`${
      cell(row.value)
    }\` ⇄ \`${row.hex}\` |`
  })
  return ["| word | in a spec | bytes | options and limits | TypeScript | example |", "|---|---|---|---|---|---|", ...lines].join("\n")
}

it("WORDS.md is what the table says", () => {
  expectGuide("packages/dsl/WORDS.md", {
    ...Object.fromEntries(Object.keys(reference).map((group) => [group, () => table(group)])),
    "cannot be said": () =>
      ["| what | instead |", "|---|---|", ...unsaid.map(([what, instead]) => `| ${cell(what)} | ${cell(instead)} |`)].join("\n")
  })
})
