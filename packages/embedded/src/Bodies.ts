/**
 * Bodies of documents that have extended attributes: commands that know nothing of attributes read and write the body and leave them alone.
 *
 * Pure. A document without attributes is its body. Attributes outlive a new body; of a removed document the system attributes remain.
 */
import { Datatype } from "@wirewright/memcached/gen"
import type { Content, Counting, Document, Refusal } from "./Document.ts"
import { decimalBytes, parseDecimal } from "./DecimalText.ts"
import type { Item, Space } from "./HashTable.ts"
import { isJson } from "./JsonText.ts"
import type { Store } from "./Store.ts"
import { partsOf, systemXattrs, valueOf } from "./SubDocumentAttributes.ts"

/** Whether a document has attributes. */
export const hasXattrs = (document: Document): boolean => (document.datatype & Datatype.xattr) !== 0

/** The body of a document. */
export const bodyOf = (document: Document): Uint8Array =>
  hasXattrs(document) ? partsOf(document.value, document.datatype).body : document.value

/** What to store when the body becomes `body`; `isJsonBody` says whether that is JSON. */
export const withBody = (
  current: Document | undefined,
  body: Uint8Array,
  flags: number,
  expiration = 0,
  isJsonBody = isJson(body)
): Content => {
  const json = isJsonBody ? Datatype.json : 0
  if (current === undefined || !hasXattrs(current)) return { value: body, flags, datatype: json, expiration }
  const { xattrs } = partsOf(current.value, current.datatype)
  return { value: valueOf({ xattrs, body }), flags, datatype: json | Datatype.xattr, expiration }
}

/** A body with bytes before or after it. */
export const joined = (current: Document, bytes: Uint8Array, atEnd: boolean): Uint8Array => {
  const body = bodyOf(current)
  const [first, second] = atEnd ? [body, bytes] : [bytes, body]
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** Counts, also where there are attributes. */
export const countBody = (
  store: Store,
  space: Space,
  key: string,
  counting: Counting
): { readonly item: Item; readonly value: bigint } | Refusal => {
  const current = store.get(space, key)
  if (current === undefined || !hasXattrs(current)) return store.count(space, key, counting)
  const before = parseDecimal(bodyOf(current))
  if (before === undefined) return "DeltaBadval"
  const { delta, down } = counting
  const value = down ? before > delta ? before - delta : 0n : BigInt.asUintN(64, before + delta)
  const content = withBody(current, decimalBytes(value), current.flags)
  const item = store.replace(space, key, content, { cas: counting.cas ?? 0n, preserveExpiry: true })
  return typeof item === "string" ? item : { item, value }
}

/** Removes a document; system attributes remain in its tombstone. */
export const removeBody = (store: Store, space: Space, key: string, cas: bigint): Item | Refusal => {
  const current = store.get(space, key)
  if (current === undefined || !hasXattrs(current)) return store.remove(space, key, { cas })
  const left = systemXattrs(partsOf(current.value, current.datatype).xattrs)
  if (left.length === 0) return store.remove(space, key, { cas })
  const refused = store.refusal(current, cas, "KeyEnoent")
  if (refused !== undefined) return refused
  return store.removeWithValue(space, key, { value: valueOf({ xattrs: left, body: new Uint8Array(0) }), datatype: Datatype.xattr })
}
