/** What may be missing. */
import { malformed } from "../Errors.ts"
import type { TypeModel } from "../Model.ts"
import { endsItself, fixedSize, isVisibleType, leastSize } from "./Sizes.ts"
import type { StateSet, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Whether a state is on, or its number among the versions. */
export const inState = (type: Of<"when">, number: number | undefined): boolean =>
  type.from === undefined && type.to === undefined
    ? (number ?? 0) !== 0
    : (number ?? 0) >= (type.from ?? -Infinity) && (number ?? 0) <= (type.to ?? Infinity)

/** The number of a state; 1 when it is on and has none. */
export const stateNumber = (states: StateSet | undefined, name: string): number | undefined =>
  states === undefined ? undefined : states instanceof Map ? states.get(name) : states.has(name) ? 1 : undefined

/** The words of this file. */
export const presenceWords: { readonly [K in "optional" | "when"]: Word<Of<K>> } = {
  optional: {
    least: () => 0,
    ends: (type, types) => type.if !== undefined && endsItself(types, type.of),
    inner: (type) => [type.of],
    summary: (type, catalog) => catalog.summary(type.of),
    // a literal that may be missing is told by true
    isVisible: (type) => type.of.kind === "literal" || isVisibleType(type.of),
    walk: (walk, type, spot) => walk.type(type.of, spot),
    schema: (make, type) => type.of.kind === "literal" ? make.boolean() : make.type(type.of),
    toJson: (catalog, type, value, notation) => catalog.toJson(type.of, value, notation),
    fromJson: (catalog, type, json, packet, path) =>
      type.of.kind === "literal"
        ? json === true
        : json === undefined || json === null && !isNullable(type.of)
        ? undefined
        : catalog.fromJson(type.of, json, packet, path)
  },
  when: {
    fixed: (type, types, states) => {
      if (type.else !== undefined) {
        const [one, other] = [fixedSize(types, type.of, states), fixedSize(types, type.else, states)]
        if (one === other) return one
      }
      if (states === undefined || type.sibling === true) return undefined
      if (inState(type, stateNumber(states, type.state))) return fixedSize(types, type.of, states)
      return type.else === undefined ? 0 : fixedSize(types, type.else, states)
    },
    least: (type, types) => type.else === undefined ? 0 : Math.min(leastSize(types, type.of), leastSize(types, type.else)),
    ends: (type, types) => endsItself(types, type.of) && (type.else === undefined || endsItself(types, type.else)),
    inner: (type) => type.else === undefined ? [type.of] : [type.of, type.else],
    summary: (type, catalog) => catalog.summary(type.of),
    isVisible: (type) => isVisibleType(type.of),
    schema: (make, type) => type.else === undefined ? make.type(type.of) : make.union([make.type(type.of), make.type(type.else)]),
    walk: (walk, type, spot) => {
      const present = walk.present(type, spot.scope)
      return present === undefined
        ? malformed("UnknownValue", walk.packet, spot.path, spot.at, type.state, "another state")
        : walk.type(present, spot)
    },
    toJson: (catalog, type, value, notation) => catalog.toJson(type.of, value, notation),
    fromJson: (catalog, type, json, packet, path) =>
      json === undefined || json === null && !isNullable(type.of) ? undefined : catalog.fromJson(type.of, json, packet, path)
  }
}

const isNullable = (type: TypeModel): boolean => (type.kind === "prefixed" || type.kind === "counted") && type.absent !== undefined
