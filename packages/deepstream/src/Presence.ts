/** Presence as effects and streams. */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { DeepstreamError, type DeepstreamReason } from "./DeepstreamError.ts"
import type { Driver } from "./Driver.ts"
import { mailboxOf, readiness, type SubscribeOptions } from "./Events.ts"
import { streamOf } from "./Mailbox.ts"

/** A user logged in for the first time, or out for the last. */
export interface PresenceEvent {
  readonly user: string
  readonly online: boolean
}

/** The presence of a client. */
export interface Presence {
  /** Who is logged in, this client's user left out. */
  readonly all: Effect.Effect<ReadonlyArray<string>, DeepstreamError>
  /** Which of the users are logged in. */
  readonly online: (users: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, boolean>, DeepstreamError>
  /** Who comes and goes, also after reconnects; what happened while there was no connection is not told. */
  readonly changes: (options?: SubscribeOptions) => Stream.Stream<PresenceEvent, DeepstreamError>
  /** When one user comes and goes. */
  readonly changesOf: (user: string, options?: SubscribeOptions) => Stream.Stream<PresenceEvent, DeepstreamError>
}

/** The presence of a driver's session. */
export const makePresence = (driver: Driver): Presence => {
  const { presence } = driver.session
  const watch = (user: string | undefined, options: SubscribeOptions = {}): Stream.Stream<PresenceEvent, DeepstreamError> =>
    streamOf(mailboxOf<PresenceEvent>("U", user ?? "S", options), (mailbox) => {
      const sink = {
        changed: (name: string, online: boolean) => mailbox.offer({ user: name, online }),
        over: (reason: DeepstreamReason) => mailbox.fail(new DeepstreamError({ reason }))
      }
      const ready = readiness(driver, options, mailbox)
      return user === undefined ? presence.subscribeAll(sink, ready) : presence.subscribe(user, sink, ready)
    })
  return {
    all: driver.call((settle) => presence.queryAll(settle)),
    online: (users) => driver.call((settle) => presence.query(users, settle)),
    changes: (options) => watch(undefined, options),
    changesOf: (user, options) => watch(user, options)
  }
}
