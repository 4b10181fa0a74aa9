/** What the words can do, `check` accepts: no entry of the table and no example of the reference has a finding. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { runCalls } from "../generator/Run.ts"
import { groups, states } from "./Groups.ts"

/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-words-checked")

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const spec = (imports: string, types: string): string =>
  `import * as D from "@wirewright/dsl"
${imports}
const kinds = { m: { headers: [{ fields: { length: D.bodyLength(D.u16), type: D.opcode(D.u8) } }] } }
const frame = D.frame("F", { sections: ["body"], states: ${
    JSON.stringify(Object.fromEntries(states.map((state) => [state, state])))
  }, kinds })
export const x = D.protocol(frame, { name: "x", module: "./x", commands: [], types: ${types} })
`

it("entries of all groups, and examples of the reference", () => {
  // an optional token before a list: the codec refuses what the proof cannot tell apart
  const undecided = ["TokensChoice"]
  const specs = {
    ...Object.fromEntries(
      Object.keys(groups).map((group) => [
        group,
        spec(
          "import { groups } from \"../words/Groups.ts\"",
          `groups[${JSON.stringify(group)}].map(({ type }) => type).filter(({ name }) => !${JSON.stringify(undecided)}.includes(name))`
        )
      ])
    ),
    reference: spec("import { recordOf, rows } from \"../words/Reference.ts\"", "rows.map(recordOf)")
  }
  const names = Object.keys(specs)
  for (const [name, text] of Object.entries(specs)) Fs.writeFileSync(Path.join(work, `${name}.ts`), text)
  const outcomes = runCalls(names.map((name) => ["check", { cwd: work, targets: [{ spec: `${name}.ts`, out: "gen" }] }]))
  const found = outcomes.flatMap((outcome, i) =>
    typeof outcome === "string"
      ? `${names[i]}: ${outcome}`
      : outcome.findings.map(({ file, line, message, rule }) => `${names[i]}: ${file}:${line} ${rule} ${message}`)
  )
  expect(found).toEqual([])
})
