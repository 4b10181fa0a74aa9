/**
 * The JSON Schema (2020-12) of what `decode --json` prints of one protocol, packet by packet. What is the same for all protocols (errors, what
 * a capture has beside packets) is that of the codec's `JsonSchema`.
 */
import { type Catalog, isRaw, layoutsOf } from "@wirewright/codec/Catalog"
import { hexNumber } from "@wirewright/codec/Errors"
import { headerFields, headerKey, placeOf, rawSections } from "@wirewright/codec/Json"
import { decodeJsonSchema } from "@wirewright/codec/JsonSchema"
import type { CaseModel, FieldModel, HeaderFieldModel, NamedTypeModel, NumberModel, SizedModel, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { isBigNumber, numberRange } from "@wirewright/codec/words/Numbers"
import { isNullable } from "@wirewright/codec/words/Records"
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { packetPlans, type PacketPlan } from "../sample/Packets.ts"

type Schema = { readonly [keyword: string]: unknown }

const anything: Schema = {}
const hex: Schema = { $ref: "#/$defs/hex" }
const text: Schema = { $ref: "#/$defs/text" }

const described = (schema: Schema, doc: string | undefined): Schema =>
  doc === undefined ? schema : "$ref" in schema ? { description: doc, allOf: [schema] } : { description: doc, ...schema }

const big: Schema = { type: "string", pattern: "^-?[0-9]{1,20}$" }

const numberOf = (type: NumberModel): Schema => {
  const { max, min } = numberRange(type)
  return isBigNumber(type) ? big : { type: "integer", minimum: Number(min), maximum: Number(max) }
}

const bytesOf = ({ max, min, pad, size }: SizedModel): Schema => {
  const count = size !== undefined && pad === undefined
    ? `{${size}}`
    : min === undefined && max === undefined
    ? undefined
    : `{${min ?? 0},${max ?? ""}}`
  // engines of regular expressions take no counts beyond this
  return count === undefined || (size ?? max ?? min ?? 0) > 1_000
    ? hex
    : {
      type: "object",
      required: ["hex"],
      properties: { hex: { type: "string", pattern: `^([0-9a-f]{2})${count}$` } },
      additionalProperties: false
    }
}

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] })

const object = (properties: { readonly [name: string]: Schema }, required: ReadonlyArray<string>): Schema => ({
  type: "object",
  ...(required.length === 0 ? {} : { required }),
  properties,
  additionalProperties: false
})

const isOptional = (type: TypeModel): boolean =>
  type.kind === "optional" && type.of.kind !== "literal" || type.kind === "when" || type.kind === "reserved"

/** Makes the schema of one protocol. */
class Maker {
  private readonly catalog: Catalog
  private readonly types = new Map<string, Schema>()

  constructor(catalog: Catalog) {
    this.catalog = catalog
  }

  /** The whole schema. */
  whole(): Schema {
    const packets = new Map<string, Schema>()
    for (const plan of packetPlans(this.catalog)) {
      const of = plan.meaning.error ? `${plan.tag} ${plan.meaning.command?.name}` : plan.tag
      const name = plan.layout?.name === undefined ? of : `${of} ${plan.layout.name}`
      const key = `${name} ${plan.meaning.kind.name}`
      if (!packets.has(key)) packets.set(key, this.packet(plan))
    }
    const { failure, hex: bytes, passedOver, text: texts } = decodeJsonSchema.$defs
    const named = Object.fromEntries([...packets].map(([key, schema]) => [`packet ${key}`, schema]))
    const ref = (name: string): Schema => ({ $ref: `#/$defs/${encodeURIComponent(name)}` })
    return {
      $schema: decodeJsonSchema.$schema,
      title: `Packets of ${this.catalog.name} as JSON, why bytes are none, or what of a capture was passed over`,
      anyOf: [...Object.keys(named).map(ref), ref("failure"), ref("passedOver")],
      $defs: { hex: bytes, text: texts, failure, passedOver, ...Object.fromEntries([...this.types].sort()), ...named }
    }
  }

