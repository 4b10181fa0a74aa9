/** Loads spec modules and finds the protocols they export. */
import type { Protocol, TextProtocol, TypesOnly } from "@wirewright/dsl"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"

/** Anything that code is generated for. */
export type Generatable = Protocol | TextProtocol | TypesOnly

const isGeneratable = (value: unknown): value is Generatable => {
  const kind = (value as { readonly kind?: unknown } | null)?.kind
  return kind === "protocol" || kind === "textProtocol" || kind === "types"
}

/** A spec file that cannot be loaded, or holds nothing to generate. */
export class LoadError extends Error {
  override readonly name = "LoadError"
  readonly spec: string
  constructor(spec: string, message: string, options?: ErrorOptions) {
    super(`${spec}: ${message}`, options)
    this.spec = spec
  }
}

/** Protocols that a spec file exports, by name. Bases that it merely passes on are left out, unless asked for by name. */
export const load = async (cwd: string, spec: string, only?: string): Promise<ReadonlyArray<Generatable>> => {
  const path = Path.resolve(cwd, spec)
  let module: { readonly [name: string]: unknown }
  try {
    module = await import(pathToFileURL(path).href) as typeof module
  } catch (cause) {
    throw new LoadError(spec, `cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  const exported = [...new Set(Object.values(module).filter(isGeneratable))]
  const named = only === undefined ? withoutBases(exported) : exported.filter((one) => one.name === only)
  if (named.length === 0) {
    throw new LoadError(
      spec,
      only === undefined ? "exports no protocol (`protocol`, `extend`, `textProtocol` or `types`)" : `exports no protocol named ${only}`
    )
  }
  return named.sort((a, b) => a.name < b.name ? -1 : 1)
}

const withoutBases = (exported: ReadonlyArray<Generatable>): Array<Generatable> => {
  const bases = new Set(exported.flatMap((one) => one.kind === "types" || one.base === undefined ? [] : [one.base as Generatable]))
  return exported.filter((one) => !bases.has(one))
}
