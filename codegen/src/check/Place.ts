/** Where rules stand when they look at fields. */
import type { IntName } from "@wirewright/codec/Model"
import { rangeOfBits } from "@wirewright/codec/words/Numbers"
import type { Complaint } from "../Finding.ts"
import { intSize } from "../Names.ts"
import type { Context } from "../print/Context.ts"

/** Where a field is written, and how to complain about it. */
export interface Place {
  readonly context: Context
  readonly value: object
  readonly path: ReadonlyArray<string>
  /** Whether `when` may name connection states here. */
  readonly states: ReadonlyArray<string>
  /** Most bytes that anything here can take: those of a packet. */
  readonly most?: number
}

/** Makes a complaint about a field. */
export const at = (place: Place, rule: string, path: ReadonlyArray<string>, message: string, hint: string): Complaint => ({
  rule,
  value: place.value,
  path: [...place.path, ...path],
  message,
  hint
})

/** Largest and smallest value of an integer. */
export const rangeOf = (int: IntName): { readonly min: bigint; readonly max: bigint } => rangeOfBits(intSize(int) * 8, int.startsWith("i"))
