/** Seeded tests: the same schedule from the same number, the first seed that goes wrong, and the smallest schedule that does. */

/** A source of whole numbers below a limit; the same seed gives the same numbers (mulberry32). */
export const random = (seed: number): (limit: number) => number => {
  let state = seed >>> 0
  return (limit) => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61) ^ mixed
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 0x1_0000_0000 * limit)
  }
}

/** The first seed for which something goes wrong; undefined when there is none. */
export const firstFailing = async (
  { count, from }: { readonly from: number; readonly count: number },
  goesWrong: (seed: number) => boolean | Promise<boolean>
): Promise<number | undefined> => {
  for (let seed = from; seed < from + count; seed++) if (await goesWrong(seed)) return seed
  return undefined
}

/** A list from which no step can be left out without its going right, made by leaving out ever smaller parts of one that goes wrong. */
export const shrink = async <A>(
  steps: ReadonlyArray<A>,
  goesWrong: (steps: ReadonlyArray<A>) => boolean | Promise<boolean>
): Promise<ReadonlyArray<A>> => {
  let best = steps
  let size = best.length
  let smaller = false
  while (size > 0) {
    smaller = false
    for (let at = 0; at < best.length;) {
      const candidate = [...best.slice(0, at), ...best.slice(at + size)]
      if (await goesWrong(candidate)) {
        best = candidate
        smaller = true
      } else at += size
    }
    // single steps are tried again as long as leaving one out makes another one needless
    if (size > 1 || !smaller) size = Math.floor(size / 2)
  }
  return best
}
