/**
 * From spec files to files on disk: load → check → model → print → write what changed.
 *
 * Unchanged files are not touched, and files that we wrote and no spec asks for any more are removed; files of others never are. `check` does
 * the same without writing and reports what it would have done.
 */
import { Catalog } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import * as Path from "node:path"
import type { Built } from "./Build.ts"
import { checkExamples } from "./check/Examples.ts"
import { checkPrinted } from "./check/Printed.ts"
import { prove } from "./check/Proof.ts"
import type { Complaint, Finding } from "./Finding.ts"
import type { Formatting } from "./Format.ts"
import { header } from "./Header.ts"
import { lineageOf } from "./Link.ts"
import type { Generatable } from "./Load.ts"
import { buildAll, builtOf, loadValues } from "./Models.ts"
import { compare, type Module, withTaken } from "./Module.ts"
import { Origin } from "./Origin.ts"
import { checkTargets, compareOutputs, json, type Output, replaceFiles, schemaText } from "./Output.ts"
import { ksyOf } from "./ksy/Ksy.ts"
import { print } from "./Print.ts"
import { notModules } from "./PackageType.ts"
import { type Rewrite, rewriting } from "./Specifiers.ts"
import { printCommands } from "./print/Commands.ts"
import { Context } from "./print/Context.ts"
import { printExamples, type TestRunner } from "./print/Examples.ts"
import { printRoles } from "./print/Roles.ts"
import { frameOf, printIndex, printModel, printPackets, printStates, printTables } from "./print/Packets.ts"
import { printSchemas } from "./print/Schemas.ts"
import { printTypes } from "./print/Types.ts"
import { jsonSchemaOf } from "./schema/JsonSchema.ts"
import { printText } from "./text/index.ts"

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
  /** What specs become: TypeScript, a JSON Schema of packets as JSON, Kaitai Struct. Default: TypeScript alone */
  readonly languages?: ReadonlyArray<Language>
}

/** What a spec can become. */
export type Language = "ts" | "json-schema" | "ksy"

/** What was done, or would be. All paths are relative to `cwd`. */
export interface Report {
  readonly findings: ReadonlyArray<Finding>
  /** What could not be decided about the specs: no mistake that is known, and none that is ruled out; and packages that take them for CommonJS. */
  readonly notices: ReadonlyArray<Finding>
  readonly written: ReadonlyArray<string>
  readonly unchanged: number
  readonly removed: ReadonlyArray<string>
  /** Files that differ from what the specs say. */
  readonly stale: ReadonlyArray<string>
  /** Generated files that no spec asks for. */
  readonly orphaned: ReadonlyArray<string>
}

/** Generates code for specs. With findings nothing is written. Throws `LoadError` (when no line of a spec is to blame) and `OutputError`, and has written nothing then either. */
export const generate = async (options: GenerateOptions): Promise<Report> => {
  const { findings, notices, outputs } = await plan(options)
  if (findings.length > 0) return { findings, notices, written: [], unchanged: 0, removed: [], stale: [], orphaned: [] }
  const difference = compareOutputs(options.cwd, outputs)
  if (options.dryRun !== true) replaceFiles(options.cwd, difference)
  return {
    findings,
    notices,
    written: difference.changed.map(([path]) => path),
    unchanged: difference.unchanged,
    removed: difference.orphaned,
    stale: [],
    orphaned: []
  }
}

/** Reports which generated files are stale or orphaned; writes nothing. Throws what `generate` would throw. */
export const check = async (options: GenerateOptions): Promise<Report> => {
  const { findings, notices, outputs } = await plan(options)
  const difference = findings.length > 0 ? { changed: [], unchanged: 0, orphaned: [] } : compareOutputs(options.cwd, outputs)
  return {
    findings,
    notices,
    written: [],
    unchanged: difference.unchanged,
    removed: [],
    stale: difference.changed.map(([path]) => path),
    orphaned: difference.orphaned
  }
}

const plan = async (
  options: GenerateOptions
): Promise<
  { readonly findings: ReadonlyArray<Finding>; readonly notices: ReadonlyArray<Finding>; readonly outputs: ReadonlyArray<Output> }
