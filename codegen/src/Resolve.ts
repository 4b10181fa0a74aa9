/** What fields of one packet or record say about each other, resolved: tags of choices, bits that tell presence, versions in siblings. */
import type { FieldModel, NamedTypeModel, TypeModel } from "@wirewright/codec/Model"
import { optionalIn } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"

/** What resolving may look up. */
export interface Known {
  readonly named: (ref: string) => NamedTypeModel | undefined
  /** Names of the connection states. */
  readonly states: ReadonlySet<string>
  /** Header fields and fields of the record around. */
  readonly outer: ReadonlyArray<FieldModel>
}

/** Names of the choices that a field is. */
export const choicesIn = (type: TypeModel): ReadonlyArray<string> => {
  switch (type.kind) {
    case "choice":
      return [type.ref]
    case "optional":
    case "when":
    case "prefixed":
      return choicesIn(type.of)
    default:
      return []
  }
}

const conditionsOf = (type: TypeModel): ReadonlyArray<string> => {
  const condition = optionalIn(type)?.if
  return condition?.kind === "bitOf" && condition.bit === undefined ? [condition.field] : []
}

/** Fields with everything that siblings say about them. */
export const resolveFields = (fields: ReadonlyArray<FieldModel>, known: Known): ReadonlyArray<FieldModel> => {
  const flat = flatFields(fields)
  const names = new Set([...flat, ...known.outer].map((field) => field.name))
  const tags = new Map<string, string>()
  const presences = new Map<string, Array<string>>()
  for (const { name, type } of flat) {
    for (const ref of choicesIn(type)) {
      const choice = known.named(ref)
      if (choice?.kind === "choice" && choice.by !== undefined) tags.set(choice.by, name)
    }
    for (const bit of conditionsOf(type)) presences.set(bit, [...presences.get(bit) ?? [], name])
  }
  const resolve = (name: string, type: TypeModel): TypeModel => {
    switch (type.kind) {
      case "tokens":
        return { ...type, fields: type.fields.map((field) => ({ ...field, type: resolve(field.name, field.type) })) }
      case "bits":
        return {
          ...type,
          fields: type.fields.map((field) =>
            presences.has(field.name)
              ? { ...field, presenceOf: presences.get(field.name)! }
              : tags.has(field.name)
              ? { ...field, tagOf: tags.get(field.name)! }
              : field
          )
        }
      case "optional":
        return { ...type, of: resolve("", type.of) }
      case "when": {
        const sibling = !known.states.has(type.state) && names.has(type.state)
        const other = type.else === undefined ? {} : { else: resolve("", type.else) }
        return { ...type, of: resolve("", type.of), ...other, ...(sibling ? { sibling: true as const } : {}) }
      }
      default:
        return name !== "" && tags.has(name) && type.kind !== "tagOf" ? { kind: "tagOf", of: type, target: tags.get(name)! } : type
    }
  }
  return fields.map((field) => ({ ...field, type: resolve(field.name, field.type) }))
}
