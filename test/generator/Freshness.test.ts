/**
 * The same spec gives the same bytes, whatever the order of its parts, the working directory and the line ends; files that did not change
 * are not touched; hand-edited and orphaned files are found.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runCheck, runGenerator } from "./Run.ts"

const root = Path.resolve(import.meta.dirname, "../..")
/** Specs are copied to a directory from where `@wirewright/*` resolves. */
const work = Path.join(root, "test/.wirewright-freshness")

const snapshot = (directory: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Fs.readdirSync(directory).sort().map((name) => [name, Fs.readFileSync(Path.join(directory, name), "utf8")]))

const copySpec = (name: string, edit: (text: string, file: string) => string): string => {
  const directory = Path.join(work, name)
  Fs.cpSync(Path.join(root, "spec/src"), directory, { recursive: true })
  for (const entry of Fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = Path.join(entry.parentPath, entry.name)
    Fs.writeFileSync(path, edit(Fs.readFileSync(path, "utf8"), entry.name))
  }
  return directory
}

let reference: Readonly<Record<string, string>>

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
  runGenerator({ cwd: root, targets: [{ spec: "spec/src/dcp.ts", protocol: "dcp", out: Path.join(work, "reference") }] })
  reference = snapshot(Path.join(work, "reference"))
})

afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

describe("freshness", () => {
  it("has something to compare", () => {
    expect(Object.keys(reference).length).toBeGreaterThan(15)
  })

  it("gives the same bytes from another working directory", () => {
    runGenerator({
      cwd: Os.tmpdir(),
      targets: [{ spec: Path.join(root, "spec/src/dcp.ts"), protocol: "dcp", out: Path.join(work, "elsewhere") }]
    })
    expect(snapshot(Path.join(work, "elsewhere"))).toEqual(reference)
  })

  it("gives the same bytes from sources with CRLF", () => {
    const directory = copySpec("crlf", (text) => text.replaceAll("\n", "\r\n"))
    runGenerator({ cwd: root, targets: [{ spec: Path.join(directory, "dcp.ts"), protocol: "dcp", out: Path.join(work, "crlf-out") }] })
    expect(snapshot(Path.join(work, "crlf-out"))).toEqual(reference)
  })

  it("gives the same bytes whatever the order of the commands", () => {
    const directory = copySpec(
      "shuffled",
      (text, file) => file === "index.ts" ? text.replaceAll(/commands: (\w+)/g, "commands: [...$1].reverse()") : text
    )
    expect(Fs.readFileSync(Path.join(directory, "dcp/index.ts"), "utf8")).toContain(".reverse()")
    runGenerator({ cwd: root, targets: [{ spec: Path.join(directory, "dcp.ts"), protocol: "dcp", out: Path.join(work, "shuffled-out") }] })
    expect(snapshot(Path.join(work, "shuffled-out"))).toEqual(reference)
  })

  it("does not touch unchanged files", () => {
    const out = Path.join(work, "reference")
    const before = Fs.readdirSync(out).map((name) => Fs.statSync(Path.join(out, name)).mtimeMs)
    const report = runGenerator({ cwd: root, targets: [{ spec: "spec/src/dcp.ts", protocol: "dcp", out }] })
    expect(report.written).toEqual([])
    expect(report.unchanged).toBe(before.length)
    expect(Fs.readdirSync(out).map((name) => Fs.statSync(Path.join(out, name)).mtimeMs)).toEqual(before)
  })

  it("finds a hand-edited and an orphaned file, leaves strangers alone, and mends both", () => {
    const out = Path.join(work, "edited")
    const targets = [{ spec: "spec/src/dcp.ts", protocol: "dcp", out }]
    runGenerator({ cwd: root, targets })
    const relative = Path.relative(root, out).split(Path.sep).join("/")
    const edited = Path.join(out, "Stream.ts")
    Fs.writeFileSync(edited, Fs.readFileSync(edited, "utf8").replace("0x53", "0x54"))
    Fs.copyFileSync(Path.join(out, "Flow.ts"), Path.join(out, "Removed.ts"))
    const list = Path.join(out, "generated.json")
    const listed = Fs.readFileSync(list, "utf8")
    Fs.writeFileSync(list, listed.replace("\"Flow.ts\"", "\"Flow.ts\", \"Removed.ts\""))
    Fs.writeFileSync(Path.join(out, "mine.ts"), "export const mine = 1\n")
    const report = runCheck({ cwd: root, targets })
    expect(report.stale).toEqual([`${relative}/Stream.ts`, `${relative}/generated.json`])
    expect(report.orphaned).toEqual([`${relative}/Removed.ts`])
    const mended = runGenerator({ cwd: root, targets })
    expect(mended.written).toEqual([`${relative}/Stream.ts`, `${relative}/generated.json`])
    expect(Fs.readFileSync(list, "utf8")).toBe(listed)
    expect(mended.removed).toEqual([`${relative}/Removed.ts`])
    expect(Fs.existsSync(Path.join(out, "mine.ts"))).toBe(true)
    expect(runCheck({ cwd: root, targets })).toMatchObject({ stale: [], orphaned: [] })
  })

  it("is fresh in this repository", () => {
    const config = Fs.readFileSync(Path.join(root, "wirewright.config.ts"), "utf8")
    const targets = [...config.matchAll(/\{ spec: "([^"]+)", protocol: "([^"]+)", out: "([^"]+)" \}/g)].map(([, spec, protocol, out]) => ({
      spec: spec!,
      protocol: protocol!,
      out: out!
    }))
    expect(targets.length).toBeGreaterThan(4)
    expect(runCheck({ cwd: root, targets })).toMatchObject({ findings: [], stale: [], orphaned: [] })
  })
})
