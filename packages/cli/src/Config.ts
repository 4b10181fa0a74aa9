/** What to generate: from the arguments, else from `wirewright.config.ts` in the working directory. */
import { existsSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { refuse } from "./Failure.ts"

/** One spec module and the directory its code goes to; paths relative to the working directory. */
export interface Target {
  readonly spec: string
  readonly out: string
  /** Which of the spec's protocols, when it exports several. */
  readonly protocol?: string
}

/** What `wirewright.config.ts` exports as default. */
export interface Config {
  readonly targets: ReadonlyArray<Target>
}

/** Names that are looked for, in this order. */
const names = ["wirewright.config.ts", "wirewright.config.js", "wirewright.config.mjs"]

const isTarget = (value: unknown): value is Target => {
  const target = value as Partial<Target> | null
  return typeof target === "object" && typeof target?.spec === "string" && typeof target.out === "string"
}

/** Reads the config file, if there is one. */
const readConfig = async (cwd: string): Promise<{ readonly name: string; readonly targets: ReadonlyArray<Target> } | undefined> => {
  const name = names.find((one) => existsSync(join(cwd, one)))
  if (name === undefined) return undefined
  let loaded: unknown
  try {
    loaded = (await import(pathToFileURL(join(cwd, name)).href) as { readonly default?: unknown }).default
  } catch (error) {
    return refuse(`${name} cannot be loaded: ${(error as Error).message}`)
  }
  const { targets } = (loaded ?? {}) as { readonly targets?: unknown }
  if (!Array.isArray(targets) || !targets.every(isTarget)) {
    return refuse(`${name} must export { targets: [{ spec: "spec.ts", out: "src/gen" }] } as default`)
  }
  return { name, targets }
}

/** The targets the arguments ask for. Several specs with one `out` go to a directory each below it. */
export const targetsOf = async (specs: ReadonlyArray<string>, out: string | undefined, cwd: string): Promise<ReadonlyArray<Target>> => {
  if (specs.length > 0 && out !== undefined) {
    return specs.map((spec) => ({ spec, out: specs.length === 1 ? out : join(out, basename(spec).replace(/\.[cm]?[jt]s$/, "")) }))
  }
  const config = await readConfig(cwd)
  if (specs.length === 0) {
    if (out !== undefined) return refuse("--out needs a spec to generate from")
    return config?.targets ?? refuse(`no spec given and no ${names[0]} in ${cwd}`)
  }
  return specs.flatMap((spec) => {
    const targets = config?.targets.filter((one) => resolve(cwd, one.spec) === resolve(cwd, spec)) ?? []
    return targets.length > 0
      ? targets
      : refuse(`where should the code of ${spec} go? Give --out DIR${config === undefined ? "" : `, or add it to ${config.name}`}`)
  })
}
