/**
 * The same spec gives the same bytes, whatever the order of its parts, the working directory and the line ends; files that did not change
 * are not touched; hand-edited and orphaned files are found.
 */
import type { GenerateOptions } from "@wirewright/codegen"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isWhole } from "../../packages/codec/src/Whole.fixture.ts"
import { reportsOf, runCheck, runGenerator } from "./Run.ts"

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

/** The same protocol from the repository, from elsewhere, and from copies of its spec that say the same in another way; by the name of its directory. */
const variants: { readonly [out: string]: () => GenerateOptions } = {
  reference: () => ({ cwd: root, targets: [target("spec/src/dcp.ts", "reference")] }),
  elsewhere: () => ({ cwd: Os.tmpdir(), targets: [target(Path.join(root, "spec/src/dcp.ts"), "elsewhere")] }),
  crlf: () => {
    const directory = copySpec("crlf-spec", (text) => text.replaceAll("\n", "\r\n"))
    return { cwd: root, targets: [target(Path.join(directory, "dcp.ts"), "crlf")] }
  },
  shuffled: () => {
    const directory = copySpec(
      "shuffled-spec",
      (text, file) => file === "index.ts" ? text.replaceAll(/commands: (\w+)/g, "commands: [...$1].reverse()") : text
    )
    return { cwd: root, targets: [target(Path.join(directory, "dcp.ts"), "shuffled")] }
  }
}
const target = (spec: string, out: string) => ({ spec, protocol: "dcp", out: Path.join(work, out) })

let reference: Readonly<Record<string, string>>

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
  const calls = Object.values(variants).map((options) => ["generate", options()] as const)
  reportsOf(calls)
  reference = snapshot(Path.join(work, "reference"))
})

afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

describe("freshness", () => {
  it("has something to compare", () => {
    expect(Object.keys(reference).length).toBeGreaterThan(15)
  })

  it("gives the same bytes from another working directory", () => {
    expect(snapshot(Path.join(work, "elsewhere"))).toEqual(reference)
  })

  it("gives the same bytes from sources with CRLF", () => {
    expect(Fs.readFileSync(Path.join(work, "crlf-spec/dcp/index.ts"), "utf8")).toContain("\r\n")
    expect(snapshot(Path.join(work, "crlf"))).toEqual(reference)
  })

  it("gives the same bytes whatever the order of the commands", () => {
    expect(Fs.readFileSync(Path.join(work, "shuffled-spec/dcp/index.ts"), "utf8")).toContain(".reverse()")
    expect(snapshot(Path.join(work, "shuffled"))).toEqual(reference)
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
    Fs.cpSync(Path.join(work, "reference"), out, { recursive: true })
    const relative = Path.relative(root, out).split(Path.sep).join("/")
    const edited = Path.join(out, "Stream.ts")
    Fs.writeFileSync(edited, Fs.readFileSync(edited, "utf8").replace("0x53", "0x54"))
    Fs.copyFileSync(Path.join(out, "Flow.ts"), Path.join(out, "Removed.ts"))
    const list = Path.join(out, "generated.json")
    const listed = Fs.readFileSync(list, "utf8")
    Fs.writeFileSync(list, listed.replace("\"Flow.ts\"", "\"Flow.ts\", \"Removed.ts\""))
    Fs.writeFileSync(Path.join(out, "mine.ts"), "export const mine = 1\n")
    const [report, mended, after] = reportsOf((["check", "generate", "check"] as const).map((what) => [what, { cwd: root, targets }]))
    expect(report!.stale).toEqual([`${relative}/Stream.ts`, `${relative}/generated.json`])
    expect(report!.orphaned).toEqual([`${relative}/Removed.ts`])
    expect(mended!.written).toEqual([`${relative}/Stream.ts`, `${relative}/generated.json`])
    expect(Fs.readFileSync(list, "utf8")).toBe(listed)
    expect(mended!.removed).toEqual([`${relative}/Removed.ts`])
    expect(Fs.existsSync(Path.join(out, "mine.ts"))).toBe(true)
    expect(after).toMatchObject({ stale: [], orphaned: [] })
  })

  // `npm run check` says the same, and `.ci/run` runs it
  it.runIf(isWhole)("is fresh in this repository", () => {
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