  private packet(plan: PacketPlan): Schema {
    const { layout, meaning, tag } = plan
    const { command, error, kind } = meaning
    const name = command === undefined ? undefined : command.name
    const properties: { [name: string]: Schema } = {
      packet: name === undefined ? { const: "Unknown" } : { const: name },
      kind: { const: kind.name }
    }
    const required = ["packet", "kind", "fields", "length"]
    for (const field of headerFields(kind)) {
      // what is the same in all such packets goes without saying
      if (!isRaw(meaning) && command?.header?.[field.name] !== undefined) continue
      const key = headerKey(field.name)
      Object.assign(properties, this.header(field, key, plan))
      const isEverywhere = kind.headers.every(({ fields }) => fields.some(({ name }) => name === field.name))
      if (isEverywhere && (field.role !== "field" || !isOptional(field.type))) required.push(key)
    }
    for (const { ref, section } of kind.shared) properties[headerKey(section)] = this.type({ kind: "nibbleFrames", ref })
    const fields: { [name: string]: Schema } = {}
    const needed: Array<string> = []
    if (isRaw(meaning)) {
      for (const section of rawSections(this.catalog, kind)) {
        if (section === "key" || section === "value") properties[section] = text
        else fields[section] = hex
      }
    } else {
      if (layout?.name !== undefined) {
        properties["layout"] = { const: layout.name }
        required.push("layout")
      }
      const all = layout?.sections.flatMap((section) => section.fields) ?? []
      for (const section of layout?.sections ?? []) {
        for (const field of flatFields(section.fields)) {
          if (!isVisibleType(field.type)) continue
          const schema = this.field(field, all)
          const place = placeOf(section, field)
          if (place === "fields") fields[field.name] = schema
          else properties[place] = schema
          if (isOptional(field.type)) continue
          if (place === "fields") needed.push(field.name)
          else required.push(place)
        }
      }
    }
    properties["fields"] = object(fields, needed)
    properties["length"] = { type: "integer", minimum: 0 }
    const { direction, flow, frame, protocol, time } = decodeJsonSchema.$defs.packet.properties
    const doc = command === undefined || error ? undefined : command.doc
    return described(
      object({ ...properties, protocol, flow, direction, time, frame }, required),
      doc ?? (layoutsOf(meaning).length > 1 ? tag : undefined)
    )
  }

  private header(
    field: HeaderFieldModel,
    key: string,
    { meaning: { command, error, kind, outcome } }: PacketPlan
  ): { readonly [name: string]: Schema } {
    const { doc } = field
    switch (field.role) {
      case "magic":
        return {
          [key]: described({
            enum: kind.headers.flatMap(({ magic }) => magic === undefined ? [] : [hexNumber(magic, intWidth[field.int])])
          }, doc)
        }
      case "opcode":
        return {
          [key]: described(
            command === undefined || command.isOpcodeless === true
              ? { type: "string", pattern: "^-?0x[0-9a-f]+$" }
              : { const: hexNumber(command.opcode, intWidth[field.int]) },
            doc
          )
        }
      case "statusCode": {
        const known = outcome === undefined || error ? undefined : outcome.statuses
        return {
          [key]: described(known === undefined ? { type: "string" } : { enum: known.map(({ name }) => name) }, doc),
          [`${key}Code`]: known === undefined ? { type: "integer" } : { enum: known.map(({ code }) => code) }
        }
      }
      case "field": {
        if (field.type.kind !== "flags") return { [key]: described(this.type(field.type), doc) }
        const { bits, unknown } = this.catalog.typeOf("flags", field.type.ref)
        const names: Schema = { enum: bits.map(({ name }) => name) }
        const items = unknown === "error" ? names : { anyOf: [names, { type: "string", pattern: "^0x[0-9a-f]+$" }] }
        return { [key]: described({ type: "array", items }, doc) }
      }
      default:
        return {}
    }
  }

  private field({ doc, name, type }: FieldModel, siblings: ReadonlyArray<FieldModel>): Schema {
    const schema = this.type(type)
    return described(isNullable(siblings, name) ? nullable(schema) : schema, doc)
  }

  private record(fields: ReadonlyArray<FieldModel>, more: { readonly [name: string]: Schema } = {}): Schema {
    const visible = flatFields(fields).filter(({ type }) => isVisibleType(type))
    return object(
      { ...more, ...Object.fromEntries(visible.map((field) => [field.name, this.field(field, fields)])) },
      [...Object.keys(more), ...visible.filter(({ type }) => !isOptional(type)).map(({ name }) => name)]
    )
  }

