/**
 * Loads a protocol: one that comes with the command by its name, any other by the directory of its generated code. Both are loaded in the same
 * way, and only what is asked for.
 */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import { existsSync, readdirSync, statSync } from "node:fs"
import { registerHooks } from "node:module"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { readConfig, targetsFor } from "./Config.ts"
import { refuse } from "./Failure.ts"
import { nearest } from "./Nearest.ts"
import {
  adapterOf,
  type GeneratedAdapter,
  type GeneratedProtocol,
  type ProtocolAdapter,
  type ProtocolName,
  protocolNames,
  sharing
} from "@wirewright/inspector/reading"
import type { PageProtocolModules } from "@wirewright/inspector"

/** Entry modules of those that come with the command. */
const builtIn: { readonly [N in ProtocolName]: string } = {
  dcp: "@wirewright/dcp/gen",
  couchbase: "@wirewright/couchbase/gen",
  memcached: "@wirewright/memcached/gen",
  "memcached-text": "@wirewright/memcached/text",
  deepstream: "@wirewright/deepstream/gen"
}

/** Whether a protocol comes with the command. */
export const isBuiltIn = (name: string): name is ProtocolName => Object.hasOwn(builtIn, name)

/** The adapter of a protocol; `kind` is the kind of all packets, when it was said. Refuses what is no protocol. */
export const loadProtocol = async (name: string, kind?: string): Promise<ProtocolAdapter> => {
  const adapter = await loaded(name, kind)
  const beside = adapter.beside === undefined ? undefined : await loaded(adapter.beside, kind)
  const kinds = [...new Set([...adapter.kinds, ...beside?.kinds ?? []])]
  if (kind !== undefined && !kinds.includes(kind)) {
    return refuse(`--kind ${kind}: packets of ${adapter.name} are of kind ${kinds.join(", ")}${nearest(kind, kinds)}`)
  }
  return sharing(adapter, beside)
}

/**
 * The modules of a protocol, and of the one that its servers speak on the same port; those of protocols that extend it have their own servers,
 * which do not. Refuses what is no protocol.
 */
export const protocolModules = async (name: string): Promise<PageProtocolModules> => {
  const adapter = await loaded(name, undefined)
  const beside = adapter.beside === undefined || adapter.isExtension ? undefined : await loaded(adapter.beside, undefined)
  const modules = async (of: string, { kinds }: GeneratedAdapter) => {
    const directory = await directoryOf(of)
    const file = (module: string): string => moduleIn(directory, module) ?? refuse(`${directory}: no ${module}`)
    return { index: file("index"), model: file("Model"), kinds }
  }
  return { ...await modules(name, adapter), beside: beside && await modules(adapter.beside!, beside) }
}

/** The adapter of a protocol as a page has it; see `protocolModules`. */
export const loadPageProtocol = async (name: string): Promise<ProtocolAdapter> => {
  const adapter = await loaded(name, undefined)
  return adapter.isExtension ? adapter : loadProtocol(name)
}

/** The description of an option that is a protocol whose code there is. */
export const protocolDescription = `${
  protocolNames.join(", ")
}, the directory of generated code, such as ./src/gen, or its spec, where wirewright.config.ts lists it`

/** Refuses a protocol that has records only. */
export const expectPackets = (name: string, models: ReadonlyArray<Model>): void => {
  if (models.at(-1)!.frame.kinds.length === 0) refuse(`${name} has records only: without a frame there are no packets`)
}

