/** What bytes say, whatever fields are called: where each value stands and which it is. Two readings are the same when these are. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { hexOf } from "@wirewright/codec/Hex"
import { type Annotation, annotate, type FieldSpan } from "@wirewright/codec/Layout"
import { encodeText, textBound } from "@wirewright/codec/Text"

/** A reading of bytes by one spec. */
export interface Reading {
  readonly annotation: Annotation
  readonly values: ReadonlyArray<FieldSpan>
}

/** Reads bytes as a kind of packet. */
export const readingOf = (catalog: Catalog, bytes: Uint8Array, kind: string, states: ReadonlyMap<string, number>): Reading => {
  const annotation = annotate(catalog, bytes, { kind, states })
  return { annotation, values: annotation.fields.filter(({ length }) => length > 0) }
}

/** A value as text; that of text is its bytes in UTF-8, which are those of what is no text but bytes. */
const spelled = (value: unknown): string => {
  if (value instanceof Uint8Array) return `x${hexOf(value)}`
  if (typeof value === "string") {
    const room = new Uint8Array(textBound(value))
    return `x${hexOf(room.subarray(0, encodeText(room, 0, value)))}`
  }
  return Object.is(value, -0) ? "-0" : String(value)
}

const keyOf = ({ length, offset, value }: FieldSpan): string => `${offset}+${length}=${spelled(value)}`

/** Bytes of a case that nobody describes. */
const isUnknown = ({ path, type }: FieldSpan): boolean => type === "bytes" && /(^|\.)bytes$/.test(path)

/** Where two readings of the same bytes part. */
export interface Difference {
  readonly written: FieldSpan | undefined
  readonly read: FieldSpan | undefined
  readonly why: string
}

const shown = (span: FieldSpan | undefined): string => span === undefined ? "nothing" : `${span.path} ${span.text === "" ? "…" : span.text}`

/** Names within the words for a value: of a case, of an enumeration's value, of flags. */
const namesIn = ({ text, value }: FieldSpan): ReadonlyArray<string> =>
  typeof value === "number" || typeof value === "bigint" ? text.match(/[A-Za-z_$][\w$]*/g) ?? [] : []

/**
 * How a reader's reading differs from the writer's; nothing when it does not. A tolerant reader may be older: what it calls unknown is no
 * difference. `moved` are names that stand for another number on the other side.
 */
export const differenceOf = (
  written: Reading,
  read: Reading,
  { isTolerant, moved }: { readonly isTolerant: boolean; readonly moved: ReadonlySet<string> }
): Difference | undefined => {
  const { error, length, packet } = read.annotation
  if (error !== undefined) return { written: undefined, read: undefined, why: `refuses it: ${error.message}` }
  if (isTolerant && packet === "Unknown" && written.annotation.packet !== "Unknown") return undefined
  if (length !== written.annotation.length) {
    return { written: undefined, read: undefined, why: `reads a packet of ${length} bytes, not ${written.annotation.length}` }
  }
  if (packet === "Unknown" && written.annotation.packet !== "Unknown") {
    return { written: undefined, read: undefined, why: `does not know ${written.annotation.packet}` }
  }
  const status = written.annotation.status ?? ""
  if (moved.has(status) && read.annotation.status !== status) {
    return { written: undefined, read: undefined, why: `reads the status ${read.annotation.status} where ${status} was written` }
  }
  return valuesDiffer(written.values, read.values, isTolerant, moved)
}

const overlaps = (one: FieldSpan, other: FieldSpan): boolean =>
  one.offset < other.offset + other.length && other.offset < one.offset + one.length

const isWithin = (one: FieldSpan, outer: FieldSpan): boolean =>
  outer.offset <= one.offset && one.offset + one.length <= outer.offset + outer.length

/** Values by name; by place where the reader has no such name. */
const valuesDiffer = (
  written: ReadonlyArray<FieldSpan>,
  read: ReadonlyArray<FieldSpan>,
  isTolerant: boolean,
  moved: ReadonlySet<string>
): Difference | undefined => {
  const [byPath, byPlace] = [new Map<string, Array<FieldSpan>>(), new Map<string, Array<FieldSpan>>()]
  const left = new Set(read)
  for (const span of read) {
    byPath.set(span.path, [...byPath.get(span.path) ?? [], span])
    byPlace.set(keyOf(span), [...byPlace.get(keyOf(span)) ?? [], span])
  }
  const unknown = isTolerant ? read.filter(isUnknown) : []
  const difference = (one: FieldSpan | undefined, other: FieldSpan | undefined): Difference => ({
    written: one,
    read: other,
    why: `reads ${shown(other)} where ${shown(one)} was written`
  })
  for (const span of written) {
    const named = (byPath.get(span.path) ?? []).filter((one) => left.has(one))
    const found = named.find((one) => spelled(one.value) === spelled(span.value)) ??
      (named.length > 0 ? undefined : byPlace.get(keyOf(span))?.find((one) => left.has(one)))
    if (found !== undefined) {
      left.delete(found)
      const names = namesIn(span)
      if (!names.every((name) => !moved.has(name) || namesIn(found).includes(name))) return difference(span, found)
    } else if (!unknown.some((one) => isWithin(span, one))) return difference(span, named[0] ?? read.find((one) => overlaps(one, span)))
  }
  // what nobody wrote must not be read, but in bytes that are of no meaning to the writer
  for (const span of left) {
    if (unknown.includes(span)) continue
    const other = written.find((one) => overlaps(one, span))
    // a bit that the writer gives no name is zero
    if (other?.offset === span.offset && other.length === span.length && Number(span.value) === 0) continue
    return difference(other, span)
  }
  return undefined
}
