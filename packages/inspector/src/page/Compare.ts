/** Two packets beside each other, field by field. Pure. */
import type { FieldSpan } from "@wirewright/codec/Layout"

/** One of the packets. */
export interface Side {
  readonly fields: ReadonlyArray<FieldSpan>
  readonly bytes: Uint8Array
}

/** A field of one packet or of both. */
export interface ComparedField {
  readonly path: string
  readonly left?: FieldSpan
  readonly right?: FieldSpan
  /** `same`: in both, with the same bytes; `moved`: with the same bytes elsewhere. */
  readonly verdict: "same" | "moved" | "changed" | "left" | "right"
}

const bytesOf = ({ bytes }: Side, { length, offset }: FieldSpan): Uint8Array => bytes.subarray(offset, offset + length)

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** Fields of the same path stand in one row; what only one packet has stands where it has it. */
export const compare = (left: Side, right: Side): ReadonlyArray<ComparedField> => {
  const keyOf = ({ path, section }: FieldSpan): string => `${section} ${path}`
  const rights = new Map(right.fields.map((span) => [keyOf(span), span]))
  const lefts = new Set(left.fields.map(keyOf))
  const out: Array<ComparedField> = []
  let next = 0
  /** What only the right packet has before this field of it. */
  const before = (end: number): void => {
    for (; next < end; next++) {
      const span = right.fields[next]!
      if (!lefts.has(keyOf(span))) out.push({ path: span.path, right: span, verdict: "right" })
    }
  }
  for (const span of left.fields) {
    const other = rights.get(keyOf(span))
    if (other === undefined) {
      out.push({ path: span.path, left: span, verdict: "left" })
      continue
    }
    before(right.fields.indexOf(other, next))
    const isSame = equal(bytesOf(left, span), bytesOf(right, other))
    const verdict = !isSame ? "changed" : span.offset === other.offset ? "same" : "moved"
    out.push({ path: span.path, left: span, right: other, verdict })
  }
  before(right.fields.length)
  return out
}

/** Which bytes differ, each packet by itself: those of fields that differ or are not in the other. */
export const differing = (fields: ReadonlyArray<ComparedField>, side: "left" | "right"): ReadonlySet<number> => {
  const out = new Set<number>()
  for (const one of fields) {
    const span = one[side]
    if (span === undefined || one.verdict === "same" || one.verdict === "moved") continue
    for (let at = span.offset; at < span.offset + span.length; at++) out.add(at)
  }
  return out
}
