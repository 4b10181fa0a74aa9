/** Bytes, text and literals. */
import { beforePad, expectLiteral } from "../Ends.ts"
import { malformed } from "../Errors.ts"
import { bytesOfDigits, hexOf, textOfHex } from "../Hex.ts"
import { unfit } from "../JsonUnfit.ts"
import type { LayoutWalk } from "../LayoutWalk.ts"
import { plural } from "../LayoutSpans.ts"
import type { SizedModel, TypeModel } from "../Model.ts"
import { decodeText, encodeText, hasEscapes, isUtf8, textBound } from "../Text.ts"
import { boundEncoded, decodeEncoded, putEncoded, unitSize } from "../Encodings.ts"
import { Reader } from "../Reader.ts"
import { bytesText, quoted } from "../TypeText.ts"
import { findUntil } from "./Numbers.ts"
import type { Spot, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Text, or `{ hex }` when it stands for bytes that are invalid UTF-8. */
export const textToJson = (text: string): unknown => {
  if (!hasEscapes(text)) return text
  const bytes = new Uint8Array(textBound(text))
  return { hex: hexOf(bytes.subarray(0, encodeText(bytes, 0, text))) }
}

/** Bytes of `{ hex }`, or of text. */
export const bytesFromJson = (json: unknown, packet: string, path: string): Uint8Array => {
  if (typeof json === "string") {
    const bytes = new Uint8Array(textBound(json))
    return bytes.slice(0, encodeText(bytes, 0, json))
  }
  const hex = typeof json === "object" && json !== null ? (json as { readonly hex?: unknown }).hex : undefined
  if (typeof hex !== "string" || hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) {
    return unfit(packet, path, "bytes as { \"hex\": \"…\" }", json)
  }
  return bytesOfDigits(hex)
}

const textFromJson = (json: unknown, packet: string, path: string): string => {
  if (typeof json === "string") return json
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json)
  const bytes = isObject ? bytesFromJson(json, packet, path) : unfit(packet, path, "text or { \"hex\": \"…\" }", json)
  return decodeText(bytes, 0, bytes.length)
}

/** Where the content ends, and where what follows begins. */
const extent = (walk: LayoutWalk, type: SizedModel, { path, at, end }: Spot, step: number): readonly [stop: number, next: number] => {
  if (type.until !== undefined) {
    const stop = findUntil(walk, type.until, at, walk.stop(end), path, step)
    return [stop, stop + type.until.length / 2]
  }
  const next = type.size === undefined ? Math.floor(end) : at + type.size
  if (type.pad !== undefined) {
    walk.need(path, at, next - at, end)
    return [beforePad(walk.reader.bytes, at, next, textOfHex(type.pad)), next]
  }
  return [next, next]
}

const sizedWord = <T extends Of<"bytes" | "utf8" | "json" | "text">>(
  note: (walk: LayoutWalk, type: T, spot: Spot, stop: number, next: number) => void,
  json: Pick<Word<T>, "toJson" | "fromJson" | "schema">
): Word<T> => ({
  ...json,
  fixed: (type) => type.until === undefined ? type.size : undefined,
  least: (type) => type.size ?? (type.min ?? 0) + (type.until?.length ?? 0) / 2,
  ends: (type) => type.size !== undefined || type.until !== undefined,
  summary: (type) => {
    const name = type.kind === "text" ? (type as Of<"text">).encoding : type.kind
    if (type.until !== undefined) return type.until === "00" ? "cstring" : `${name} until ${quoted(textOfHex(type.until))}`
    return type.size === undefined ? name : `${name}[${type.size}]`
  },
  walk: (walk, type, spot) => {
    const { path, at, end } = spot
    const [stop, next] = extent(walk, type, spot, type.kind === "text" ? unitSize((type as Of<"text">).encoding) : 1)
    if (type.size === undefined && type.min !== undefined && stop - at < type.min) {
      malformed("Length", walk.packet, path, at, `at least ${plural(type.min)}`, plural(stop - at))
    }
    if (type.max !== undefined && stop - at > type.max) {
      malformed("Limit", walk.packet, path, at, `at most ${plural(type.max)}`, plural(stop - at))
    }
    walk.need(path, at, stop - at, end)
    note(walk, type, spot, stop, next)
    return next
  }
})

