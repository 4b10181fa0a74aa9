/** The reference of the words is made of a table, whose examples are run in both directions. */
import { wordOptions } from "@wirewright/codegen/check/Values"
import { encodeWith, Reader } from "@wirewright/codec"
import * as D from "@wirewright/dsl"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bytesOf, compile, Generated, hexOf, plain } from "../words/Harness.ts"
import { runCalls } from "../generator/Run.ts"
import { frameReference } from "../words/FrameReference.ts"
import { evaluated, recordOf, reference, referenceName as nameOf, rows, unsaid } from "../words/Reference.ts"
import { expectGuide, snippet } from "./Guide.ts"

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

const typeText = (i: number): string => {
  const type = g.interfaceOf(nameOf(i))
  return type.replaceAll(/(Point|Either|Data|Value|Kind|Rights|Cas)\d+/g, "$1")
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

const wordCell = (word: string): string => word.includes("`") ? word : word.replaceAll(/[.\w]+/g, "`$&`")

/** Frames and protocols: each a spec of its own. */
const frames = Path.join(import.meta.dirname, "../.wirewright-frame-reference")

beforeAll(() => {
  Fs.rmSync(frames, { recursive: true, force: true })
  frameReference.forEach(({ spec }, i) => {
    Fs.mkdirSync(Path.join(frames, `r${i}/x`), { recursive: true })
    Fs.copyFileSync(Path.join(import.meta.dirname, "../words/Inverted.ts"), Path.join(frames, `r${i}/x/Inverted.ts`))
    const words = Object.keys(D).filter((word) => new RegExp(`\\b${word}\\(|\\b${word}\\b(?!["\\w:(])`).test(spec))
    Fs.writeFileSync(Path.join(frames, `r${i}/spec.ts`), `import { ${words.join(", ")} } from "@wirewright/dsl"\n${spec}\n`)
  })
  const outcomes = runCalls(frameReference.map(({ spec }, i) => ["generate", {
    cwd: Path.join(frames, `r${i}`),
    targets: [
      ...spec.includes("export const base") ? [{ spec: "spec.ts", protocol: "base", out: "base" }] : [],
      { spec: "spec.ts", protocol: "x", out: "x" }
    ]
  }]))
  expect(outcomes.flatMap((outcome): ReadonlyArray<unknown> => typeof outcome === "string" ? [outcome] : outcome.findings)).toEqual([])
})
afterAll(() => Fs.rmSync(frames, { recursive: true, force: true }))

describe("examples of frames and protocols", () => {
  it.each(frameReference.map((row, i) => [row.word, row, i] as const))("%s", async (_, { hex, name, shown, spec, value }, i) => {
    expect(spec).toContain(shown)
    const gen = await import(Path.join(frames, `r${i}/x/index.ts`)) as {
      readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown
    }
    const own = evaluated<object>(value)
    expect(hexOf(encodeWith((writer) => gen[`encode${name}`]!(writer, own)))).toBe(hexOf(bytesOf(hex)))
    const { decode } = gen
    const read = decode === undefined ? gen[`decode${name}`]!(bytesOf(hex)) : decode(new Reader(bytesOf(hex)))
    expect(read).toMatchObject(decode === undefined ? own : { ...own, _tag: name })
  })
})

it("the code that is generated of them type-checks, beside the module of a custom field", () => {
  expect(compile(frameReference.map((_, i) => Path.join(frames, `r${i}/x`)))).toBe("")
})

/** The properties of a packet or record, those of its header and of its layouts included. */
const packetType = (i: number, name: string): string => {
  const directory = Path.join(frames, `r${i}`)
  const files = Fs.readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "spec.ts" && !file.endsWith("Model.ts") && !file.endsWith("Schemas.ts"))
  const source = files.map((file) => Fs.readFileSync(Path.join(directory, file), "utf8")).join("\n")
  const alias = new RegExp(`export type ${name} = ([^{}\n]+)\n`).exec(source)?.[1]
  if (alias !== undefined) return alias.split(" | ").map((one) => packetType(i, one)).join(" | ")
  const found = new RegExp(`export interface ${name}(?: extends ([\\w.]+))? \\{([^}]*)\\}`).exec(source)
  if (found === null) throw new Error(`no type ${name}`)
  const own = (body: string): ReadonlyArray<string> =>
    body.split("\n").map((line) => line.trim().replace(/^readonly /, "")).filter((line) => line !== "" && !/^(\/\*\*|\*)/.test(line))
  const head = found[1] === undefined
    ? ""
    : new RegExp(`export interface ${found[1].split(".").at(-1)} \\{([^}]*)\\}`).exec(source)?.[1] ?? ""
  const names = own(found[2]!).map((line) => line.split(":")[0])
  return `{ ${[...own(found[2]!), ...own(head).filter((line) => !names.includes(line.split(":")[0]))].join("; ")} }`
}

