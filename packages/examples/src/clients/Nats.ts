/**
 * A NATS client on the runtime: publishing, subscriptions that are made again on the next connection, requests that are answered at an inbox.
 *
 * What NATS promises is at most once: messages that come while there is no connection are lost.
 */
import { Client, ConnectionClosed, ConnectionError, Readers, RequestTimeout } from "@wirewright/connection"
import { Data, Deferred, Duration, Effect, Option, Redacted, Stream } from "effect"
import { randomUUID } from "node:crypto"
import * as Nats from "../gallery/nats/index.ts"

/** What the server says with `-ERR`, such as `Authorization Violation`. `No Responders`: nobody answers; `Slow Consumer`: see `subscribe`. */
export class NatsError extends Data.TaggedError("NatsError")<{ readonly message: string }> {}

/** Options of a client. TLS begins with the first byte, as with `handshake_first` of the server. */
export interface NatsOptions extends Omit<Client.CommonOptions, "connections" | "whenBehind"> {
  readonly name?: string
  readonly user?: string
  readonly password?: Redacted.Redacted
  readonly token?: Redacted.Redacted
  /** Time between PINGs, and time in which each is answered. Default: 30 seconds; 0: none is sent */
  readonly pingInterval?: Duration.Input
}

/** A message. */
export interface Message {
  readonly subject: string
  readonly payload: Uint8Array
  /** Where an answer is expected. */
  readonly replyTo?: string | undefined
  /** Names and values; a name may come several times. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Of what the server answers itself, like HTTP's. */
  readonly status?: number | undefined
}

/** How a message is published. */
export type PublishOptions = Partial<Pick<Message, "headers" | "replyTo">>

type Fault = NatsError | Client.CallError
type Correlation = { readonly derived: never; readonly numbered: never }

/** The status with which the server itself answers when nobody is there to. */
const noResponders = 503

const messageOf = (packet: Nats.Msg | Nats.HMsg): Message => {
  const { payload, replyTo, subject } = packet
  if (packet._tag === "Msg") return { subject, payload, replyTo, headers: [] }
  const headers = packet.headers?.headers.map(({ name, value }) => [name, value.trim()] as const) ?? []
  return { subject, payload, replyTo, headers, status: packet.headers?.status }
}

