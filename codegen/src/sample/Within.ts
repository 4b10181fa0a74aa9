/** What lies within fields: their types, and the states of a connection that these ask for. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { wordOf } from "@wirewright/codec/words/index"

/** Types within fields, named ones once. */
export const typesIn = (catalog: Catalog, fields: ReadonlyArray<FieldModel>, seen: Set<string> = new Set()): ReadonlyArray<TypeModel> => {
  const found: Array<TypeModel> = []
  const visit = (type: TypeModel): void => {
    found.push(type)
    if (type.kind === "tokens") { for (const field of type.fields) visit(field.type) }
    for (const inner of wordOf(type).inner?.(type) ?? []) visit(inner)
    if ((type.kind === "struct" || type.kind === "choice") && !seen.has(type.ref)) {
      seen.add(type.ref)
      const named = catalog.typeOf(type.kind, type.ref)
      for (const field of named.kind === "struct" ? named.fields : named.cases.flatMap((one) => one.fields)) visit(field.type)
    }
  }
  for (const field of fields) visit(field.type)
  return found
}

/** What connection states may be, as far as some types care. */
export const stateSets = (types: ReadonlyArray<TypeModel>): ReadonlyArray<ReadonlyMap<string, number>> => {
  const numbers = new Map<string, Set<number>>()
  for (const type of types) {
    if (type.kind !== "when" || type.sibling === true) continue
    const known = numbers.get(type.state) ?? new Set([0, 1])
    if (type.from !== undefined) known.add(type.from)
    if (type.to !== undefined) known.add(type.to + 1)
    numbers.set(type.state, known)
  }
  let found: ReadonlyArray<ReadonlyMap<string, number>> = [new Map()]
  for (const [name, values] of numbers) {
    found = found.flatMap((one) => [...values].map((value) => new Map([...one, [name, value]]))).slice(0, 16)
  }
  return found
}

/** The states that a reader is shown: what is on or off is off, and versions are the latest that something asks for. */
export const newest = ({ states }: Catalog, sets: ReadonlyArray<ReadonlyMap<string, number>>): ReadonlyMap<string, number> => {
  const numbered = new Set(states.filter((state) => state.numbered === true).map(({ name }) => name))
  const names = new Set(sets.flatMap((one) => [...one.keys()]))
  return new Map([...names].map((name) => [name, numbered.has(name) ? Math.max(...sets.map((one) => one.get(name) ?? 0)) : 0]))
}