/** Whether a path is a module, such as a spec. */
export const isModule = (path: string): boolean =>
  /\.[cm]?[jt]s$/.test(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** The directory of a protocol's generated code; of a spec, where the configuration has it written. */
const directoryOf = async (name: string, cwd = process.cwd()): Promise<string> => {
  if (isBuiltIn(name)) return dirname(fileURLToPath(import.meta.resolve(builtIn[name])))
  const path = resolve(cwd, name)
  if (!isModule(path) || isGenerated(dirname(path))) return generatedIn(name, path)
  const targets = targetsFor(name, cwd, await readConfig(cwd))
  const [only, another] = targets
  if (only === undefined) return refuse(`${name} is in no wirewright.config.ts: give the directory of its generated code`)
  if (another !== undefined) refuse(`${name} has several protocols: give one of ${targets.map(({ out }) => out).join(", ")}`)
  return generatedIn(only.out, resolve(cwd, only.out))
}

const loaded = async (name: string, kind: string | undefined): Promise<GeneratedAdapter> => {
  const generated = await generatedProtocol(name)
  expectPackets(name, generated.models)
  return adapterOf(generated, kind)
}

/** The code and models of a protocol: of one that comes with the command by its name, of any other by the directory of its code. */
export const generatedProtocol = async (name: string, cwd?: string): Promise<GeneratedProtocol> => {
  const directory = await directoryOf(name, cwd)
  const [codecs, face] = [await load(directory, "index"), await load(directory, "Model")]
  const models = modelsOf(face["models"], name)
  const customs = (face["customs"] ?? codecs["customs"]) as Customs | undefined
  return { codecs, models, ...(customs === undefined ? {} : { customs }) }
}

/** Faces of the custom fields of code that is in a directory; none where there is no code. */
export const customsIn = async (directory: string): Promise<Customs> =>
  isGenerated(directory) ? (await load(directory, "Model"))["customs"] as Customs | undefined ?? {} : {}

const modelsOf = (models: unknown, name: string): ReadonlyArray<Model> => {
  const last = Array.isArray(models) ? models.at(-1) as Partial<Model> | undefined : undefined
  if (last === undefined || last.kind !== "binary" || last.frame === undefined) return refuse(`${name}: its Model has no models`)
  if (last.format !== 1) return refuse(`${name} was generated by another version of wirewright: generate it again`)
  return models as ReadonlyArray<Model>
}

const extensions = [".ts", ".js", ".mts", ".mjs"]

/** The file of a generated module: the TypeScript that Node can run, else what was compiled from it. */
const moduleIn = (directory: string, name: string): string | undefined => {
  const inPackage = directory.split(sep).includes("node_modules")
  return extensions.filter((extension) => !(inPackage && extension.endsWith("ts")))
    .map((extension) => join(directory, `${name}${extension}`))
    .find((file) => existsSync(file))
}

const isGenerated = (directory: string): boolean => moduleIn(directory, "index") !== undefined && moduleIn(directory, "Model") !== undefined

/** The directory of generated code that a path leads to. */
const generatedIn = (name: string, path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    const hint = /[/\\.]/.test(name) ? "" : nearest(name, protocolNames)
    return refuse(`no protocol ${name}: give ${protocolNames.join(", ")}, a spec, or the directory of generated code${hint}`)
  }
  if (!stat.isDirectory() && !isModule(path)) return refuse(`${name} is neither a spec, such as spec.ts, nor a directory of generated code`)
  const directory = stat.isDirectory() ? path : dirname(path)
  if (isGenerated(directory)) return directory
  const below = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isGenerated(join(directory, entry.name)))
    .map((entry) => relative(process.cwd(), join(directory, entry.name)))
  if (below.length > 1) return refuse(`${name} holds several protocols: give one of ${below.join(", ")}`)
  if (below.length === 1) return refuse(`${name} holds a protocol in ${below[0]}: give that`)
  return refuse(`${name} holds no generated protocol: no index and Model, as wirewright generate writes them`)
}

const hints: { readonly [code: string]: string } = {
  ERR_UNKNOWN_FILE_EXTENSION: "compile it, and give the directory of the .js files",
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    "Node runs no TypeScript in node_modules: compile it, and give the directory of the .js files",
  ERR_MODULE_NOT_FOUND: "what the generated code imports must be installed beside it"
}

const load = async (directory: string, name: string): Promise<{ readonly [name: string]: unknown }> => {
  const file = moduleIn(directory, name) ?? refuse(`${directory}: no ${name}`)
  allowUncompiled()
  try {
    return await import(pathToFileURL(file).href) as { readonly [name: string]: unknown }
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException
    const hint = hints[code] ?? (error instanceof SyntaxError ? "package.json must say \"type\": \"module\"" : undefined)
    return refuse(`${join(basename(directory), basename(file))} cannot be loaded: ${message}${hint === undefined ? "" : ` (${hint})`}`)
  }
}

let allowed = false

/** Lets `./Types.js` be the TypeScript that it will be compiled from, when that has not been done. */
const allowUncompiled = (): void => {
  if (allowed) return
  allowed = true
  registerHooks({
    resolve: (specifier, context, next) => {
      if (!/^\.{1,2}\/.*\.m?js$/.test(specifier) || context.parentURL?.startsWith("file:") !== true) return next(specifier, context)
      const source = new URL(specifier.replace(/js$/, "ts"), context.parentURL)
      const compiled = new URL(specifier, context.parentURL)
      return next(!existsSync(compiled) && existsSync(source) ? source.href : specifier, context)
    }
  })
}