const textOf = (walk: LayoutWalk, type: Of<"utf8" | "json">, spot: Spot, stop: number, next: number): void => {
  const text = decodeText(walk.reader.bytes, spot.at, stop)
  if (type.kind === "utf8" && type.invalid === "error" && !isUtf8(walk.reader.bytes, spot.at, stop)) {
    malformed("Utf8", walk.packet, spot.path, spot.at, "UTF-8", quoted(text))
  }
  walk.note(spot.path, spot.at, next - spot.at, walk.summary(type), text, quoted(text), spot.doc)
}

const textJson = {
  toJson: (_: unknown, __: unknown, value: unknown) => textToJson(value as string),
  fromJson: (_: unknown, __: unknown, json: unknown, packet: string, path: string) => textFromJson(json, packet, path)
}

const limits = (type: SizedModel) => ({
  ...(type.size === undefined ? {} : type.pad === undefined ? { size: type.size } : { max: type.size, last: textOfHex(type.pad) }),
  ...(type.min === undefined ? {} : { min: type.min }),
  ...(type.max === undefined ? {} : { max: type.max }),
  ...(type.until === undefined ? {} : { without: textOfHex(type.until) })
})

/** The words of this file. */
export const textWords: { readonly [K in "bytes" | "utf8" | "json" | "text" | "literal"]: Word<Of<K>> } = {
  bytes: sizedWord<Of<"bytes">>((walk, type, spot, stop, next) => {
    const value = walk.reader.slice(spot.at, stop)
    const text = bytesText(value, decodeText(walk.reader.bytes, spot.at, stop))
    walk.note(spot.path, spot.at, next - spot.at, walk.summary(type), value, text, spot.doc)
  }, {
    toJson: (_, __, value) => ({ hex: hexOf(value as Uint8Array) }),
    fromJson: (_, __, json, packet, path) => bytesFromJson(json, packet, path),
    schema: (make, type) => make.bytes(limits(type))
  }),
  utf8: sizedWord<Of<"utf8">>(textOf, { ...textJson, schema: (make, type) => make.text(limits(type)) }),
  json: sizedWord<Of<"json">>(textOf, { ...textJson, schema: (make, type) => make.text(limits(type)) }),
  text: sizedWord<Of<"text">>((walk, type, spot, stop, next) => {
    const end = type.size === undefined && type.until === undefined ? spot.end : stop
    const text = decodeEncoded(walk.reader, type.encoding, spot.at, end, 0, walk.packet, spot.path)
    walk.note(spot.path, spot.at, next - spot.at, walk.summary(type), text, quoted(text), spot.doc)
  }, {
    // lone surrogates are units of UTF-16 as any other, and none of JSON
    toJson: (_, type, value) => {
      const text = value as string
      if (!hasEscapes(text)) return text
      const bytes = new Uint8Array(boundEncoded(type.encoding, text))
      return { hex: hexOf(bytes.subarray(0, putEncoded(bytes, 0, type.encoding, text, "", ""))) }
    },
    fromJson: (_, type, json, packet, path) => {
      if (typeof json === "string") return json
      const bytes = bytesFromJson(json, packet, path)
      return decodeEncoded(new Reader(bytes), type.encoding, 0, bytes.length, 0, packet, path)
    },
    schema: (make, type) => {
      const unit = unitSize(type.encoding)
      const until = type.until === undefined ? undefined : bytesOfDigits(type.until)
      return make.text({
        ...limits(type),
        unit,
        limit: type.encoding === "ascii" ? 0x7f : type.encoding === "latin1" ? 0xff : 0xffff,
        ...(until === undefined ? {} : { without: decodeEncoded(new Reader(until), type.encoding, 0, until.length, 0, "", "") })
      })
    }
  }),
  literal: {
    fixed: (type) => type.hex.length / 2,
    isVisible: () => false,
    summary: () => "literal",
    walk: (walk, type, spot) => {
      const text = textOfHex(type.hex)
      const next = expectLiteral(walk.reader, spot.at, walk.stop(spot.end), text, 0, walk.packet, spot.path)
      walk.note(spot.path, spot.at, next - spot.at, "literal", text, quoted(text), spot.doc)
      return next
    }
  }
}
