/** Asks for the word that may have been meant. Pure. */
import { nearestOf } from "@wirewright/codec/Nearest"

/** A question to append to an error, such as `; did you mean dcp?`; empty when no word is near. */
export const nearest = (word: string, words: ReadonlyArray<string>): string => {
  const near = nearestOf(word, words)
  return near === undefined ? "" : `; did you mean ${near}?`
}
