/**
 * Changes packets at their structure: lengths and counts by one, to nothing and to the most; tags, flags and bits of presence; what ends a
 * field, gone or twice; text that is not of its encoding; numbers spelled longer than need be; elements and records repeated, left out,
 * exchanged and put into one another; packets cut off, or two of them spliced; checksums that differ.
 *
 * Where things stand, the interpreter says (`FieldSpan`). A change in size is told to the lengths before it most of the time, and a checksum
 * is mended half of the time: else nothing would reach what lies within.
 */
import type { DecodeError } from "@wirewright/codec/Errors"
import type { FieldSpan } from "@wirewright/codec/Layout"
import type { Below } from "@wirewright/codec/Random"

/** Bytes, and where their fields stand. */
export interface Laid {
  readonly bytes: Uint8Array
  readonly fields: ReadonlyArray<FieldSpan>
}

/** What a change replaces: bytes `[offset, offset + length)` by others. */
interface Change {
  readonly offset: number
  readonly length: number
  readonly by: Uint8Array
}

interface Place {
  readonly offset: number
  readonly length: number
  readonly field?: FieldSpan
}

/** A kind of change; nothing when it cannot be made here. */
type Operator = (below: Below, one: Laid, other: Laid) => Change | undefined

/** Values that decoders decide on. */
const edges = [0, 1, 2, 0x0a, 0x0d, 0x0f, 0x10, 0x1e, 0x1f, 0x20, 0x2d, 0x30, 0x39, 0x7f, 0x80, 0xfe, 0xff]

const of = <A>(below: Below, all: ReadonlyArray<A>): A | undefined => all[below(all.length)]

export const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"))

const noBytes = new Uint8Array(0)

/** Fields, and what stands between them: separators, terminators, padding. */
const places = ({ bytes, fields }: Laid): ReadonlyArray<Place> => {
  const out: Array<Place> = fields.map((field) => ({ offset: field.offset, length: field.length, field }))
  let covered = 0
  for (const { offset, length } of [...fields].sort((a, b) => a.offset - b.offset)) {
    if (offset > covered) out.push({ offset: covered, length: offset - covered })
    covered = Math.max(covered, offset + length)
  }
  if (covered < bytes.length) out.push({ offset: covered, length: bytes.length - covered })
  return out
}

const filled = (below: Below, one: Laid): Place | undefined => of(below, places(one).filter(({ length }) => length > 0))

const within = ({ bytes }: Laid, { length, offset }: Place): Uint8Array => bytes.slice(offset, offset + length)

/** Changes the bytes of one place and leaves their number. */
const inPlace = (change: (below: Below, bytes: Uint8Array) => void): Operator => (below, one) => {
  const place = filled(below, one)
  if (place === undefined) return undefined
  const by = within(one, place)
  change(below, by)
  return { ...place, by }
}

/** The integer that these bytes are. */
const integer = (bytes: Uint8Array, little: boolean): bigint =>
  (little ? bytes.toReversed() : bytes).reduce((sum, byte) => sum << 8n | BigInt(byte), 0n)

/** The bytes of an integer, cut to their number. */
const integerBytes = (value: bigint, size: number, little: boolean): Uint8Array => {
  const out = Uint8Array.from({ length: size }, (_, i) => Number(BigInt.asUintN(8 * size, value) >> BigInt(8 * (size - 1 - i)) & 0xffn))
  return little ? out.reverse() : out
}

const isDigits = (bytes: Uint8Array): boolean => bytes.length > 0 && /^-?[0-9]+/.test(Buffer.from(bytes).toString("latin1"))

/** Bytes of a decimal number, and what ends it. */
const digitsOf = (bytes: Uint8Array): { readonly value: bigint; readonly rest: string } => {
  const text = Buffer.from(bytes).toString("latin1")
  const [digits] = /^-?[0-9]+/.exec(text)!
  return { value: BigInt(digits), rest: text.slice(digits.length) }
}

