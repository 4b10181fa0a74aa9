/**
 * The generator in a directory that holds other people's work: what it did not write it neither changes nor removes, and when it cannot write
 * everything it writes nothing.
 */
import type { GenerateOptions } from "@wirewright/codegen"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { nobody, permissionsHold, runCalls, runCheck, runGenerator } from "./Run.ts"

/** Within the test workspace, from where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-guest")

const types = (name: string, of = "x: u16", more = ""): string =>
  `import { protocol, struct, types, u16, u32 } from "@wirewright/dsl"
export const made = types({ name: ${JSON.stringify(name)}, module: "points/gen", types: [struct("Point", { ${of} })] })
${more}`

const binary = (module: string): string =>
  `import { bodyLength, commandsOf, extend, frame, opcode, protocol, u16, u8 } from "@wirewright/dsl"
const f = frame("F", { sections: ["body"], kinds: { message: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })
const message = commandsOf(f, "message")
export const base = protocol(f, { name: "base", module: ${
    JSON.stringify(module)
  }, commands: [message("One", { opcode: 1, request: { body: { a: u8 } } })] })
export const top = extend(base, { name: "top", module: "x/top", commands: [message("Two", { opcode: 2, request: { body: { a: u8 } } })] })
`

let count = 0
/** A new directory with files in it. */
const place = (files: { readonly [name: string]: string }): string => {
  const directory = Path.join(work, `case-${count++}`)
  Fs.mkdirSync(directory)
  for (const [name, text] of Object.entries(files)) {
    Fs.mkdirSync(Path.dirname(Path.join(directory, name)), { recursive: true })
    Fs.writeFileSync(Path.join(directory, name), text)
  }
  return directory
}

/** Everything below a directory, links included, that nobody but us may have put there. */
const everything = (directory: string): ReadonlyArray<string> =>
  Fs.readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = Path.join(entry.parentPath, entry.name)
    const what = entry.isSymbolicLink() ? `→ ${Fs.readlinkSync(path)}` : entry.isFile() ? Fs.readFileSync(path, "utf8") : ""
    return `${Path.relative(directory, path)} ${what}`
  }).sort()

/** Neither of both does anything but complain, with `OutputError` and all the names. */
const expectRefusal = (cwd: string, targets: GenerateOptions["targets"], ...names: ReadonlyArray<RegExp | string>): void => {
  const before = everything(cwd)
  const outcomes = runCalls([["check", { cwd, targets }], ["generate", { cwd, targets, dryRun: true }], ["generate", { cwd, targets }]])
  for (const said of outcomes) {
    expect(said).toMatch(/^OutputError: /)
    for (const name of names) expect(said).toMatch(name)
    expect(said).not.toMatch(/ at .*:\d+:\d+/)
  }
  expect(everything(cwd)).toEqual(before)
}

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const target = { spec: "spec.ts", out: "gen" }

