/**
 * The error map: what a client may do about each status, as JSON.
 *
 * The attributes are those of kv_engine's error map (docs/ErrorMap.md); texts and names come from the spec. It decides nothing; clients do.
 */
import { statusTable } from "@wirewright/couchbase/gen"
import { models } from "@wirewright/couchbase/gen/Model"

/** Highest version of the format that is written. */
export const errorMapVersion = 2

const attributes: ReadonlyArray<readonly [attributes: string, codes: ReadonlyArray<number>]> = [
  ["success", [0x00, 0xa5, 0xa6, 0xa7]],
  ["item-only", [0x01, 0x02, 0x0e, 0x0f, 0xa3]],
  ["item-only invalid-input", [0x03, 0x06, 0xa1]],
  ["internal invalid-input", [0x04]],
  ["internal item-only", [0x05]],
  ["fetch-config invalid-input", [0x07]],
  ["conn-state-invalidated", [0x08, 0x0a, 0x0b, 0x25]],
  ["item-locked item-only retry-now", [0x09]],
  ["temp retry-later rate-limit", [0x0c, 0x30, 0x31, 0x33]],
  ["fetch-config retry-now", [0x0d]],
  ["conn-state-invalidated auth", [0x1f, 0x20]],
  ["special-handling", [0x21, 0x26, 0x27]],
  ["invalid-input", [0x22, 0x87, 0x88, 0x8a, 0x8c, 0x8d, 0xa0, 0xa8]],
  ["dcp special-handling", [0x23]],
  ["support", [0x24, 0x50, 0x80, 0x81, 0x83]],
  ["item-only system-constraint no-retry", [0x28, 0x29, 0x35, 0x36, 0x37, 0x38]],
  ["conn-state-invalidated rate-limit", [0x32]],
  ["item-only retry-now", [0x51]],
  ["temp retry-later", [0x82]],
  ["internal conn-state-invalidated", [0x84]],
  ["temp retry-now", [0x85, 0x86]],
  ["item-only retry-later", [0xa2, 0xa4]],
  ["subdoc item-only", [0xc0, 0xc1, 0xc6, 0xc7, 0xc8, 0xc9, 0xd6, 0xd7, 0xd8]],
  ["subdoc invalid-input", [0xc2, 0xc3, 0xc4, 0xc5, 0xcb, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd4, 0xd5]],
  ["subdoc invalid-input item-only", [0xca]],
  ["subdoc special-handling", [0xcc]],
  ["item-deleted success subdoc", [0xcd]],
  ["item-deleted subdoc special-handling", [0xd3]]
]

const upperSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase()

/** The error map in a version that is not above `asked`, because clients refuse what is newer than they asked for. */
export const errorMapText = (asked: number): string => {
  const docs = new Map(models.flatMap((model) => model.kind === "binary" ? model.statuses : []).map(({ code, doc }) => [code, doc]))
  const errors = attributes.flatMap(([words, codes]) =>
    codes.map((code) => {
      const name = upperSnake(statusTable[code]!.name)
      return [code, { name, desc: docs.get(code) ?? name, attrs: words.split(" ") }] as const
    })
  )
  const sorted = errors.sort(([a], [b]) => a - b).map(([code, entry]) => [code.toString(16), entry])
  return JSON.stringify({ version: Math.min(asked, errorMapVersion), revision: 1, errors: Object.fromEntries(sorted) })
}
