/**
 * Extended attributes as they stand in a value whose datatype has the xattr bit, once Snappy is undone.
 *
 * Source: kv_engine docs/Document.md, docs/ExtendedAttributes.md.
 */
import { array, bytes, cstring, lengthOf, struct, u32 } from "@wirewright/dsl"

/** One extended attribute. */
export const Xattr = struct("Xattr", {
  /** Its name: at most 15 bytes; `_` begins a system attribute, `$` a virtual one. */
  key: cstring({ max: 15 }),
  /** JSON text; a binary value is a string of `cb-content-base64-encoded:` and base64. */
  value: cstring()
})

/** One extended attribute with its length. */
export const XattrPair = struct("XattrPair", {
  /** Length of the attribute with both its NUL bytes. */
  pairLength: lengthOf(u32, "pair"),
  pair: Xattr
})

/** A value with extended attributes. */
export const XattrValue = struct("XattrValue", {
  /** Length of all pairs; 0 when there are none. */
  pairsLength: lengthOf(u32, "pairs"),
  /** The attributes in the order the server keeps them. */
  pairs: array(XattrPair),
  /** The document; empty in deletions. */
  body: bytes()
})

/** The types of this file, for `types` of a protocol. */
export const xattrTypes = [XattrValue]
