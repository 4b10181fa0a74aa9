/** What the checker has to say about a spec. */

/** One finding, at a place in a spec source. */
export interface Finding {
  /** Rule id, such as `WW105`. */
  readonly rule: string
  /** Path of the source, relative to the working directory, with forward slashes. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1. */
  readonly column: number
  readonly message: string
  /** What to do about it. */
  readonly hint: string
}

/** A finding whose place is still a value of the spec and a path below it. */
export interface Complaint {
  readonly rule: string
  readonly value: object
  readonly path: ReadonlyArray<string>
  readonly message: string
  readonly hint: string
}

/** Makes complaints about one value. */
export const complaintsOf = (value: object) => (rule: string, path: ReadonlyArray<string>, message: string, hint: string): Complaint => ({
  rule,
  value,
  path,
  message,
  hint
})
