/** Where words find each other; `index` puts them in. */
import type { TypeModel } from "@wirewright/codec/Model"
import type { Word } from "./Word.ts"

/** The word of each kind of type. */
export type Words = { readonly [K in TypeModel["kind"]]: Word<Extract<TypeModel, { readonly kind: K }>> }

let all: Words | undefined

/** Makes the words known to each other. */
export const install = (words: Words): void => {
  all = words
}

/** The word of a type. */
export const wordOf = <T extends TypeModel>(type: T): Word<T> => all![type.kind] as unknown as Word<T>
