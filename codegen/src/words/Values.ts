/** Prints truth values, and digits in half bytes. */
import { textOfHex } from "@wirewright/codec/Hex"
import type { ValueModel } from "@wirewright/codec/words/Values"
import { bcdSize } from "@wirewright/codec/words/Values"
import type { Bcd, Bool } from "@wirewright/dsl"
import { local, quote } from "../Names.ts"
import type { Word } from "./Word.ts"

type Of<K extends ValueModel["kind"]> = Extract<ValueModel, { readonly kind: K }>

/** The words of this file. */
export const valueWords: { readonly [K in ValueModel["kind"]]: Word<Of<K>> } = {
  bool: {
    build: (type: Bool, hex) => ({ kind: "bool", true: hex(type.true), false: hex(type.false) }),
    text: () => "boolean",
    read: (reader, type, field, end) => {
      const texts = `${quote(textOfHex(type.true))}, ${quote(textOfHex(type.false))}`
      const value = reader.constant(
        local(field.name),
        `${reader.use("readBool")}(reader, ${reader.at}, ${end}, ${texts}, ${reader.origin}, ${reader.where(field.path)})`
      )
      if (type.true.length === type.false.length) reader.advance(type.true.length / 2)
      else reader.moveToNext(field.name)
      return value
    },
    write: (writer, type, field, value) => {
      const texts = `${quote(textOfHex(type.true))}, ${quote(textOfHex(type.false))}`
      writer.advance(`${writer.use("putBool")}(bytes, ${writer.here}, ${value}, ${texts}, ${writer.where(field.path)})`)
    },
    bound: (_, __, type) => ({ fixed: Math.max(type.true.length, type.false.length) / 2, terms: [] })
  },
  bcd: {
    build: (type: Bcd) => ({ ...type }),
    text: () => "number",
    read: (reader, type, field) => {
      const value = reader.constant(
        local(field.name),
        `${reader.use("readBcd")}(reader, ${reader.at}, ${type.digits}, ${reader.origin}, ${reader.where(field.path)})`
      )
      reader.advance(bcdSize(type.digits))
      reader.numbers.set(field.name, value)
      return value
    },
    write: (writer, type, field, value) => {
      writer.advance(`${writer.use("putBcd")}(bytes, ${writer.here}, ${value}, ${type.digits}, ${writer.where(field.path)})`)
    }
  }
}
