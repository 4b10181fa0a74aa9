/** Bytes that are always the same, compared and written as numbers: a fraction of the time that a loop over characters takes. */

/** Bytes as big-endian numbers of four, two and one of them. */
export const numbersOf = (hex: string): ReadonlyArray<{ readonly digits: string; readonly size: 1 | 2 | 4; readonly offset: number }> => {
  const out: Array<{ digits: string; size: 1 | 2 | 4; offset: number }> = []
  for (let at = 0; at < hex.length;) {
    const size = hex.length - at >= 8 ? 4 : hex.length - at >= 4 ? 2 : 1
    out.push({ digits: hex.slice(at, at + size * 2), size, offset: at / 2 })
    at += size * 2
  }
  return out
}
