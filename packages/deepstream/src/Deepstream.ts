/**
 * A client of a deepstream server as an Effect service: events, records, procedures and presence over one connection that comes back by
 * itself.
 *
 * ```ts
 * const program = Effect.gen(function*() {
 *   const user = yield* Deepstream.record("user/lisa", User)
 *   yield* user.patch("lastname", "Owen", { acknowledge: true })
 *   yield* Deepstream.emit("renamed", "user/lisa")
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Deepstream.layer({ url: "ws://127.0.0.1:6020", credentials: { username: "lisa" } }))
 * )
 * ```
 *
 * It needs a WebSocket: the platform's own in Node 22 and in browsers, which `layer` brings; any other with `layerNoWebSocket`.
 */
import type { TypedValue } from "./Typed.ts"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import { ClientTelemetry } from "./ClientTelemetry.ts"
import type { ConnectionState } from "./ConnectionState.ts"
import type { DeepstreamError } from "./DeepstreamError.ts"
import { type Problem } from "./DeepstreamError.ts"
import { type DeepstreamOptions, sessionOptions } from "./DeepstreamOptions.ts"
import type { DeepstreamRecord, OpenOptions } from "./DeepstreamRecord.ts"
import { Driver } from "./Driver.ts"
import { type Events, makeEvents, type SubscribeOptions } from "./Events.ts"
import type { Json } from "./Json.ts"
import { layerGlobal } from "./PlatformSocket.ts"
import { makePresence, type Presence } from "./Presence.ts"
import { makeRecords, type Records } from "./Records.ts"
import { makeRpc, type RequestOptions, type Rpc } from "./Rpc.ts"

/** A client. */
export interface DeepstreamClient {
  /** The state of the connection, and its changes. */
  readonly state: SubscriptionRef.SubscriptionRef<ConnectionState>
  /**
   * What goes wrong and no call hears of: unsolicited and malformed messages, lost connections, denied events. Each is also logged, errors as
   * warnings and notices at debug level. A stream that is not pulled misses the oldest beyond 1 024.
   */
  readonly problems: Stream.Stream<Problem>
  /**
   * Logs in, or as another user after a logout; succeeds with what the server says of the user. Fails with `LoginRefused`, `LoginTimeout`,
   * `TooManyLogins`, `ChallengeDenied`, `AuthenticationTimeout` or `Closed`.
   */
  readonly login: (credentials?: object | Redacted.Redacted<object>) => Effect.Effect<unknown, DeepstreamError>
  /** Closes the connection until the next login. Subscriptions and open records wait for it. */
  readonly logout: Effect.Effect<void>
  /** Messages and characters that wait to be sent. */
  readonly queued: Effect.Effect<{ readonly messages: number; readonly characters: number }>
  readonly events: Events
  readonly records: Records
  readonly rpc: Rpc
  readonly presence: Presence
}

const plainCredentials = (credentials: object | Redacted.Redacted<object>): object =>
  Redacted.isRedacted(credentials) ? Redacted.value(credentials) as object : credentials

/** Makes a client in the present scope; logs in when there are credentials, else only connects. */
export const make = (
  options: DeepstreamOptions
): Effect.Effect<DeepstreamClient, DeepstreamError, Socket.WebSocketConstructor | Scope.Scope> =>
  Effect.gen(function*() {
    const { maxSocketBuffer = 1024 * 1024 } = options
    const driver = yield* Driver.make(options.url, { maxSocketBuffer }, sessionOptions(options))
    const { session } = driver
    const telemetry = yield* ClientTelemetry.make(options.url, session, options, () => driver.now())
    const client: DeepstreamClient = {
      state: driver.state,
      problems: driver.problems,
      login: (credentials = {}) => driver.call((settle) => session.login(plainCredentials(credentials), settle)),
      logout: Effect.sync(() => session.logout()),
      queued: Effect.sync(() => session.queued),
      events: makeEvents(driver),
      records: makeRecords(driver),
      rpc: makeRpc(driver, telemetry),
      presence: makePresence(driver)
    }
    session.start()
    if (options.credentials !== undefined) yield* client.login(options.credentials)
    return client
  })

const fromEnvironment = (prefix: string | undefined) =>
  Effect.flatMap(Effect.promise(() => import("./OptionsConfig.ts")), ({ optionsConfig }) => optionsConfig(prefix))

const layerNoWebSocket = (options: DeepstreamOptions): Layer.Layer<Deepstream, DeepstreamError, Socket.WebSocketConstructor> =>
  Layer.effect(Deepstream, make(options))

/** The client of a program. */
export class Deepstream extends Context.Service<Deepstream, DeepstreamClient>()("@wirewright/deepstream/Deepstream") {
  /** A client in the present scope. */
  static readonly make = make

  /** A client over a WebSocket of another kind, such as one with headers. */
  static readonly layerNoWebSocket = layerNoWebSocket

  /** A client over the platform's WebSocket. */
  static readonly layer = (options: DeepstreamOptions): Layer.Layer<Deepstream, DeepstreamError> =>
    Layer.provide(layerNoWebSocket(options), layerGlobal)

  /** A client whose URL and credentials come from `DEEPSTREAM_URL`, `DEEPSTREAM_USERNAME` and `DEEPSTREAM_PASSWORD`. */
  static readonly layerConfig = (
    options: Omit<DeepstreamOptions, "url" | "credentials"> & { readonly prefix?: string } = {}
  ): Layer.Layer<Deepstream, DeepstreamError | Config.ConfigError> =>
    Layer.unwrap(Effect.map(fromEnvironment(options.prefix), ({ password, url, username }) =>
      Deepstream.layer({
        ...options,
        url,
        credentials: Redacted.make({
          ...Option.isSome(username) ? { username: username.value } : {},
          ...Option.isSome(password) ? { password: Redacted.value(password.value) } : {}
        })
      })))

  /** Opens a record, and waits until it was read. */
  static readonly record: {
    (name: string, options?: OpenOptions): Effect.Effect<DeepstreamRecord<Json>, DeepstreamError, Deepstream | Scope.Scope>
    <A>(
      name: string,
      schema: Schema.Codec<A, unknown>,
      options?: OpenOptions
    ): Effect.Effect<DeepstreamRecord<A>, DeepstreamError, Deepstream | Scope.Scope>
  } = ((name: string, ...rest: [never]) => Deepstream.use(({ records }) => records.open(name, ...rest))) as never

  /** Publishes an event. */
  static readonly emit = (name: string, value?: TypedValue): Effect.Effect<void, DeepstreamError, Deepstream> =>
    Deepstream.use(({ events }) => events.emit(name, value))

  /** The events of a name. */
  static readonly subscribe = (name: string, options?: SubscribeOptions): Stream.Stream<TypedValue, DeepstreamError, Deepstream> =>
    Stream.unwrap(Deepstream.useSync(({ events }) => events.subscribe(name, options)))

  /** Calls a procedure. */
  static readonly request = (
    name: string,
    value?: TypedValue,
    options?: RequestOptions
  ): Effect.Effect<TypedValue, DeepstreamError, Deepstream> => Deepstream.use(({ rpc }) => rpc.request(name, value, options))
}
