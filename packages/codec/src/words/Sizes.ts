/** Sizes of types, asked of their words. A type that contains itself has no fixed size, and takes at least what surrounds the recursion. */
import type { NamedTypeModel, TypeModel } from "../Model.ts"
import { wordOf } from "./Registry.ts"
import type { StateSet, Types } from "./Word.ts"

/** How many records of each type that contains itself may lie within one another, by name. */
export const depthsOf = (types: Iterable<NamedTypeModel>): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    const { depth, ref } = value as { readonly depth?: number; readonly ref?: string }
    if (typeof depth === "number" && typeof ref === "string") found.set(ref, Math.min(depth, found.get(ref) ?? Infinity))
    for (const one of Object.values(value)) visit(one)
  }
  for (const type of types) visit(type)
  return found
}

const busy = new Set<string>()

/** Runs for a named type unless it is already being asked. */
const once = <A>(type: TypeModel, question: string, otherwise: A, ask: () => A): A => {
  if (type.kind !== "struct" && type.kind !== "choice") return ask()
  const key = `${question} ${type.ref}`
  if (busy.has(key)) return otherwise
  busy.add(key)
  try {
    return ask()
  } finally {
    busy.delete(key)
  }
}

/** Bytes of a type whose values all have the same number of them. */
export const fixedSize = (types: Types, type: TypeModel, states?: StateSet): number | undefined =>
  once(type, "fixed", undefined, () => wordOf(type).fixed?.(type, types, states))

/** Least number of bytes. */
export const leastSize = (types: Types, type: TypeModel): number => {
  const word = wordOf(type)
  return once(type, "least", 0, () => word.least?.(type, types) ?? word.fixed?.(type, types) ?? 0)
}

/** Whether the bytes tell where a value ends. */
export const endsItself = (types: Types, type: TypeModel): boolean => {
  const word = wordOf(type)
  return once(type, "ends", true, () => word.ends?.(type, types) ?? word.fixed?.(type, types) !== undefined)
}

/** Whether packets carry a value for a field. */
export const isVisibleType = (type: TypeModel): boolean => wordOf(type).isVisible?.(type) ?? true

/** Whether an optional value, or one that is there in some states, is spelled by the type. */
export const unwrapped = (type: TypeModel): TypeModel => type.kind === "optional" || type.kind === "when" ? unwrapped(type.of) : type

/** The optional that a type is, or is in some states. */
export const optionalIn = (type: TypeModel): TypeModel & { readonly kind: "optional" } | undefined =>
  type.kind === "optional" ? type : type.kind === "when" ? optionalIn(type.of) : undefined

/** The field that one measures, counts or says the case of; nothing for other fields. */
export const targetOf = (type: TypeModel): string | undefined => {
  const of = unwrapped(type)
  if (of.kind !== "lengthOf" && of.kind !== "countOf" && of.kind !== "tagOf") return undefined
  return typeof of.target === "string" ? of.target : of.target[0]
}
