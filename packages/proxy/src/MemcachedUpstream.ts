/**
 * A memcached behind the proxy. Packets of binary clients pass as they are, but for opcode and opaque, where it speaks that; what others ask is
 * asked by meta, text or binary commands. All clients share its connections; a client keeps to one of them, so that its requests stay in order.
 */
import { EncodeError, malformed, type Reader, textLength, type Writer } from "@wirewright/codec"
import { client, encodeSaslAuth, frameShape, headerSize, Status } from "@wirewright/memcached/gen"
import {
  Client,
  ConnectFailed,
  ConnectionError,
  ConnectionPool,
  hostPort,
  Outage,
  PacketCall,
  type PacketConnection,
  unixAddress
} from "@wirewright/connection"
import * as Gen from "@wirewright/memcached/gen"
import * as Text from "@wirewright/memcached/text"
import { noPlace, plainMechanism, plainMessage } from "@wirewright/memcached/internal"
import { BootstrapError, type BootstrapReason } from "@wirewright/couchbase"
import type { OpenError } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { binaryHandlers } from "./BinaryHandlers.ts"
import { forkInScope } from "./Fork.ts"
import { framedUpstream } from "./FramedUpstream.ts"
import { metaHandlers } from "./MetaHandlers.ts"
import type { Slot } from "./ProxySession.ts"
import { type Frame, frameAt, isWhole, statusOf, writeCopy } from "./RawFrame.ts"
import { lostBy } from "./Refused.ts"
import { textHandlers } from "./TextHandlers.ts"
import type { TextRelay } from "./TextRelay.ts"
import { asking, type BeginAsked, textLink } from "./TextLink.ts"
import { type MemcachedTarget, type Upstream, type UpstreamOptions, type Upstreams } from "./Upstream.ts"

type TextConnection = PacketConnection<Text.Response, Text.Response>

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

/** Nobody signs in where somebody must. */
const wanted = (address: string): BootstrapError => refused("AuthenticationFailed", `${address}: the server wants its clients to sign in`)

const tooMany = new Error("too many open connections")

/** The server has no place for one more. That says nothing of what it speaks. */
const full = (address: string): ConnectionError =>
  new ConnectionError({ reason: new ConnectFailed({ cause: tooMany }), address, ambiguous: false })
const isFull = ({ reason }: OpenError): boolean => typeof reason === "object" && reason._tag === "ConnectFailed" && reason.cause === tooMany

/** Who signs in, as SASL PLAIN has it; nothing when nobody does. Refused when the password would be seen by others. */
const plainOf = (target: MemcachedTarget, tls: boolean): Effect.Effect<Uint8Array | undefined, BootstrapError> => {
  if (target.user === undefined || target.password === undefined) return Effect.succeed(undefined)
  const { user, password, plain: allowWithoutTls = false } = target
  const message = plainMessage({ user, password, tls: tls || target.path !== undefined, allowWithoutTls })
  if (Result.isSuccess(message)) return Effect.succeed(message.success)
  const { message: words, reason } = message.failure
  return Effect.fail(refused(reason === "NeedsTls" ? "PlainNeedsTls" : "AuthenticationFailed", words))
}

/** Authenticates when there is a user. Plain memcached knows no other mechanism than PLAIN. */
const login = (target: MemcachedTarget, tls: boolean) => <A, P>(connection: PacketConnection<A, P>): Effect.Effect<void, OpenError> =>
  Effect.flatMap(plainOf(target, tls), (clientData) => clientData === undefined ? Effect.void : signIn(connection, clientData))

