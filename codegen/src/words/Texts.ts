/** Prints bytes, text and literals. */
import { textOfHex } from "@wirewright/codec/Hex"
import type { TypeModel } from "@wirewright/codec/Model"
import { unitSize } from "@wirewright/codec/Encodings"
import { lengthOf, local } from "../Names.ts"
import { codec } from "../print/Codec.ts"
import type { FieldReader } from "../print/Decode.ts"
import type { FieldWriter } from "../print/Encode.ts"
import type { Named, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>
type SizedType = Of<"bytes" | "utf8" | "json" | "text">

/** Where a terminator may stand: at multiples of this. */
const stepOf = (type: SizedType): number => type.kind === "text" ? unitSize(type.encoding) : 1

const read = (reader: FieldReader, type: SizedType, field: Named, end: string): string => {
  const at = String(reader.at)
  const { path } = field
  const stop = type.until !== undefined
    ? reader.findUntil(type.until, field, end, stepOf(type))
    : type.size === undefined
    ? type.kind === "bytes" || type.kind === "text" ? end : reader.floor(end)
    : type.pad === undefined
    ? reader.plus(type.size)
    : reader.constant(
      `${local(field.name)}End`,
      `${reader.use("beforePad")}(reader.bytes, ${at}, ${reader.plus(type.size)}, ${JSON.stringify(textOfHex(type.pad))})`
    )
  if (type.min !== undefined && type.size === undefined) {
    reader.lines.push(
      `${reader.use("expectMin")}(${stop} - ${reader.grouped()}, ${type.min}, ${reader.where(path)}, ${reader.offset(at)})`
    )
  }
  if (type.max !== undefined && type.size === undefined) {
    reader.lines.push(
      `${reader.use("expectAtMost")}(${stop} - ${reader.grouped()}, ${type.max}, ${reader.where(path)}, ${reader.offset(at)})`
    )
  }
  if (type.kind === "utf8" && type.invalid === "error") {
    reader.lines.push(
      `${reader.use("expectUtf8")}(${reader.use("isUtf8")}(reader.bytes, ${at}, ${stop}), ${reader.where(path)}, ${reader.offset(at)})`
    )
  }
  const value = type.kind === "bytes"
    ? `reader.slice(${at}, ${stop})`
    : type.kind === "text"
    ? reader.constant(
      local(field.name),
      `${reader.use("decodeEncoded")}(reader, "${type.encoding}", ${at}, ${stop}, ${reader.origin}, ${reader.where(path)})`
    )
    : `${reader.use("decodeText")}(reader.bytes, ${at}, ${stop})`
  if (type.size !== undefined) reader.advance(type.size)
  else reader.moveTo(stop, (type.until?.length ?? 0) / 2)
  return value
}

/** Whether text ends with a character that UTF-8 has for nothing else, or a line. */
const isCharacter = (ending: string): boolean => ending.length === 1 && ending < "\u0080" || ending === "\r\n"

/** Writes the content and what ends it. */
const write = (writer: FieldWriter, type: SizedType, field: Named, value: string): void => {
  const { path } = field
  const checkEscapes = (): void => {
    writer.lines.push(
      `if (${writer.use("hasEscapes")}(${value})) ${writer.use("unencodable")}("Utf8", ${writer.where(path)}, "well-formed text", ` +
        "\"lone surrogates\")"
    )
  }
  if (type.size !== undefined && type.pad === undefined && type.kind === "bytes") {
    writer.lines.push(
      `${writer.use("checkLength")}(${value}?.length, ${type.size}, ${writer.where(path)})`,
      `${writer.use("putBytes")}(bytes, ${writer.here}, ${value}, ${writer.where(path)})`
    )
    return writer.skip(type.size)
  }
  const byText = (type.kind === "utf8" || type.kind === "json") && type.until !== undefined && isCharacter(textOfHex(type.until))
  const checked = type.size !== undefined || type.min !== undefined || type.max !== undefined || type.until !== undefined && !byText
  const start = checked ? writer.mark(writer.fresh(`${local(field.name)}From`)) : undefined
  const at = start ?? writer.here
  writer.advance(
    type.kind === "bytes"
      ? `${writer.use("putBytes")}(bytes, ${at}, ${value}, ${writer.where(path)})`
      : type.kind === "text"
      ? `${writer.use("putEncoded")}(bytes, ${at}, "${type.encoding}", ${value}, ${writer.where(path)})`
      : `${writer.use("putText")}(bytes, ${at}, ${value}, ${writer.where(path)})`
  )
  if (type.kind === "utf8" && type.invalid === "error") checkEscapes()
  if (type.pad !== undefined) {
    const pad = JSON.stringify(textOfHex(type.pad))
    writer.advance(`${writer.use("putPad")}(bytes, ${start}, position, ${start} + ${type.size}, ${pad}, ${writer.where(path)})`)
  } else if (type.size !== undefined) {
    writer.lines.push(`${writer.use("checkLength")}(position - ${start}, ${type.size}, ${writer.where(path)})`)
  } else {
    if (type.min !== undefined) writer.lines.push(`${writer.use("checkMin")}(position - ${start}, ${type.min}, ${writer.where(path)})`)
    if (type.max !== undefined) writer.lines.push(`${writer.use("checkAtMost")}(position - ${start}, ${type.max}, ${writer.where(path)})`)
  }
  const ending = type.until === undefined ? "" : textOfHex(type.until)
  if (byText) {
    writer.lines.push(`${writer.use("checkTextUntil")}(${value}, ${JSON.stringify(ending.at(-1))}, ${writer.where(path)})`)
    writer.literal(type.until!)
  } else if (type.until !== undefined) {
    writer.lines.push(
      `${writer.use("checkUntil")}(bytes, ${start}, position, ${JSON.stringify(textOfHex(type.until))}, ${writer.where(path)}${
        stepOf(type) === 1 ? "" : `, ${stepOf(type)}`
      })`
    )
    writer.literal(type.until)
  }
}

const sizedWord = <T extends SizedType>(text: "string" | "Uint8Array"): Word<T> => ({
  text: () => text,
  read,
  write,
  bound: (_, module, type, value) => ({
    fixed: (type.size ?? 0) + (type.until?.length ?? 0) / 2,
    terms: type.size !== undefined && type.pad === undefined && type.kind === "bytes"
      ? []
      : [
        type.kind === "bytes"
          ? lengthOf(module, value)
          : type.kind === "text"
          ? `${module.use(codec, "boundEncoded")}("${type.encoding}", ${value})`
          : `${module.use(codec, "textBound")}(${value})`
      ]
  })
})

/** The words of this file. */
export const textWords: { readonly [K in "bytes" | "utf8" | "json" | "text" | "literal"]: Word<Of<K>> } = {
  bytes: sizedWord<Of<"bytes">>("Uint8Array"),
  utf8: sizedWord<Of<"utf8">>("string"),
  json: sizedWord<Of<"json">>("string"),
  text: sizedWord<Of<"text">>("string"),
  literal: {
    text: () => "never",
    read: (reader, type, field, end) => {
      reader.literal(type.hex, end, field.path)
      return undefined
    },
    write: (writer, type) => writer.literal(type.hex),
    bound: (_, __, type) => ({ fixed: type.hex.length / 2, terms: [] })
  }
}
