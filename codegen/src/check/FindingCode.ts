/** What a finding says that stands in the table of findings (`Codes.ts`). */

/** A kind of finding. */
export interface FindingCode {
  readonly code: string
  /** What is wrong. */
  readonly title: string
  /** Why it matters. */
  readonly reason: string
  /** What to do about it. */
  readonly remedy: string
  /** A spec with the mistake, below `examplePreamble`; none for those of text protocols, whose own tests have them. */
  readonly example?: string
}

/** A line of the table. */
export const one = (code: string, title: string, reason: string, remedy: string, example?: string): FindingCode =>
  example === undefined ? { code, title, reason, remedy } : { code, title, reason, remedy, example }
