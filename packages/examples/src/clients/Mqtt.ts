/**
 * An MQTT 5 client on the runtime. What it promises outlives connections: messages of QoS 1 and 2 that were not acknowledged are sent again
 * with the identifier they had, and subscriptions are made again when the broker has no session.
 */
import { Client, ConnectionClosed, ConnectionError, LimitExceeded, Readers } from "@wirewright/connection"
import { Deferred, Duration, Effect, Redacted, Semaphore, Stream } from "effect"
import * as Mqtt from "../gallery/mqtt/index.ts"
import { accepted, isFor, type MqttError, mostSent, type Outgoing, property, sessionLost, subscription, taken } from "./MqttAnswers.ts"

/** Options of a client. As many messages of QoS 1 and 2 come before they are acknowledged as may wait for a stream: `maxPushes`. */
export interface MqttOptions extends Omit<Client.CommonOptions, "connections" | "maxInFlight" | "whenBehind" | "whenDisconnected"> {
  /** Default: the broker gives one */
  readonly clientIdentifier?: string
  readonly user?: string
  readonly password?: Redacted.Redacted
  /** Whether to begin with a new session, or with what an earlier client of this identifier left. Default: new */
  readonly cleanStart?: boolean
  /** Seconds for which the broker keeps the session without a connection. Default: 1 hour, but none after this client's end */
  readonly sessionExpiry?: number
  /** Seconds within which a PINGREQ is sent and answered, unless the broker says others. Default: 60; 0: never */
  readonly pingWithin?: number
}

type Fault = MqttError | Client.CallError
type Numbered = { readonly derived: never; readonly numbered: "packetIdentifier" }
type Conversation = Client.Conversation<Mqtt.Packet, Numbered, Fault>

/** A message of QoS 1 or 2 that is not acknowledged, and how far it came. */
interface Pending {
  readonly fields: Outgoing & { readonly packetIdentifier: number }
  readonly done: Deferred.Deferred<void, Fault>
  step: "new" | "sent" | "received"
}

/** As long as the connection lives, of which pings tell. */
const forever = { timeout: Duration.infinity }
/** Fewer than there are identifiers. */
const maxPending = 60_000

