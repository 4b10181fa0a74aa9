/** The TypeScript type of a value, as text that is the same when programs cannot tell one from the other. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { isBigNumber } from "@wirewright/codec/words/Numbers"
import { isNullable } from "@wirewright/codec/words/Records"
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { intWidth } from "@wirewright/codec/TypeText"

/** A property of a packet or record. */
export interface Property {
  readonly name: string
  readonly shape: string
  readonly isOptional: boolean
}

/** The type of a value. */
export const shapeOf = (catalog: Catalog, type: TypeModel): string => {
  switch (type.kind) {
    case "int":
    case "varint":
    case "escaped":
    case "decimal": {
      const brand = "brand" in type && type.brand !== undefined ? ` ${type.brand}` : ""
      return `${isBigNumber(type) ? "bigint" : "number"}${brand}`
    }
    case "float":
    case "bcd":
    case "slice":
      return "number"
    case "bytes":
      return "Uint8Array"
    case "utf8":
    case "json":
    case "text":
    case "domainName":
      return "string"
    case "bool":
      return "boolean"
    case "reserved":
      return type.int === undefined ? "Uint8Array" : intWidth[type.int] === 8 ? "bigint" : "number"
    case "prefixed":
      return type.absent === undefined ? shapeOf(catalog, type.of) : `${shapeOf(catalog, type.of)} | null`
    case "counted":
      return type.absent === undefined ? `Array<${shapeOf(catalog, type.of)}>` : `Array<${shapeOf(catalog, type.of)}> | null`
    case "array":
      return `Array<${shapeOf(catalog, type.of)}>`
    case "optional":
      return type.of.kind === "literal" ? "boolean" : shapeOf(catalog, type.of)
    case "when":
      return type.else === undefined ? shapeOf(catalog, type.of) : `${shapeOf(catalog, type.of)} | ${shapeOf(catalog, type.else)}`
    case "nibbleFrames":
      return `Array<${type.ref}>`
    case "custom":
      return type.name
    case "enumeration": {
      const named = catalog.typeOf("enumeration", type.ref)
      return intWidth[named.int] === 8 ? `${type.ref} bigint` : type.ref
    }
    case "struct":
    case "choice":
    case "flags":
      return type.ref
    default:
      return ""
  }
}

const isOptional = ({ kind }: TypeModel): boolean => kind === "optional" || kind === "when" || kind === "reserved"

/** The properties that fields are in an object. */
export const propertiesOf = (catalog: Catalog, fields: ReadonlyArray<FieldModel>): ReadonlyArray<Property> =>
  flatFields(fields).filter(({ type }) => isVisibleType(type)).map(({ name, type }) => ({
    name,
    shape: `${shapeOf(catalog, type)}${isNullable(fields, name) ? " | null" : ""}`,
    isOptional: isOptional(type) && !(type.kind === "optional" && type.of.kind === "literal")
  }))

/** Whether programs written for one set of properties may not compile with the other. */
export const breaks = (old: ReadonlyArray<Property>, now: ReadonlyArray<Property>): boolean =>
  old.some((one) => {
    const other = now.find(({ name }) => name === one.name)
    return other === undefined || other.shape !== one.shape || other.isOptional !== one.isOptional
  }) || now.some((one) => !one.isOptional && !old.some(({ name }) => name === one.name))
