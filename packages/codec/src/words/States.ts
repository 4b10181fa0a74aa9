/** States of the connection and numbers of siblings, and what fields are in them. */
import type { TypeModel } from "../Model.ts"
import type { StateSet } from "./Word.ts"

type When = Extract<TypeModel, { readonly kind: "when" }>

/** Whether a state is on, or its number among the versions. */
export const inState = (type: When, number: number | undefined): boolean =>
  type.from === undefined && type.to === undefined
    ? (number ?? 0) !== 0
    : (number ?? 0) >= (type.from ?? -Infinity) && (number ?? 0) <= (type.to ?? Infinity)

/** The number of a state; 1 when it is on and has none. */
export const stateNumber = (states: StateSet | undefined, name: string): number | undefined =>
  states === undefined ? undefined : states instanceof Map ? states.get(name) : states.has(name) ? 1 : undefined

/**
 * A type with what stands in it by what the record's other fields say. States that are of no field of the record leave it open.
 *
 * `siblings`: the fields of the record, as values.
 */
export const bySiblings = (type: TypeModel, siblings: { readonly [name: string]: unknown }): TypeModel => {
  switch (type.kind) {
    case "optional": {
      const of = bySiblings(type.of, siblings)
      return of === type.of ? type : { ...type, of }
    }
    case "when": {
      const number = siblings[type.state]
      if (type.sibling !== true || type.else === undefined || typeof number !== "number" && typeof number !== "bigint") return type
      return bySiblings(inState(type, Number(number)) ? type.of : type.else, siblings)
    }
    default:
      return type
  }
}
