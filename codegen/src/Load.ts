/** Loads spec modules and finds the protocols they export. */
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import type { Finding } from "./Finding.ts"
import { notModules } from "./PackageType.ts"
import { wordNamed, words } from "./check/Meant.ts"

/** Anything that code is generated for. */
export type Generatable = Protocol | TypesOnly

const isGeneratable = (value: unknown): value is Generatable => {
  const kind = (value as { readonly kind?: unknown } | null)?.kind
  return kind === "protocol" || kind === "types"
}

/** A spec file that cannot be loaded, or holds nothing to generate. */
export class LoadError extends Error {
  override readonly name = "LoadError"
  readonly spec: string
  /** What it is as a finding, where a line of the spec is to blame. */
  readonly finding: Finding | undefined
  constructor(spec: string, message: string, options?: ErrorOptions & { readonly finding?: Finding | undefined }) {
    super(`${spec}: ${message}`, options)
    this.spec = spec
    this.finding = options?.finding
  }
}

const fileOf = (cwd: string, path: string): string => Path.relative(cwd, path).split(Path.sep).join("/")

/** What the errors of a module that cannot be loaded mean for its author. */
const meant = (cause: Error): { readonly message: string; readonly hint: string } | undefined => {
  const missing = /'@wirewright\/dsl' does not provide an export named '(.*)'/.exec(cause.message)?.[1]
  if (missing !== undefined) {
    const word = wordNamed(missing)
    return {
      message: `@wirewright/dsl has no word ${missing}`,
      hint: word === undefined ? "the words are in its WORDS.md" : `it is called ${word} here`
    }
  }
  if (cause instanceof SyntaxError) {
    return { message: `the spec is no TypeScript: ${cause.message}`, hint: "correct the line, or the one above" }
  }
  const unknown = /^(\w+) is not defined$/.exec(cause.message)?.[1]
  if (unknown !== undefined) {
    const word = wordNamed(unknown)
    return {
      message: `${unknown} is not there`,
      hint: word === unknown
        ? `import { ${unknown} } from "@wirewright/dsl"`
        : word === undefined
        ? "describe it, or import it"
        : `describe it, or import what it is called here: ${word}`
    }
  }
  const called = /^(\w+) is not a function$/.exec(cause.message)?.[1]
  return called !== undefined && words.has(called)
    ? { message: `${called} is called`, hint: `write ${called}, without brackets` }
    : undefined
}

/** An error that a line of the spec threw. */
const thrown = (cwd: string, path: string, cause: unknown): Finding | undefined => {
  if (!(cause instanceof Error)) return undefined
  const wrongPackage = cause instanceof SyntaxError && /import statement outside a module|Unexpected token 'export'/.test(cause.message)
  if (wrongPackage) return notModules(cwd, Path.dirname(path))
  const [, line, column] = new RegExp(`${Path.basename(path).replaceAll(/[^\w]/g, "\\$&")}:(\\d+)(?::(\\d+))?`).exec(cause.stack ?? "") ??
    []
  if (line === undefined) return undefined
  const known = meant(cause)
  if (known !== undefined) return { file: fileOf(cwd, path), line: Number(line), column: Number(column ?? 1), rule: "WW003", ...known }
  const early = /^Cannot access '(.*)' before initialization$/.exec(cause.message)?.[1]
  return {
    file: fileOf(cwd, path),
    line: Number(line),
    column: Number(column ?? 1),
    ...early === undefined
      ? { rule: "WW003", message: `the spec throws: ${cause.message}`, hint: "a spec only describes: correct what it calls" }
      : {
        rule: "WW002",
        message: `${early} is used before it is described`,
        hint: `a record that contains itself says lazy(() => ${early}); what is merely used too early goes further up`
      }
  }
}

/** A spec without a protocol to see: the value that nobody uses is the one that was meant. */
const unexported = (cwd: string, path: string): Finding => {
  const source = Fs.readFileSync(path, "utf8")
  const unused = [...source.matchAll(/^(const|let) (\w+)\b/gm)].filter(([, , name]) =>
    source.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1
  ).at(-1)
  return {
    rule: "WW001",
    file: fileOf(cwd, path),
    line: unused === undefined ? 1 : source.slice(0, unused.index).split("\n").length,
    column: 1,
    message: "the spec exports no protocol (`protocol`, `extend` or `types`)",
    hint: unused === undefined ? "export one" : `write: export const ${unused[2]}`
  }
}

/** Protocols that a spec file exports, by name. Bases that it merely passes on are left out, unless asked for by name. */
export const load = async (cwd: string, spec: string, only?: string): Promise<ReadonlyArray<Generatable>> => {
  const path = Path.resolve(cwd, spec)
  const stat = Fs.statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new LoadError(spec, "there is no such file")
  if (!stat.isFile() || !/\.[cm]?[jt]s$/.test(path)) {
    throw new LoadError(spec, `is ${stat.isDirectory() ? "a directory" : "no module"}, and specs are files such as spec.ts`)
  }
  let module: { readonly [name: string]: unknown }
  try {
    module = await import(pathToFileURL(path).href) as typeof module
  } catch (cause) {
    throw new LoadError(spec, `cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      finding: thrown(cwd, path, cause)
    })
  }
  const exported = [...new Set(Object.values(module).filter(isGeneratable))]
  const named = only === undefined ? withoutBases(exported) : exported.filter((one) => one.name === only)
  if (named.length === 0) {
    throw new LoadError(
      spec,
      only === undefined
        ? "exports no protocol (`protocol`, `extend` or `types`)"
        : `exports no protocol named ${only}${
          exported.length === 0 ? "" : `; it has ${exported.map(({ name }) => name).sort().join(", ")}`
        }`,
      only === undefined ? { finding: unexported(cwd, path) } : {}
    )
  }
  return named.sort((a, b) => a.name < b.name ? -1 : 1)
}

const withoutBases = (exported: ReadonlyArray<Generatable>): Array<Generatable> => {
  const bases = new Set(exported.flatMap((one) => one.kind === "types" || one.base === undefined ? [] : [one.base as Generatable]))
  return exported.filter((one) => !bases.has(one))
}
