/** What is said of clients that a server refuses: a log line when it begins and one when it is over, not one for each. It refuses nobody. */
import * as Effect from "effect/Effect"
import type { Timer, Timers } from "./Timers.ts"

/** Milliseconds without a refusal after which it is over. */
const quiet = 10_000

const unref = { unref: true }

/** The refusals of one server. */
export class Refusals {
  private readonly server: () => string
  private readonly log: (line: Effect.Effect<void>) => void
  private readonly timers: Timers
  /** Milliseconds, when it is going on. */
  private since = 0
  private last = 0
  private count = 0
  private timer: Timer | undefined

  /** @param server its address, asked for when there is something to say */
  constructor(server: () => string, log: (line: Effect.Effect<void>) => void, timers: Timers) {
    this.server = server
    this.log = log
    this.timers = timers
  }

  /** A client was refused, as there were so many. */
  noPlace(maxConnections: number): void {
    this.refused(() => `there are ${maxConnections}, and more may not be (maxConnections)`)
  }

  /** A client was refused, as nearly so many files were open. */
  noFile(limit: number): void {
    this.refused(() => `this process may have ${limit} files open, and nearly has (ulimit -n)`)
  }

  /** The server ends, and nothing more is said. */
  stop(): void {
    this.timer?.cancel()
  }

  private refused(cause: () => string): void {
    this.last = this.timers.now()
    this.count++
    if (this.timer !== undefined) return
    this.since = this.last
    this.wait(quiet)
    this.log(Effect.annotateLogs(Effect.logWarning("clients are refused"), { server: this.server(), cause: cause() }))
  }

  private wait(milliseconds: number): void {
    this.timer = this.timers.after(milliseconds, () => this.check(), unref)
  }

  private check(): void {
    const { count, last, since } = this
    const left = last + quiet - this.timers.now()
    if (left > 0) return this.wait(left)
    this.timer = undefined
    this.count = 0
    const about = { server: this.server(), refused: count, milliseconds: Math.round(last - since) }
    this.log(Effect.annotateLogs(Effect.logInfo("clients are no longer refused"), about))
  }
}
