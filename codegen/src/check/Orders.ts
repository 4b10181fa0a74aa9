/**
 * Byte orders of records within records. A record that does not say its order has the protocol's; used in a record that says another, it
 * would read its numbers the other way round, which hardly anybody means.
 */
import type { NamedType, Type } from "@wirewright/dsl"
import type { Built } from "../Build.ts"
import type { Complaint } from "../Finding.ts"

/** Types within a type, down to named records. */
const within = (type: Type): ReadonlyArray<Type> => {
  switch (type.kind) {
    case "optional":
    case "array":
    case "prefixed":
    case "counted":
      return [type, ...within(type.of)]
    case "when":
      return [type, ...within(type.of), ...type.else === undefined ? [] : within(type.else)]
    case "tokens":
      return [type, ...Object.values(type.fields).flatMap(within)]
    case "lengthOf":
    case "countOf":
      return type.of.kind === "slice" ? [type] : [type, type.of]
    default:
      return [type]
  }
}

const fieldsOf = (type: NamedType): ReadonlyArray<readonly [path: ReadonlyArray<string>, type: Type]> =>
  type.kind === "struct"
    ? Object.entries(type.fields).map(([name, one]) => [[name], one])
    : type.kind === "choice"
    ? Object.entries(type.cases).flatMap(([name, { fields }]) =>
      Object.entries(fields).map(([field, one]) => [[name, field], one] as const)
    )
    : []

const isWide = (int: string): boolean => int !== "u8" && int !== "i8"

/** Whether a record's own bytes depend on an order that it does not say. */
const dependsOnOrder = (type: NamedType, seen: Set<NamedType> = new Set()): boolean => {
  if (seen.has(type)) return false
  seen.add(type)
  const inner = [...fieldsOf(type).map(([, one]) => one), ...type.kind === "choice" && type.tag.kind === "int" ? [type.tag] : []]
  return inner.flatMap(within).some((one) => {
    switch (one.kind) {
      case "int":
        return one.order === undefined && isWide(one.int)
      case "float":
        return one.order === undefined
      case "constant":
      case "flags":
      case "enumeration":
      case "bits":
        return one.of.order === undefined && isWide(one.of.int)
      case "reserved":
        return false
      case "struct":
      case "choice":
        return one.byteOrder === undefined && dependsOnOrder(one, seen)
      default:
        return false
    }
  })
}

/** Findings about records whose numbers are read in another order than those around them. */
export function* checkOrders(built: Built): Iterable<Complaint> {
  const own = built.protocol.kind === "types" ? "big" : built.protocol.frame.byteOrder ?? "big"
  for (const type of built.types.values()) {
    if (type.kind !== "struct" && type.kind !== "choice" || type.byteOrder === undefined || type.byteOrder === own) continue
    for (const [path, field] of fieldsOf(type)) {
      const inner = within(field).map((one) => one.kind === "lazy" ? one.of() : one)
        .find((one) => (one.kind === "struct" || one.kind === "choice") && one.byteOrder === undefined && dependsOnOrder(one))
      if (inner === undefined || !("name" in inner)) continue
      yield {
        rule: "WW270",
        value: type,
        path,
        message:
          `${inner.name} does not say its byte order and reads the protocol's, ${own}, within ${type.name}, which is ${type.byteOrder}`,
        hint: `say { byteOrder: ${JSON.stringify(type.byteOrder)} } on ${inner.name}, or { byteOrder: "${own}" } if that is meant`
      }
    }
  }
}