describe("what the generator did not write", () => {
  it("is not overwritten: all such files are named, and nothing is written", () => {
    const mine = { "gen/Types.ts": "export const mine = 1\n", "gen/index.ts": "", "gen/points.model.json": "{}\n" }
    expectRefusal(place({ "spec.ts": types("points"), ...mine }), [target], "gen/Types.ts", "gen/index.ts", "gen/points.model.json")
  })

  it("is not overwritten when it is a test", () => {
    const cwd = place({ "spec.ts": binary("x/base"), "gen/Examples.test.ts": "// ours\n" })
    const targets = [{ ...target, protocol: "base" }]
    const said = runCalls((["check", "generate"] as const).map((what) => [what, { cwd, targets, testRunner: "vitest" }]))
    expect(said).toEqual([0, 1].map(() => expect.stringMatching(/^OutputError: gen\/Examples\.test\.ts/)))
    const report = runGenerator({ cwd, targets })
    expect(report.findings.map(({ rule }) => rule)).toEqual([])
    expect(report.removed).toEqual([])
    expect(Fs.readFileSync(Path.join(cwd, "gen/Examples.test.ts"), "utf8")).toBe("// ours\n")
  })

  it("is not removed: other models, copies of generated files, files that took a generated one's place", () => {
    const cwd = place({ "spec.ts": types("points"), "gen/theirs.model.json": "{}\n", "gen/mine.ts": "" })
    runGenerator({ cwd, targets: [target] })
    const gen = (name: string) => Path.join(cwd, "gen", name)
    Fs.copyFileSync(gen("Types.ts"), gen("Copy.ts"))
    Fs.copyFileSync(gen("points.model.json"), gen("copy.model.json"))
    Fs.writeFileSync(gen("points.model.json"), "{}\n")
    Fs.writeFileSync(Path.join(cwd, "spec.ts"), types("renamed"))
    expect(runCheck({ cwd, targets: [target] }).orphaned).toEqual([])
    expect(runGenerator({ cwd, targets: [target] }).removed).toEqual([])
    expect(Fs.readFileSync(gen("points.model.json"), "utf8")).toBe("{}\n")
    for (const name of ["theirs.model.json", "mine.ts", "Copy.ts", "copy.model.json"]) expect(Fs.existsSync(gen(name)), name).toBe(true)
  })

  it("is removed when the generator wrote it and no spec asks for it any more", () => {
    const cwd = place({ "spec.ts": types("points") })
    runGenerator({ cwd, targets: [target] })
    Fs.writeFileSync(Path.join(cwd, "spec.ts"), types("renamed"))
    expect(runCheck({ cwd, targets: [target] }).orphaned).toEqual(["gen/points.model.json"])
    expect(runGenerator({ cwd, targets: [target] }).removed).toEqual(["gen/points.model.json"])
    expect(Fs.existsSync(Path.join(cwd, "gen/points.model.json"))).toBe(false)
    expect(runCheck({ cwd, targets: [target] })).toMatchObject({ stale: [], orphaned: [] })
  })

  it("is not removed by a list of generated files that names what lies elsewhere, and a list of somebody else is not replaced", () => {
    const cwd = place({ "spec.ts": types("points") })
    runGenerator({ cwd, targets: [target] })
    const list = Path.join(cwd, "gen/generated.json")
    const text = Fs.readFileSync(list, "utf8")
    expect(JSON.parse(text).files).toEqual(["Model.ts", "Schemas.ts", "Types.ts", "index.ts", "points.model.json"])
    Fs.copyFileSync(Path.join(cwd, "gen/Types.ts"), Path.join(cwd, "Types.ts"))
    Fs.writeFileSync(list, text.replace("\"Model.ts\"", "\"../Types.ts\", \"Model.ts\""))
    expect(runGenerator({ cwd, targets: [target] }).removed).toEqual([])
    expect(Fs.existsSync(Path.join(cwd, "Types.ts"))).toBe(true)
    // a merge that went wrong costs nothing
    Fs.writeFileSync(list, text.replace("\"Model.ts\"", "<<<<<<<"))
    expect(runGenerator({ cwd, targets: [target] }).written).toEqual(["gen/generated.json"])
    expect(Fs.readFileSync(list, "utf8")).toBe(text)
    Fs.writeFileSync(list, "{\"files\":[]}\n")
    expectRefusal(cwd, [target], "gen/generated.json")
  })
})