const signIn = <A, P>(connection: PacketConnection<A, P>, clientData: Uint8Array): Effect.Effect<void, OpenError> => {
  const ask = connection.request((writer, opaque) => encodeSaslAuth(writer, { opaque, mechanism: plainMechanism, clientData }))
  return ask.pipe(
    Effect.catchTag("EncodeError", Effect.die),
    Effect.flatMap((answer) => {
      const status = "status" in (answer as object) ? (answer as { readonly status: number }).status : statusOf(answer as Frame)
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

/**
 * Signs in as servers with `-Y` want it, which take nothing else before that. Whether one does is asked first: one that does not would store what
 * it is sent.
 */
const textLogin = (target: MemcachedTarget, tls: boolean) => (connection: TextConnection): Effect.Effect<void, OpenError> =>
  Effect.gen(function*() {
    const { address } = connection
    const begin: BeginAsked = (make, resume) => connection.begin(make(resume))
    const [version] = yield* asking(begin, Text.Version, {}, false)
    if (version?._tag === "CommandError" && version.message === noPlace) return yield* full(address)
    const needed = version?._tag === "ClientError" && version.message === "unauthenticated"
    const plain = yield* plainOf(target, tls)
    if (!needed) {
      return plain === undefined
        ? undefined
        : yield* refused("NoMechanism", `${address}: the server asks nobody to sign in`)
    }
    if (plain === undefined) return yield* wanted(address)
    // authorization id, user and password are parted by NUL there, by a space here
    const value = plain.slice(1)
    value[value.indexOf(0)] = " ".charCodeAt(0)
    const [answer] = yield* asking(begin, Text.Set, { key: "auth", flags: 0, expiration: 0, value }, false)
    if (answer?._tag !== "Stored") return yield* refused("AuthenticationFailed", `${address}: the user was refused`)
  }).pipe(Effect.catchTag("EncodeError", Effect.die))

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

/** What is asked for clients of the text protocol, and which items are too large. */
type TextWay = Pick<Upstream, "handlers" | "isTooLarge" | "relay">

type Ways = ReadonlyArray<TextWay & { readonly send: Upstream["send"] | undefined }>

/** An item's bytes as memcached counts them: header, CAS, key and NUL, flags unless 0, value and line end. Source: memcached `items.c`. */
const itemSize = (key: string, length: number, flags: number): number => 48 + 8 + textLength(key) + 1 + (flags === 0 ? 0 : 4) + length + 2

/** Which items are too large for a server, by its settings; nothing when these do not say so. */
const tooLargeFor = (settings: Iterable<readonly [name: string, value: string]>): Upstream["isTooLarge"] => {
  const max = Number(new Map(settings).get("item_size_max"))
  return max > 0 ? (key, length, flags) => itemSize(key, length, flags) > max : undefined
}

interface LinkOptions extends Omit<UpstreamOptions, "outages"> {
  /** Of the connections in both protocols, so that what befalls them together is said once. */
  readonly watch: Outage
}

/** What all connections to a memcached have in common. */
const linkTo = (target: MemcachedTarget, { reconnect, ...options }: LinkOptions) => ({
  ...options,
  host: target.host,
  port: target.port,
  ...target.path === undefined ? {} : { path: target.path },
  whenDisconnected: "fail",
  logs: false,
  reconnect: { initialDelay: reconnect ?? "20 millis", maxDelay: "2 seconds" }
} as const)

const addressOf = ({ host, path, port }: MemcachedTarget): string => path === undefined ? hostPort(host, port) : unixAddress(path)

/** Whether a server answers binary packets, and these of whoever has not signed in. */
const answersBinary = (connection: PacketConnection<Frame, Frame>): Effect.Effect<void, OpenError> =>
  connection.request((writer, opaque) => Gen.encodeNoop(writer, { opaque })).pipe(
    Effect.catchTag("EncodeError", Effect.die),
    Effect.flatMap((answer) => statusOf(answer) === Status.AuthError ? Effect.fail(wanted(connection.address)) : Effect.void)
  )

/** Packets pass as they are. */
const rawLink = (target: MemcachedTarget, options: LinkOptions): Effect.Effect<Upstream["send"], OpenError, Scope.Scope> =>
  Effect.map(
    ConnectionPool.make<Frame, Frame, OpenError>({
      ...linkTo(target, options),
      protocol,
      begin: (connection) =>
        Effect.andThen(
          login(target, options.tls !== undefined)(connection),
          // one that is said to speak it may know no NOOP
          target.protocol === "binary" ? Effect.void : answersBinary(connection)
        )
    }),
    (link) => (slot, request) => {
      const connection = link.take()
      if (connection === undefined) slot.fail("unavailable")
      else connection.begin(new Forwarded(slot, request))
    }
  )

/** Which of two ways' failures says more: that there is no place, or one that is about signing in, as only a protocol that is spoken asks for that. */
const moreTelling = (one: OpenError, other: OpenError): OpenError =>
  isFull(other) ? other : one._tag === "BootstrapError" && one.reason !== "NoMechanism" || other._tag === "ConnectionError" ? one : other

/** What clients of other protocols ask, asked in binary packets. */
const binaryLink = (target: MemcachedTarget, options: LinkOptions) =>
  Effect.map(
    Client.make(Gen, {
      ...linkTo(target, options),
      begin: ({ connection }) => login(target, options.tls !== undefined)(connection)
    }),
    (client): TextWay => ({ handlers: binaryHandlers(client) })
  )

/** Metrics tell all of them by the name of the server. */
const textProtocol = { ...Text.client, name: client.name }

/** Text and meta commands; `meta` is whether it takes these. */
const textClient = (target: MemcachedTarget, options: LinkOptions) =>
  Effect.gen(function*() {
    const pool = yield* ConnectionPool.make<Text.Response, Text.Response, OpenError>({
      ...linkTo(target, options),
      protocol: textProtocol,
      begin: textLogin(target, options.tls !== undefined)
    })
    const link = textLink((make, resume) => pool.begin(make, resume, Effect.fail))
    const noop = yield* Effect.exit(link.ask(Text.MetaNoop, {}, false))
    const meta = target.protocol !== "text" && Exit.isSuccess(noop)
    const handlers = meta ? metaHandlers(link) : textHandlers(link)
    const relay: TextRelay = {
      meta,
      send: (call) => {
        const connection = pool.take()
        if (connection === undefined) call.unavailable()
        else connection.begin(call)
      }
    }
    const settings = yield* Effect.result(link.collect(Text.Statistics, { group: "settings" }))
    const pairs = Result.isFailure(settings)
      ? []
      : settings.success.flatMap((one) => one._tag === "Statistic" ? [[one.name, one.value] as const] : [])
    const way: TextWay = { handlers, relay, isTooLarge: tooLargeFor(pairs) }
    return way
  })

/**
 * Connects `connections` times in each protocol that it needs; each client is given one of them. Requests that are made while it is lost fail at
 * once: their clients have deadlines of their own.
 *
 * Told nothing of protocols, it tries both: one is enough, and speaks for the clients of the other, too.
 */
export const memcachedUpstream = (
  target: MemcachedTarget,
  { connections = 2, outages: all = [], ...options }: UpstreamOptions & { readonly connections?: number } = {}
): Effect.Effect<Upstreams, OpenError, Scope.Scope> =>
  Effect.gen(function*() {
    const { protocol = "auto" } = target
    const fork = yield* forkInScope
    const scope = yield* Effect.scope
    /** What does not come to be leaves nothing behind. */
    const attempt = <A>(effect: Effect.Effect<A, OpenError, Scope.Scope>): Effect.Effect<Result.Result<A, OpenError>> =>
      Effect.gen(function*() {
        const own = yield* Scope.fork(scope)
        const exit = yield* Effect.result(Scope.provide(effect, own))
        if (Result.isFailure(exit)) yield* Scope.close(own, Exit.void)
        return exit
      })
    const outages = Array.from({ length: connections }, () => new Outage("upstream", addressOf(target)))
    all.push(...outages)
    const each = <A>(link: (target: MemcachedTarget, options: LinkOptions) => Effect.Effect<A, OpenError, Scope.Scope>) =>
      Effect.all(outages.map((watch, index) => Effect.annotateLogs(link(target, { ...options, watch }), { connection: index + 1 })))
    const raw = each(rawLink)
    const binary = each(binaryLink)
    const text = each(textClient)
    const ways: Effect.Effect<Ways, OpenError, Scope.Scope> = Effect.gen(function*() {
      if (protocol === "meta" || protocol === "text") return (yield* text).map((way) => ({ ...way, send: undefined }))
      const sends = yield* protocol === "binary" ? Effect.map(raw, Result.succeed) : attempt(raw)
      const handlers = yield* protocol === "binary" ? Effect.map(binary, Result.succeed) : attempt(text)
      if (Result.isFailure(sends)) {
        if (Result.isFailure(handlers)) return yield* moreTelling(sends.failure, handlers.failure)
        return handlers.success.map((way) => ({ ...way, send: undefined }))
      }
      if (Result.isFailure(handlers) && isFull(handlers.failure)) return yield* handlers.failure
      const others = Result.isSuccess(handlers) ? handlers.success : yield* binary
      return sends.success.map((send, index) => ({ ...others[index]!, send }))
    })
    const links = yield* ways
    let next = 0
    return (client) => {
      const { handlers, isTooLarge, relay, send } = links[next++ % links.length]!
      return { handlers, isTooLarge, relay, send: send ?? framedUpstream(handlers, client, fork) }
    }
  })