  /** What a type is in JSON. */
  private type(type: TypeModel): Schema {
    switch (type.kind) {
      case "int":
      case "varint":
      case "escaped":
      case "decimal":
        return numberOf(type)
      case "float":
        return { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity", "-0"] }] }
      case "slice":
        return { type: "integer", minimum: 0, maximum: 2 ** (type.high - type.low + 1) - 1 }
      case "bcd":
        return { type: "integer", minimum: 0, maximum: 10 ** type.digits - 1 }
      case "bool":
        return { type: "boolean" }
      case "bytes":
        return bytesOf(type)
      case "utf8":
        return type.invalid === "error" ? { type: "string" } : text
      case "json":
      case "text":
        return text
      case "domainName":
        return { type: "string", minLength: 1 }
      case "reserved":
        return type.int === undefined ? bytesOf({ size: type.size ?? 0 }) : numberOf({ kind: "int", int: type.int })
      case "optional":
        return type.of.kind === "literal" ? { type: "boolean" } : this.type(type.of)
      case "when":
        return type.else === undefined ? this.type(type.of) : { anyOf: [this.type(type.of), this.type(type.else)] }
      case "prefixed":
        return type.absent === undefined ? this.type(type.of) : nullable(this.type(type.of))
      case "counted": {
        const list: Schema = { type: "array", items: this.type(type.of), ...(type.max === undefined ? {} : { maxItems: type.max }) }
        return type.absent === undefined ? list : nullable(list)
      }
      case "array":
        return {
          type: "array",
          items: this.type(type.of),
          ...(type.min === undefined ? {} : { minItems: type.min }),
          ...(type.max === undefined ? {} : { maxItems: type.max })
        }
      case "nibbleFrames":
        return { type: "array", items: this.named(type.ref) }
      case "struct":
      case "choice":
      case "flags":
      case "enumeration":
        return this.named(type.ref)
      case "custom":
        return { ...anything, $comment: `what a ${type.name} is, only its own code can say` }
      default:
        return anything
    }
  }

  private named(ref: string): Schema {
    const name = `type ${ref}`
    if (!this.types.has(name)) {
      // a record that contains itself refers to itself
      this.types.set(name, anything)
      const type = this.catalog.type(ref)
      this.types.set(name, described(this.make(type), type.doc))
    }
    return { $ref: `#/$defs/${encodeURIComponent(name)}` }
  }

  private cases(label: string, cases: ReadonlyArray<CaseModel>, tag: Schema | undefined): Schema {
    const known = cases.map((one) => described(this.record(one.fields, { [label]: { const: one.name } }), one.doc))
    const unknown = tag === undefined ? [] : [object({ [label]: { const: "Unknown" }, tag, bytes: hex }, [label, "tag", "bytes"])]
    return { anyOf: [...known, ...unknown] }
  }

  private make(type: NamedTypeModel): Schema {
    switch (type.kind) {
      case "struct":
        return this.record(type.fields)
      case "choice": {
        const tag = type.tag === undefined ? { type: ["integer", "string"] } : numberOf(type.tag)
        return this.cases("case", type.cases, type.unknown === "error" ? undefined : tag)
      }
      case "nibbleFrames":
        return this.cases("frame", type.cases, { type: "integer", minimum: 0, maximum: 270 })
      case "flags":
        return object({
          names: { type: "array", items: { enum: type.bits.map(({ name }) => name) } },
          number: { type: "integer", minimum: 0, maximum: Number(numberRange({ kind: "int", int: type.int }).max) }
        }, ["names", "number"])
      case "enumeration": {
        const names: ReadonlyArray<string | null> = [...type.values.map(({ name }) => name), ...(type.unknown === "error" ? [] : [null])]
        return object({ name: { enum: names }, number: numberOf({ kind: "int", int: type.int }) }, ["name", "number"])
      }
    }
  }
}

/** The JSON Schema of a protocol's packets. */
export const jsonSchemaOf = (catalog: Catalog): Schema => new Maker(catalog).whole()
