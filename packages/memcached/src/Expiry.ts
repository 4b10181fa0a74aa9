/**
 * When a document ends, as memcached writes it: 0 never, up to 30 days seconds from now, above that Unix time (protocol.txt, "Expiration
 * times"). Pure: the time is given.
 */
import * as Duration from "effect/Duration"

/** Time from now, or the moment itself. Plain numbers are left out: their unit is easily mistaken. */
export type Expiry = Duration.Duration | `${number} ${string}` | "Infinity" | Date

const thirtyDays = 30 * 24 * 3600

/** A moment that has passed, for what ends at once: 0 would mean never. */
const past = thirtyDays + 1

/** The expiry as a field of a packet; `now` in milliseconds of Unix time. Parts of a second are rounded up. */
export const expirySeconds = (expiry: Expiry | undefined, now: number): number => {
  if (expiry === undefined) return 0
  if (expiry instanceof Date) return Math.max(past, Math.ceil(expiry.getTime() / 1000))
  const milliseconds = Duration.toMillis(Duration.fromInputUnsafe(expiry as Duration.Input))
  if (milliseconds === Infinity) return 0
  if (milliseconds <= 0) return past
  const seconds = Math.ceil(milliseconds / 1000)
  return seconds <= thirtyDays ? seconds : Math.ceil((now + milliseconds) / 1000)
}
