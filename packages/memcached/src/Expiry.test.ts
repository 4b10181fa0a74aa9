/** Proves the three ways memcached writes an expiry, and the edges between them (protocol.txt, "Expiration times"). */
import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import { type Expiry, expirySeconds } from "./Expiry.ts"

const now = 1_800_000_000_500
const thirtyDays = 2_592_000

describe("an expiry on the wire", () => {
  const cases: ReadonlyArray<readonly [string, Expiry | undefined, number]> = [
    ["none is never", undefined, 0],
    ["infinity is never", "Infinity", 0],
    ["infinity as a duration is never", Duration.infinity, 0],
    ["seconds are seconds", "90 seconds", 90],
    ["parts of a second are rounded up", "1 millis", 1],
    ["and so are more of them", Duration.millis(1001), 2],
    ["30 days are still seconds", "30 days", thirtyDays],
    ["a second more is Unix time", Duration.seconds(thirtyDays + 1), 1_800_000_001 + thirtyDays + 1],
    ["nothing left is a moment that has passed, not never", "0 seconds", thirtyDays + 1],
    ["neither is less than nothing", Duration.seconds(-5), thirtyDays + 1],
    ["a date is Unix time", new Date(1_900_000_000_000), 1_900_000_000],
    ["an early date has passed and is not taken for seconds", new Date(1000), thirtyDays + 1]
  ]
  for (const [name, expiry, seconds] of cases) it(name, () => expect(expirySeconds(expiry, now)).toBe(seconds))
})
