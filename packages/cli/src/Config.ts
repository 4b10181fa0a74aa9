/** What to generate, and how: from the arguments, else from `wirewright.config.ts` in the working directory. */
import { existsSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { type Config, configMistakes, type Target } from "./ConfigFile.ts"
import { refuse } from "./Failure.ts"

/** Names that are looked for, in this order. */
export const configNames = ["wirewright.config.ts", "wirewright.config.js", "wirewright.config.mjs"]

/** Reads the config file, if there is one. */
export const readConfig = async (cwd: string): Promise<{ readonly name: string; readonly config: Config } | undefined> => {
  const name = configNames.find((one) => existsSync(join(cwd, one)))
  if (name === undefined) return undefined
  let loaded: unknown
  try {
    loaded = (await import(pathToFileURL(join(cwd, name)).href) as { readonly default?: unknown }).default
  } catch (error) {
    return refuse(`${name} cannot be loaded: ${(error as Error).message}`)
  }
  if (loaded === undefined) return refuse(`${name} must export its options as default: export default defineConfig({ targets: [...] })`)
  const mistakes = configMistakes(loaded)
  return mistakes.length > 0 ? refuse(`${name} is wrong.`, mistakes) : { name, config: loaded as Config }
}

/** The targets that a config file has for a spec. */
export const targetsFor = (
  spec: string,
  cwd: string,
  found: { readonly config: Config } | undefined
): ReadonlyArray<Target> => found?.config.targets.filter((one) => resolve(cwd, one.spec) === resolve(cwd, spec)) ?? []

/** What the arguments and the config file ask for together. Several specs with one `out` go to a directory each below it. */
export const settingsOf = async (specs: ReadonlyArray<string>, out: string | undefined, cwd: string): Promise<Config> => {
  const found = await readConfig(cwd)
  return { ...found?.config, targets: targetsOf(specs, out, cwd, found) }
}

const targetsOf = (
  specs: ReadonlyArray<string>,
  out: string | undefined,
  cwd: string,
  found: { readonly name: string; readonly config: Config } | undefined
): ReadonlyArray<Target> => {
  if (specs.length > 0 && out !== undefined) {
    return specs.map((spec) => ({ spec, out: specs.length === 1 ? out : join(out, basename(spec).replace(/\.[cm]?[jt]s$/, "")) }))
  }
  if (specs.length === 0) {
    if (out !== undefined) return refuse("--out needs a spec to generate from")
    return found?.config.targets ?? refuse(`no spec given and no ${configNames[0]} in ${cwd}`)
  }
  return specs.flatMap((spec) => {
    const targets = targetsFor(spec, cwd, found)
    return targets.length > 0
      ? targets
      : refuse(`where should the code of ${spec} go? Give --out DIR${found === undefined ? "" : `, or add it to ${found.name}`}`)
  })
}
