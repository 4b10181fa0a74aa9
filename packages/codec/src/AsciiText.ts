/** Short ASCII text from bytes, one character after the other: a third of the time of a call into native code. */

/** Longer text is left to native code, which is as fast from about 32 characters on. */
export const longestAscii = 24

const from = String.fromCharCode

/** Text of the `size` bytes at `at`; nothing when they are not ASCII, or too many. The calls are written out, as a list of arguments takes twice as long. */
export const asciiText = (bytes: Uint8Array, at: number, size: number): string | undefined => {
  if (size === 0) return ""
  const a = bytes[at]!
  let all = a
  if (size === 1) return all < 0x80 ? from(a) : undefined
  const b = bytes[at + 1]!
  all |= b
  if (size === 2) return all < 0x80 ? from(a, b) : undefined
  const c = bytes[at + 2]!
  all |= c
  if (size === 3) return all < 0x80 ? from(a, b, c) : undefined
  const d = bytes[at + 3]!
  all |= d
  if (size === 4) return all < 0x80 ? from(a, b, c, d) : undefined
  const e = bytes[at + 4]!
  all |= e
  if (size === 5) return all < 0x80 ? from(a, b, c, d, e) : undefined
  const f = bytes[at + 5]!
  all |= f
  if (size === 6) return all < 0x80 ? from(a, b, c, d, e, f) : undefined
  const g = bytes[at + 6]!
  all |= g
  if (size === 7) return all < 0x80 ? from(a, b, c, d, e, f, g) : undefined
  const h = bytes[at + 7]!
  all |= h
  if (size === 8) return all < 0x80 ? from(a, b, c, d, e, f, g, h) : undefined
  const i = bytes[at + 8]!
  all |= i
  if (size === 9) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i) : undefined
  const j = bytes[at + 9]!
  all |= j
  if (size === 10) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j) : undefined
  const k = bytes[at + 10]!
  all |= k
  if (size === 11) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k) : undefined
  const l = bytes[at + 11]!
  all |= l
  if (size === 12) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l) : undefined
  const m = bytes[at + 12]!
  all |= m
  if (size === 13) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m) : undefined
  const n = bytes[at + 13]!
  all |= n
  if (size === 14) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n) : undefined
  const o = bytes[at + 14]!
  all |= o
  if (size === 15) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o) : undefined
  const p = bytes[at + 15]!
  all |= p
  if (size === 16) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) : undefined
  const q = bytes[at + 16]!
  all |= q
  if (size === 17) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q) : undefined
  const r = bytes[at + 17]!
  all |= r
  if (size === 18) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r) : undefined
  const s = bytes[at + 18]!
  all |= s
  if (size === 19) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s) : undefined
  const t = bytes[at + 19]!
  all |= t
  if (size === 20) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t) : undefined
  const u = bytes[at + 20]!
  all |= u
  if (size === 21) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u) : undefined
  const v = bytes[at + 21]!
  all |= v
  if (size === 22) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v) : undefined
  const w = bytes[at + 22]!
  all |= w
  if (size === 23) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w) : undefined
  const x = bytes[at + 23]!
  all |= x
  if (size === 24) return all < 0x80 ? from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x) : undefined
  return undefined
}
