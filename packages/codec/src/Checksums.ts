/** Checksums of wire formats, each with the document that defines it. */

const table32 = (polynomial: number): Uint32Array => {
  const table = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    let c = i
    for (let k = 0; k < 8; k++) c = c & 1 ? c >>> 1 ^ polynomial : c >>> 1
    table[i] = c
  }
  return table
}

/** A table that is made when it is first used, so that a bundle without checksums runs nothing. */
const lazily = (polynomial: number): (bytes: Uint8Array, at: number, end: number) => number => {
  let table: Uint32Array | undefined
  return (bytes, at, end) => {
    table ??= table32(polynomial)
    let c = 0xffff_ffff
    for (let i = at; i < end; i++) c = table[(c ^ bytes[i]!) & 0xff]! ^ c >>> 8
    return (c ^ 0xffff_ffff) >>> 0
  }
}

/** The bytes of `[from, to)`, those of a checksum among them taken as zeros. */
export const withoutOwn = (bytes: Uint8Array, from: number, to: number, at: number, size: number): Uint8Array =>
  bytes.slice(from, to).fill(0, at - from, at - from + size)

/** CRC-32 of zip, Ethernet and PNG (ISO 3309), of `bytes[at, end)`. */
export const crc32 = /* @__PURE__ */ lazily(0xedb8_8320)

/** CRC-32C, Castagnoli (RFC 3720, B.4). */
export const crc32c = /* @__PURE__ */ lazily(0x82f6_3b78)

/** CRC-16 of Modbus over serial lines (V1.02, 6.2.2). */
export const crc16Modbus = (bytes: Uint8Array, at: number, end: number): number => {
  let c = 0xffff
  for (let i = at; i < end; i++) {
    c ^= bytes[i]!
    for (let k = 0; k < 8; k++) c = c & 1 ? c >>> 1 ^ 0xa001 : c >>> 1
  }
  return c
}

/** CRC-16 with polynomial 0x1021 and initial value 0xffff. */
export const crc16Ccitt = (bytes: Uint8Array, at: number, end: number): number => {
  let c = 0xffff
  for (let i = at; i < end; i++) {
    c ^= bytes[i]! << 8
    for (let k = 0; k < 8; k++) c = c & 0x8000 ? (c << 1 ^ 0x1021) & 0xffff : c << 1 & 0xffff
  }
  return c
}

/** Adler-32 (RFC 1950, 8.2). */
export const adler32 = (bytes: Uint8Array, at: number, end: number): number => {
  let a = 1
  let b = 0
  for (let i = at; i < end; i++) {
    a = (a + bytes[i]!) % 65_521
    b = (b + a) % 65_521
  }
  return b * 0x1_0000 + a
}

/** The Internet checksum (RFC 1071): ones' complement of the ones' complement sum of 16-bit words. */
export const internet = (bytes: Uint8Array, at: number, end: number): number => {
  let sum = 0
  for (let i = at; i < end; i += 2) sum += bytes[i]! << 8 | (i + 1 < end ? bytes[i + 1]! : 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}

/** The sum of all bytes, modulo 256. */
export const sum8 = (bytes: Uint8Array, at: number, end: number): number => {
  let sum = 0
  for (let i = at; i < end; i++) sum = sum + bytes[i]! & 0xff
  return sum
}

/** All bytes combined by exclusive or. */
export const xor8 = (bytes: Uint8Array, at: number, end: number): number => {
  let sum = 0
  for (let i = at; i < end; i++) sum ^= bytes[i]!
  return sum
}
