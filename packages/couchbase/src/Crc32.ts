/**
 * CRC-32 (IEEE 802.3, reflected, as in zlib) of a key.
 *
 * Keys are short: a table walked over ASCII characters takes 50–80 ns for a dozen of them, against 120–140 ns for a call of zlib. Long ones
 * and those beyond ASCII go to zlib where there is one. It knows nothing of vbuckets.
 */

const table = new Int32Array(256)
for (let index = 0; index < 256; index++) {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? value >>> 1 ^ 0xedb88320 : value >>> 1
  table[index] = value
}

const zlib = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.("node:zlib") as
  | { readonly crc32?: (data: string | Uint8Array) => number }
  | undefined

/** The table alone, for where there is no zlib. */
export const crc32OfBytes = (bytes: Uint8Array): number => {
  let crc = -1
  for (let at = 0; at < bytes.length; at++) crc = crc >>> 8 ^ table[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

const utf8 = new TextEncoder()
const viaZlib = zlib?.crc32

const ofText = (text: string): number => viaZlib === undefined ? crc32OfBytes(utf8.encode(text)) : viaZlib(text)

/** CRC-32 of the UTF-8 bytes of a text, as an unsigned number. */
export const crc32 = (text: string): number => {
  if (text.length > 48) return ofText(text)
  let crc = -1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return ofText(text)
    crc = crc >>> 8 ^ table[(crc ^ code) & 0xff]!
  }
  return ~crc >>> 0
}
