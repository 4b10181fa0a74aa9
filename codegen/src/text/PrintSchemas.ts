/** Prints Schemas.ts: a Schema and an Arbitrary per message, for validation, JSON, documentation and tests; no codec uses them. */
import type { MessageModel, PartModel } from "@wirewright/codec/TextModel"
import { Module } from "../Module.ts"
import { type Printing, separatorEscape } from "./Print.ts"
import { inner } from "./Shape.ts"

/** Schemas.ts. */
export const printSchemas = ({ model, bases }: Printing): Module => {
  const module = new Module("Schemas.ts", `Schemas and arbitraries of the ${model.name} protocol.`)
  module.useAll("effect/Schema", "Schema")
  module.useAll("effect/Arbitrary", "Arbitrary")
  const root = bases.at(-1)
  const place = root === undefined ? "./Schemas.ts" : `${root.module}/Schemas`
  if (root === undefined) addFields(module, model.fieldSeparator, model.messageSeparator)
  for (const message of model.messages) {
    module.add({ kind: "const", name: `${message.name}Schema`, doc: message.doc, value: struct(module, message, place) })
    module.add({
      kind: "const",
      name: `${message.name}Arbitrary`,
      doc: `Any ${message.name}.`,
      type: `Arbitrary.Arbitrary<${module.useType("./Messages.ts", message.name)}>`,
      value: `Arbitrary.schema(${message.name}Schema)`
    })
  }
  return module
}

const addFields = (module: Module, field: number, end: number) => {
  const free = `[^${separatorEscape(end)}${separatorEscape(field)}]`
  module.use("@wirewright/codec/Typed", "Typed")
  module.useAll("effect/SchemaGetter", "SchemaGetter")
  module.add({
    kind: "const",
    name: "FieldText",
    doc: "Text without separators.",
    value: `Schema.String.check(Schema.isPattern(/^${free}*$/))`
  })
  module.add({
    kind: "const",
    name: "FieldJson",
    doc: "Text that looks like a JSON object or array.",
    value: `Schema.String.check(Schema.isPattern(/^[{[]${free}*$/))`
  })
  const number = "N(NaN|-?Infinity|[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?)"
  module.add({
    kind: "const",
    name: "FieldTypedText",
    doc: "Text of a typed value.",
    value: `Schema.String.check(Schema.isPattern(/^(S${free}*|O${free}+|[TFLU]|${number})$/))`
  })
  module.add({
    kind: "statement",
    text: [
      "const typedLink = Schema.link<Typed>()(FieldTypedText, {",
      "  decode: SchemaGetter.transform((text) => new Typed(text)),",
      "  encode: SchemaGetter.transform((typed) => typed.text)",
      "})"
    ].join("\n")
  })
  module.add({
    kind: "const",
    name: "FieldTyped",
    doc: "A typed value; its text in JSON.",
    value: [
      "Schema.declare((value): value is Typed => value instanceof Typed, {",
      `  expected: "Typed",`,
      "  toCodecArbitrary: () => typedLink,",
      "  toCodecJson: () => typedLink",
      "})"
    ].join("\n")
  })
}

const struct = (module: Module, message: MessageModel, place: string): string => {
  const fields = message.fields.filter(({ type }) => type.kind !== "literal").map(({ name, type }) =>
    `${name}: ${schema(module, type, place)}`
  )
  return `Schema.TaggedStruct("${message.name}", {${fields.length === 0 ? "" : ` ${fields.join(", ")} `}})`
}

const schema = (module: Module, part: PartModel, place: string): string => {
  switch (part.kind) {
    case "integer":
      return "Schema.Int"
    case "truth":
      return "Schema.Boolean"
    case "optionalPart":
      return `Schema.optional(${schema(module, inner(part), place)})`
    case "typed":
      return module.use(place, "FieldTyped")
    case "jsonText":
      return bounded(module.use(place, "FieldJson"), part.max)
    case "restParts":
      return `Schema.Array(${bounded(module.use(place, "FieldText"), part.max)})`
    case "text":
      return bounded(module.use(place, "FieldText"), part.max)
    case "literal":
      throw new TypeError("a literal is no property")
  }
}

const bounded = (name: string, max: number | undefined): string => max === undefined ? name : `${name}.check(Schema.isMaxLength(${max}))`
