/** A bounded search for two values with the same bytes: small encodings, each read in every way. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits, hexOf } from "@wirewright/codec/Hex"
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { Exhausted, type Reading, Relation } from "./ProofRelation.ts"
import { encodeNumber } from "../sample/Assemble.ts"
import { typesIn } from "../sample/Within.ts"
import { Samples } from "./ProofSamples.ts"

/** One of several contents that the same bytes may have. */
export interface Alternative {
  /** What it is called, in front of its value. */
  readonly label: string
  readonly fields: ReadonlyArray<FieldModel>
}

/** Two values with the same bytes; of an open end, two of which one begins with the other. */
export interface Counterexample {
  readonly hex: string
  readonly values: readonly [string, string]
  /** Bytes of the second, where it is only the beginning. */
  readonly shorter?: string
}

/** Bytes that mean something: constants, literals, separators, tags. */
const specials = (catalog: Catalog, types: ReadonlyArray<TypeModel>): ReadonlyArray<ReadonlyArray<number>> => {
  const out: Array<ReadonlyArray<number>> = []
  for (const type of types) {
    if (type.kind === "constant") {
      out.push(encodeNumber({ kind: "int", int: type.int, order: type.order ?? "big" }, BigInt(type.value)) ?? [])
    } else if (type.kind === "literal") out.push([...bytesOfDigits(type.hex)])
    else if (type.kind === "tokens") out.push([...bytesOfDigits(type.separator)])
    else if (type.kind === "choice") {
      const { cases, tag } = catalog.typeOf("choice", type.ref)
      if (tag !== undefined) { for (const one of cases.slice(0, 2)) out.push(encodeNumber(tag, BigInt(one.tag)) ?? []) }
    }
  }
  return [...new Map(out.filter((bytes) => bytes.length > 0).map((bytes) => [bytes.join(), bytes])).values()]
}

const budget = 40_000

/** Looks for two values of some alternatives with the same bytes; `open` when nothing outside says where they end. */
export const search = (
  catalog: Catalog,
  alternatives: ReadonlyArray<Alternative>,
  states: ReadonlyMap<string, number>,
  open: boolean
): Counterexample | undefined => {
  const special = specials(catalog, typesIn(catalog, alternatives.flatMap(({ fields }) => fields)))
  const samples = new Samples(catalog, states, special)
  let steps = budget
  for (const { fields } of alternatives) {
    for (const sample of samples.record(fields).toSorted((a, b) => a.length - b.length)) {
      const bytes = Uint8Array.from(sample)
      try {
        const found = readings(catalog, bytes, alternatives, states, 2000)
        const whole = [...new Set(found.filter(({ next }) => next === bytes.length).map(({ text }) => text!))]
        if (whole.length > 1) return { hex: hexOf(bytes), values: [whole[0]!, whole[1]!] }
        const part = open && whole.length > 0 ? found.find(({ next }) => next < bytes.length) : undefined
        if (part !== undefined) return { hex: hexOf(bytes), values: [whole[0]!, part.text!], shorter: hexOf(bytes.subarray(0, part.next)) }
      } catch (error) {
        if (!(error instanceof Exhausted)) throw error
      }
      if (steps-- <= 0) return undefined
    }
  }
  return undefined
}

const readings = (
  catalog: Catalog,
  bytes: Uint8Array,
  alternatives: ReadonlyArray<Alternative>,
  states: ReadonlyMap<string, number>,
  steps: number
): ReadonlyArray<Reading> =>
  alternatives.flatMap(({ fields, label }) =>
    [...new Relation(catalog, bytes, states, steps).record(fields, 0, bytes.length)].map((one) => ({
      ...one,
      text: label === "" ? one.text : `${label} ${one.text}`
    }))
  )
