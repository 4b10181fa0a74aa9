/** Prints bytes without a meaning, checksums, and fields that only code can say. */
import type { TypeModel } from "@wirewright/codec/Model"
import { checksumFunctions } from "@wirewright/codec/words/Whole"
import { hex, intSize, local, quote } from "../Names.ts"
import { codec } from "../print/Codec.ts"
import { getInt, putInt } from "./Numbers.ts"
import type { Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

const checksums = "@wirewright/codec/Checksums"

/** The expression of a checksum, combined with what it is to be. */
const combined = ({ of, xor }: Of<"checksum">) => (sum: string): string =>
  xor === undefined ? sum : `(${sum} ^ ${hex(xor, 2 * intSize(of.int))}) >>> 0`

/** The words of this file. */
export const wholeWords: { readonly [K in "reserved" | "align" | "checksum" | "custom"]: Word<Of<K>> } = {
  reserved: {
    text: (_, __, type) => type.int === undefined ? "Uint8Array" : intSize(type.int) === 8 ? "bigint" : "number",
    read: (reader, type, field) => {
      const at = String(reader.at)
      const size = type.int === undefined ? type.size ?? 0 : intSize(type.int)
      reader.advance(size)
      if (type.policy === "error") {
        reader.lines.push(`${reader.use("expectZero")}(reader.bytes, ${at}, ${reader.at}, ${reader.where(field.path)}, ${reader.origin})`)
      }
      if (type.policy !== "keep") return undefined
      return type.int === undefined ? `reader.slice(${at}, ${reader.at})` : getInt(reader.module, type.int, at, reader.orderOf(type.order))
    },
    write: (writer, type, field, value) => {
      if (type.int !== undefined) {
        const zero = intSize(type.int) === 8 ? "0n" : "0"
        writer.lines.push(
          putInt(
            writer,
            type.int,
            type.order,
            writer.here,
            type.policy === "keep" ? `${value} === undefined ? ${zero} : ${value}` : zero,
            field.path
          )
        )
        return writer.skip(intSize(type.int))
      }
      const size = type.size ?? 0
      writer.lines.push(`bytes.fill(0, ${writer.here}, ${writer.here} + ${size})`)
      if (type.policy === "keep") {
        writer.lines.push(
          `if (${value} !== undefined) {`,
          `  ${writer.use("checkLength")}(${value}?.length, ${size}, ${writer.where(field.path)})`,
          `  ${writer.use("putBytes")}(bytes, ${writer.here}, ${value}, ${writer.where(field.path)})`,
          "}"
        )
      }
      writer.skip(size)
    }
  },
  align: {
    text: () => "never",
    read: (reader, type, field, end) => {
      const check = type.policy === "ignore" ? `${reader.use("expectRoomToAlign")}(` : `${reader.use("expectAligned")}(reader, `
      const next = reader.constant(
        `${local(field.name)}End`,
        `${check}${reader.at}, ${reader.begin}, ${type.to}, ${end}, ${reader.origin}, ${reader.where(field.path)})`
      )
      reader.moveTo(next)
      return undefined
    },
    write: (writer, type) => writer.advance(`${writer.use("putAligned")}(bytes, ${writer.here}, ${writer.begin}, ${type.to})`),
    bound: (_, __, type) => ({ fixed: type.to - 1, terms: [] })
  },
  checksum: {
    text: () => "never",
    read: (reader, type, field) => {
      const at = String(reader.at)
      const size = intSize(type.of.int)
      const compute = reader.module.use(checksums, checksumFunctions[type.algorithm]!)
      const value = reader.constant(local(field.name), getInt(reader.module, type.of.int, at, reader.orderOf(type.of.order)))
      reader.advance(size)
      // what is covered begins before the checksum and ends after it
      const isOwn = reader.scope.places.has(type.over[0]!) && !reader.scope.places.has(type.over.at(-1)!) || type.over.includes(field.name)
      reader.verify(type.over[0]!, type.over.at(-1)!, (from, to) => {
        const right = combined(type)(
          isOwn
            ? `${compute}(${
              reader.module.use(checksums, "withoutOwn")
            }(reader.bytes, ${from}, ${to}, ${at}, ${size}), 0, ${to} - (${from}))`
            : `${compute}(reader.bytes, ${from}, ${to})`
        )
        return `${reader.use("expectChecksum")}(${value}, ${right}, ${reader.where(field.path)}, ${reader.offset(at)})`
      })
      return undefined
    },
    write: (writer, type, field) => {
      const compute = writer.module.use(checksums, checksumFunctions[type.algorithm]!)
      const put = (at: string, value: string): string => putInt(writer, type.of.int, type.of.order, at, value, field.path)
      let at = writer.here
      if (!writer.isWritten(type.over)) {
        // zeros stand in its place until what it covers has been written
        at = writer.mark(`${local(field.name)}At`)
        writer.lines.push(put(at, "0"))
      }
      writer.skip(intSize(type.of.int))
      writer.complete(field.name, type.over, (from, to) => put(at, combined(type)(`${compute}(bytes, ${from}, ${to})`)))
    },
    bound: (_, __, type) => ({ fixed: intSize(type.of.int), terms: [] })
  },
  custom: {
    text: (_, module, type) => module.useType(type.module, type.name),
    read: (reader, type, field, end) => {
      const read = reader.module.use(type.module, `read${type.name}`)
      const call = `${read}(reader, ${reader.at}, ${end}, ${reader.origin}${reader.siblings()})`
      // an element's errors are given their path by the loop
      const where = field.path === "" ? "\"\", \"\"" : reader.where(field.path)
      const value = reader.constant(
        local(field.name === "" ? "element" : field.name),
        `${reader.use("readCustom")}(${where}, ${reader.offset(String(reader.at))}, () => ${call})`
      )
      if (type.fixed === undefined) reader.moveToNext(field.name === "" ? "element" : field.name)
      else reader.advance(type.fixed)
      return value
    },
    write: (writer, type, field, value) => {
      const write = writer.module.use(type.module, `write${type.name}`)
      const call = (at: string, given: string): string => `${write}(writer, ${at}, ${given}, ${writer.origin}, ${writer.from})`
      const where = field.path === "" ? "\"\", \"\"" : writer.where(field.path)
      writer.advance(
        `${writer.use("writeCustom")}(writer, ${writer.here}, ${value}, ${where}, (writer, place, own) => ${call("place", "own")})`
      )
    },
    bound: (_, module, type, value) =>
      type.fixed === undefined
        ? {
          fixed: 0,
          terms: [
            `${module.use(codec, "boundCustom")}(${value}, "${type.name}", ${quote(value.replace(/^\w+\??\.?/, ""))}, ${
              module.use(type.module, `bound${type.name}`)
            })`
          ]
        }
        : { fixed: type.fixed, terms: [] }
  }
}
