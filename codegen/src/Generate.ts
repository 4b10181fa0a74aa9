/**
 * From spec files to files on disk: load → check → model → print → write what changed.
 *
 * Unchanged files are not touched, and files that we wrote and no spec asks for any more are removed; files of others never are. `check` does
 * the same without writing and reports what it would have done.
 */
import type { Model } from "@wirewright/codec/Model"
import type { TextModel } from "@wirewright/codec/TextModel"
import type { Protocol, TextProtocol, TypesOnly } from "@wirewright/dsl"
import { buildModel, type Built } from "./Build.ts"
import { checkExamples } from "./check/Examples.ts"
import { checkModel } from "./check/Model.ts"
import { checkProtocolNames } from "./check/Protocol.ts"
import type { Complaint, Finding } from "./Finding.ts"
import type { Formatting } from "./Format.ts"
import { header } from "./Header.ts"
import { type Generatable, load } from "./Load.ts"
import { compare, type Module } from "./Module.ts"
import { Origin } from "./Origin.ts"
import { checkTargets, compareOutputs, json, type Output, replaceFiles } from "./Output.ts"
import { print } from "./Print.ts"
import { printCommands } from "./print/Commands.ts"
import { Context } from "./print/Context.ts"
import { printExamples, type TestRunner } from "./print/Examples.ts"
import { frameOf, printIndex, printModel, printPackets, printStates, printTables } from "./print/Packets.ts"
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
  /** Runner of a generated test of the spec's examples. Default: "none", no such test. */
  readonly testRunner?: TestRunner
  /** Extension of imports between generated files; `.ts` runs under Node's type stripping. Default: ".ts" */
  readonly importExtension?: ".ts" | ".js"
  /** How the code is formatted. Default: as that of this repository */
  readonly format?: Formatting
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

/** Generates code for specs. With findings nothing is written. Throws `LoadError` and `OutputError`, and has written nothing then either. */
export const generate = async (options: GenerateOptions): Promise<Report> => {
  const { findings, outputs } = await plan(options)
  if (findings.length > 0) return { findings, written: [], unchanged: 0, removed: [], stale: [], orphaned: [] }
  const difference = compareOutputs(options.cwd, outputs)
  if (options.dryRun !== true) replaceFiles(options.cwd, difference)
  return {
    findings,
    written: difference.changed.map(([path]) => path),
    unchanged: difference.unchanged,
    removed: difference.orphaned,
    stale: [],
    orphaned: []
  }
}

/** Reports which generated files are stale or orphaned; writes nothing. Throws what `generate` would throw. */
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
): Promise<{ readonly findings: ReadonlyArray<Finding>; readonly outputs: ReadonlyArray<Output> }> => {
  checkTargets(options.targets)
  const origin = await Origin.make()
  const complaints: Array<Complaint> = []
  const jobs: Array<{ readonly value: Generatable; readonly place: Omit<Output, "files"> }> = []
  for (const target of options.targets) {
    const values = await load(options.cwd, target.spec, target.protocol)
    for (const value of values) jobs.push({ value, place: { out: target.out, ...values.length === 1 ? {} : { below: value.name } } })
  }
  const outputs: Array<Output> = []
  const models = new Map<object, Built>()
  const extension = options.importExtension ?? ".ts"
  for (const { value } of jobs) {
    complaints.push(...checkProtocolNames(value))
    if (value.kind === "textProtocol") complaints.push(...checkText(value))
    else builtOf(value, origin, models)
  }
  const built = [...models.values()]
  for (const one of built) complaints.push(...checkModel(one))
  // examples are decoded by the model, which must be sound for that
  if (complaints.length === 0) { for (const one of built) complaints.push(...checkExamples(one)) }
  const format = complaints.length > 0 ? undefined : (await import("./Format.ts")).formatter(options.format)
  for (const { place, value } of jobs) {
    if (format === undefined) break
    if (value.kind === "textProtocol") {
      const [model, ...bases] = textModels(value, origin)
      outputs.push({ ...place, files: files(printText(model!, bases, options.testRunner ?? "none"), value.name, model!, format) })
    } else {
      const { model } = builtOf(value, origin, models)
      const modules = printProtocol(model, extension, options.testRunner ?? "none")
      outputs.push({ ...place, files: files(modules, model.name, model, format) })
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
    ...(model.base === undefined ? [frameOf(context)] : []),
    ...(runner === "none" ? [] : [printExamples(context, runner)])
  ]
}

const files = (
  modules: ReadonlyArray<Module>,
  name: string,
  model: object,
  format: (path: string, text: string) => string
): Output["files"] =>
 new Map([...modules.map((one) => [one.path, format(one.path, print(one, header))] as const), [`${name}.model.json`, json(model)]])
