/**
 * From spec files to files on disk: load → check → model → print → write what changed.
 *
 * Unchanged files are not touched, and files under our header that no spec asks for any more are removed. `check` does the same without
 * writing and reports what it would have done.
 */
import type { Model } from "@wirewright/codec/Model"
import type { TextModel } from "@wirewright/codec/TextModel"
import type { Protocol, TextProtocol, TypesOnly } from "@wirewright/dsl"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { buildModel, type Built } from "./Build.ts"
import { checkExamples } from "./check/Examples.ts"
import { checkModel } from "./check/Model.ts"
import type { Complaint, Finding } from "./Finding.ts"
import { header } from "./Header.ts"
import { type Generatable, load } from "./Load.ts"
import { compare, type Module } from "./Module.ts"
import { Origin } from "./Origin.ts"
import { printCommands } from "./print/Commands.ts"
import { Context } from "./print/Context.ts"
import { printExamples, type TestRunner } from "./print/Examples.ts"
import { printFrame } from "./print/Frame.ts"
import { printIndex, printModel, printPackets, printStates, printTables } from "./print/Packets.ts"
import { printSchemas } from "./print/Schemas.ts"
import { printTypes } from "./print/Types.ts"
import { buildText, checkText, printText } from "./text/index.ts"

/** One spec and where its code goes. */
export interface Target {
  /** Path of the spec file. */
  readonly spec: string
  /** Output directory. A spec with several protocols gets a directory below it for each. */
  readonly out: string
  /** Name of the protocol, when the spec exports several. */
  readonly protocol?: string
}

/** What to generate, and how. */
export interface GenerateOptions {
  readonly targets: ReadonlyArray<Target>
  /** Directory that paths are relative to. */
  readonly cwd: string
  /** Report without writing. */
  readonly dryRun?: boolean
  /** Runner of the generated example tests. */
  readonly testRunner?: TestRunner
  /** Extension of imports between generated files; `.ts` runs under Node's type stripping. */
  readonly importExtension?: ".ts" | ".js"
}

/** What was done, or would be. All paths are relative to `cwd`. */
export interface Report {
  readonly findings: ReadonlyArray<Finding>
  readonly written: ReadonlyArray<string>
  readonly unchanged: number
  readonly removed: ReadonlyArray<string>
  /** Files that differ from what the specs say. */
  readonly stale: ReadonlyArray<string>
  /** Generated files that no spec asks for. */
  readonly orphaned: ReadonlyArray<string>
}

/** Files of one output directory by name. */
type Files = ReadonlyMap<string, string>

/** Generates code for specs. With findings nothing is written. */
export const generate = async (options: GenerateOptions): Promise<Report> => {
  const { findings, outputs } = await plan(options)
  if (findings.length > 0) return { findings, written: [], unchanged: 0, removed: [], stale: [], orphaned: [] }
  const difference = compareOutputs(options.cwd, outputs)
  if (options.dryRun !== true) {
    for (const [path, text] of difference.changed) write(Path.resolve(options.cwd, path), text)
    for (const path of difference.orphaned) Fs.rmSync(Path.resolve(options.cwd, path))
  }
  return {
    findings,
    written: difference.changed.map(([path]) => path),
    unchanged: difference.unchanged,
    removed: difference.orphaned,
    stale: [],
    orphaned: []
  }
}

/** Reports which generated files are stale or orphaned; writes nothing. */
export const check = async (options: GenerateOptions): Promise<Report> => {
  const { findings, outputs } = await plan(options)
  const difference = findings.length > 0 ? { changed: [], unchanged: 0, orphaned: [] } : compareOutputs(options.cwd, outputs)
  return {
    findings,
    written: [],
    unchanged: difference.unchanged,
    removed: [],
    stale: difference.changed.map(([path]) => path),
    orphaned: difference.orphaned
  }
}

