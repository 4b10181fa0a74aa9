/** A word of the grammar with what is known of it: the table from which tests and the reference are made. */
import type { NamedType } from "@wirewright/dsl"
import type { Surroundings } from "./Harness.ts"

/** A value and its bytes. */
export interface Example extends Surroundings {
  readonly value: object
  readonly hex: string
  /** Where the bytes come from: a document, or how they follow from one. */
  readonly from?: string
}

/** Bytes that are no record. */
export interface Wrong extends Surroundings {
  readonly hex: string
  readonly reason: string
  readonly path: string
  readonly offset: number
}

/** A value that has no bytes. */
export interface Refused extends Surroundings {
  readonly value: unknown
  readonly reason: string
  readonly path: string
}

/** One record that shows words. */
export interface Entry {
  /** Name in the test's output. */
  readonly name: string
  readonly type: NamedType
  readonly examples: ReadonlyArray<Example>
  readonly wrong?: ReadonlyArray<Wrong>
  readonly refused?: ReadonlyArray<Refused>
  /** Why bytes that decode may encode as others. */
  readonly lossy?: string
  /** Bytes that are read as the value of the first example, and not written. */
  readonly alike?: ReadonlyArray<string>
}

/** Bytes that are wrong, in short. */
export const wrong = (hex: string, reason: string, path: string, offset: number, around: Surroundings = {}): Wrong => ({
  hex,
  reason,
  path,
  offset,
  ...around
})

/** A value that cannot be written, in short. */
export const refused = (value: unknown, reason: string, path: string, around: Surroundings = {}): Refused => ({
  value,
  reason,
  path,
  ...around
})
