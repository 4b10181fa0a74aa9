/** Bytes without a meaning, checksums, and fields that only code can say. */
import * as Checksums from "../Checksums.ts"
import { madeByCustom, readCustom } from "../Elements.ts"
import { hexNumber, malformed } from "../Errors.ts"
import { hexOf } from "../Hex.ts"
import { unfit } from "../JsonUnfit.ts"
import { plural } from "../LayoutSpans.ts"
import type { TypeModel } from "../Model.ts"
import { intWidth } from "../TypeText.ts"
import { visible } from "../Visible.ts"
import { integerFromJson, numberText, rangeOfBits } from "./Numbers.ts"
import { bytesFromJson } from "./Texts.ts"
import type { Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Functions of the checksums by the names that specs use, as they are exported. */
export const checksumFunctions: { readonly [algorithm: string]: Exclude<keyof typeof Checksums, "withoutOwn"> } = {
  "crc32": "crc32",
  "crc32c": "crc32c",
  "crc16-modbus": "crc16Modbus",
  "crc16-ccitt": "crc16Ccitt",
  "adler32": "adler32",
  "internet": "internet",
  "sum8": "sum8",
  "xor8": "xor8"
}

const { adler32, crc16Ccitt, crc16Modbus, crc32, crc32c, internet, sum8, xor8 } = Checksums

const functions = { adler32, crc16Ccitt, crc16Modbus, crc32, crc32c, internet, sum8, xor8 }

/** The function of a checksum, by the name that specs use: of `bytes[at, end)`. */
export const checksumFunction = (algorithm: string) => functions[checksumFunctions[algorithm]!]

const reservedSize = (type: Of<"reserved">): number => type.int === undefined ? type.size ?? 0 : intWidth[type.int]

/** The words of this file. */
export const wholeWords: { readonly [K in "reserved" | "align" | "checksum" | "custom"]: Word<Of<K>> } = {
  reserved: {
    fixed: reservedSize,
    isVisible: (type) => type.policy === "keep",
    summary: (type) => `${type.int ?? `bytes[${type.size}]`} reserved`,
    walk: (walk, type, { path, at, end, doc }) => {
      const size = reservedSize(type)
      walk.need(path, at, size, end)
      const bytes = walk.reader.slice(at, at + size)
      const value = type.int === undefined ? bytes : walk.int(at, type.int, type.order)
      const zero = bytes.every((byte) => byte === 0)
      walk.note(path, at, size, walk.summary(type), value, zero ? "" : `0x${hexOf(bytes.subarray(0, 16))}`, doc, true)
      if (type.policy === "error" && !zero) {
        const first = bytes.findIndex((byte) => byte !== 0)
        malformed("Reserved", walk.packet, path, at + first, "0", hexNumber(bytes[first]!))
      }
      return at + size
    },
    schema: (make, type) =>
      type.int === undefined
        ? make.bytes({ size: type.size ?? 0 })
        : intWidth[type.int] === 8
        ? make.bigint(rangeOfBits(64, false).min, rangeOfBits(64, false).max)
        : make.integer(0, 2 ** (8 * intWidth[type.int]) - 1),
    fromJson: (_, type, json, packet, path) => {
      if (json === undefined) return undefined
      return type.int === undefined ? bytesFromJson(json, packet, path) : integerFromJson(intWidth[type.int] === 8, json, packet, path)
    }
  },
  align: {
    ends: () => true,
    isVisible: () => false,
    summary: (type) => `${type.policy === "ignore" ? "bytes" : "zeros"} up to a multiple of ${type.to}`,
    walk: (walk, type, { path, at, end, doc, scope }) => {
      const size = (type.to - (at - scope.begin) % type.to) % type.to
      walk.need(path, at, size, end)
      const bytes = walk.reader.slice(at, at + size)
      walk.note(path, at, size, walk.summary(type), bytes, "", doc, true)
      const first = type.policy === "ignore" ? -1 : bytes.findIndex((byte) => byte !== 0)
      if (first !== -1) malformed("Reserved", walk.packet, path, at + first, "0", hexNumber(bytes[first]!))
      return at + size
    }
  },
  checksum: {
    fixed: (type) => intWidth[type.of.int],
    isVisible: () => false,
    summary: ({ algorithm, of, over, xor }) =>
      `${numberText(of)} ${algorithm}${xor === undefined ? "" : ` xor ${hexNumber(xor, intWidth[of.int])}`} of ${over.join(", ")}`,
    walk: (walk, type, { path, name, at, end, doc, scope }) => {
      const width = intWidth[type.of.int]
      walk.need(path, at, width, end)
      const value = Number(walk.int(at, type.of.int, type.of.order))
      walk.note(path, at, width, walk.summary(type), value, hexNumber(value, width), doc)
      const { bytes } = walk.reader
      const compute = checksumFunction(type.algorithm)
      let isOwn = type.over.includes(name)
      scope.verify(() => {
        const from = scope.places.get(type.over[0]!)?.[0]
        const to = scope.places.get(type.over.at(-1)!)?.[1]
        // what is covered begins before the checksum and ends after it
        if (from !== undefined && from <= at && to === undefined) isOwn = true
        if (from === undefined || to === undefined) return false
        const covered = isOwn ? Checksums.withoutOwn(bytes, from, to, at, width) : bytes.subarray(from, to)
        const right = (compute(covered, 0, covered.length) ^ (type.xor ?? 0)) >>> 0
        if (right !== value) malformed("Checksum", walk.packet, path, at, hexNumber(right, width), hexNumber(value, width))
        return true
      })
      return at + width
    }
  },
  custom: {
    fixed: (type) => type.fixed,
    least: (type) => type.minimum,
    ends: (type) => type.ends || type.fixed !== undefined,
    summary: (type) => type.name,
    walk: (walk, type, spot) => {
      const { path, at, end, doc } = spot
      const face = walk.catalog.customs[type.name]
      if (face === undefined) {
        const stop = type.fixed === undefined ? Math.floor(end) : at + type.fixed
        walk.need(path, at, stop - at, end)
        walk.note(path, at, stop - at, type.name, walk.reader.slice(at, stop), "", doc)
        return stop
      }
      const there = walk.reader.bytes.length
      if (type.fixed === undefined && !type.ends && Math.floor(end) > there) {
        walk.note(path, at, there - at, type.name, walk.reader.slice(at, there), plural(there - at), doc)
        walk.need(path, at, Math.floor(end) - at, end)
      }
      const value = readCustom(
        walk.packet,
        path,
        at,
        () => face.read(walk.reader, at, walk.stop(end), walk.start, spot.scope.numbers())
      )
      walk.note(path, at, walk.reader.next - at, type.name, value, visible(face.text(value)), doc)
      return walk.reader.next
    },
    schema: (make, type) => make.custom(type.name),
    toJson: (catalog, type, value) => catalog.customs[type.name]?.toJson(value) ?? value,
    fromJson: (catalog, type, json, packet, path) => {
      const face = catalog.customs[type.name]
      if (face === undefined) return json
      const value = madeByCustom(packet, path, () => face.fromJson(json))
      return value === undefined ? unfit(packet, path, `a ${type.name}`, json) : value
    }
  }
}