const numberAt = (text: RegExp): Operator => (below, one) => {
  const place = of(
    below,
    places(one).filter(({ field, length }) => field !== undefined && length > 0 && length <= 24 && text.test(field.type))
  )
  if (place === undefined) return undefined
  const bytes = within(one, place)
  if (isDigits(bytes)) {
    const { rest, value } = digitsOf(bytes)
    const digits = [
      String(value + 1n),
      String(value - 1n),
      "0",
      "-0",
      "-1",
      "",
      `0${value}`,
      `+${value}`,
      ` ${value}`,
      "255",
      "2147483648",
      "4294967295",
      "4294967296",
      "9007199254740993",
      "18446744073709551615",
      "18446744073709551616",
      "9".repeat(40)
    ]
    return { ...place, by: latin1(`${of(below, digits)!}${rest}`) }
  }
  if (bytes.length > 8) return undefined
  const little = below(2) === 0
  const value = integer(bytes, little)
  const most = 1n << BigInt(8 * bytes.length)
  const numbers = [value + 1n, value - 1n, value + 2n, 0n, 1n, most - 1n, most / 2n, most / 2n - 1n, value ^ most / 2n]
  return { ...place, by: integerBytes(of(below, numbers)!, bytes.length, little) }
}

/** Bytes that are no UTF-8, or that text must not hold. */
const strange = [
  "ff",
  "c080",
  "eda080",
  "f4908080",
  "e282",
  "80",
  "00",
  "0d0a",
  "0a",
  "20",
  "1f",
  "1e",
  "efbbbf",
  "c3a9",
  "f09f9880",
  "2c",
  "22"
]
  .map((hex) => new Uint8Array(Buffer.from(hex, "hex")))

/** Longer spellings of variable-length integers: of LEB128, VLQ, QUIC and escapes. */
const longer: ReadonlyArray<(bytes: Uint8Array) => Uint8Array> = [
  (bytes) => joined(bytes.with(-1, bytes.at(-1)! | 0x80), Uint8Array.of(0)),
  (bytes) => joined(bytes.with(-1, bytes.at(-1)! | 0x80), Uint8Array.of(0x80, 0)),
  (bytes) => joined(bytes.with(-1, bytes.at(-1)! | 0x80), new Uint8Array(9).fill(0x80), Uint8Array.of(0)),
  (bytes) => joined(Uint8Array.of(0x80), bytes),
  (bytes) => joined(new Uint8Array(9).fill(0x80), bytes),
  () => joined(new Uint8Array(9).fill(0xff), Uint8Array.of(0x7f)),
  (bytes) => joined(Uint8Array.of(0x40), bytes.subarray(-1)),
  (bytes) => joined(Uint8Array.of(0xfc), bytes.subarray(-1), Uint8Array.of(0)),
  (bytes) => joined(Uint8Array.of(0x7e, 0), bytes.subarray(-1)),
  (bytes) => joined(Uint8Array.of(0x7f), new Uint8Array(7), bytes.subarray(-1)),
  (bytes) => bytes.map((byte, i) => i === bytes.length - 1 ? byte & 0x7f : byte | 0x80)
]

