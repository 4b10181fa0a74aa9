/** Truth values, digits in half bytes, and domain names. */
import { readDomainName } from "../DomainName.ts"
import { textOfHex } from "../Hex.ts"
import { readBcd, readBool } from "../Ends.ts"
import { unfit } from "../JsonUnfit.ts"
import { integerFromJson } from "./Numbers.ts"
import type { Word } from "./Word.ts"

/** Model of the words of this file. Bytes are spelled in hexadecimal digits. */
export type ValueModel =
  | { readonly kind: "bool"; readonly true: string; readonly false: string }
  | { readonly kind: "bcd"; readonly digits: number }
  | { readonly kind: "domainName"; readonly compress: boolean }

type Of<K extends ValueModel["kind"]> = Extract<ValueModel, { readonly kind: K }>

/** Bytes of so many digits. */
export const bcdSize = (digits: number): number => Math.ceil(digits / 2)

/** The words of this file. */
export const valueWords: { readonly [K in ValueModel["kind"]]: Word<Of<K>> } = {
  bool: {
    fixed: (type) => type.true.length === type.false.length ? type.true.length / 2 : undefined,
    least: (type) => Math.min(type.true.length, type.false.length) / 2,
    ends: () => true,
    summary: (type) => `bool of 0x${type.true} and 0x${type.false}`,
    walk: (walk, type, { path, at, end, doc }) => {
      const value = readBool(walk.reader, at, walk.stop(end), textOfHex(type.true), textOfHex(type.false), 0, walk.packet, path)
      walk.note(path, at, walk.reader.next - at, walk.summary(type), value, String(value), doc)
      return walk.reader.next
    },
    schema: (make) => make.boolean(),
    fromJson: (_, __, json, packet, path) => typeof json === "boolean" ? json : unfit(packet, path, "true or false", json)
  },
  bcd: {
    fixed: (type) => bcdSize(type.digits),
    summary: (type) => `bcd of ${type.digits} digits`,
    walk: (walk, type, { path, at, end, doc, name, scope }) => {
      const size = bcdSize(type.digits)
      walk.need(path, at, size, end)
      const value = readBcd(walk.reader, at, type.digits, 0, walk.packet, path)
      walk.note(path, at, size, walk.summary(type), value, String(value), doc)
      scope.values.set(name, value)
      return at + size
    },
    schema: (make, type) => make.integer(0, 10 ** type.digits - 1),
    fromJson: (_, __, json, packet, path) => integerFromJson(false, json, packet, path)
  },
  domainName: {
    least: () => 1,
    ends: () => true,
    summary: () => "domain name",
    walk: (walk, type, { path, at, end, doc }) => {
      const name = readDomainName(walk.reader, at, walk.stop(end), walk.start, walk.packet, path)
      walk.note(path, at, walk.reader.next - at, walk.summary(type), name, name, doc)
      return walk.reader.next
    },
    schema: (make) => make.text({ min: 1 }),
    fromJson: (_, __, json, packet, path) => typeof json === "string" ? json : unfit(packet, path, "a domain name", json)
  }
}
