/**
 * The table of findings: it has all codes that the checker gives and no others, each with a spec that has exactly this finding at its line;
 * `FINDINGS.md` is made of it (`npm run docs`).
 */
import { examplePreamble, findingCodes } from "@wirewright/codegen/check/Codes"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runCalls } from "./Run.ts"

const root = Path.resolve(import.meta.dirname, "../..")
/** From where `@wirewright/*` resolves. */
const work = Path.join(root, "test/.wirewright-codes")

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const preambleLines = examplePreamble.split("\n").length - 1

const page = (): string =>
  `# Findings

What \`wirewright check\` and \`wirewright generate\` say about specs. Each finding has a file, a line, a code and a hint; while there is one,
nothing is written. Specs run without the type checker, so values are checked, too. A \`// ←\` marks the line.

Where the words of a spec leave no choice, it is proved that no two values have the same bytes. A notice says what could not be decided;
silence means proved.

The examples assume:

\`\`\`ts
${examplePreamble.split("\n").slice(2).join("\n").trim()}
\`\`\`

${
    findingCodes.map(({ code, example, reason, remedy, title }) =>
      [`## ${code}: ${title}`, "", `${reason} ${remedy}`, ...example === undefined ? [] : ["", "```ts", example, "```"]].join("\n")
    ).join("\n\n")
  }
`

describe("the table of findings", () => {
  it("has the codes of the checker, in order, once each", () => {
    const sources = Fs.readdirSync(Path.join(root, "codegen/src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith("Codes.ts"))
    const used = new Set(
      sources.flatMap((file) =>
        [...Fs.readFileSync(Path.join(root, "codegen/src", file), "utf8").matchAll(/"(WW\d{3})"/g)].map(([, code]) => code!)
      )
    )
    const listed = findingCodes.map(({ code }) => code)
    expect(listed).toEqual([...used].sort())
    expect(new Set(listed).size).toBe(listed.length)
  })

  it("has an example of each that is found at its line, and nothing else is", () => {
    const examples = findingCodes.flatMap(({ code, example }) => example === undefined ? [] : [{ code, example }])
    expect(examples.length).toBeGreaterThan(90)
    for (const { code, example } of examples) Fs.writeFileSync(Path.join(work, `${code}.ts`), `${examplePreamble}${example}\n`)
    const outcomes = runCalls(examples.map(({ code }) => ["check", { cwd: work, targets: [{ spec: `${code}.ts`, out: "gen" }] }]))
    const found = outcomes.map((outcome) =>
      typeof outcome === "string"
        ? outcome
        : [...outcome.findings, ...outcome.notices].map(({ hint, line, rule }) =>
          `${rule} at line ${line - preambleLines}${hint === "" ? ", no hint" : ""}`
        ).join("; ")
    )
    const expected = examples.map(({ code, example }) =>
      `${code} at line ${example.split("\n").findIndex((line) => line.endsWith("// ←")) + 1}`
    )
    expect(found).toEqual(expected)
  })

  it("is what FINDINGS.md says", () => {
    const file = Path.join(root, "FINDINGS.md")
    if (process.env["UPDATE_DOCS"] === "1") Fs.writeFileSync(file, page())
    expect(Fs.readFileSync(file, "utf8")).toBe(page())
  })
})
