/**
 * Server durations as the framing extras `ServerDuration` and `ThrottleDuration` carry them: microseconds = encoded^1.74 / 2.
 *
 * Sixteen bits hold up to two minutes this way, precise to a microsecond at the lower end and to 3 ms at the upper. Encoding loses what
 * does not fit; only `encodeDuration(decodeDuration(x)) === x` holds, not the other way round.
 *
 * Source: couchbase/kv_engine docs/BinaryProtocol.md, "Server Recv->Send duration".
 */

const exponent = 1.74

/** The longest duration that can be told, in microseconds: a little over two minutes. */
export const maxDuration = 120_125_042

/** Sixteen bits that stand for a duration, rounded down; longer ones than `maxDuration` become 65535. */
export const encodeDuration = (microseconds: number): number => {
  if (!(microseconds > 0)) return 0
  // the tolerance keeps what was decoded from falling just below its own number
  return Math.min(0xffff, Math.floor((microseconds * 2) ** (1 / exponent) + 1e-6))
}

/** The microseconds that sixteen bits stand for, not rounded. */
export const decodeDuration = (encoded: number): number => encoded ** exponent / 2