const plan = async (
  options: GenerateOptions
): Promise<{ readonly findings: ReadonlyArray<Finding>; readonly outputs: ReadonlyMap<string, Files> }> => {
  const origin = await Origin.make()
  const complaints: Array<Complaint> = []
  const jobs: Array<{ readonly value: Generatable; readonly out: string }> = []
  for (const target of options.targets) {
    const values = await load(options.cwd, target.spec, target.protocol)
    for (const value of values) jobs.push({ value, out: values.length === 1 ? target.out : Path.join(target.out, value.name) })
  }
  const outputs = new Map<string, Files>()
  const models = new Map<object, Built>()
  const extension = options.importExtension ?? ".ts"
  for (const { value } of jobs) {
    if (value.kind === "textProtocol") complaints.push(...checkText(value))
    else builtOf(value, origin, models)
  }
  const built = [...models.values()]
  for (const one of built) complaints.push(...checkModel(one))
  // examples are decoded by the model, which must be sound for that
  if (complaints.length === 0) { for (const one of built) complaints.push(...checkExamples(one)) }
  for (const { value, out } of jobs) {
    if (complaints.length > 0) break
    if (value.kind === "textProtocol") {
      const [model, ...bases] = textModels(value, origin)
      outputs.set(out, await files(printText(model!, ...bases), value.name, model!))
    } else {
      const { model } = builtOf(value, origin, models)
      outputs.set(out, await files(printProtocol(model, extension, options.testRunner ?? "vitest"), model.name, model))
    }
  }
  const findings = [
    ...new Map(complaints.map((complaint) => origin.locate(complaint, options.cwd)).map((one) => [JSON.stringify(one), one])).values()
  ]
    .sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.rule, b.rule))
  return { findings, outputs }
}

/** A text protocol's model, then its bases', nearest first. */
const textModels = (value: TextProtocol, origin: Origin): ReadonlyArray<TextModel> => [
  buildText(value, (of, path) => origin.doc(of, path)),
  ...(value.base === undefined ? [] : textModels(value.base, origin))
]

const builtOf = (value: Protocol | TypesOnly, origin: Origin, models: Map<object, Built>): Built => {
  const known = models.get(value)
  if (known !== undefined) return known
  const base = value.kind === "protocol" && value.base !== undefined ? builtOf(value.base, origin, models).model : undefined
  const built = buildModel(value, origin, base)
  models.set(value, built)
  return built
}

const printProtocol = (model: Model, extension: string, runner: TestRunner): ReadonlyArray<Module> => {
  const context = new Context(model, extension)
  const types = [printTypes(context), printSchemas(context), printIndex(context), printModel(context)]
  if (model.frame.kinds.length === 0) return types
  return [
    ...types,
    printStates(context),
    printPackets(context),
    printTables(context),
    ...printCommands(context),
    ...(model.base === undefined ? [printFrame(context)] : []),
    ...(runner === "none" ? [] : [printExamples(context, runner)])
  ]
}

const files = async (modules: ReadonlyArray<Module>, name: string, model: object): Promise<Files> => {
  const { print } = await import("./TsMorph.ts")
  return new Map([...print(modules, header), [`${name}.model.json`, `${JSON.stringify(model, null, 1)}\n`]])
}

const isOurs = (path: string): boolean => {
  const start = Fs.readFileSync(path, "utf8").slice(0, 200)
  return start.startsWith(header.split("\n")[0]!) || path.endsWith(".model.json")
}

const compareOutputs = (cwd: string, outputs: ReadonlyMap<string, Files>) => {
  const changed: Array<readonly [string, string]> = []
  const orphaned: Array<string> = []
  let unchanged = 0
  for (const [out, wanted] of outputs) {
    const directory = Path.resolve(cwd, out)
    const relative = (name: string): string => Path.relative(cwd, Path.join(directory, name)).split(Path.sep).join("/")
    for (const [name, text] of wanted) {
      const path = Path.join(directory, name)
      if (Fs.existsSync(path) && Fs.readFileSync(path, "utf8") === text) unchanged++
      else changed.push([relative(name), text])
    }
    if (!Fs.existsSync(directory)) continue
    for (const entry of Fs.readdirSync(directory, { withFileTypes: true })) {
      if (entry.isFile() && !wanted.has(entry.name) && isOurs(Path.join(directory, entry.name))) orphaned.push(relative(entry.name))
    }
  }
  return { changed: changed.sort(([a], [b]) => compare(a, b)), orphaned: orphaned.sort(compare), unchanged }
}

/** Writes through a temporary file, so that nobody ever sees half of one. */
const write = (path: string, text: string): void => {
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  Fs.writeFileSync(temporary, text)
  Fs.renameSync(temporary, path)
}
