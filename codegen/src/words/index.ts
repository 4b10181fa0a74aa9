/** All words, by the kind of their types. */
import type { TypeModel } from "@wirewright/codec/Model"
import { lengthWords } from "./Lengths.ts"
import { numberWords } from "./Numbers.ts"
import { presenceWords } from "./Presence.ts"
import { recordWords } from "./Records.ts"
import { install, type Words } from "./Registry.ts"
import { textWords } from "./Texts.ts"
import { tokensWords } from "./Tokens.ts"
import { valueWords } from "./Values.ts"
import { wholeWords } from "./Whole.ts"
import type { Word } from "./Word.ts"

const all: Words = {
  ...numberWords,
  ...textWords,
  ...lengthWords,
  ...presenceWords,
  ...recordWords,
  ...tokensWords,
  ...wholeWords,
  ...valueWords
}

install(all)

/** The word of a type. */
export const wordOf = <T extends TypeModel>(type: T): Word<T> => all[type.kind] as unknown as Word<T>
