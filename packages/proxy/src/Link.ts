/**
 * A connection that comes back: opened once, and again with growing pauses whenever it is lost. Requests made meanwhile fail at once; none
 * is kept for later, because their clients have deadlines of their own. It knows no command.
 */
import type { Sendable } from "@wirewright/memcached/internal"
import { PacketConnection } from "@wirewright/memcached/transport"
import { ConnectionClosed, ConnectionError, type TransportOptions } from "@wirewright/connection"
import type { OpenError } from "@wirewright/couchbase/node"
import { malformed } from "@wirewright/codec"
import { frameShape, headerSize } from "@wirewright/memcached/gen"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Outage } from "./Outage.ts"
import { type Frame, frameAt, isWhole } from "./RawFrame.ts"

/** A connection whose answers stay as they came. */
export type RawConnection = PacketConnection<Frame, Frame>

/** Options of a link. */
export interface LinkOptions extends TransportOptions {
  /** Time a request waits for its answer; 2.5 seconds unless said otherwise. */
  readonly requestTimeout?: Duration.Input
  /** First pause before connecting again, which doubles up to 2 seconds; 20 milliseconds unless said otherwise. */
  readonly reconnect?: Duration.Input
}

const decodeResponse = (reader: Frame["reader"], at: number): Frame => {
  const frame = frameAt(reader, at)
  return isWhole(frame)
    ? frame
    : malformed(
      "Length",
      "Response",
      "bodyLength",
      frameShape.lengthOffset,
      "room for the sections",
      `${frame.end - at - headerSize} bytes`
    )
}

const codec = { frameShape, decodeResponse, decodeServerRequest: decodeResponse }

/** A connection that comes back. */
export class Link {
  private connection: RawConnection | undefined
  private error: ConnectionError
  private readonly options: LinkOptions

  private constructor(options: LinkOptions) {
    this.options = options
    this.error = new ConnectionError({ reason: new ConnectionClosed({ by: "nobody yet" }), address: this.address, ambiguous: false })
  }

  /** Connects, and fails when that fails; from then on, connects again until the scope closes. `begin` is run on every new connection. */
  static make(
    options: LinkOptions,
    begin: (connection: RawConnection) => Effect.Effect<void, OpenError>
  ): Effect.Effect<Link, OpenError, Scope.Scope> {
    return Effect.gen(function*() {
      const link = new Link(options)
      const first = yield* Deferred.make<void, OpenError>()
      const outage = new Outage(link.address)
      const once = Effect.scoped(Effect.gen(function*() {
        const lost = yield* Deferred.make<ConnectionError>()
        const connection = yield* PacketConnection.make<Frame, Frame>({
          ...options,
          codec,
          onClose: (error) => {
            link.connection = undefined
            link.error = error
            Deferred.doneUnsafe(lost, Effect.succeed(error))
          }
        })
        yield* begin(connection)
        if (connection.closed !== undefined) return yield* connection.closed
        link.connection = connection
        yield* Deferred.succeed(first, undefined)
        yield* outage.found
        yield* Effect.flatMap(Deferred.await(lost), (error) => outage.lost(error))
      }))
      const pauses = Schedule.min([Schedule.exponential(options.reconnect ?? "20 millis"), Schedule.spaced("2 seconds")])
      const noted = Effect.tapError(once, (error) => outage.failed(error))
      const again = Effect.forever(Effect.retry(noted, Schedule.jittered(pauses)))
      yield* Effect.forkScoped(Effect.andThen(Effect.tapCause(once, (cause) => Deferred.failCause(first, cause)), again))
      yield* Deferred.await(first)
      return link
    })
  }

  /** `host:port` of the peer. */
  get address(): string {
    return `${this.options.host}:${this.options.port}`
  }

  /** Whether requests can be sent now. */
  get open(): boolean {
    return this.connection !== undefined
  }

  /** Sends one request; see `PacketConnection.submit`. */
  submit(request: Sendable<Frame>): void {
    if (this.connection === undefined) {
      request.refuse(new ConnectionError({ reason: this.error.reason, address: this.address, ambiguous: false }))
    } else this.connection.submit(request)
  }
}