const frameTable = (): string =>
  [
    "| word | in a spec | bytes | options and limits | TypeScript | example |",
    "|---|---|---|---|---|---|",
    ...frameReference.map((row, i) =>
      `| ${wordCell(row.word)} | \`${cell(row.shown)}\` | ${cell(row.bytes)} | ${cell(row.says)} | \`${
        cell(packetType(i, row.name))
      }\` | \`${cell(row.value)}\` ⇄ \`${row.hex}\` |`
    )
  ].join("\n")

/** What the package exports beside words: places in files, for tools. */
const notWords = new Set(["mark", "callSite"])

it("has every word that the DSL exports", () => {
  const listed = new Set([...rows, ...frameReference].flatMap(({ word }) => wordCell(word).match(/(?<=`)\w+(?=`)/g) ?? []))
  expect(Object.keys(D).filter((word) => !notWords.has(word) && !listed.has(word))).toEqual([])
  // what else has a row is an option
  expect([...listed].filter((word) => !Object.hasOwn(D, word))).toEqual(["pad", "trailer", "until", "datagram"])
})

/** Rows about a kind of word. */
const said = (kind: string): string =>
  [...rows.map((row) => ({ ...row, text: row.spec })), ...frameReference.map((row) => ({ ...row, text: row.shown }))]
    .filter(({ word }) => wordCell(word).includes(`\`${kind}\``)).map(({ says, text, word }) => `${word} ${text} ${says}`).join(" ")

it("has every option that the words take", () => {
  const named: { readonly [kind: string]: string } = { int: "u16", text: "ascii", float: "f32", statuses: "statuses", command: "packetsOf" }
  const missing = Object.entries(wordOptions).flatMap(([kind, options]) =>
    options.filter((option) =>
      !new RegExp(`\\b${option}\\b`).test(`${said(named[kind] ?? kind)} ${kind === "command" ? said("commandsOf") : ""}`)
    )
      .map((option) => `${kind}: ${option}`)
  )
  expect(missing).toEqual([])
})

const table = (group: string): string => {
  const lines = reference[group]!.map((row) => {
    const i = rows.indexOf(row)
    return `| ${wordCell(row.word)} | \`${cell(row.spec)}\` | ${cell(row.bytes)} | ${cell(row.says)} | \`${cell(typeText(i))}\` | \`${
      cell(row.value)
    }\` ⇄ \`${row.hex}\` |`
  })
  return ["| word | in a spec | bytes | options and limits | TypeScript | example |", "|---|---|---|---|---|---|", ...lines].join("\n")
}

it("WORDS.md is what the table says", () => {
  expectGuide("packages/dsl/WORDS.md", {
    ...Object.fromEntries(Object.keys(reference).map((group) => [group, () => table(group)])),
    "Frames and protocols": frameTable,
    "a custom field": () => snippet("test/words/Inverted.ts", "custom"),
    "cannot be said": () =>
      ["| what | instead |", "|---|---|", ...unsaid.map(([what, instead]) => `| ${cell(what)} | ${cell(instead)} |`)].join("\n")
  })
})
