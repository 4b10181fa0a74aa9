/** A seeded generator of numbers (mulberry32), so that what was drawn by chance can be drawn again. */

/** A whole number from 0 to below `bound`. */
export type Below = (bound: number) => number

/** The numbers of a seed, one after another. */
export const random = (seed: number): Below => {
  let state = seed >>> 0
  return (below) => {
    state = state + 0x6d2b79f5 >>> 0
    let t = Math.imul(state ^ state >>> 15, state | 1)
    t = t + Math.imul(t ^ t >>> 7, t | 61) ^ t
    return Math.floor(((t ^ t >>> 14) >>> 0) / 4294967296 * below)
  }
}
