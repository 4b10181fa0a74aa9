/** The generator as the command calls it; it is loaded only by the commands that need it. */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import type { Config, languages } from "./ConfigFile.ts"
import { refuse } from "./Failure.ts"

/** Something wrong in a spec. Paths are relative to the working directory, lines and columns count from 1. */
export interface Finding {
  readonly rule: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint: string
}

/** What the generator did, or would do. */
export interface Report {
  readonly findings: ReadonlyArray<Finding>
  /** What should be known and is no mistake. */
  readonly notices: ReadonlyArray<Finding>
  readonly written: ReadonlyArray<string>
  readonly unchanged: number
  readonly removed: ReadonlyArray<string>
  /** Files whose content is not what the specs say. */
  readonly stale: ReadonlyArray<string>
  /** Generated files no spec asks for any more. */
  readonly orphaned: ReadonlyArray<string>
}

/** Options of both functions. */
export interface CodegenOptions extends Config {
  readonly cwd: string
  readonly dryRun?: boolean
  readonly languages?: ReadonlyArray<typeof languages[number]>
}

/** What the reference pages are about, and where they go. */
export interface DocsOptions {
  readonly protocols: ReadonlyArray<{ readonly name: string; readonly models: ReadonlyArray<Model>; readonly customs?: Customs }>
  readonly out: string
  readonly cwd: string
  readonly dryRun?: boolean
}

/** The protocols of a spec, each with its models, the base first. With findings there are none. */
export interface SpecModels {
  readonly findings: ReadonlyArray<Finding>
  readonly protocols: ReadonlyArray<{ readonly name: string; readonly models: ReadonlyArray<Model> }>
}

/** The generator. */
export interface Codegen {
  readonly generate: (options: CodegenOptions) => Promise<Report>
  readonly check: (options: CodegenOptions) => Promise<Report>
  readonly docs: (options: DocsOptions) => Pick<Report, "written" | "removed" | "unchanged">
}

const specifier: string = "@wirewright/codegen"
const modelsSpecifier: string = "@wirewright/codegen/Models"

const isOutputError = (error: unknown): error is { readonly lines: ReadonlyArray<string> } =>
  error instanceof Error && error.name === "OutputError"

/** The models of a spec file; one that cannot be loaded is a usage error. */
export const loadSpec = async (options: { readonly cwd: string; readonly spec: string; readonly protocol?: string | undefined }) => {
  const { loadModels } = await import(modelsSpecifier) as { readonly loadModels: (of: typeof options) => Promise<SpecModels> }
  return refusing(() => loadModels(options))
}

const refusing = async <A>(run: () => A | Promise<A>): Promise<A> => {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Error && error.name === "LoadError") return refuse(error.message)
    if (isOutputError(error)) return refuse("nothing was written.", error.lines)
    throw error
  }
}

/** Runs the generator; a spec that cannot be loaded and a place that cannot be written to are usage errors. */
export const withCodegen = async <A>(run: (codegen: Codegen) => A | Promise<A>): Promise<A> => {
  const codegen = await import(specifier) as Codegen
  return refusing(() => run(codegen))
}