/** Connects, and says who we are. Closes with the scope; what is not acknowledged then fails. */
export const make = ({ maxPushes = 1_024, password, pingWithin = 60, sessionExpiry, user, ...options }: MqttOptions) =>
  Effect.gen(function*() {
    let { clientIdentifier = "" } = options
    let cleanStart = options.cleanStart === false ? 0 : 1
    let last = 0
    let send: (one: Pending) => Effect.Effect<unknown, Fault> = () => Effect.void
    const pending = new Map<number, Pending>()
    /** Identifiers of messages of QoS 2 that came and are not released. */
    const received = new Set<number>()
    const subscriptions = new Map<string, Mqtt.QoS>()
    const readers = new Readers<string, Mqtt.Publish, Fault>(maxPushes)
    const nextIdentifier = (): number => {
      do last = last % 65_535 + 1
      while (pending.has(last))
      return last
    }
    const settle = (outcome: Effect.Effect<void, Fault>, of: Iterable<Pending> = pending.values()) =>
      Effect.sync(() => {
        for (const { done, fields } of of) if (pending.delete(fields.packetIdentifier)) Deferred.doneUnsafe(done, outcome)
      })
    const end = (error: Fault) =>
      Effect.suspend(() => {
        send = () => Effect.fail(error)
        readers.fail(error)
        return settle(Effect.fail(error))
      })
    /** Sends what is left to be said of a message. When the connection is lost, it goes on with the next. */
    const deliver = (session: Conversation, connack: Mqtt.Connack) => (one: Pending) =>
      Effect.gen(function*() {
        const { fields, step } = one
        yield* taken(connack, fields)
        if (step === "new") one.step = "sent"
        if (step !== "received") {
          const answer = yield* accepted(yield* session.call(Mqtt.Publish, { ...fields, dup: step === "new" ? 0 : 1 }, forever))
          if (answer._tag === "Pubrec") one.step = "received"
        }
        if (one.step === "received") yield* session.call(Mqtt.Pubrel, { packetIdentifier: fields.packetIdentifier }, forever)
        yield* settle(Effect.void, [one])
      }).pipe(Effect.catch((error) => error._tag === "ConnectionError" ? Effect.void : settle(Effect.fail(error), [one])))
    const accept = (session: Conversation) => (packet: Mqtt.Publish | Mqtt.Pubrel) =>
      Effect.gen(function*() {
        const packetIdentifier = packet.packetIdentifier ?? 0
        if (packet._tag === "Pubrel") received.delete(packetIdentifier)
        else if (!received.has(packetIdentifier)) {
          yield* readers.give(readers.keys.filter(isFor(packet)), packet, () => packet.qos === 2 && received.add(packetIdentifier))
          if (packet.qos === 0) return
        }
        const answer = packet._tag === "Pubrel" ? Mqtt.Pubcomp : packet.qos === 1 ? Mqtt.Puback : Mqtt.Pubrec
        yield* session.send(answer, { packetIdentifier })
      })
    const subscribed = (session: Conversation, filter: string, qos: Mqtt.QoS) =>
      Effect.flatMap(session.call(Mqtt.Subscribe, { ...subscription(filter, qos), packetIdentifier: nextIdentifier() }), accepted)
    const expiry = { _tag: "SessionExpiryInterval", seconds: sessionExpiry ?? 3_600 } as const
    const expired = sessionExpiry === undefined ? [{ ...expiry, seconds: 0 }] : []
    const properties = [expiry, { _tag: "ReceiveMaximum", packets: maxPushes } as const]
    const what = { protocolName: "MQTT", protocolVersion: 5, willRetain: 0, willQoS: Mqtt.QoS.atMostOnce, keepAlive: pingWithin }
    const who = { userName: user, password: password && new TextEncoder().encode(Redacted.value(password)) }
    const begin = (session: Client.Session<Mqtt.Packet, Mqtt.Packet, Numbered>) =>
      Effect.gen(function*() {
        const scope = yield* Effect.scope
        const incoming = yield* session.listen(Mqtt.Publish, Mqtt.Pubrel)
        const answers = session.stream(Mqtt.Connect, { ...what, ...who, properties, cleanStart, clientIdentifier })
        const connack = yield* accepted((yield* Stream.runCollect(answers)).at(-1) as Mqtt.Connack)
        yield* Effect.addFinalizer(() => Effect.ignore(session.send(Mqtt.Disconnect, { reasonCode: 0, properties: expired })))
        clientIdentifier = property(connack, "AssignedClientIdentifier")?.clientIdentifier ?? clientIdentifier
        cleanStart = 0
        if (connack.sessionPresent === 0) {
          received.clear()
          const begun = [...pending.values()].filter(({ fields, step }) => step !== "new" && fields.qos === 2)
          yield* settle(Effect.fail(sessionLost), begun)
          yield* Effect.forEach(subscriptions, ([filter, qos]) => subscribed(session, filter, qos))
        }
        yield* Effect.forkScoped(Stream.runForEach(incoming, accept(session)))
        yield* session.keepAlive(Mqtt.Pingreq, {}, (property(connack, "ServerKeepAlive")?.seconds ?? pingWithin) * 500)
        const quota = Semaphore.makeUnsafe(property(connack, "ReceiveMaximum")?.packets ?? maxPending)
        const next = (one: Pending) => Effect.forkIn(quota.withPermit(deliver(session, connack)(one)), scope, { startImmediately: true })
        for (const one of pending.values()) yield* next(one)
        send = next
      })
    const rest = { maxPushes: mostSent(maxPushes), whenBehind: "pause", states: { version: 5 }, watch: { ended: end } } as const
    const client = yield* Client.make(Mqtt, { ...options, ...rest, begin })
    const unsent = (reason: ConnectionClosed | LimitExceeded) => new ConnectionError({ reason, address: client.address, ambiguous: false })
    yield* Effect.addFinalizer(() => end(unsent(new ConnectionClosed({ by: "this client" }))))

    return {
      /** Publishes; of QoS 1 and 2 it is done when the broker has the message, on however many connections. Interrupting takes nothing back. */
      publish: (topicName: string, payload: Uint8Array, options: Pick<Outgoing, "qos" | "retain" | "properties"> = {}) =>
        Effect.suspend((): Effect.Effect<void, Fault> => {
          const fields = { topicName, payload, qos: 0, retain: 0, properties: [], ...options } as const
          if (fields.qos === 0) return client.send(Mqtt.Publish, fields)
          if (pending.size >= maxPending) return unsent(new LimitExceeded({ limit: "messages not acknowledged", max: maxPending }))
          const one: Pending = { fields: { ...fields, packetIdentifier: nextIdentifier() }, done: Deferred.makeUnsafe(), step: "new" }
          pending.set(one.fields.packetIdentifier, one)
          return Effect.andThen(send(one), Deferred.await(one.done))
        }),
      /** Messages whose topics match a filter, as long as the stream is run. Those of QoS 2 come once. */
      subscribe: (filter: string, qos: Mqtt.QoS = 2): Stream.Stream<Mqtt.Publish, Fault> => {
        const enter = Effect.suspend(() => subscribed(client, filter, subscriptions.set(filter, qos).get(filter)!))
        const leave = Effect.suspend(() => {
          subscriptions.delete(filter)
          return client.call(Mqtt.Unsubscribe, { packetIdentifier: nextIdentifier(), properties: [], topicFilters: [filter] })
        })
        return readers.stream(filter, enter, Effect.ignore(leave))
      },
      counters: client.counters
    }
  })

/** A client. */
export type MqttClient = Effect.Success<ReturnType<typeof make>>
