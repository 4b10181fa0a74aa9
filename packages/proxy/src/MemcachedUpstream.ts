/**
 * A memcached behind the proxy: packets pass as they are, but for opcode and opaque. All clients share its connections; a client keeps to
 * one of them, so that its requests stay in order.
 */
import { EncodeError, malformed, type Reader, type Writer } from "@wirewright/codec"
import { client, encodeSaslAuth, frameShape, headerSize, Status } from "@wirewright/memcached/gen"
import { type ConnectionError, ConnectionPool, PacketCall, type PacketConnection } from "@wirewright/connection"
import { plainMechanism, plainMessage } from "@wirewright/memcached/internal"
import { BootstrapError, type BootstrapReason } from "@wirewright/couchbase"
import type { OpenError } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Outage } from "./Outage.ts"
import type { Slot } from "./ProxySession.ts"
import { type Frame, frameAt, isWhole, statusOf, writeCopy } from "./RawFrame.ts"
import { lostBy, type MemcachedTarget, type Upstream, type UpstreamOptions } from "./Upstream.ts"

/** A connection whose answers stay as they came. */
type RawConnection = PacketConnection<Frame, Frame>

const decodeRaw = (reader: Reader, at: number): Frame => {
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

const protocol = { ...client, decodeAnswer: decodeRaw, decodePush: decodeRaw }

const refused = (reason: BootstrapReason, message: string, status?: number): BootstrapError =>
  new BootstrapError({ reason, step: "authentication", status, message })

/** Authenticates when there is a user. Plain memcached knows no other mechanism than PLAIN. */
const login = (target: MemcachedTarget, tls: boolean) => (connection: RawConnection): Effect.Effect<void, OpenError> => {
  if (target.user === undefined || target.password === undefined) return Effect.void
  const { user, password, plain: allowWithoutTls = false } = target
  const message = plainMessage({ user, password, tls, allowWithoutTls })
  if (Result.isFailure(message)) {
    const { message: words, reason } = message.failure
    return Effect.fail(refused(reason === "NeedsTls" ? "PlainNeedsTls" : "AuthenticationFailed", words))
  }
  const ask = connection.request((writer, opaque) =>
    encodeSaslAuth(writer, { opaque, mechanism: plainMechanism, clientData: message.success })
  )
  return ask.pipe(
    Effect.catchTag("EncodeError", Effect.die),
    Effect.flatMap((answer) => {
      const status = statusOf(answer)
      if (status === Status.Success) return Effect.void
      const known = status === Status.AuthError || status === Status.AuthContinue
      return Effect.fail(
        known
          ? refused("AuthenticationFailed", `${connection.address}: the user was refused`, status)
          : refused("NoMechanism", `${connection.address}: the server does not take ${plainMechanism}`, status)
      )
    })
  )
}

/** A client's request on its way to memcached, and the way back of its answers: one object, as there are millions. */
class Forwarded extends PacketCall<Frame> {
  private readonly slot: Slot
  private readonly request: Frame

  constructor(slot: Slot, request: Frame) {
    super()
    this.slot = slot
    this.request = request
  }

  write(writer: Writer): void {
    writeCopy(writer, this.request, this.slot.command!.loud, this.opaque)
  }

  answer(frame: Frame): boolean {
    return this.slot.answer(frame)
  }

  fail(why: "timeout" | "lost"): void {
    this.slot.fail(lostBy(this.failure(why, this.slot.command!.writes)))
  }

  refuse(error: ConnectionError | EncodeError): void {
    if (error instanceof EncodeError) throw error
    this.slot.fail(lostBy(error))
  }

  override freed(): undefined {
    // a client that went away leaves its session, which drops the answer
    return undefined
  }
}

/**
 * Connects `connections` times; each client is given one of them. Requests that are made while it is lost fail at once: their clients have
 * deadlines of their own.
 */
export const memcachedUpstream = (
  target: MemcachedTarget,
  { connections = 2, reconnect, ...options }: UpstreamOptions & { readonly connections?: number } = {}
): Effect.Effect<() => Upstream, OpenError, Scope.Scope> =>
  Effect.map(
    Effect.all(
      Array.from(
        { length: connections },
        (_, index) => {
          const link = ConnectionPool.make<Frame, Frame, OpenError>({
            ...options,
            host: target.host,
            port: target.port,
            protocol,
            whenDisconnected: "fail",
            reconnect: { initialDelay: reconnect ?? "20 millis", maxDelay: "2 seconds" },
            begin: login(target, options.tls !== undefined),
            watch: new Outage(`${target.host}:${target.port}`)
          })
          return Effect.annotateLogs(link, { connection: index + 1 })
        }
      )
    ),
    (links) => {
      let next = 0
      return () => {
        const link = links[next++ % links.length]!
        return {
          send: (slot, request) => {
            const connection = link.take()
            if (connection === undefined) slot.fail("unavailable")
            else connection.begin(new Forwarded(slot, request))
          }
        }
      }
    }
  )
