/**
 * Code that stands twice: runs of equal tokens, as copy-paste detectors count them (jscpd: so many tokens over so many lines). Comments and
 * imports do not count. What stands twice for a reason is named with it; a reason that nothing needs any more is a complaint too.
 */
import type { Complaints } from "./Rules.ts"
import type { Module } from "./Sources.ts"

/** From when on it counts. */
export interface CloneLimits {
  readonly tokens: number
  readonly lines: number
}

/** jscpd's own limits are 50 and 5; below 60 tokens it finds lists of fields. */
export const cloneLimits: CloneLimits = { tokens: 60, lines: 6 }

/** More than any file has. */
const mostTokens = 2 ** 24

interface Tokens {
  readonly path: string
  /** A number for each token, equal where the text is. */
  readonly ids: Int32Array
  readonly lines: Int32Array
}

const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:[^`\\]|\\[\s\S])*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w$]+|\s+|[^\w\s]/g
const imports = /^import\s[^;]*?from\s+"[^"\n]+"|^import\s+"[^"\n]+"/gm

const tokensOf = ({ path, text }: Pick<Module, "path" | "text">, known: Map<string, number>): Tokens => {
  const ids: Array<number> = []
  const lines: Array<number> = []
  let line = 1
  const code = text.replace(imports, (statement) => statement.replace(/[^\n]/g, ""))
  for (const [one] of code.matchAll(token)) {
    if (!/^(?:\/\*|\/\/|\s)/.test(one)) {
      let id = known.get(one)
      if (id === undefined) known.set(one, id = known.size)
      ids.push(id)
      lines.push(line)
    }
    for (let at = one.indexOf("\n"); at >= 0; at = one.indexOf("\n", at + 1)) line++
  }
  return { path, ids: Int32Array.from(ids), lines: Int32Array.from(lines) }
}

/** The same tokens in two places. */
export interface Clone {
  readonly paths: readonly [string, string]
  readonly lines: readonly [number, number]
  readonly length: number
  readonly tokens: number
}

/** All that stands twice, each run once, as long as it can be. */
export const clonesOf = (
  modules: ReadonlyArray<Pick<Module, "path" | "text">>,
  limits: CloneLimits = cloneLimits
): ReadonlyArray<Clone> => {
  const known = new Map<string, number>()
  const files = modules.map((module) => tokensOf(module, known))
  const size = limits.tokens
  let first = 1
  for (let i = 1; i < size; i++) first = Math.imul(first, 31)
  /** Where a run of tokens was first: its file, and its place in it. */
  const seen = new Map<number, number>()
  const clones: Array<Clone> = []

  const run = (a: Tokens, i: number, b: Tokens, j: number): number => {
    const most = Math.min(a.ids.length - i, b.ids.length - j, a === b ? j - i : Infinity)
    let length = 0
    while (length < most && a.ids[i + length] === b.ids[j + length]) length++
    return length
  }

  for (const [index, file] of files.entries()) {
    let hash = 0
    let covered = 0
    for (let end = 0; end < file.ids.length; end++) {
      if (end >= size) hash = hash - Math.imul(file.ids[end - size]!, first) | 0
      hash = Math.imul(hash, 31) + file.ids[end]! | 0
      const at = end - size + 1
      if (at < 0) continue
      const before = seen.get(hash)
      if (before === undefined) {
        seen.set(hash, index * mostTokens + at)
        continue
      }
      if (at < covered) continue
      const other = files[Math.floor(before / mostTokens)]!
      const place = before % mostTokens
      const length = run(other, place, file, at)
      const lines = length < size ? 0 : file.lines[at + length - 1]! - file.lines[at]! + 1
      if (lines < limits.lines) continue
      clones.push({ paths: [other.path, file.path], lines: [other.lines[place]!, file.lines[at]!], length: lines, tokens: length })
      covered = at + length
    }
  }
  return clones
}

/** Two places that may have the same, by the ends of their paths, and why. */
export interface CloneAllowance {
  readonly paths: readonly [string, string]
  readonly why: string
}

export const cloneAllowances: ReadonlyArray<CloneAllowance> = [
  { paths: ["01_echo_server.ts", "02_echo_persist.ts"], why: "examples are read one by one, and the second grows out of the first" },
  { paths: ["couchbase/Statuses.ts", "memcached/Frame.ts"], why: "what specs say of statuses: names and classes that two protocols share" },
  { paths: ["print/Frame.ts", "print/RunFrame.ts"], why: "what is printed of a function: its parameters" },
  { paths: ["codegen/src/words/Lengths.ts", "codegen/src/words/Lengths.ts"], why: "how two words are written that may be null" },
  { paths: ["codegen/src/words/Numbers.ts", "codegen/src/words/Numbers.ts"], why: "how two words are read that are numbers with names" },
  {
    paths: ["codec/src/words/Registry.ts", "codegen/src/words/Registry.ts"],
    why: "a list of all words, of which each package has its part"
  },
  { paths: ["codec/src/words/index.ts", "codegen/src/words/index.ts"], why: "a list of all words, of which each package has its part" }
]

const written = ({ generated, owner }: Module): boolean => !generated && owner !== ""

/** What stands twice in code that is shipped and is not allowed to, and allowances that nothing needs. */
export const duplicates = (modules: ReadonlyArray<Module>, allowances: ReadonlyArray<CloneAllowance> = cloneAllowances): Complaints => {
  const clones = clonesOf(modules.filter((module) => written(module) && !module.test))
  const allows = ({ paths }: CloneAllowance, clone: Clone) => paths.every((end, side) => clone.paths[side]!.endsWith(end))
  return [
    ...clones.filter((clone) => !allowances.some((one) => allows(one, clone))).map(({ length, lines, paths, tokens }) =>
      `${paths[1]}:${lines[1]}: ${length} lines (${tokens} tokens) as in ${paths[0]}:${lines[0]}`
    ),
    ...allowances.filter((one) => !clones.some((clone) => allows(one, clone))).map(({ paths }) =>
      `${paths.join(" and ")} may have the same, and have not`
    )
  ]
}

/** Lines of tests that stand twice. */
export const duplicateLinesOfTests = (modules: ReadonlyArray<Module>): number =>
  clonesOf(modules.filter((module) => written(module) && module.test)).reduce((sum, { length }) => sum + length, 0)
