/** Prints lengths and counts, of siblings and in front of what they measure; and tags of sibling choices. */
import type { LengthModel, NumberModel, SliceModel, TypeModel } from "@wirewright/codec/Model"
import { numberBytes } from "@wirewright/codec/words/Numbers"
import { capital, lengthOf, local } from "../Names.ts"
import type { FieldReader, Known } from "../print/Decode.ts"
import { assigned, Position } from "../print/Position.ts"
import type { FieldWriter } from "../print/Encode.ts"
import { wordOf } from "./Registry.ts"
import { checked, keepLength, type Meant, meantBy, spelled } from "./Measures.ts"
import { numberNeeds, putInt, readNumber, sizeOfNumber, writeNumber } from "./Numbers.ts"
import { readElements, writeElements } from "./Records.ts"
import type { Named, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

const isBig = (type: NumberModel | SliceModel): boolean =>
  type.kind === "slice"
    ? false
    : type.kind === "int"
    ? type.int === "u64" || type.int === "i64"
    : type.kind === "escaped"
    ? type.escapes.some(({ of }) => isBig(of))
    : type.bits === 64

/** Reads the number. */
const readMeant = (reader: FieldReader, type: LengthModel, of: NumberModel, field: Named, end: string): Meant => {
  const at = String(reader.at)
  const read = readNumber(reader, of, field, end)
  const number = isBig(of) ? `${reader.use("safeLength")}(${read}, ${reader.where(field.path)}, ${reader.offset(at)})` : read
  const raw = /^\w+$/.test(number) ? number : reader.constant(local(field.name), number)
  const signed = of.kind === "int" && of.int.startsWith("i") || of.kind === "decimal" && of.signed || of.kind === "varint" && of.zigzag
  return meantBy(reader, type, raw, signed, field.path, at)
}

/** Reads the number and returns what it means: a length, and when it is there. */
export const readLength = (reader: FieldReader, type: LengthModel, of: NumberModel, field: Named, end: string): Known =>
  checked(reader, readMeant(reader, type, of, field, end))

const asNumber = (of: NumberModel | SliceModel, value: string): string => isBig(of) ? `BigInt(${value})` : value

/** Whether the size of a value is known before it is written; then its expression. */
export const sizeBefore = (writer: FieldWriter, type: TypeModel, value: string): string | undefined => {
  const fixed = writer.context.fixedSize(type)
  if (fixed !== undefined) return String(fixed)
  if (type.kind === "bytes") return `${lengthOf(writer.module, value)}${type.until === undefined ? "" : ` + ${type.until.length / 2}`}`
  if (type.kind === "utf8" || type.kind === "json") {
    return `${writer.use("textLength")}(${value} ?? "")${type.until === undefined ? "" : ` + ${type.until.length / 2}`}`
  }
  return undefined
}

/** Reads something that a length says, in a block of its own if it may be null. */
const nullable = (
  reader: FieldReader,
  field: Named,
  text: string,
  { check, present }: Meant,
  readIt: (inner: FieldReader) => string | undefined
): string | undefined => {
  const read = (inner: FieldReader): string | undefined => {
    if (check !== undefined) inner.lines.push(check)
    return readIt(inner)
  }
  if (present === undefined) return read(reader)
  const start = String(reader.at)
  const name = reader.fresh(local(field.name === "" ? "value" : field.name))
  const after = reader.fresh(`after${capital(name)}`)
  const inner = reader.child()
  const value = read(inner)
  reader.lines.push(
    `let ${name}: ${text} = null`,
    `let ${after} = ${start}`,
    `if (${present}) {`,
    ...assigned(inner.lines, [[after, String(inner.at)], [name, String(value)]]).map((line) => `  ${line}`),
    "}"
  )
  reader.at = new Position(after)
  return name
}

/** Whether any bytes are a value, so that reading it makes no statements. */
const isAnyBytes = (type: TypeModel): boolean =>
  (type.kind === "bytes" || type.kind === "utf8" && type.invalid !== "error") &&
  type.until === undefined && type.size === undefined && type.min === undefined && type.max === undefined

/** A base for local names of something in an element. */
const nameOf = (field: Named): string => field.name === "" ? "element" : field.name

const orNull = (type: LengthModel, text: string): string => type.absent === undefined ? text : `${text} | null`

/** The words of this file. */
export const lengthWords: {
  readonly [K in "lengthOf" | "countOf" | "tagOf" | "prefixed" | "counted" | "opcode" | "bodyLength"]: Word<Of<K>>
} = {
  opcode: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const value = reader.constant(local(field.name), readNumber(reader, type.of, field, end))
      reader.numbers.set(field.name, value)
      return undefined
    },
    write: (writer, type, field) => writeNumber(writer, type.of, field, "opcode")
  },
  bodyLength: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const at = String(reader.at)
      const known = readLength(reader, {}, type.of, { ...field, name: "length" }, end)
      const value = reader.constant("bodyLength", known.value)
      reader.numbers.set(field.name, value)
      reader.scope.lengths.set("", { value })
      reader.scope.places.set("", [at, String(reader.at)])
      return undefined
    },
    write: (writer, type, field) => writeNumber(writer, type.of, field, asNumber(type.of, "length")),
    bound: (_, __, type) => ({ fixed: numberBytes(type.of), terms: [] })
  },
  lengthOf: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const at = String(reader.at)
      const known = readLength(reader, type, type.of as NumberModel, field, end)
      reader.scope.numbers.set(field.name, known.value)
      keepLength(reader, type.target, known, field.path, at)
      return undefined
    },
    write: (writer, type, field) => writer.length(type, field),
    bound: (_, __, type) => ({ fixed: numberBytes(type.of), terms: [] })
  },
  countOf: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const known = readLength(reader, type, type.of as NumberModel, field, end)
      reader.scope.numbers.set(field.name, known.value)
      reader.scope.counts.set(type.target, known)
      return undefined
    },
    write: (writer, type, field) => {
      const value = writer.value(type.target)
      const count = spelled(lengthOf(writer.module, value), type)
      const number = type.absent === undefined ? count : `${value} === null ? ${type.absent} : ${count}`
      writeNumber(writer, type.of as NumberModel, { ...field, path: type.target }, asNumber(type.of, number))
    },
    bound: (_, __, type) => ({ fixed: numberBytes(type.of), terms: [] })
  },
  tagOf: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const value = wordOf(type.of).read(reader, type.of, field, end)!
      const tag = /^\w+$/.test(value) ? value : reader.constant(local(field.name), value)
      reader.scope.tags.set(type.target, tag)
      reader.scope.numbers.set(field.name, tag)
      return undefined
    },
    write: (writer, type, field) => {
      wordOf(type.of).write(writer, type.of, { ...field, path: `${type.target}.tag` }, writer.tagOf(type.target))
    },
    bound: (context, module, type) => context.bound(module, type.of, "")
  },
  prefixed: {
    text: (context, module, type) => orNull(type, context.typeText(module, type.of)),
    read: (reader, type, field, end) => {
      reader.need(numberNeeds(type.by), field.path, end)
      const named = { ...field, name: `${local(nameOf(field))}Length` }
      const known = readMeant(reader, type, type.by, named, end)
      const text = orNull(type, reader.context.typeText(reader.module, type.of))
      return nullable(reader, field, text, known, (inner) => {
        const stop = inner.constant(`${local(nameOf(field))}End`, `${inner.at} + ${known.value}`)
        const within = `${inner.use("expectWithin")}(${stop}, ${end}, ${inner.where(field.path)}, ${inner.at}, ${inner.origin})`
        // what cannot be wrong is made after the trailer has been seen
        if (type.trailer !== undefined && isAnyBytes(type.of)) {
          const read = inner.value(type.of, { ...field, name: nameOf(field) }, stop)
          inner.moveTo(stop)
          inner.literal(type.trailer, end, field.path, within)
          return read
        }
        inner.lines.push(within)
        const read = inner.value(type.of, { ...field, name: nameOf(field) }, stop)
        if (String(inner.at) !== stop) {
          inner.lines.push(`${inner.use("expectEnd")}(${inner.at}, ${stop}, ${inner.where(field.path)}, ${inner.origin})`)
          inner.moveTo(stop)
        }
        if (type.trailer !== undefined) {
          inner.moveTo(stop)
          inner.literal(type.trailer, end, field.path)
        }
        return read
      })
    },
    write: (writer, type, field, value) => {
      const name = local(nameOf(field))
      const whole = (inner: FieldWriter): void => {
        const before = type.by.kind === "int" ? undefined : sizeBefore(inner, type.of, value)
        if (type.by.kind === "int") {
          const { int, order } = type.by
          const at = inner.mark(`${name}At`)
          inner.skip(numberNeeds(type.by))
          const from = inner.mark(`${name}From`)
          inner.write(type.of, field, value)
          inner.settle()
          const length = asNumber(type.by, spelled(`position - ${from}`, type))
          inner.lines.push(putInt(inner, int, order, at, length, field.path))
        } else if (before !== undefined) {
          writeNumber(inner, type.by, field, asNumber(type.by, spelled(before, type)))
          inner.write(type.of, field, value)
          inner.settle()
        } else {
          // written behind the most that the number can take, and moved next to it
          const at = inner.mark(`${name}At`)
          inner.advance(`${at} + ${numberBytes(type.by)}`)
          const from = inner.mark(`${name}From`)
          inner.write(type.of, field, value)
          inner.settle()
          const length = inner.constant(`${name}Length`, asNumber(type.by, spelled(`position - ${from}`, type)))
          const end = inner.constant(
            `${name}End`,
            `${inner.use("slide")}(bytes, ${from}, position, ${at} + ${sizeOfNumber(inner, type.by, length)})`
          )
          inner.advance(at)
          writeNumber(inner, type.by, field, length)
          inner.advance(end)
        }
        if (type.trailer !== undefined) inner.literal(type.trailer)
      }
      if (type.absent === undefined) return whole(writer)
      writer.branch(`${value} === null`, (inner) => writeNumber(inner, type.by, field, asNumber(type.by, String(type.absent))), whole)
    },
    bound: (context, module, type, value) => {
      const inner = context.bound(module, type.of, value)
      const terms = type.absent === undefined ? inner.terms : inner.terms.map((term) => `(${value} === null ? 0 : ${term})`)
      return { fixed: numberBytes(type.by) + (type.trailer?.length ?? 0) / 2 + inner.fixed, terms }
    }
  },
  counted: {
    text: (context, module, type) => orNull(type, `ReadonlyArray<${context.elementText(module, type.of)}>`),
    read: (reader, type, field, end) => {
      reader.need(numberNeeds(type.by), field.path, end)
      const named = { ...field, name: `${local(nameOf(field))}Count` }
      const known = readMeant(reader, type, type.by, named, end)
      const text = orNull(type, `ReadonlyArray<${reader.context.elementText(reader.module, type.of)}>`)
      return nullable(
        reader,
        field,
        text,
        known,
        (inner) => readElements(inner, type.of, field, end, { count: known.value, max: type.max })
      )
    },
    write: (writer, type, field, value) => {
      const whole = (inner: FieldWriter): void => {
        writeNumber(inner, type.by, field, asNumber(type.by, spelled(lengthOf(writer.module, value), type)))
        writeElements(inner, type.of, field, value, type.max)
      }
      if (type.absent === undefined) return whole(writer)
      writer.branch(`${value} === null`, (inner) => writeNumber(inner, type.by, field, asNumber(type.by, String(type.absent))), whole)
    },
    bound: (context, module, type, value) => {
      const elements = context.boundElements(module, type.of, value)
      return {
        fixed: numberBytes(type.by),
        terms: type.absent === undefined ? [elements] : [`(${value} === null ? 0 : ${elements})`]
      }
    }
  }
}
