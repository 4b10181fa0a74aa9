/** What is said of clients that a server refuses: a log line when it begins and one when it is over, not one for each. It refuses nobody. */
import * as Effect from "effect/Effect"

/** Milliseconds without a refusal after which it is over. */
const quiet = 10_000

/** The refusals of one server. */
export class Refusals {
  private readonly server: () => string
  private readonly log: (line: Effect.Effect<void>) => void
  /** Milliseconds; nothing while nobody is refused. */
  private since: number | undefined
  private last = 0
  private count = 0

  /** @param server its address, asked for when there is something to say */
  constructor(server: () => string, log: (line: Effect.Effect<void>) => void) {
    this.server = server
    this.log = log
  }

  /** A client was refused, because of `cause` in words. */
  refused(cause: string, now: number): void {
    this.last = now
    this.count++
    if (this.since !== undefined) return
    this.since = now
    this.log(Effect.annotateLogs(Effect.logWarning("clients are refused"), { server: this.server(), cause }))
  }

  /** Time goes by. */
  check(now: number): void {
    const { count, last, since } = this
    if (since === undefined || now - last < quiet) return
    this.since = undefined
    this.count = 0
    const about = { server: this.server(), refused: count, milliseconds: Math.round(last - since) }
    this.log(Effect.annotateLogs(Effect.logInfo("clients are no longer refused"), about))
  }
}
