/** A frame that says by which field answers are told has a client and a server, or a finding that says why not. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { runCalls } from "./Run.ts"

/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-no-client")

const fixed = "length: bodyLength(u16), id: u16"

/** Header fields of requests and of answers, and why no client comes of them. */
const cases: { readonly [name: string]: readonly [request: string, answer: string, why: string | undefined] } = {
  whole: [`${fixed}, type: opcode(u8), spare: u8`, `${fixed}, type: opcode(u8), status: statusCode(u8)`, undefined],
  statusless: [`${fixed}, type: opcode(u8)`, `${fixed}, type: opcode(u8)`, "no header field of n says whether the command succeeded"],
  codeless: [`${fixed}, spare: u8`, `${fixed}, status: statusCode(u8)`, "no header field of m says which command it is"],
  run: ["length: bodyLength(varint()), id: u16, type: opcode(u8)", `${fixed}, type: opcode(u8)`, "the header of m is read field by field"]
}
const names = Object.keys(cases)

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
  for (const name of names) {
    const [request, answer] = cases[name]!
    Fs.writeFileSync(
      Path.join(work, `${name}.ts`),
      `import { bodyLength, frame, opcode, protocol, status, statusCode, statuses, u8, u16, varint } from "@wirewright/dsl"
const f = frame("F", { sections: ["body"], correlation: "id", statuses: statuses("St", u8, { Success: status(0, "success") }),
  kinds: { m: { headers: [{ fields: { ${request} } }] }, n: { answers: "m", headers: [{ fields: { ${answer} } }] } } })
export const x = protocol(f, { name: "x", module: "./x", commands: [] })
`
    )
  }
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

it("says why", () => {
  const outcomes = runCalls(names.map((name) => ["check", { cwd: work, targets: [{ spec: `${name}.ts`, out: name }] }]))
  const said = outcomes.map((outcome) =>
    typeof outcome === "string" ? outcome : outcome.findings.filter(({ rule }) => rule === "WW159").map(({ message }) => message)
  )
  expect(said).toEqual(names.map((name) => {
    const why = cases[name]![2]
    return why === undefined ? [] : [`answers are told by id, but no client or server comes of it: ${why}`]
  }))
})
