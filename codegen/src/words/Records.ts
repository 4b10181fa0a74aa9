/** Prints records, choices, arrays and framing extras; and bits, which are fields of the record around them. */
import { textOfHex } from "@wirewright/codec/Hex"
import type { IntName, TypeModel } from "@wirewright/codec/Model"
import { hex, intSize, local, quote } from "../Names.ts"
import { codec } from "../print/Codec.ts"
import type { FieldReader } from "../print/Decode.ts"
import { elementErrors } from "../print/Objects.ts"
import { Position } from "../print/Position.ts"
import type { FieldWriter } from "../print/Encode.ts"
import { readMeasure, writeMeasure } from "./Measures.ts"
import { getInt, putInt, readEscaped, writeEscaped } from "./Numbers.ts"
import type { Named, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** How elements end. */
interface Extent {
  /** Expression of their number. */
  readonly count?: string
  /** Terminator in hexadecimal digits. */
  readonly until?: string | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
}

/** Prints the loop that reads elements; returns the name of the array. */
export const readElements = (reader: FieldReader, of: TypeModel, field: Named, end: string, { count, until, min, max }: Extent): string => {
  const { context, module } = reader
  const base = local(field.name === "" ? "elements" : field.name)
  const name = reader.fresh(base)
  const at = reader.fresh(`${base}At`)
  const start = String(reader.at)
  const where = reader.where(field.path)
  const least = context.minimumSize(of)
  if (count !== undefined) {
    if (max !== undefined) reader.lines.push(`${reader.use("expectCount")}(${count}, ${max}, ${where}, ${reader.offset(start)})`)
    reader.lines.push(
      `${reader.use("expectRoom")}(${count}, ${least}, ${end} - ${reader.grouped()}, ${where}, ${reader.offset(start)})`
    )
  }
  const inner = reader.child(new Position(at))
  const value = inner.value(of, { name: "", path: "" }, end)
  const terminator = textOfHex(until ?? "")
  // of elements that take room, no more are claimed than may be there: the list gets its size at once
  const index = count !== undefined && least > 0 ? reader.fresh(`${base}Index`) : undefined
  const goesOn = count !== undefined
    ? `${index ?? `${name}.length`} < ${count}`
    : until === undefined
    ? `${end} - ${at} >= 1`
    : `!${reader.use("endStands")}(reader, ${quote(terminator)}, ${at}, ${end}, ${reader.origin}, "", "")`
  const limit = max === undefined || count !== undefined
    ? []
    : [
      `    if (${name}.length === ${max}) ${reader.use("expectNoMore")}(${at}, ${
        until === undefined ? reader.floor(end) : end
      }, ${max}, "", "", ${reader.origin})`
    ]
  const element = context.elementText(module, of)
  const loop = [
    `  while (${goesOn}) {`,
    ...limit,
    ...inner.lines.map((line) => `    ${line}`),
    index === undefined ? `    ${name}.push(${value})` : `    ${name}[${index}] = ${value}`,
    `    ${at} = ${inner.at}`,
    ...(index === undefined ? [] : [`    ${index}++`]),
    "  }"
  ]
  const empty = index === undefined ? "[]" : `new Array(${count})`
  if (context.endThemselves) {
    // a packet that is not all there is read again when more has come; what has been read of its lists is not
    const extent = `${name}, ${start}, ${at}, ${reader.origin}, ${where}`
    reader.lines.push(
      `const ${name}: Array<${element}> = reader.progress === undefined ? ${empty} : ` +
        `${reader.use("resumeElements")}(reader, ${start}, ${reader.origin}, ${where})`,
      ...(index === undefined ? [] : [`let ${index} = reader.progress === undefined ? 0 : ${name}.length`]),
      `let ${at} = ${index ?? `${name}.length`} === 0 ? ${start} : reader.next`,
      "try {",
      ...loop,
      "} catch (error) {",
      ...(index === undefined ? [] : [`  ${name}.length = ${index}`]),
      `  throw ${reader.use("interrupted")}(reader, error, ${extent})`,
      "}",
      `if (reader.progress !== undefined) ${reader.use("keepElements")}(reader, ${extent})`
    )
  } else {
    reader.lines.push(
      `const ${name}: Array<${element}> = ${empty}`,
      ...(index === undefined ? [] : [`let ${index} = 0`]),
      `let ${at} = ${start}`,
      ...elementErrors(reader, where, index ?? `${name}.length`, loop)
    )
  }
  if (min !== undefined) reader.lines.push(`${reader.use("expectCountMin")}(${name}.length, ${min}, ${where}, ${reader.offset(start)})`)
  reader.moveTo(at, terminator.length)
  return name
}

/** The check that a value is an array, and has not too many elements. */
export const checkedCount = (writer: FieldWriter, value: string, max: number | undefined, path: string): string =>
  `${writer.use("checkElements")}(${value}, ${max ?? "Infinity"}, ${writer.where(path)})`

/** Prints the loop that writes elements. */
export const writeElements = (
  writer: FieldWriter,
  of: TypeModel,
  field: Named,
  value: string,
  max: number | undefined,
  until?: string
): void => {
  const base = local(field.name === "" ? "elements" : field.name)
  const where = writer.where(field.path)
  writer.lines.push(checkedCount(writer, value, max, field.path))
  writer.settle()
  const index = writer.fresh(`${base}Index`)
  const element = writer.fresh(`${base}Element`)
  const inner = writer.child()
  // an element must not look like the end; one that is shorter than that together with what follows it
  const terminator = textOfHex(until ?? "")
  const starts = terminator.length > writer.context.minimumSize(of) ? writer.fresh(`${base}Starts`) : undefined
  const start = until === undefined ? undefined : starts === undefined ? inner.mark(`${base}Start`) : "position"
  if (starts !== undefined) inner.lines.push(`${starts}.push(position)`)
  inner.write(of, { name: element, path: "" }, element)
  inner.settle()
  const check = (at: string): string => `${writer.use("checkElement")}(bytes, ${at}, position, ${quote(terminator)}, "", "")`
  if (start !== undefined && starts === undefined) inner.lines.push(check(start))
  writer.lines.push(
    ...(starts === undefined ? [] : [`const ${starts}: Array<number> = []`]),
    `let ${index} = 0`,
    ...elementErrors(writer, where, index, [
      `  for (const ${element} of ${value}) {`,
      ...inner.lines.map((line) => `    ${line}`),
      `    ${index}++`,
      "  }"
    ], value)
  )
  if (until === undefined) return
  writer.literal(until)
  if (starts === undefined) return
  writer.settle()
  writer.lines.push(
    `${index} = 0`,
    ...elementErrors(writer, where, index, [
      `  for (; ${index} < ${starts}.length; ${index}++) ${check(`${starts}[${index}]!`)}`
    ])
  )
}

/** Reads a record by its own function. */
const readRecord = (reader: FieldReader, type: Of<"struct" | "choice">, field: Named, end: string): string => {
  const { context, module } = reader
  const read = module.use(context.from(type.ref), `read${type.ref}`)
  const tag = reader.scope.tags.get(field.name)
  const extra = `${tag === undefined ? "" : `, ${tag}`}${reader.contextFor(type)}`
  // an element's errors are given their path by the loop
  const value = field.path === ""
    ? `${read}(reader, ${reader.at}, ${end}, ${reader.origin}${extra})`
    : extra === ""
    ? `${reader.use("readNested")}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)}, ${read})`
    : `${reader.use("within")}(${reader.where(field.path)}, () => ${read}(reader, ${reader.at}, ${end}, ${reader.origin}${extra}))`
  const name = reader.constant(local(field.name === "" ? "element" : field.name), value)
  const size = context.fixedSize(type)
  if (size === undefined) reader.moveToNext(field.name === "" ? "element" : field.name)
  else reader.advance(size)
  return name
}

const writeRecord = (writer: FieldWriter, type: Of<"struct" | "choice">, field: Named, value: string): void => {
  const { context, module } = writer
  const write = module.use(context.from(type.ref), `write${type.ref}`)
  const extra = writer.contextFor(type)
  writer.advance(
    field.path === ""
      ? `${write}(writer, ${writer.here}, ${value}${extra})`
      : `${writer.use("writeNested")}(writer, ${writer.here}, ${value}, ${writer.where(field.path)}, ${
        extra === "" ? write : `(writer, at, value) => ${write}(writer, at, value${extra})`
      })`
  )
}

const recordWord = <T extends Of<"struct" | "choice">>(): Word<T> => ({
  text: (context, module, type) => module.useType(context.from(type.ref), type.ref),
  read: readRecord,
  write: writeRecord,
  bound: (context, module, type, value) => {
    const fixed = context.fixedSize(type)
    return fixed === undefined
      ? { fixed: 0, terms: [`${module.use(context.from(type.ref), `bound${type.ref}`)}(${value})`] }
      : { fixed, terms: [] }
  }
})

/** The integer whose bits these are, whatever its sign. */
const unsigned = (int: IntName): IntName => int.replace("i", "u") as IntName

/** Statements that take the fields of some bits out of `value`. */
const readBits = (reader: FieldReader, type: Of<"bits">, { path }: Named, end: string): undefined => {
  const { order } = type.of
  const int = unsigned(type.of.int)
  const at = String(reader.at)
  const size = intSize(int)
  // an escaped number makes the whole of varying size, so that nobody has looked whether the bits are there
  if (type.fields.some(({ escaped }) => escaped !== undefined)) reader.need(size, path, end)
  const raw = reader.constant("bits", getInt(reader.module, int, at, reader.orderOf(order)))
  reader.advance(size)
  let named = 0n
  for (const field of type.fields) {
    const width = field.high - field.low + 1
    const mask = 2 ** width - 1
    named |= BigInt(mask) << BigInt(field.low)
    const shifted = field.low === 0 ? raw : `${raw} ${size === 8 ? ">>" : ">>>"} ${field.low}${size === 8 ? "n" : ""}`
    const value = size === 8
      ? `Number(${shifted} & ${hex(mask)}n)`
      : width === size * 8
      ? raw
      : `${shifted} & ${hex(mask)}`
    const where = reader.where(field.name)
    if (field.value !== undefined) {
      reader.lines.push(`${reader.use("expectConstant")}(${value}, ${hex(field.value)}, ${where}, ${reader.offset(at)})`)
      continue
    }
    const name = reader.constant(local(field.name), value)
    if (field.role === "opcode") {
      reader.numbers.set(field.name, name)
      continue
    }
    if (field.escaped !== undefined || field.role === "bodyLength") {
      const whole = field.escaped === undefined
        ? name
        : readEscaped(reader, field.escaped, { name: field.name, path: field.name }, name, at, end)
      if (field.role === "bodyLength") {
        const number = field.escaped?.escapes.some(({ of }) => intSize(of.int) === 8) === true
          ? reader.constant("bodyLength", `${reader.use("safeLength")}(${whole}, ${where}, ${reader.offset(at)})`)
          : whole
        reader.scope.lengths.set("", { value: number })
        reader.scope.places.set("", [at, String(reader.at)])
        continue
      }
      reader.numbers.set(field.name, whole)
      reader.values.set(field.name, whole)
      continue
    }
    if (field.measures !== undefined) {
      readMeasure(reader, field.measures, name, field.name, at)
      continue
    }
    reader.numbers.set(field.name, name)
    if (field.ref !== undefined) {
      const of = reader.context.named(field.ref)
      if (of.kind === "enumeration" && of.unknown === "error") {
        const known = `${reader.module.use(reader.context.from(field.ref), `is${field.ref}`)}(${name})`
        const expected = `one of ${of.values.map((one) => one.value).join(", ")}`
        reader.lines.push(
          `if (!${known}) return ${reader.use("malformed")}("UnknownValue", ${where}, ${reader.offset(at)}, ${
            quote(expected)
          }, String(${name}))`
        )
      }
    }
    if (field.tagOf !== undefined) reader.scope.tags.set(field.tagOf, name)
    else if (field.presenceOf === undefined) reader.values.set(field.name, name)
  }
  const rest = (1n << BigInt(size * 8)) - 1n & ~named
  if (rest !== 0n) {
    reader.lines.push(
      `${reader.use("expectNoBits")}(${raw} & 0x${rest.toString(16).padStart(2, "0")}${size === 8 ? "n" : ""}, ${reader.where(path)}, ${
        reader.offset(at)
      })`
    )
  }
  return undefined
}

const writeBits = (writer: FieldWriter, type: Of<"bits">, field: Named): void => {
  const parts: Array<string> = []
  let escaped: (() => void) | undefined
  const isBig = intSize(type.of.int) === 8
  const measures = type.fields.some((one) => one.measures?.counts === "bytes")
  const at = measures ? writer.mark(`${local(field.name)}At`) : ""
  const putBits = (): void => {
    const sum = parts.length === 0 ? (isBig ? "0n" : "0") : parts.join(" | ")
    writer.lines.push(putInt(writer, unsigned(type.of.int), type.of.order, writer.here, isBig ? sum : `(${sum}) >>> 0`, field.path))
    writer.skip(intSize(type.of.int))
  }
  for (const one of type.fields) {
    const max = 2 ** (one.high - one.low + 1) - 1
    const shift = (value: string): string => {
      const number = isBig ? `BigInt(${value})` : value
      return one.low === 0 ? number : `${number} << ${one.low}${isBig ? "n" : ""}`
    }
    if (one.value !== undefined) {
      if (one.value !== 0) parts.push(shift(hex(one.value)))
    } else if (one.measures !== undefined) {
      const value = writeMeasure(writer, field.name, one.measures, one, type.of, at)
      if (value !== "0") parts.push(shift(value))
    } else if (one.presenceOf !== undefined) {
      parts.push(`(${writer.presence(one.presenceOf)} ? ${hex(2 ** one.low)}${isBig ? "n : 0n" : " : 0"})`)
    } else if (one.escaped !== undefined) {
      const { escaped: model, name } = one
      const big = model.escapes.some(({ of }) => intSize(of.int) === 8)
      const value = one.role === "bodyLength" && big ? `BigInt(${writer.value(name)})` : writer.value(name)
      escaped = () =>
        writeEscaped(writer, model, { name, path: name }, value, (first) => {
          parts.push(shift(`(${first})`))
          putBits()
        })
    } else {
      const value = one.tagOf === undefined ? writer.value(one.name) : writer.tagOf(one.tagOf)
      const where = writer.where(one.tagOf === undefined ? one.name : `${one.tagOf}.tag`)
      const checked = `${writer.use("checkBits")}(${value}, ${hex(max)}, ${where})`
      const of = one.ref === undefined ? undefined : writer.context.named(one.ref)
      if (of?.kind === "enumeration" && of.unknown === "error") {
        const known = writer.module.use(writer.context.from(of.name), `is${of.name}`)
        const expected = `one of ${of.values.map((row) => row.value).join(", ")}`
        writer.lines.push(
          `${writer.use("checkKnown")}(${known}(${value}), ${value}, ${where}, ${quote(expected)})`
        )
      }
      parts.push(shift(checked))
    }
  }
  if (escaped === undefined) putBits()
  else escaped()
}

/** The words of this file. */
export const recordWords: {
  readonly [K in "struct" | "choice" | "array" | "nibbleFrames" | "bits" | "slice"]: Word<Of<K>>
} = {
  struct: recordWord<Of<"struct">>(),
  choice: recordWord<Of<"choice">>(),
  array: {
    text: (context, module, type) => `ReadonlyArray<${context.elementText(module, type.of)}>`,
    read: (reader, type, field, end) => {
      const count = reader.scope.counts.get(field.name)?.value
      return readElements(reader, type.of, field, end, {
        ...(count === undefined ? {} : { count }),
        until: type.until,
        min: type.min,
        max: type.max
      })
    },
    write: (writer, type, field, value) => {
      if (type.min !== undefined) {
        writer.lines.push(`${writer.use("checkCountMin")}(${value}?.length, ${type.min}, ${writer.where(field.path)})`)
      }
      writeElements(writer, type.of, field, value, type.max, type.until)
    },
    bound: (context, module, type, value) => ({
      fixed: (type.until?.length ?? 0) / 2,
      terms: [context.boundElements(module, type.of, value)]
    })
  },
  nibbleFrames: {
    text: (context, module, type) => `ReadonlyArray<${module.useType(context.from(type.ref), type.ref)}>`,
    read: (reader, type, field, end) => {
      const { context, module } = reader
      const read = module.use(context.from(type.ref), `read${type.ref}`)
      const value = reader.constant(
        local(field.name),
        `${module.use(codec, "readNibbleFrames")}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)}, ${read})`
      )
      reader.moveTo(end)
      return value
    },
    write: (writer, type, field, value) => {
      const write = writer.module.use(writer.context.from(type.ref), `write${type.ref}`)
      writer.advance(
        `${writer.use("writeElements")}(writer, ${writer.here}, ${value}, ${writer.where(field.path)}, Infinity, ${write})`
      )
    },
    bound: (context, module, type, value) => ({
      fixed: 0,
      terms: [`${module.use(codec, "boundElements")}(${value}, ${module.use(context.from(type.ref), `bound${type.ref}`)})`]
    })
  },
  // its bits read and write it
  slice: { text: () => "number", read: () => undefined, write: () => undefined },
  bits: {
    text: () => "never",
    read: readBits,
    write: writeBits,
    bound: (_, __, type) => ({ fixed: intSize(type.of.int) + escapeBytes(type), terms: [] })
  }
}

const escapeBytes = (type: Of<"bits">): number =>
  Math.max(0, ...type.fields.flatMap(({ escaped }) => escaped === undefined ? [] : escaped.escapes.map(({ of }) => intSize(of.int))))