describe("what is no file of ours to write", () => {
  it("links, dangling ones too, are neither followed nor replaced", () => {
    const cwd = place({ "spec.ts": types("points"), "elsewhere.ts": "// @generated by wirewright.\n", "gen/.keep": "" })
    Fs.symlinkSync("../elsewhere.ts", Path.join(cwd, "gen/Types.ts"))
    Fs.symlinkSync("../nothing.ts", Path.join(cwd, "gen/index.ts"))
    expectRefusal(cwd, [target], /gen\/Types\.ts.*symbolic link/, /gen\/index\.ts.*symbolic link/)
  })

  it("a directory in the place of a file, and a file in the place of a directory", () => {
    expectRefusal(place({ "spec.ts": types("points"), "gen/Types.ts/a": "" }), [target], /gen\/Types\.ts.*directory/)
    const cwd = place({ "spec.ts": types("points"), gen: "" })
    expectRefusal(cwd, [target], "gen")
    expectRefusal(cwd, [{ spec: "spec.ts", out: "gen/below/it" }], "gen/below/it")
  })

  it("a link in the place of a protocol's directory", () => {
    const spec = types("a", "x: u16", `export const other = types({ name: "b", module: "b/gen", types: [] })`)
    const cwd = place({ "spec.ts": spec, "elsewhere/.keep": "", "gen/.keep": "" })
    Fs.symlinkSync("../elsewhere", Path.join(cwd, "gen/b"))
    expectRefusal(cwd, [target], /gen\/b.*symbolic link/)
  })

  it("directories that are none", () => {
    const cwd = place({ "spec.ts": types("points") })
    const before = everything(cwd)
    const outs = ["", "  ", "gen\0", "g".repeat(300)]
    for (const said of runCalls(outs.map((out) => ["generate", { cwd, targets: [{ spec: "spec.ts", out }] }]))) {
      expect(said).toMatch(/^OutputError: /)
    }
    expect(everything(cwd)).toEqual(before)
  })
})

describe("one place for two", () => {
  it("two targets, spelled differently or through a link", () => {
    const cwd = place({ "a.ts": types("a"), "b.ts": types("b"), "real/.keep": "" })
    expectRefusal(cwd, [{ spec: "a.ts", out: "gen" }, { spec: "b.ts", out: "./x/../gen/" }], "gen, gen")
    Fs.symlinkSync("real", Path.join(cwd, "link"))
    expectRefusal(cwd, [{ spec: "a.ts", out: "real/gen" }, { spec: "b.ts", out: "link/gen" }], "gen")
  })

  it("two protocols whose names differ only in case, and two of one name", () => {
    const second = (name: string) => `export const other = types({ name: "${name}", module: "b/gen", types: [] })`
    expectRefusal(place({ "spec.ts": types("points", "x: u16", second("Points")) }), [target], "gen/points", "gen/Points")
    expectRefusal(place({ "spec.ts": types("points", "x: u16", second("points")) }), [target], "gen/points")
  })
})

/** A spec with a protocol on each line from the second on, and the lines whose protocols break a rule. */
const refused = (line: (text: string) => string, texts: ReadonlyArray<string>, rule: string): ReadonlyArray<string> => {
  const lines = texts.map((text, index) => `export const p${index} = ${line(JSON.stringify(text))}`)
  const cwd = place({ "spec.ts": [`import { frame, protocol, types } from "@wirewright/dsl"`, ...lines].join("\n") })
  const before = everything(work)
  const { findings } = runGenerator({ cwd, targets: [target] })
  expect(everything(work)).toEqual(before)
  return findings.filter((one) => one.rule === rule).map((one) => texts[one.line - 2]!)
}

