/** All words, by the kind of their types. */
import type { TypeModel } from "@wirewright/codec/Model"
import { lengthWords } from "./Lengths.ts"
import { numberWords } from "./Numbers.ts"
import { presenceWords } from "./Presence.ts"
import { recordWords } from "./Records.ts"
import { textWords } from "./Texts.ts"
import { tokensWords } from "./Tokens.ts"
import { wholeWords } from "./Whole.ts"
import type { Word } from "./Word.ts"

/** The word of a type. */
export const wordOf = <T extends TypeModel>(type: T): Word<T> => words()[type.kind] as unknown as Word<T>

// made when first asked for: words mention each other
let all: { readonly [K in TypeModel["kind"]]: Word<Extract<TypeModel, { readonly kind: K }>> } | undefined
const words = () =>
  all ??= { ...numberWords, ...textWords, ...lengthWords, ...presenceWords, ...recordWords, ...tokensWords, ...wholeWords }
