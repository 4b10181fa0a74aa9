/** Events as effects and streams. */
import type { TypedValue } from "./Typed.ts"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { DeepstreamError, type DeepstreamReason, Overflow, type Topic } from "./DeepstreamError.ts"
import type { Driver } from "./Driver.ts"
import type { EventSink } from "./EventTopic.ts"
import { type BufferOptions, Mailbox, streamOf } from "./Mailbox.ts"
import type { PatternTopic } from "./PatternTopic.ts"
import type { Settle } from "./Wire.ts"

/** Options of a subscription. */
export interface SubscribeOptions extends BufferOptions {
  /** What becomes of a subscription that the server does not acknowledge in time. Default: `fail`. `report` keeps it. */
  readonly onAckTimeout?: "fail" | "report"
  /** Runs once the server acknowledged the subscription. */
  readonly onReady?: Effect.Effect<void>
}

/** Somebody subscribed to a name that matches a pattern, or no caller does any more. */
export type PatternEvent =
  | {
    readonly _tag: "Found"
    readonly name: string
    /** Says that this client will provide it. Servers wait half a second for an answer unless configured otherwise. */
    readonly accept: Effect.Effect<void>
    /** Says that it will not; the server asks another listener. */
    readonly reject: Effect.Effect<void>
  }
  | { readonly _tag: "Removed"; readonly name: string }

/** The events of a client. */
export interface Events {
  /**
   * Publishes an event. The server acknowledges none: done means sent, or queued while there is no connection. Fails with `QueueFull`,
   * `NotConnected`, `InvalidMessage`, `MessageDenied` or `Closed`.
   */
  readonly emit: (name: string, value?: TypedValue) => Effect.Effect<void, DeepstreamError>
  /** The events of a name, also after reconnects. One message subscribes however many streams there are. */
  readonly subscribe: (name: string, options?: SubscribeOptions) => Stream.Stream<TypedValue, DeepstreamError>
  /** Hears of subscriptions by others to names that match a regular expression. */
  readonly listen: (pattern: string, options?: SubscribeOptions) => Stream.Stream<PatternEvent, DeepstreamError>
}

/** A mailbox for what a subscription brings. */
export const mailboxOf = <A>(topic: Topic, subject: string, options: BufferOptions) => (): Mailbox<A, DeepstreamError> =>
  new Mailbox<A, DeepstreamError>(options, (limit) => new DeepstreamError({ reason: new Overflow({ topic, subject, limit }) }))

/** What a stream does with the outcome of its subscription. */
export const readiness = (
  driver: Driver,
  { onAckTimeout = "fail", onReady }: SubscribeOptions,
  mailbox: Pick<Mailbox<never, DeepstreamError>, "fail">
): Settle<void> => ({
  succeed: () => {
    if (onReady !== undefined) driver.background(onReady)
  },
  fail: (reason: DeepstreamReason) => {
    if (reason._tag === "AckTimeout" && onAckTimeout === "report") driver.report(reason)
    else mailbox.fail(new DeepstreamError({ reason }))
  }
})

/** A stream of what a pattern finds. */
export const listenTo =
  (driver: Driver, topic: Topic, patterns: PatternTopic) =>
  (pattern: string, options: SubscribeOptions = {}): Stream.Stream<PatternEvent, DeepstreamError> =>
    streamOf(mailboxOf<PatternEvent>(topic, pattern, options), (mailbox) => {
      const respond = (name: string, accept: boolean) => Effect.sync(() => patterns.respond(pattern, name, accept))
      return patterns.listen(pattern, {
        found: (name) => mailbox.offer({ _tag: "Found", name, accept: respond(name, true), reject: respond(name, false) }),
        removed: (name) => mailbox.offer({ _tag: "Removed", name }),
        over: (reason) => mailbox.fail(new DeepstreamError({ reason }))
      }, readiness(driver, options, mailbox))
    })

/** Said by most: one, so that subscriptions do not have one each. */
const none: SubscribeOptions = {}

/** The events of one stream. */
class Heard implements EventSink {
  private readonly mailbox: Mailbox<TypedValue, DeepstreamError>

  constructor(mailbox: Mailbox<TypedValue, DeepstreamError>) {
    this.mailbox = mailbox
  }

  event(value: TypedValue): void {
    this.mailbox.offer(value)
  }

  over(reason: DeepstreamReason): void {
    this.mailbox.fail(new DeepstreamError({ reason }))
  }
}

/** The events of a driver's session. */
export const makeEvents = (driver: Driver): Events => {
  const { eventPatterns, events } = driver.session
  return {
    emit: (name, value) => driver.send(() => events.emit(name, value)),
    subscribe: (name, options = none) =>
      streamOf(
        mailboxOf<TypedValue>("E", name, options),
        (mailbox) => events.subscribe(name, new Heard(mailbox), readiness(driver, options, mailbox))
      ),
    listen: listenTo(driver, "E", eventPatterns)
  }
}
