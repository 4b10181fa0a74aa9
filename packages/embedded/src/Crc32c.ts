/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), as `value_crc32c` shows it. Not the CRC that maps keys to vbuckets. */
const polynomial = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : value >>> 1 ^ polynomial
  return value >>> 0
})

/** Checksum of bytes. */
export const crc32c = (bytes: Uint8Array): number => {
  let value = 0xffffffff
  for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ value >>> 8
  return (value ^ 0xffffffff) >>> 0
}
