/**
 * Where in a spec file a word was written.
 *
 * The generator reports every finding at `file:line:column`, so each builder notes its caller. The note hangs on a symbol:
 * it never shows up in `Object.keys`, JSON or a spec's equality.
 */

/** Position of a builder call: `file:///…/spec.ts:12:3` split in its parts, lines and columns counted from 1. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
}

const site = Symbol.for("@wirewright/dsl/callSite")

interface WithStackLimit {
  stackTraceLimit: number
  captureStackTrace?: (target: object, below?: unknown) => void
}

const frame = /\(?((?:file:\/\/|[A-Za-z]:[\\/]|\/)[^()]*?):(\d+):(\d+)\)?$/

/** Stamps `value` with the position of whoever called `builder`. */
export const mark = <A extends object>(value: A, builder: unknown): A => {
  const errors = Error as unknown as WithStackLimit
  const limit = errors.stackTraceLimit
  errors.stackTraceLimit = 1
  const holder: { stack?: string } = {}
  if (errors.captureStackTrace !== undefined) errors.captureStackTrace(holder, builder)
  errors.stackTraceLimit = limit
  const line = (holder.stack ?? "").split("\n").at(-1) ?? ""
  const match = frame.exec(line.trim())
  if (match !== null) {
    const position: CallSite = { file: match[1]!, line: Number(match[2]), column: Number(match[3]) }
    Object.defineProperty(value, site, { value: position, enumerable: false })
  }
  return value
}

/** The position `mark` left on a value, if the platform could tell. */
export const callSite = (value: object): CallSite | undefined => (value as { readonly [site]?: CallSite })[site]