> => {
  checkTargets(options.targets)
  const origin = await Origin.make()
  const unloaded: Array<Finding> = []
  const jobs: Array<{ readonly value: Generatable; readonly place: Omit<Output, "files"> }> = []
  for (const target of options.targets) {
    const values = await loadValues(options.cwd, target, unloaded)
    for (const value of values) jobs.push({ value, place: { out: target.out, ...values.length === 1 ? {} : { below: value.name } } })
  }
  const outputs: Array<Output> = []
  const models = new Map<object, Built>()
  const extension = options.importExtension ?? ".ts"
  const complaints = buildAll(jobs.map(({ value }) => value), origin, models)
  // examples are decoded by the model, which must be sound for that
  const notices: Array<Complaint> = []
  if (complaints.length === 0) {
    for (const one of models.values()) {
      const proof = prove(one)
      complaints.push(...checkExamples(one), ...proof.findings)
      notices.push(...proof.notices)
    }
  }
  const format = complaints.length > 0 || unloaded.length > 0 ? undefined : (await import("./Format.ts")).formatter(options.format)
  for (const { place, value } of jobs) {
    if (format === undefined) break
    const one = builtOf(value, origin, models)
    const { model } = one
    const modules = printApart(() => printProtocol(model, extension, options.testRunner ?? "none"))
    complaints.push(...checkPrinted(one, modules))
    if (complaints.length > 0) continue
    const directory = Path.resolve(options.cwd, place.out, place.below ?? "")
    const rewrite = value.kind === "protocol" ? rewriting(value, directory, extension) : undefined
    const languages = options.languages ?? ["ts"]
    outputs.push({
      ...place,
      files: new Map([
        ...(languages.includes("ts") ? files(modules, model.name, model, format, rewrite) : []),
        ...printOther(lineageOf(model).toReversed(), languages, notices, value)
      ])
    })
  }
  const located = (some: ReadonlyArray<Complaint>, more: ReadonlyArray<Finding> = []): ReadonlyArray<Finding> =>
    [...new Map([...more, ...some.map((one) => origin.locate(one, options.cwd))].map((one) => [JSON.stringify(one), one])).values()]
      .sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.rule, b.rule))
  const packages = jobs.flatMap(({ place }) => notModules(options.cwd, Path.resolve(options.cwd, place.out)) ?? [])
  return { findings: located(complaints, unloaded), notices: located(notices, packages), outputs }
}

/** Files in other languages. What these cannot say of a protocol is told, and stands in the file. */
const printOther = (
  models: ReadonlyArray<Model>,
  languages: ReadonlyArray<Language>,
  notices: Array<Complaint>,
  value: Generatable
): ReadonlyArray<readonly [name: string, text: string]> => {
  const catalog = Catalog.of(models)
  if (catalog.frame.kinds.length === 0) return []
  const schema = languages.includes("json-schema") ? [[`${catalog.name}.schema.json`, schemaText(jsonSchemaOf(catalog))] as const] : []
  const kaitai = languages.includes("ksy") ? ksyOf(catalog) : []
  for (const { file, unsaid } of kaitai) {
    for (const message of unsaid) {
      notices.push({ rule: "WW199", value, path: [], message: `${file}: ${message}`, hint: "Kaitai Struct has no word for it" })
    }
  }
  return [...schema, ...kaitai.map(({ file, text }) => [file, text] as const)]
}

/** Prints so that what the runtime calls like something of the protocol is imported under another name. */
const printApart = (run: () => ReadonlyArray<Module>): ReadonlyArray<Module> => {
  const modules = run()
  const own = new Set(modules.flatMap(({ declarations }) => declarations.flatMap((one) => one.kind === "statement" ? [] : [one.name])))
  return modules.some(({ imports }) => imports.some(({ names }) => names.some(({ name }) => own.has(name)))) ? withTaken(own, run) : modules
}

/** The modules of one protocol. */
export const printProtocol = (model: Model, extension: string, runner: TestRunner): ReadonlyArray<Module> => {
  const context = new Context(model, extension)
  const types = [printTypes(context), printSchemas(context), printIndex(context), printModel(context)]
  if (model.frame.kinds.length === 0) return types
  const examples = runner === "none" ? [] : [printExamples(context, runner)]
  if (model.frame.over === "text") return [...printText(context), printSchemas(context), printModel(context), ...examples]
  return [
    ...types,
    printStates(context),
    printPackets(context),
    printTables(context),
    ...printRoles(context),
    ...printCommands(context),
    ...(model.base === undefined ? [frameOf(context)] : []),
    ...examples
  ]
}

const files = (
  modules: ReadonlyArray<Module>,
  name: string,
  model: object,
  format: (path: string, text: string) => string,
  rewrite: Rewrite = (text) => text
): Output["files"] =>
  new Map([...modules.map((one) => [one.path, format(one.path, rewrite(print(one, header)))] as const), [
    `${name}.model.json`,
    json(model)
  ]])
