/** The checker finds every mistake of a spec at once, each at its own line, and writes nothing then. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { runCheck, runGenerator } from "./Run.ts"

const fixtures = Path.join(import.meta.dirname, "fixtures")

/** Lines that say which rule they break. */
const planted = (file: string): ReadonlyArray<string> =>
  Fs.readFileSync(Path.join(fixtures, file), "utf8").split("\n").flatMap((line, index) => {
    const rule = /\/\/ (WW\d{3})$/.exec(line)?.[1]
    return rule === undefined ? [] : [`${file}:${index + 1} ${rule}`]
  })

const found = (file: string, out: string): ReadonlyArray<string> =>
  runGenerator({ cwd: fixtures, targets: [{ spec: file, out }] }).findings.map((one) => `${one.file}:${one.line} ${one.rule}`)

describe("findings", () => {
  it("finds 12 planted mistakes, each at its line, and nothing else", () => {
    const expected = planted("Mistakes.ts")
    expect(expected.length).toBe(12)
    const out = Fs.mkdtempSync(Path.join(Os.tmpdir(), "wirewright-"))
    expect([...found("Mistakes.ts", out)].sort()).toEqual([...expected].sort())
    expect(Fs.readdirSync(out)).toEqual([])
    Fs.rmSync(out, { recursive: true })
  })

  it("says what is wrong, with a hint", () => {
    const { findings } = runGenerator({ cwd: fixtures, targets: [{ spec: "Mistakes.ts", out: "/nowhere" }] })
    const length = findings.find((one) => one.rule === "WW122")!
    expect(length.message).toBe("no field is named nmae")
    expect(length.hint).toBe("name one of: name")
    expect(length.column).toBe(3)
    for (const one of findings) expect(one.hint).not.toBe("")
  })

  it("decodes the examples and refuses those that contradict the spec", () => {
    const expected = planted("BadExamples.ts")
    expect(expected.length).toBe(5)
    expect([...found("BadExamples.ts", "/nowhere")].sort()).toEqual([...expected].sort())
  })

  it("finds nothing, and leaves nothing undecided, in what real protocols need", () => {
    const names = ["postgres", "mqtt", "resp", "meta", "records", "modbus", "dhcp"]
    const { findings, notices } = runCheck({
      cwd: fixtures,
      targets: names.map((protocol) => ({ spec: "Fine.ts", protocol, out: `/nowhere/${protocol}` }))
    })
    expect([findings, notices]).toEqual([[], []])
  })

  it("reports a spec that cannot be loaded as such", () => {
    expect(() => runGenerator({ cwd: fixtures, targets: [{ spec: "Missing.ts", out: "/nowhere" }] })).toThrow(
      /Missing\.ts: there is no such file/
    )
  })
})
