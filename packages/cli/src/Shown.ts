/**
 * The bytes of documents and attributes as this command shows them, in every subcommand that does: whole in JSON, on one line in text, and
 * spelled out on a terminal. Pure.
 *
 * Text that is JSON is never parsed into values: it is checked and put in as it is, so nothing of it is lost and nothing recurses.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { jsonOf, RawJson } from "@wirewright/codec/JsonPrint"
import { decodeText, hasEscapes } from "@wirewright/codec/Text"
import { escaped, visible, visibleLines } from "@wirewright/codec/Visible"
import { decodeXattrValue } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"

/** How a value stands in JSON. */
export interface Shown {
  /** `json`: `value` is the document; `text`: its text; otherwise its bytes in base64. */
  readonly encoding: "json" | "text" | "base64" | "snappy+base64"
  readonly value: RawJson | string
  /** Extended attributes in the order they came in. */
  readonly xattrs?: RawJson
}

/** What is known of a value: whether it is meant to be JSON, is compressed, has extended attributes in front. */
export interface ValueFacts {
  readonly json: boolean
  readonly snappy?: boolean
  readonly xattr?: boolean
}

/** What the datatype of a packet says. */
export const factsOf = (datatype: number): ValueFacts => ({
  json: (datatype & Datatype.json) !== 0,
  snappy: (datatype & Datatype.snappy) !== 0,
  xattr: (datatype & Datatype.xattr) !== 0
})

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

const bodyOf = (bytes: Uint8Array, json: boolean): Shown => {
  const text = decodeText(bytes, 0, bytes.length)
  if (hasEscapes(text)) return { encoding: "base64", value: base64(bytes) }
  const raw = json ? RawJson.of(text) : undefined
  return raw === undefined ? { encoding: "text", value: text } : { encoding: "json", value: raw }
}

const withXattrs = (bytes: Uint8Array, json: boolean): Shown | undefined => {
  try {
    const { body, pairs } = decodeXattrValue(bytes)
    const members: Array<readonly [string, RawJson]> = []
    for (const { pair } of pairs) {
      const value = hasEscapes(pair.value) ? undefined : RawJson.of(pair.value)
      if (value === undefined) return undefined
      members.push([pair.key, value])
    }
    return { ...bodyOf(body, json), xattrs: RawJson.object(members) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return undefined
  }
}

/**
 * A value as JSON when it is that and is meant to be, as text when it is UTF-8, in base64 otherwise; its attributes beside it. A value whose
 * attributes are no JSON is base64 as a whole.
 */
export const shown = (value: Uint8Array, { json, snappy = false, xattr = false }: ValueFacts): Shown => {
  if (snappy) return { encoding: "snappy+base64", value: base64(value) }
  return xattr ? withXattrs(value, json) ?? { encoding: "base64", value: base64(value) } : bodyOf(value, json)
}

/** A value on one line: JSON as it is with its line breaks as spaces; text such that no two texts look alike; otherwise base64. */
export const lineOf = (value: Uint8Array, facts: ValueFacts): string => {
  const { value: found } = shown(value, facts)
  return typeof found === "string" ? escaped(found) : visible(jsonOf(found)!)
}

/** A value of a peer as JSON on one line, `undefined` as that word. */
export const jsonText = (value: unknown): string => visible(jsonOf(value) ?? "undefined")

/** A value on a terminal: its lines and tabs stay, everything else that a terminal acts on is spelled out. */
export const terminalText = (value: Uint8Array): string => visibleLines(decodeText(value, 0, value.length))