/** Records and elements: what several fields with one beginning of their paths take together. */
const containers = ({ fields }: Laid): ReadonlyArray<Place & { readonly path: string }> => {
  const found = new Map<string, { offset: number; end: number }>()
  for (const { length, offset, path } of fields) {
    for (const { index } of path.matchAll(/[.[]|$/g)) {
      if (index === 0) continue
      const prefix = path.slice(0, path[index] === "[" ? path.indexOf("]", index) + 1 : index)
      const place = found.get(prefix)
      if (place === undefined) found.set(prefix, { offset, end: offset + length })
      else {
        place.offset = Math.min(place.offset, offset)
        place.end = Math.max(place.end, offset + length)
      }
    }
  }
  return [...found].map(([path, { end, offset }]) => ({ path, offset, length: end - offset })).filter(({ length }) => length > 0)
}

const bounds = ({ bytes, fields }: Laid): ReadonlyArray<number> => [
  ...new Set([0, ...fields.flatMap(({ length, offset }) => [offset, offset + length]), bytes.length])
]

/** All kinds of changes, by their names. */
export const operators: { readonly [name: string]: Operator } = {
  bit: inPlace((below, bytes) => void (bytes[below(bytes.length)]! ^= 1 << below(8))),
  edge: inPlace((below, bytes) => void (bytes[below(bytes.length)] = of(below, edges)!)),
  fill: inPlace((below, bytes) => void bytes.fill(of(below, edges)!)),
  noise: inPlace((below, bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = below(256)
  }),
  lengthOrCount: numberAt(/length|count/),
  number: numberAt(/^([ui](8|16|24|32|64)|decimal|flags|bcd|escaped)|bits?\b|\b[ui](8|16|24|32|64)\b|\bu?leb128|varint|tag/),
  overlong: (below, one) => {
    const place = of(below, places(one).filter(({ length }) => length > 0 && length <= 10))
    return place === undefined ? undefined : { ...place, by: of(below, longer)!(within(one, place)) }
  },
  /** What stands between fields, or what a field ends with, is gone, twice, or its first half. */
  terminator: (below, one) => {
    const all = places(one)
    const gaps = all.filter(({ field }) => field === undefined)
    const place = of(below, gaps.length === 0 || below(4) === 0 ? all.filter(({ length }) => length > 0) : gaps)
    if (place === undefined) return undefined
    const bytes = within(one, place)
    const tail = place.field === undefined ? bytes : bytes.subarray(-1 - below(2))
    const head = bytes.subarray(0, bytes.length - tail.length)
    const by = of(below, [
      head,
      joined(bytes, tail),
      joined(head, tail.subarray(1)),
      joined(head, tail.subarray(0, -1)),
      joined(tail, bytes)
    ])!
    return { ...place, by }
  },
  text: (below, one) => {
    const place = of(below, places(one))
    if (place === undefined) return undefined
    const bytes = within(one, place)
    const at = below(bytes.length + 1)
    const from = below(3) === 0 ? at : Math.min(bytes.length, at + below(3))
    return { ...place, by: joined(bytes.subarray(0, at), of(below, strange)!, bytes.subarray(from)) }
  },
  without: (below, one) => {
    const place = of(below, below(2) === 0 ? containers(one) : places(one))
    return place === undefined ? undefined : { ...place, by: noBytes }
  },
  twice: (below, one) => {
    const place = of(below, below(2) === 0 ? containers(one) : places(one))
    if (place === undefined) return undefined
    const bytes = within(one, place)
    return { ...place, by: joined(bytes, bytes) }
  },
  exchanged: (below, one, other) => {
    const place = of(below, containers(one))
    const foreign = of(below, containers(other))
    return place === undefined || foreign === undefined ? undefined : { ...place, by: within(other, foreign) }
  },
  /** What the same field of another packet holds. */
  sameField: (below, one, other) => {
    const place = filled(below, one)
    const path = place?.field?.path.replaceAll(/\[\d+\]/g, "[]")
    const foreign = of(below, places(other).filter(({ field }) => field?.path.replaceAll(/\[\d+\]/g, "[]") === path))
    return place === undefined || foreign === undefined ? undefined : { ...place, by: within(other, foreign) }
  },
  bytesOfOther: (below, one, other) => {
    const place = of(below, places(one))
    if (place === undefined || other.bytes.length === 0) return undefined
    const at = below(other.bytes.length)
    return { ...place, by: other.bytes.slice(at, at + 1 + below(16)) }
  },
  inserted: (below, one) => {
    const place = of(below, places(one))
    if (place === undefined) return undefined
    return { ...place, by: joined(within(one, place), new Uint8Array(1 + below(8)).fill(of(below, edges)!)) }
  },
  /** What a record begins with, up to one within it, many times: as deep as that, if records lie within one another. */
  deeper: (below, one) => {
    const all = containers(one)
    const outer = of(below, all)
    if (outer === undefined) return undefined
    const inner = of(below, all.filter(({ length, offset }) => offset > outer.offset && offset + length <= outer.offset + outer.length))
    if (inner === undefined) return undefined
    const opening = one.bytes.subarray(outer.offset, inner.offset)
    const times = [1, 2, 7, 126, 127, 128, 129, 300][below(8)]!
    if (opening.length * times > 8_000) return undefined
    return { offset: outer.offset, length: 0, by: joined(...Array.from({ length: times }, () => opening)) }
  },
  spliced: (below, one, other) => {
    const offset = of(below, bounds(one))!
    return { offset, length: one.bytes.length - offset, by: other.bytes.subarray(of(below, bounds(other))!) }
  },
  cut: (below, one) => {
    const offset = below(2) === 0 ? of(below, bounds(one))! : below(one.bytes.length + 1)
    return { offset, length: one.bytes.length - offset, by: noBytes }
  },
  longer: (below, { bytes }) => ({
    offset: bytes.length,
    length: 0,
    by: new Uint8Array(1 + below(12)).map(() => below(2) === 0 ? below(256) : of(below, edges)!)
  })
}

const names = Object.keys(operators)

/** What is said of the size of something that ends after `at`: its lengths, and in a `count` of its elements. */
const measures = ({ fields }: Laid, at: number, delta: number): ReadonlyArray<FieldSpan> =>
  fields.filter(({ length, offset, type, value }) =>
    delta !== 0 && length > 0 && offset + length <= at && /length/.test(type) && typeof value === "number" &&
    offset + length + value + 16 >= at
  )

/** The bytes of a number, changed by `delta`, in the spelling that it has. */
const changedBy = (bytes: Uint8Array, value: number, delta: number): Uint8Array | undefined => {
  if (isDigits(bytes)) {
    const { rest, value: digits } = digitsOf(bytes)
    return latin1(`${digits + BigInt(delta)}${rest}`)
  }
  const want = BigInt(value + delta)
  if (want < 0n) return undefined
  if (bytes.length > 8) return undefined
  for (const little of [false, true]) {
    const raw = integer(bytes, little)
    // a length may have something added to it before it is written
    if (raw >= BigInt(value) && raw <= BigInt(value) + 8n) return integerBytes(raw + BigInt(delta), bytes.length, little)
  }
  if (want >= 0x4000n || bytes.length > 2) return undefined
  return want < 0x80n ? Uint8Array.of(Number(want)) : Uint8Array.of(Number(want & 0x7fn) | 0x80, Number(want >> 7n))
}

const applied = (bytes: Uint8Array, { by, length, offset }: Change): Uint8Array =>
  joined(bytes.subarray(0, offset), by, bytes.subarray(offset + length))

/** Makes one change. Returns its name with the bytes. */
export const changed = (below: Below, one: Laid, other: Laid): readonly [name: string, bytes: Uint8Array] => {
  for (let attempts = 0; attempts < 8; attempts++) {
    const name = of(below, names)!
    const change = operators[name]!(below, one, other)
    if (change === undefined) continue
    let bytes = applied(one.bytes, change)
    const delta = change.by.length - change.length
    if (name !== "cut" && name !== "lengthOrCount" && below(4) !== 0) {
      // from the last to the first, so that places stay where they are
      for (const { length, offset, value } of measures(one, change.offset, delta).toReversed()) {
        if (below(8) === 0) continue
        const by = changedBy(one.bytes.subarray(offset, offset + length), value as number, delta)
        if (by !== undefined) bytes = applied(bytes, { offset, length, by })
      }
      if (below(2) === 0 && (name === "twice" || name === "without")) {
        const counts = one.fields.filter(({ length, offset, type, value }) =>
          length > 0 && offset + length <= change.offset && /count/.test(type) && typeof value === "number"
        )
        const count = counts.at(-1)
        if (count !== undefined && delta !== 0) {
          const by = changedBy(
            one.bytes.subarray(count.offset, count.offset + count.length),
            count.value as number,
            name === "twice" ? 1 : -1
          )
          if (by?.length === count.length) bytes = applied(bytes, { offset: count.offset, length: count.length, by })
        }
      }
    }
    return [name, bytes]
  }
  return ["none", one.bytes]
}

/** Writes the checksum that the interpreter expects, in both orders of its bytes; nothing when it expects none. */
export const mended = ({ bytes, fields }: Laid, error: DecodeError | undefined): ReadonlyArray<Uint8Array> => {
  if (error?.reason !== "Checksum") return []
  const field = fields.find(({ length, offset, path }) => path === error.path && offset === error.offset && length > 0)
  if (field === undefined) return []
  return [false, true].map((little) => {
    const { length, offset } = field
    return applied(bytes, { offset, length, by: integerBytes(BigInt(error.expected), length, little) })
  })
}
