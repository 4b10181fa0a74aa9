/** Prints integers, floats, variable-length integers, decimals, constants, flags and enumerations. */
import type { ByteOrder, DecimalModel, EscapedModel, IntModel, IntName, NumberModel, TypeModel, VarintModel } from "@wirewright/codec/Model"
import { isBigNumber, numberBytes, numberRange } from "@wirewright/codec/words/Numbers"
import type { Module } from "../Module.ts"
import { hex, integerLiteral, intSize, local } from "../Names.ts"
import { codec } from "../print/Codec.ts"
import type { Context } from "../print/Context.ts"
import type { FieldReader } from "../print/Decode.ts"
import type { FieldWriter } from "../print/Encode.ts"
import type { Bound, Named, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Expression of a value of a number's range. */
export const literalOf = (type: NumberModel, value: bigint): string => isBigNumber(type) ? `${value}n` : String(value)

/** Expression that reads an integer; `order` is an argument that selects the byte order, or nothing for big-endian. */
export const getInt = (module: Module, int: IntName, at: string, order: string | undefined): string => {
  const le = order === undefined || intSize(int) === 1 ? "" : `, ${order}`
  if (int === "u24") return `${module.use(codec, "getU24")}(view, ${at}${le})`
  const method = intSize(int) === 8 ? `getBig${int[0] === "u" ? "Uint" : "Int"}64` : `get${int[0] === "u" ? "Uint" : "Int"}${int.slice(1)}`
  return `view.${method}(${at}${le})`
}

/** A limit of a number's range, as an argument. */
const limitOf = (use: (name: string) => string, type: NumberModel, value: bigint): string =>
  isBigNumber(type) && value === -(1n << 63n) ? use("leastI64") : literalOf(type, value)

const suffix = (type: VarintModel): string =>
  `${type.encoding === "leb128" ? "Leb128" : type.encoding === "quic" ? "Quic" : "Vlq"}${type.bits === 64 ? "Big" : ""}`

/** Most bytes that the reading function assumes. */
const usualBytes = (type: VarintModel): number => type.encoding === "quic" ? (type.bits === 64 ? 8 : 4) : type.bits === 64 ? 10 : 5

const readVarint = (reader: FieldReader, type: VarintModel, field: Named, end: string): string => {
  const max = type.maxBytes === usualBytes(type) ? "" : `, ${type.maxBytes}`
  const read = `${reader.use(`read${suffix(type)}`)}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)}${max})`
  const value = reader.constant(
    local(field.name),
    type.zigzag ? `${reader.use(type.bits === 64 ? "unzigzagBig" : "unzigzag")}(${read})` : read
  )
  reader.moveToNext(field.name)
  return value
}

/** Statements that read what follows an escape. */
export const readEscaped = (reader: FieldReader, type: EscapedModel, field: Named, first: string, firstAt: string, end: string): string => {
  const name = reader.fresh(local(field.name))
  const after = reader.fresh(`${local(field.name)}After`)
  const big = isBigNumber(type)
  const at = String(reader.at)
  reader.lines.push(
    `let ${name}: ${big ? "bigint" : "number"} = ${big ? `BigInt(${first})` : first}`,
    `let ${after} = ${at}`,
    `if (${first} > ${type.max}) {`,
    `  switch (${first}) {`
  )
  let largest = BigInt(type.max)
  for (const { value, of } of type.escapes) {
    const size = intSize(of.int)
    const get = getInt(reader.module, of.int, at, reader.orderOf(of.order))
    reader.lines.push(
      `    case ${value}:`,
      `      ${reader.use("expectAtLeast")}(${end} - ${reader.grouped()}, ${size}, ${reader.where(field.path)}, ${reader.offset(at)})`,
      `      ${name} = ${big && intSize(of.int) < 8 ? `BigInt(${get})` : get}`,
      `      ${reader.use("expectMore")}(${name}, ${big ? `${largest}n` : largest}, ${reader.where(field.path)}, ${reader.offset(at)})`,
      `      ${after} = ${reader.plus(size)}`,
      "      break"
    )
    largest = numberRange(of).max
  }
  reader.lines.push(
    "    default:",
    `      return ${reader.use("malformed")}("UnknownValue", ${reader.where(field.path)}, ${
      reader.offset(firstAt)
    }, "a number or a known escape", ` +
      `String(${first}))`,
    "  }",
    "}"
  )
  reader.moveTo(after)
  return name
}

const readDecimal = (reader: FieldReader, type: DecimalModel, field: Named, end: string): string => {
  const at = String(reader.at)
  const { min, max } = numberRange(type)
  const read = (what: string, stop: string): string =>
    reader.constant(
      local(field.name),
      `${reader.use(`read${what}Decimal${type.bits === 64 ? "Big" : ""}`)}(reader, ${at}, ${stop}, ${
        limitOf((name) => reader.use(name), type, min)
      }, ${literalOf(type, max)}, ${reader.origin}, ${reader.where(field.path)})`
    )
  if (type.until === "0d0a") {
    const value = read("Line", end)
    reader.moveToNext(field.name)
    return value
  }
  const stop = type.until === undefined ? reader.floor(end) : reader.findUntil(type.until, field, end)
  const value = read("", stop)
  reader.moveTo(stop, (type.until?.length ?? 0) / 2)
  return value
}

/** Reads a number that says something about another field; `moves` the position. */
export const readNumber = (reader: FieldReader, type: NumberModel, field: Named, end: string): string => {
  switch (type.kind) {
    case "int": {
      const value = getInt(reader.module, type.int, String(reader.at), reader.orderOf(type.order))
      reader.advance(intSize(type.int))
      return value
    }
    case "varint":
      return readVarint(reader, type, field, end)
    case "escaped": {
      const of = type.of as IntModel
      const at = String(reader.at)
      reader.need(intSize(of.int), field.path, end)
      const first = reader.constant(
        `${local(field.name)}First`,
        getInt(reader.module, of.int, String(reader.at), reader.orderOf(of.order))
      )
      reader.advance(intSize(of.int))
      return readEscaped(reader, type, field, first, at, end)
    }
    case "decimal":
      return readDecimal(reader, type, field, end)
  }
}

/** Bytes that must be there before a number is read; one of variable size looks after itself. */
export const numberNeeds = (type: NumberModel): number => type.kind === "int" ? intSize(type.int) : 0

/** Writes an integer at an expression. */
export const putInt = (
  writer: FieldWriter,
  int: IntName,
  order: ByteOrder | undefined,
  at: string,
  value: string,
  path: string
): string => {
  const argument = writer.orderOf(order)
  const le = argument === undefined || intSize(int) === 1 ? "" : `, ${argument}`
  return `${writer.use(`put${int.toUpperCase()}`)}(view, ${at}, ${value}, ${writer.where(path)}${le})`
}

/** Writes a number at the writer's position. `checked`: the value is a length that cannot be negative or fractional. */
export const writeNumber = (writer: FieldWriter, type: NumberModel, field: Named, value: string): void => {
  switch (type.kind) {
    case "int":
      writer.lines.push(putInt(writer, type.int, type.order, writer.here, value, field.path))
      writer.skip(intSize(type.int))
      return
    case "varint": {
      const { min, max } = numberRange(type)
      const check = writer.use(type.bits === 64 ? "checkVarintBig" : "checkVarint")
      const least = limitOf((name) => writer.use(name), type, min)
      const checked = `${check}(${value}, ${least}, ${literalOf(type, max)}, ${writer.where(field.path)})`
      const spelled = type.zigzag ? `${writer.use(type.bits === 64 ? "zigzagBig" : "zigzag")}(${checked})` : checked
      return writer.advance(`${writer.use(`write${suffix(type)}`)}(bytes, ${writer.here}, ${spelled})`)
    }
    case "escaped": {
      const of = type.of as IntModel
      return writeEscaped(writer, type, field, value, (first) => {
        writer.lines.push(putInt(writer, of.int, of.order, writer.here, first, field.path))
        writer.skip(intSize(of.int))
      })
    }
    case "decimal": {
      const { min, max } = numberRange(type)
      const check = writer.use(type.bits === 64 ? "checkVarintBig" : "checkVarint")
      const least = limitOf((name) => writer.use(name), type, min)
      const checked = `${check}(${value}, ${least}, ${literalOf(type, max)}, ${writer.where(field.path)})`
      writer.advance(`${writer.use("writeDecimal")}(bytes, ${writer.here}, ${checked})`)
      if (type.until !== undefined) writer.literal(type.until)
      return
    }
  }
}

/** Writes the first number of an escaped one with `putFirst`, and what follows it. */
export const writeEscaped = (
  writer: FieldWriter,
  type: EscapedModel,
  field: Named,
  value: string,
  putFirst: (first: string) => void
): void => {
  const big = isBigNumber(type)
  const text = (limit: bigint): string => big ? `${limit}n` : String(limit)
  const name = writer.constant(`${local(field.name)}Value`, value)
  const limits = [BigInt(type.max), ...type.escapes.map(({ of }) => numberRange(of).max)]
  const first = type.escapes.reduceRight(
    (otherwise, { value: escape }, i) =>
      `${name} <= ${text(limits[i]!)} ? ${i === 0 ? (big ? `Number(${name})` : name) : type.escapes[i - 1]!.value} : ${
        otherwise === "" ? escape : otherwise
      }`,
    ""
  )
  const check = writer.use(big ? "checkVarintBig" : "checkVarint")
  writer.lines.push(`${check}(${name}, ${text(0n)}, ${text(limits.at(-1)!)}, ${writer.where(field.path)})`)
  putFirst(first)
  writer.settle()
  type.escapes.forEach(({ of }, i) => {
    const number = big && intSize(of.int) < 8 ? `Number(${name})` : !big && intSize(of.int) === 8 ? `BigInt(${name})` : name
    writer.lines.push(
      `${i === 0 ? "" : "else "}if (${name} > ${text(limits[i]!)}${
        i === type.escapes.length - 1 ? "" : ` && ${name} <= ${text(limits[i + 1]!)}`
      }) {`,
      `  ${putInt(writer, of.int, of.order, "position", number, field.path)}`,
      `  position += ${intSize(of.int)}`,
      "}"
    )
  })
}

/** Expression of the number of bytes that a number takes. */
export const sizeOfNumber = (writer: FieldWriter, type: NumberModel, value: string): string => {
  switch (type.kind) {
    case "int":
      return String(intSize(type.int))
    case "varint": {
      const spelled = type.zigzag ? `${writer.use(type.bits === 64 ? "zigzagBig" : "zigzag")}(${value})` : value
      const number = type.bits === 64 ? `Number(${spelled})` : spelled
      return type.encoding === "quic" ? `${writer.use("quicSize")}(${value})` : `${writer.use("leb128Size")}(${number})`
    }
    case "escaped": {
      const base = type.of.kind === "int" ? intSize(type.of.int) : 0
      let limit = BigInt(type.max)
      const parts = [`${value} <= ${limit} ? ${base}`]
      type.escapes.forEach(({ of }, i) => {
        limit = numberRange(of).max
        parts.push(i === type.escapes.length - 1 ? String(base + intSize(of.int)) : `${value} <= ${limit} ? ${base + intSize(of.int)}`)
      })
      return `(${parts.join(" : ")})`
    }
    case "decimal":
      return `${writer.use("decimalSize")}(${value})${type.until === undefined ? "" : ` + ${type.until.length / 2}`}`
  }
}

const numberText = (context: Context, module: Module, type: NumberModel): string => {
  const brand = type.kind === "int" || type.kind === "varint" ? type.brand : undefined
  return brand === undefined ? isBigNumber(type) ? "bigint" : "number" : context.brandText(module, brand)
}

const numberWord = <T extends NumberModel>(): Word<T> => ({
  text: numberText,
  read: (reader, type, field, end) => {
    const value = readNumber(reader, type, field, end)
    reader.numbers.set(field.name, isBigNumber(type) ? `Number(${value})` : value)
    return value
  },
  write: (writer, type, field, value) => writeNumber(writer, type, field, value),
  bound: (_, __, type) => ({ fixed: numberBytes(type), terms: [] })
})

const named = (context: Context, ref: string) =>
  context.named(ref) as unknown as {
    readonly int: IntName
    readonly unknown: string
    readonly bits: ReadonlyArray<{ readonly bit: number }>
    readonly values: ReadonlyArray<{ readonly value: number }>
  }

const none: Bound = { fixed: 0, terms: [] }

/** The words of this file. */
export const numberWords: {
  readonly [K in "int" | "float" | "varint" | "escaped" | "decimal" | "constant" | "flags" | "enumeration"]: Word<Of<K>>
} = {
  int: numberWord<IntModel>(),
  varint: numberWord<VarintModel>(),
  escaped: numberWord<EscapedModel>(),
  decimal: numberWord<DecimalModel>(),
  float: {
    text: () => "number",
    read: (reader, type) => {
      const order = reader.orderOf(type.order)
      const value = `view.getFloat${type.bits}(${reader.at}${order === undefined ? "" : `, ${order}`})`
      reader.advance(type.bits / 8)
      return value
    },
    write: (writer, type, field, value) => {
      const order = writer.orderOf(type.order)
      writer.lines.push(
        `${writer.use(`putF${type.bits}`)}(view, ${writer.here}, ${value}, ${writer.where(field.path)}${
          order === undefined ? "" : `, ${order}`
        })`
      )
      writer.skip(type.bits / 8)
    }
  },
  constant: {
    text: () => "never",
    read: (reader, type, field) => {
      const at = String(reader.at)
      reader.lines.push(
        `${reader.use("expectConstant")}(${getInt(reader.module, type.int, at, reader.orderOf(type.order))}, ${
          integerLiteral(type.int, type.value)
        }, ${reader.where(field.path)}, ${reader.offset(at)})`
      )
      reader.advance(intSize(type.int))
      return undefined
    },
    write: (writer, type, field) => {
      const value = integerLiteral(type.int, type.value)
      // what is known to fit need not be checked
      writer.lines.push(
        type.int === "u24"
          ? putInt(writer, type.int, type.order, writer.here, value, field.path)
          : getInt(writer.module, type.int, `${writer.here}, ${value}`, writer.orderOf(type.order)).replace("view.get", "view.set")
      )
      writer.skip(intSize(type.int))
    },
    bound: (_, __, type) => ({ ...none, fixed: intSize(type.int) })
  },
  flags: {
    text: (context, module, type) => module.useType(context.from(type.ref), type.ref),
    read: (reader, type, field) => {
      const { bits, int, unknown } = named(reader.context, type.ref)
      const at = String(reader.at)
      const value = getInt(reader.module, int, at, reader.orderOf(type.order))
      reader.advance(intSize(int))
      reader.numbers.set(field.name, value)
      if (unknown !== "error") return value
      const raw = reader.constant(local(field.name), value)
      const mask = bits.reduce((sum, { bit }) => sum + 2 ** bit, 0)
      reader.lines.push(`${reader.use("expectKnownBits")}(${raw}, ${hex(mask)}, ${reader.where(field.path)}, ${reader.offset(at)})`)
      return raw
    },
    write: (writer, type, field, value) => {
      const { bits, int, unknown } = named(writer.context, type.ref)
      const mask = bits.reduce((sum, { bit }) => sum + 2 ** bit, 0)
      const whole = writer.withPresenceBits(field.name, value)
      if (unknown === "error") {
        writer.lines.push(
          `${writer.use("checkKnown")}(typeof ${value} === "number" && (${value} & ~${hex(mask)}) === 0, ${value}, ${
            writer.where(field.path)
          }, ${JSON.stringify(`bits within ${hex(mask)}`)})`
        )
      }
      writer.lines.push(putInt(writer, int, type.order, writer.here, whole, field.path))
      writer.skip(intSize(int))
    }
  },
  enumeration: {
    text: (context, module, type) => module.useType(context.from(type.ref), type.ref),
    read: (reader, type, field) => {
      const { int, unknown, values } = named(reader.context, type.ref)
      const at = String(reader.at)
      const value = getInt(reader.module, int, at, reader.orderOf(type.order))
      reader.advance(intSize(int))
      reader.numbers.set(field.name, value)
      if (unknown !== "error") return value
      const known = reader.module.use(reader.context.from(type.ref), `is${type.ref}`)
      const raw = reader.constant(local(field.name), value)
      reader.lines.push(
        `if (!${known}(${raw})) return ${reader.use("malformed")}("UnknownValue", ${reader.where(field.path)}, ${reader.offset(at)}, ` +
          `${JSON.stringify(`one of ${values.map((one) => one.value).join(", ")}`)}, String(${raw}))`
      )
      return raw
    },
    write: (writer, type, field, value) => {
      const { int, unknown, values } = named(writer.context, type.ref)
      if (unknown === "error") {
        writer.lines.push(
          `${writer.use("checkKnown")}(${writer.module.use(writer.context.from(type.ref), `is${type.ref}`)}(${value}), ${value}, ${
            writer.where(field.path)
          }, ${JSON.stringify(`one of ${values.map((one) => one.value).join(", ")}`)})`
        )
      }
      writer.lines.push(putInt(writer, int, type.order, writer.here, value, field.path))
      writer.skip(intSize(int))
    }
  }
}
