/** Test only: a seeded generator of numbers (mulberry32), so that a failing random test can be replayed. */
export const random = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = state + 0x6d2b79f5 >>> 0
    let t = Math.imul(state ^ state >>> 15, state | 1)
    t = t + Math.imul(t ^ t >>> 7, t | 61) ^ t
    return Math.floor(((t ^ t >>> 14) >>> 0) / 4294967296 * below)
  }
}
