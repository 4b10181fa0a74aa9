/**
 * The grammar of sub-document paths: `a.b[0]`, `[-1]`, `` `a.dot` `` with ` ``  ` for a backtick, JSON escapes in names.
 *
 * A path has at most 31 parts, because the document itself counts as one of 32 levels; its length is limited before it gets here. Source:
 * kv_engine docs/SubDocument.md and couchbase/subjson.
 */

/** One step down. */
export type Part =
  /** A member of an object: its name, and the name as it stands between quotes. */
  | { readonly _tag: "Name"; readonly name: string; readonly literal: string }
  /** An element of an array; -1 is the last one. */
  | { readonly _tag: "Index"; readonly index: number }

/** Why a text is no path. */
export type PathProblem = "Invalid" | "TooDeep"

/** Most levels of a document, and of a path with the document itself. */
export const maxLevels = 32

/** Longest path in bytes. */
export const maxPathLength = 1024

const nameOf = (raw: string): Part | "Invalid" => {
  let inner = raw
  if (inner.length > 1 && inner.startsWith("`") && inner.endsWith("`")) inner = inner.slice(1, -1)
  // after the outer pair only doubled backticks are characters
  const literal = inner.replaceAll(/`(`?)/g, "$1")
  if (inner.length === 0 || /\\u/.test(literal)) return "Invalid"
  try {
    return { _tag: "Name", name: JSON.parse(`"${literal}"`) as string, literal }
  } catch {
    return "Invalid"
  }
}

const indexOf = (raw: string): Part | "Invalid" => {
  if (raw === "-1") return { _tag: "Index", index: -1 }
  const index = Number(raw)
  return /^[0-9]+$/.test(raw) && Number.isSafeInteger(index) ? { _tag: "Index", index } : "Invalid"
}

/** Offset after a name that begins at `at`, or -1. Within backticks dots and brackets are characters. */
const nameEnd = (path: string, at: number): number => {
  let quoted = false
  let i = at
  for (; i < path.length; i++) {
    const code = path[i]!
    if (code === "\\") {
      i++
      if (i >= path.length) return -1
      continue
    }
    if (code === "\"" || code < " ") return -1
    if (code === "`") quoted = !quoted
    if (quoted) continue
    if (code === "]") return -1
    if (code === "." || code === "[") return i
  }
  return quoted ? -1 : i
}

/** Takes a path apart; the empty one has no parts. */
export const parsePath = (path: string): ReadonlyArray<Part> | PathProblem => {
  const parts: Array<Part> = []
  let at = 0
  while (at < path.length) {
    const bracket = path[at] === "["
    const end = bracket ? path.indexOf("]", at) : nameEnd(path, at)
    if (end < 0) return "Invalid"
    const part = bracket ? indexOf(path.slice(at + 1, end)) : nameOf(path.slice(at, end))
    if (part === "Invalid") return "Invalid"
    if (parts.length + 1 === maxLevels) return "TooDeep"
    parts.push(part)
    at = bracket ? end + 1 : end
    if (bracket && at < path.length && path[at] !== "[" && path[at] !== ".") return "Invalid"
    if (path[at] === ".") at++
  }
  return parts
}

/** What a document must be for a path to lead into it: for `mkdoc`, which makes one. */
export const rootFor = (path: string, pushes: boolean): "[]" | "{}" | undefined => {
  const first = path.trimStart()[0]
  if (first === undefined) return pushes ? "[]" : undefined
  return first === "[" ? "[]" : "{}"
}
