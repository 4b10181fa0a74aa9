/** Drives sliced work through turns of the event loop, so that clients are served in between. */
import { type Sliced, someOf } from "./Slices.ts"

/** Milliseconds after which work gives way to others. */
export const longestSlice = 10

/** Does work that is not awaited; the result stops it. `now` tells how long a slice takes. What it throws is an error of the work itself. */
export const inTurns = (work: Sliced<unknown>, now: () => number, done: () => void = () => {}): () => void => {
  let over = false
  const turn = (): void => {
    if (over) return
    const until = now() + longestSlice
    if (someOf(work, () => now() >= until) === undefined) return void setImmediate(turn)
    over = true
    done()
  }
  turn()
  return () => {
    over = true
  }
}