describe("names", () => {
  const evil = ["../../evil", "..", ".", "", "a/b", "a\\b", "a b", "a\0", "-a", "con", "NUL", "com1", "a:b", "ä", "1a"]
  const good = ["a", "aB-c_9", "console", "com10"]

  it("that would lead elsewhere, or be no files, are no names of protocols", () => {
    expect(refused((name) => `types({ name: ${name}, module: "x", types: [] })`, [...evil, ...good], "WW100")).toEqual(evil)
  })

  it("nor of protocols over text", () => {
    const line = (name: string) =>
      `protocol(frame("F", { over: "text", sections: ["line"], kinds: { one: { headers: [], until: 30 } } }), { name: ${name}, module: "t", commands: [] })`
    expect(refused(line, [...evil, ...good], "WW100")).toEqual(evil)
  })

  it("that no import can say are no modules", () => {
    const bad = ["", " ", "x\"; evil(); \"", "a\\b", "a b", "a\nb", "a'b", "a`b"]
    const fine = ["@acme/x/gen", "./gen", "../x", "#gen", "x"]
    let count = 0
    expect(refused((module) => `types({ name: "n${count++}", module: ${module}, types: [] })`, [...bad, ...fine], "WW113")).toEqual(bad)
  })

  it("of files whose commands would have no module", () => {
    const files = ["con", "___", "1st", "index"]
    const cwd = place(Object.fromEntries(files.map((file) => [
      `${file}.ts`,
      `${family("One", 1)}
import { protocol } from "@wirewright/dsl"
export const p = protocol(f, { name: "p", module: "x/p", commands: [one] })
`
    ])))
    const outcomes = runCalls(files.map((file) => ["generate", { cwd, targets: [{ spec: `${file}.ts`, out: "gen" }] }]))
    const rules = outcomes.map((outcome) => typeof outcome === "string" ? outcome : outcome.findings.map(({ rule }) => rule).join(" "))
    // those that begin with a digit, or are named like a module of ours, get another name
    expect(rules).toEqual(["WW105", "WW105", "", ""])
  })

  it("of two files whose commands would have one module where the case of letters does not count", () => {
    const cwd = place({
      "spec.ts": `import { protocol } from "@wirewright/dsl"
import { f, one } from "./sub-doc.ts"
import { f as g, commandsIn } from "./subdoc.ts"
export const p = protocol(f, { name: "p", module: "x/p", commands: [one, commandsIn(f)] })
`,
      "sub-doc.ts": family("One", 1),
      "subdoc.ts": `${family("Unused", 9)}
import type { Frame } from "@wirewright/dsl"
export const commandsIn = (frame: typeof f) => commandsOf(frame, "message")("Two", { opcode: 2, request: { body: { a: u8 } } })
`
    })
    expect(runGenerator({ cwd, targets: [target] }).findings.map(({ rule }) => rule)).toContain("WW105")
  })
})

const family = (command: string, opcode: number): string =>
  `import { bodyLength, commandsOf, frame, opcode, u16, u8 } from "@wirewright/dsl"
export const f = frame("F", { sections: ["body"], kinds: { message: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })
export const one = commandsOf(f, "message")("${command}", { opcode: ${opcode}, request: { body: { a: u8 } } })
`

describe("all or nothing", () => {
  it.runIf(permissionsHold)("a directory that cannot be written to: nothing is, in none of several directories", () => {
    const cwd = place({ "a.ts": types("a"), "b.ts": types("b"), "one/.keep": "", "two/.keep": "" })
    const targets = [{ spec: "a.ts", out: "one/a" }, { spec: "b.ts", out: "two" }]
    Fs.chmodSync(Path.join(cwd, "one"), 0o777)
    Fs.chmodSync(Path.join(cwd, "two"), 0o555)
    const before = everything(cwd)
    expect(() => runGenerator({ cwd, targets }, nobody)).toThrow(/^OutputError: two\/.*EACCES/)
    expect(everything(cwd)).toEqual(before)
    Fs.chmodSync(Path.join(cwd, "two"), 0o777)
    expect(runGenerator({ cwd, targets }, nobody).written.length).toBeGreaterThan(6)
  })

  it.runIf(permissionsHold)("a file that cannot be read is named", () => {
    const cwd = place({ "spec.ts": types("points") })
    runGenerator({ cwd, targets: [target] })
    Fs.chmodSync(Path.join(cwd, "gen/Types.ts"), 0)
    expect(() => runGenerator({ cwd, targets: [target] }, nobody)).toThrow(/^OutputError: gen\/Types\.ts.*EACCES/)
  })

  it("leaves no temporary files, and takes nobody else's", () => {
    const cwd = place({ "spec.ts": types("points"), "gen/Types.ts.tmp": "mine" })
    runGenerator({ cwd, targets: [target] })
    Fs.writeFileSync(Path.join(cwd, "spec.ts"), types("points", "x: u32"))
    runGenerator({ cwd, targets: [target] })
    expect(Fs.readdirSync(Path.join(cwd, "gen")).sort()).toEqual(
      ["Model.ts", "Schemas.ts", "Types.ts", "Types.ts.tmp", "generated.json", "index.ts", "points.model.json"].sort()
    )
    expect(Fs.readFileSync(Path.join(cwd, "gen/Types.ts.tmp"), "utf8")).toBe("mine")
  })
})
