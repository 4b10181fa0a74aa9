/** Time for programs that talk over links in memory. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"

/** Turns of the event loop that a conversation is given: a round trip takes a few. */
const turns = 25
/** Steps of a time, unless said otherwise. */
const steps = 100

const settled = Effect.promise(async () => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
})

/**
 * Lets time pass on the `TestClock`, in steps between which what is on its way arrives and is answered. `TestClock.adjust` alone does what is due in
 * the time, too, but waits for no answers: programs that sleep, ask and sleep again are late with it.
 * @param step Default: a hundredth of the time, and at least 1 ms
 */
export const passTime = (duration: Duration.Input, step?: Duration.Input): Effect.Effect<void> =>
  Effect.gen(function*() {
    const whole = Duration.toMillis(Duration.fromInputUnsafe(duration))
    const each = Math.max(1, step === undefined ? whole / steps : Duration.toMillis(Duration.fromInputUnsafe(step)))
    yield* settled
    for (let left = whole; left > 0; left -= each) {
      yield* TestClock.adjust(Math.min(left, each))
      yield* settled
    }
  })
