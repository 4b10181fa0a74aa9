/** Effect schemas of a text protocol's messages, made from its model when they are asked for. */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { PartModel, TextModel } from "./TextModel.ts"
import { Typed } from "./Typed.ts"

type Any = Schema.Top

const escaped = (unit: number): string => `\\x${unit.toString(16).padStart(2, "0")}`

/** Schemas of what stands between two separators. */
class Parts {
  /** Text without separators. */
  private readonly text: Schema.Codec<string>
  /** Text that looks like a JSON object or array. */
  private readonly json: Schema.Codec<string>
  /** A typed value; its text in JSON. */
  private readonly typed: Schema.Codec<Typed, Typed>

  constructor({ fieldSeparator, messageSeparator }: TextModel) {
    const free = `[^${escaped(messageSeparator)}${escaped(fieldSeparator)}]`
    const matching = (pattern: string) => Schema.String.check(Schema.isPattern(new RegExp(pattern)))
    this.text = matching(`^${free}*$`)
    this.json = matching(`^[{[]${free}*$`)
    const number = "N(NaN|-?Infinity|[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?)"
    const link = Schema.link<Typed>()(matching(`^(S${free}*|O${free}+|[TFLU]|${number})$`), {
      decode: SchemaGetter.transform((text) => new Typed(text)),
      encode: SchemaGetter.transform((typed) => typed.text)
    })
    this.typed = Schema.declare((value): value is Typed => value instanceof Typed, {
      expected: "Typed",
      toCodecArbitrary: () => link,
      toCodecJson: () => link
    })
  }

  of(part: PartModel): Any {
    return part.kind === "optionalPart" ? Schema.optional(this.required(part.of)) : this.required(part)
  }

  private required(part: PartModel): Any {
    switch (part.kind) {
      case "integer":
        return Schema.Int
      case "truth":
        return Schema.Boolean
      case "typed":
        return this.typed
      case "jsonText":
        return bounded(this.json, part.max)
      case "text":
        return bounded(this.text, part.max)
      case "restParts":
        return Schema.Array(bounded(this.text, part.max))
      case "optionalPart":
        return this.required(part.of)
      case "literal":
        throw new TypeError("a literal is no property")
    }
  }
}

const bounded = (schema: Schema.Codec<string>, max: number | undefined): Any =>
  max === undefined ? schema : schema.check(Schema.isMaxLength(max))

const known = new WeakMap<TextModel, Parts>()

/** The schema of the messages with this `_tag`. Throws `RangeError` when the model has none; a base's are with the base. */
export const messageSchema = <M extends { readonly _tag: string }>(model: TextModel, tag: M["_tag"]): Schema.Codec<M> => {
  const message = model.messages.find(({ name }) => name === tag)
  if (message === undefined) throw new RangeError(`no message ${tag} in the model of ${model.name}`)
  const parts = known.get(model) ?? new Parts(model)
  known.set(model, parts)
  const fields = message.fields.filter(({ type }) => type.kind !== "literal").map(({ name, type }) => [name, parts.of(type)] as const)
  return Schema.TaggedStruct(tag, Object.fromEntries(fields)) as unknown as Schema.Codec<M>
}
