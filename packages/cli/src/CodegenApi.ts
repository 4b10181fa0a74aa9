/** The generator as the command calls it; it is loaded only by the commands that need it. */
import type { Config } from "./ConfigFile.ts"
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
}

/** What the reference pages are about, and where they go. */
export interface DocsOptions {
  readonly targets: ReadonlyArray<{ readonly spec: string; readonly protocol?: string }>
  readonly out: string
  readonly cwd: string
  readonly dryRun?: boolean
}

/** The generator. */
export interface Codegen {
  readonly generate: (options: CodegenOptions) => Promise<Report>
  readonly check: (options: CodegenOptions) => Promise<Report>
  readonly docs: (options: DocsOptions) => Promise<Omit<Report, "stale" | "orphaned">>
}

const specifier: string = "@wirewright/codegen"

const isOutputError = (error: unknown): error is { readonly lines: ReadonlyArray<string> } =>
  error instanceof Error && error.name === "OutputError"

/** Runs the generator; a spec that cannot be loaded and a place that cannot be written to are usage errors. */
export const withCodegen = async <A>(run: (codegen: Codegen) => Promise<A>): Promise<A> => {
  const codegen = await import(specifier) as Codegen
  try {
    return await run(codegen)
  } catch (error) {
    if (error instanceof Error && error.name === "LoadError") return refuse(error.message)
    if (isOutputError(error)) return refuse("nothing was written.", error.lines)
    throw error
  }
}