/** Connects, and says who we are. Closes with the scope. */
export const make = ({ maxPushes = 1_024, name, password, pingInterval = "30 seconds", token, user, ...options }: NatsOptions) =>
  Effect.gen(function*() {
    const inbox = `_INBOX.${randomUUID()}`
    const timeout = Duration.toMillis(options.requestTimeout ?? "2500 millis")
    const subscriptions = new Map([["0", { subject: `${inbox}.*`, sid: "0", queueGroup: undefined as string | undefined }]])
    const requests = new Map<string, Deferred.Deferred<Message, Fault>>()
    const readers = new Readers<string, Message, NatsError>(maxPushes)
    let last = 0
    let maxPayload = Infinity

    const accept = (session: Client.Conversation<Nats.Packet, Correlation>) => (packet: Nats.Ping | Nats.Msg | Nats.HMsg | Nats.Err) => {
      if (packet._tag === "Ping") return session.send(Nats.Pong)
      if (packet._tag !== "Err") {
        const request = requests.get(packet.subject)
        return request === undefined ? readers.give([packet.sid], messageOf(packet)) : Deferred.succeed(request, messageOf(packet))
      }
      const [, subject] = /^Permissions Violation for Subscription to "([^"]+)"/.exec(packet.message) ?? []
      const isMeant = (sid: string) => subject !== undefined && subscriptions.get(sid)?.subject === subject
      return Effect.sync(() => readers.fail(new NatsError(packet), readers.keys.filter(isMeant)))
    }
    const address = `${options.host}:${options.port}`
    const failure = (reason: ConnectionError["reason"]) => new ConnectionError({ reason, address, ambiguous: true })
    const what = { verbose: false, pedantic: false, lang: "typescript", version: "1", protocol: 1, headers: true, no_responders: true }
    const secrets = { pass: password && Redacted.value(password), auth_token: token && Redacted.value(token) }
    const begin = (session: Client.Session<Nats.Packet, Nats.Packet, Correlation>) =>
      Effect.gen(function*() {
        const incoming = yield* session.listen(Nats.Ping, Nats.Msg, Nats.HMsg, Nats.Err)
        const error = Stream.runHead(yield* session.listen(Nats.Err))
        const refused = Effect.flatMap(error, (one) => Effect.fail(new NatsError(Option.getOrThrow(one))))
        const silent = Effect.andThen(Effect.sync(() => session.connection.stalled("INFO", timeout)), Effect.never)
        const info = Effect.timeoutOrElse(Stream.runHead(yield* session.listen(Nats.Info)), { duration: timeout, orElse: () => silent })
        const greeted = Effect.gen(function*() {
          const { info: text } = Option.getOrThrow(yield* info)
          maxPayload = (JSON.parse(text) as { readonly max_payload: number }).max_payload
          yield* session.send(Nats.Connect, { options: JSON.stringify({ ...what, ...secrets, name, user }) })
          // what it does not like about that, it says before it answers
          yield* session.call(Nats.Ping)
        })
        yield* Effect.raceFirst(greeted, refused)
        for (const one of subscriptions.values()) yield* session.send(Nats.Sub, one)
        const end = Effect.sync(() => {
          const lost = failure(session.connection.closed?.reason ?? new ConnectionClosed({ by: "this client" }))
          for (const request of requests.values()) Deferred.doneUnsafe(request, Effect.fail(lost))
          readers.fail(new NatsError({ message: "Slow Consumer" }), readers.behind)
        })
        yield* Effect.addFinalizer(() => end)
        yield* Effect.forkScoped(Stream.runForEach(incoming, accept(session)))
        yield* session.keepAlive(Nats.Ping, {}, pingInterval)
      })
    const client = yield* Client.make(Nats, { ...options, maxPushes, whenBehind: "pause", begin })

    const publish = (subject: string, payload: Uint8Array, { headers = [], replyTo }: PublishOptions = {}): Effect.Effect<void, Fault> => {
      if (payload.length > maxPayload) return Effect.fail(new NatsError({ message: "Maximum Payload Violation" }))
      if (headers.length === 0) return client.send(Nats.Pub, { subject, replyTo, payload })
      const all = { headers: headers.map(([name, value]) => ({ name, value: ` ${value}` })) }
      return client.send(Nats.HPub, { subject, replyTo, headers: all, payload })
    }
    return {
      publish,
      /** Asks, and waits for the first answer. Fails with `No Responders` when nobody is there to answer. */
      request: (subject: string, payload: Uint8Array, { headers = [] }: Omit<PublishOptions, "replyTo"> = {}) =>
        Effect.suspend((): Effect.Effect<Message, Fault> => {
          const replyTo = `${inbox}.${++last}`
          const answer = Deferred.makeUnsafe<Message, Fault>()
          requests.set(replyTo, answer)
          const late = failure(new RequestTimeout({ milliseconds: timeout }))
          return publish(subject, payload, { headers, replyTo }).pipe(
            Effect.andThen(Effect.timeoutOrElse(Deferred.await(answer), { duration: timeout, orElse: () => Effect.fail(late) })),
            Effect.flatMap((one) =>
              one.status === noResponders ? Effect.fail(new NatsError({ message: "No Responders" })) : Effect.succeed(one)
            ),
            Effect.ensuring(Effect.sync(() => requests.delete(replyTo)))
          )
        }),
      /**
       * Messages of subjects that match (`*`: one word, `>`: the rest), as long as the stream is run; each goes to one member of a queue group.
       * While a reader is behind by `maxPushes`, nothing is read; a server that gives the connection up for it ends his stream: `Slow Consumer`.
       */
      subscribe: (subject: string, { queueGroup }: { readonly queueGroup?: string } = {}): Stream.Stream<Message, Fault> =>
        Stream.suspend(() => {
          const one = { subject, queueGroup, sid: String(++last) }
          const enter = Effect.suspend(() => client.send(Nats.Sub, subscriptions.set(one.sid, one).get(one.sid)!))
          const leave = Effect.suspend(() => {
            subscriptions.delete(one.sid)
            return client.send(Nats.Unsub, { sid: one.sid })
          })
          return readers.stream(one.sid, enter, Effect.ignore(leave))
        }),
      /** Waits until the server has done what was asked before. */
      flush: Effect.asVoid(client.call(Nats.Ping)),
      /** What the server says is wrong, such as publishing what is not allowed: it says not to which message. */
      errors: Stream.map(client.pushes(Nats.Err), (one) => new NatsError(one)),
      counters: client.counters
    }
  })

/** A client. */
export type NatsClient = Effect.Success<ReturnType<typeof make>>
