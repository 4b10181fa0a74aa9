/** Connecting: by what the caller dials, or by Node's sockets where there are such. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { addressOf } from "./Address.ts"
import { certificateRefused } from "./Certificates.ts"
import { ConnectFailed, ConnectionError, type ConnectionReason, ConnectTimeout } from "./Errors.ts"
import { openSocket } from "./Sockets.ts"
import { type Timers, timers } from "./Timers.ts"
import { over, type Transport, type TransportOptions, type TransportSink } from "./Transport.ts"

/** Connects; the transport closes with the scope. */
export const connect = (options: TransportOptions, sink: TransportSink): Effect.Effect<Transport, ConnectionError, Scope.Scope> =>
  Effect.flatMap(timers, (timers) => connectWith(options, sink, timers))

const connectWith = (
  options: TransportOptions,
  sink: TransportSink,
  timers: Timers
): Effect.Effect<Transport, ConnectionError, Scope.Scope> => {
  const address = addressOf(options)
  const failed = (reason: ConnectionReason): ConnectionError => new ConnectionError({ reason, address, ambiguous: false })
  const { dial } = options
  if (dial !== undefined) {
    return Effect.acquireRelease(
      Effect.map(
        Effect.try({ try: () => dial(options), catch: (cause) => failed(new ConnectFailed({ cause })) }),
        (stream) => over(stream, address, sink, timers)
      ),
      (transport) => Effect.sync(() => transport.shut("this side"))
    )
  }
  const timeout = Duration.toMillis(options.connectTimeout ?? "5 seconds")
  const open = Effect.callback<Transport, ConnectionError>((resume) =>
    openSocket(options, address, sink, timers, {
      opened: (transport) => resume(Effect.succeed(transport)),
      refused: (cause) => resume(Effect.fail(failed(certificateRefused(cause) ?? new ConnectFailed({ cause }))))
    })
  )
  return Effect.acquireRelease(open, (transport) => Effect.sync(() => transport.shut("this side")), { interruptible: true }).pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(failed(new ConnectTimeout({ milliseconds: timeout }))) })
  )
}
