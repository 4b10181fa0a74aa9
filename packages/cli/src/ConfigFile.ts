/**
 * What `wirewright.config.ts` may say, and whether it does: every mistake at once, unknown keys with the word that may have been meant.
 *
 * This module is what a config file imports, so it loads nothing of the command.
 */
import { nearest } from "./Nearest.ts"

/** One spec module and the directory its code goes to; paths are relative to the working directory. */
export interface Target {
  /** The spec module, such as `spec/chat.ts`. */
  readonly spec: string
  /** Where its code goes, such as `src/gen`. A spec that exports several protocols gets a directory below it for each. */
  readonly out: string
  /** Which of the spec's protocols, by name. Default: all that it exports, but bases of others among them */
  readonly protocol?: string
}

/** How generated code is formatted. */
export interface Formatting {
  /** Characters of a line, 40 or more. Default: 140 */
  readonly lineWidth?: number
  /** Spaces of an indentation, 1 to 8. Default: 2 */
  readonly indentWidth?: number
  /** Whether a tab indents instead of spaces. Default: false */
  readonly useTabs?: boolean
  /** Whether statements end with a semicolon. Default: false */
  readonly semicolons?: boolean
  /** Quotes around text. Default: "double" */
  readonly quotes?: "double" | "single"
}

/** Extensions that imports between generated files may have. */
export const importExtensions = [".ts", ".js"] as const

/** Runners that generated tests may be for. */
export const testRunners = ["vitest", "node", "none"] as const

/** What a spec can become: TypeScript, a JSON Schema of what `decode --json` prints, Kaitai Struct. */
export const languages = ["ts", "json-schema", "ksy"] as const

/** What `wirewright.config.ts` exports as default. */
export interface Config {
  /** What to generate. */
  readonly targets: ReadonlyArray<Target>
  /**
   * Extension of imports between generated files. `.ts` runs in Node as it is, and needs `rewriteRelativeImportExtensions` or
   * `allowImportingTsExtensions` in tsconfig.json; `.js` needs neither, and runs once it is compiled. Default: ".ts"
   */
  readonly importExtension?: typeof importExtensions[number]
  /** Runner of a generated test of each spec's examples. Default: "none", no such test */
  readonly testRunner?: typeof testRunners[number]
  /** How the code is formatted. Default: as the options say */
  readonly format?: Formatting
}

/** Says what the keys of a config mean, in the editor; returns it as it is. */
export const defineConfig = (config: Config): Config => config

type Check = (value: unknown, place: string) => ReadonlyArray<string>

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value)

const text: Check = (value, place) =>
  typeof value === "string" && value.trim() !== "" ? [] : [`${place}: expected text, got ${shown(value)}`]

const truth: Check = (value, place) => typeof value === "boolean" ? [] : [`${place}: expected true or false, got ${shown(value)}`]

const whole = (least: number, most: number): Check => (value, place) =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most
    ? []
    : [`${place}: expected a whole number from ${least} to ${most}, got ${shown(value)}`]

const oneOf = (words: ReadonlyArray<string>): Check => (value, place) =>
  words.includes(value as string)
    ? []
    : [`${place}: expected one of ${words.map(shown).join(", ")}, got ${shown(value)}${nearest(String(value), words)}`]

/** Checks an object: its keys, and what it must have. */
const keys = (checks: { readonly [key: string]: Check }, required: ReadonlyArray<string> = []): Check => (value, place) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${place || "default"}: expected an object, got ${shown(value)}`]
  }
  const at = (key: string): string => place === "" ? key : `${place}.${key}`
  const known = Object.keys(checks)
  const given = Object.entries(value).filter(([, one]) => one !== undefined)
  return [
    ...required.filter((key) => !given.some(([name]) => name === key)).map((key) => `${at(key)}: is missing`),
    ...given.flatMap(([key, one]) =>
      known.includes(key)
        ? checks[key]!(one, at(key))
        : [`${at(key)}: no such option${nearest(key, known) || `; there are ${known.join(", ")}`}`]
    )
  ]
}

const each = (check: Check): Check => (value, place) =>
  Array.isArray(value) ? value.flatMap((one, i) => check(one, `${place}[${i}]`)) : [`${place}: expected a list, got ${shown(value)}`]

const config = keys({
  targets: each(keys({ spec: text, out: text, protocol: text }, ["spec", "out"])),
  importExtension: oneOf(importExtensions),
  testRunner: oneOf(testRunners),
  format: keys({
    lineWidth: whole(40, 1000),
    indentWidth: whole(1, 8),
    useTabs: truth,
    semicolons: truth,
    quotes: oneOf(["double", "single"])
  })
}, ["targets"])

/** What is wrong with what a config file exports, a line each; nothing when it is a `Config`. */
export const configMistakes = (value: unknown): ReadonlyArray<string> => config(value, "")
