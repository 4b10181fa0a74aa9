/** Prints truth values, digits in half bytes, and domain names. */
import { textOfHex } from "@wirewright/codec/Hex"
import type { ValueModel } from "@wirewright/codec/words/Values"
import { bcdSize } from "@wirewright/codec/words/Values"
import type { Bcd, Bool, DomainName } from "@wirewright/dsl"
import { local, quote } from "../Names.ts"
import type { Word } from "./Word.ts"

type Of<K extends ValueModel["kind"]> = Extract<ValueModel, { readonly kind: K }>

const names = "@wirewright/codec/DomainName"

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
  },
  domainName: {
    build: (type: DomainName) => ({ ...type }),
    text: () => "string",
    read: (reader, _, field, end) => {
      const read = reader.module.use(names, "readDomainName")
      const name = field.name === "" ? "element" : field.name
      const value = reader.constant(local(name), `${read}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)})`)
      reader.moveToNext(name)
      return value
    },
    write: (writer, type, field, value) => {
      const put = writer.module.use(names, "putDomainName")
      writer.advance(`${put}(writer, ${writer.here}, ${value}, ${type.compress}, ${writer.where(field.path)})`)
    },
    bound: (_, module, __, value) => ({ fixed: 0, terms: [`${module.use(names, "boundDomainName")}(${value})`] })
  }
}
