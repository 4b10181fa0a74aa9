/**
 * Base64 as SASL writes it: the standard alphabet, padded, nothing else in between (RFC 4648 section 4).
 *
 * Strict on purpose: what `atob` or Buffer would silently skip is a malformed message here. It never throws.
 */

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const values = new Map([...alphabet].map((character, value) => [character.charCodeAt(0), value]))

/** Bytes as base64. */
export const encodeBase64 = (bytes: Uint8Array): string => {
  let out = ""
  for (let at = 0; at < bytes.length; at += 3) {
    const three = bytes[at]! << 16 | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0)
    out += alphabet[three >>> 18]! + alphabet[three >>> 12 & 63]!
    out += at + 1 < bytes.length ? alphabet[three >>> 6 & 63]! : "="
    out += at + 2 < bytes.length ? alphabet[three & 63]! : "="
  }
  return out
}

/** Bytes that base64 stands for; `undefined` when it is not base64 in its only canonical form. */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  const bytes = new Uint8Array(text.length / 4 * 3 - padding)
  for (let at = 0, to = 0; at < text.length; at += 4) {
    let three = 0
    for (let place = 0; place < 4; place++) {
      const value = at + place >= text.length - padding ? 0 : values.get(text.charCodeAt(at + place))
      if (value === undefined) return undefined
      three = three << 6 | value
    }
    for (let shift = 16; shift >= 0; shift -= 8) {
      if (to < bytes.length) bytes[to++] = three >>> shift & 0xff
      // bits that padding cuts off are zero, or two texts would stand for the same bytes
      else if ((three >>> shift & 0xff) !== 0) return undefined
    }
  }
  return bytes
}
