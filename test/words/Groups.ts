/** All entries of the table, by group; a group is generated as one protocol. */
import type { Entry } from "./Entry.ts"
import { bitsAndTokens } from "./table/Bits.ts"
import { lengths } from "./table/Lengths.ts"
import { measures } from "./table/Measures.ts"
import { numbers } from "./table/Numbers.ts"
import { presence } from "./table/Presence.ts"
import { records } from "./table/Records.ts"
import { texts } from "./table/Texts.ts"
import { tokens } from "./table/Tokens.ts"
import { values } from "./table/Values.ts"
import { whole } from "./table/Whole.ts"

/** Entries by group. */
export const groups: { readonly [name: string]: ReadonlyArray<Entry> } = {
  numbers,
  texts,
  tokens,
  lengths,
  measures,
  presence,
  bits: bitsAndTokens,
  records,
  values,
  whole
}

/** Connection states that entries mention. */
export const states = ["on", "version"] as const
