/**
 * An MQTT 5 client on the runtime. What it promises outlives connections: messages of QoS 1 and 2 that were not acknowledged are sent again
 * with the identifier they had, and subscriptions are made again when the broker has no session.
 */
import { type EncodeError, Writer } from "@wirewright/codec"
import { Client, ConnectionClosed, ConnectionError, LimitExceeded, Readers } from "@wirewright/connection"
import { Data, Deferred, Duration, Effect, Redacted, Semaphore, Stream } from "effect"
import * as Mqtt from "../gallery/mqtt/index.ts"

/** The broker refused something: `reason` is the standard's name of the code. Or it lost the session (`sessionLost`) with a message in it. */
export class MqttError extends Data.TaggedError("MqttError")<{ readonly reason: string; readonly message: string }> {}

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

/** How a message is published. Default: QoS 0, not retained, no properties */
export type PublishOptions = Partial<Pick<Mqtt.Publish, "qos" | "retain" | "properties">>

type Fault = MqttError | Client.CallError
type Numbered = { readonly derived: never; readonly numbered: "packetIdentifier" }
type Conversation = Client.Conversation<Mqtt.Packet, Numbered, Fault>

/** A message of QoS 1 or 2 that is not acknowledged, and how far it came. */
interface Pending {
  readonly fields: Required<PublishOptions> & Pick<Mqtt.Publish, "topicName" | "payload"> & { readonly packetIdentifier: number }
  readonly done: Deferred.Deferred<void, Fault>
  step: "new" | "sent" | "received"
}

const states = { version: 5 }
/** As long as the connection lives, of which pings tell. */
const forever = { timeout: Duration.infinity }
/** Fewer than there are identifiers. */
const maxPending = 60_000
const sessionLost = new MqttError({ reason: "sessionLost", message: "the broker has no session: whether it has the message is not known" })

const property = <T extends Mqtt.Property["_tag"]>({ properties }: Pick<Mqtt.Connack, "properties">, tag: T) =>
  properties?.find((one): one is Extract<Mqtt.Property, { readonly _tag: T }> => one._tag === tag)

const refusal = (packet: string, code: number, why?: string): MqttError => {
  const [reason = `0x${code.toString(16)}`] = Object.entries(Mqtt.ReasonCode).find((one) => one[1] === code) ?? []
  return new MqttError({ reason, message: `${packet}: ${why ?? reason}` })
}

/** An answer of which no reason code is an error. */
const accepted = <A extends Mqtt.Connack | Mqtt.Puback | Mqtt.Pubrec | Mqtt.Suback>(answer: A): Effect.Effect<A, MqttError> => {
  const code = ("codes" in answer ? answer.codes : ["code" in answer ? answer.code : answer.reasonCode ?? 0]).find((one) => one >= 0x80)
  return code === undefined
    ? Effect.succeed(answer)
    : Effect.fail(refusal(answer._tag, code, property(answer, "ReasonString")?.reason))
}

/** What a filter is known by in messages that match it; the same in every client, as a session may outlive one. */
const identifierOf = (filter: string): number => [...filter].reduce((sum, one) => (sum * 31 + one.codePointAt(0)!) % 268_435_455, 7) + 1

/** Why the broker, as it said in its CONNACK, would not take a message. */
const refusalOf = (connack: Mqtt.Connack, { qos, retain, ...fields }: Pending["fields"]): number | undefined => {
  const writer = new Writer()
  Mqtt.encodePublish(writer, { ...fields, qos, retain }, states)
  if (writer.length > (property(connack, "MaximumPacketSize")?.bytes ?? Infinity)) return Mqtt.ReasonCode.packetTooLarge
  if (retain === 1 && property(connack, "RetainAvailable")?.available === 0) return Mqtt.ReasonCode.retainNotSupported
  return qos > (property(connack, "MaximumQoS")?.qos ?? 2) ? Mqtt.ReasonCode.qosNotSupported : undefined
}

/** Connects, and says who we are. Closes with the scope; what is not acknowledged then fails. */
export const make = ({ cleanStart = true, maxPushes = 1_024, password, pingWithin = 60, sessionExpiry, user, ...options }: MqttOptions) =>
  Effect.gen(function*() {
    let { clientIdentifier = "" } = options
    let isNew = cleanStart
    let last = 0
    let send = (_: Pending): Effect.Effect<unknown, Fault> => Effect.void
    const pending = new Map<number, Pending>()
    /** Identifiers of messages of QoS 2 that came and are not released. */
    const received = new Set<number>()
    const subscriptions = new Map<string, Mqtt.QoS>()
    const readers = new Readers<string, Mqtt.Publish, Fault>(maxPushes)

    const nextIdentifier = (): number => pending.has(last = last % 65_535 + 1) ? nextIdentifier() : last
    const settle = ({ done, fields }: Pending, outcome: Effect.Effect<void, Fault>) =>
      Effect.sync(() => pending.delete(fields.packetIdentifier) && Deferred.doneUnsafe(done, outcome))
    const failed = (error: Fault, of = [...pending.values()]) =>
      Effect.forEach(of, (one) => settle(one, Effect.fail(error)), { discard: true })
    const end = (error: Fault) =>
      Effect.suspend(() => {
        send = () => Effect.fail(error)
        readers.fail(error)
        return failed(error)
      })
    /** Sends what is left to be said of a message. When the connection is lost, it goes on with the next. */
    const deliver = (session: Conversation, connack: Mqtt.Connack) => (one: Pending) =>
      Effect.gen(function*() {
        const { fields, step } = one
        const code = yield* Effect.try({ try: () => refusalOf(connack, fields), catch: (error) => error as EncodeError })
        if (code !== undefined) yield* refusal("Publish", code)
        if (step === "new") one.step = "sent"
        if (step !== "received") {
          const answer = yield* accepted(yield* session.call(Mqtt.Publish, { ...fields, dup: step === "new" ? 0 : 1 }, forever))
          if (answer._tag === "Pubrec") one.step = "received"
        }
        if (one.step === "received") yield* session.call(Mqtt.Pubrel, { packetIdentifier: fields.packetIdentifier }, forever)
        yield* settle(one, Effect.void)
      }).pipe(Effect.catch((error) => error._tag === "ConnectionError" ? Effect.void : failed(error, [one])))
    const accept = (session: Conversation) => (packet: Mqtt.Publish | Mqtt.Pubrel) =>
      Effect.gen(function*() {
        const packetIdentifier = packet.packetIdentifier ?? 0
        if (packet._tag === "Pubrel") received.delete(packetIdentifier)
        else if (!received.has(packetIdentifier)) {
          const of = packet.properties!.flatMap((one) => one._tag === "SubscriptionIdentifier" ? [one.identifier] : [])
          const to = readers.keys.filter((filter) => of.includes(identifierOf(filter)))
          yield* readers.give(to, packet, () => packet.qos === 2 && received.add(packetIdentifier))
          if (packet.qos === 0) return
        }
        const answer = packet._tag === "Pubrel" ? Mqtt.Pubcomp : packet.qos === 1 ? Mqtt.Puback : Mqtt.Pubrec
        yield* session.send(answer, { packetIdentifier })
      })
    const subscribed = (session: Conversation, filter: string, qos: Mqtt.QoS) => {
      const properties = [{ _tag: "SubscriptionIdentifier", identifier: identifierOf(filter) } as const]
      const subscriptions = [{ topicFilter: filter, retainHandling: 0, retainAsPublished: 1, noLocal: 0, qos }]
      return Effect.flatMap(session.call(Mqtt.Subscribe, { packetIdentifier: nextIdentifier(), properties, subscriptions }), accepted)
    }

    const expiry = { _tag: "SessionExpiryInterval", seconds: sessionExpiry ?? 3_600 } as const
    const expired = sessionExpiry === undefined ? [{ ...expiry, seconds: 0 }] : []
    const connect = {
      ...{ protocolName: "MQTT", protocolVersion: 5, keepAlive: pingWithin, willRetain: 0, willQoS: Mqtt.QoS.atMostOnce },
      ...{ userName: user, password: password && new TextEncoder().encode(Redacted.value(password)) },
      properties: [expiry, { _tag: "ReceiveMaximum", packets: maxPushes } as const]
    }
    const begin = (session: Client.Session<Mqtt.Packet, Mqtt.Packet, Numbered>) =>
      Effect.gen(function*() {
        const scope = yield* Effect.scope
        const incoming = yield* session.listen(Mqtt.Publish, Mqtt.Pubrel)
        const answers = session.stream(Mqtt.Connect, { ...connect, cleanStart: isNew ? 1 : 0, clientIdentifier })
        const connack = yield* accepted((yield* Stream.runCollect(answers)).at(-1) as Mqtt.Connack)
        yield* Effect.addFinalizer(() => Effect.ignore(session.send(Mqtt.Disconnect, { reasonCode: 0, properties: expired })))
        clientIdentifier = property(connack, "AssignedClientIdentifier")?.clientIdentifier ?? clientIdentifier
        isNew = false
        if (connack.sessionPresent === 0) {
          received.clear()
          yield* failed(sessionLost, [...pending.values()].filter(({ fields, step }) => step !== "new" && fields.qos === 2))
          yield* Effect.forEach(subscriptions, ([filter, qos]) => subscribed(session, filter, qos))
        }
        yield* Effect.forkScoped(Stream.runForEach(incoming, accept(session)))
        yield* session.keepAlive(Mqtt.Pingreq, {}, (property(connack, "ServerKeepAlive")?.seconds ?? pingWithin) * 500)
        const quota = Semaphore.makeUnsafe(property(connack, "ReceiveMaximum")?.packets ?? maxPending)
        const next = (one: Pending) => Effect.forkIn(quota.withPermit(deliver(session, connack)(one)), scope, { startImmediately: true })
        for (const one of pending.values()) yield* next(one)
        send = next
      })
    const client = yield* Client.make(Mqtt, {
      ...options,
      maxPushes: 2 * maxPushes,
      whenBehind: "pause",
      states,
      watch: { ended: end },
      begin
    })
    const unsent = (reason: ConnectionClosed | LimitExceeded) => new ConnectionError({ reason, address: client.address, ambiguous: false })
    yield* Effect.addFinalizer(() => end(unsent(new ConnectionClosed({ by: "this client" }))))

    return {
      /** Publishes; of QoS 1 and 2 it is done when the broker has the message, on however many connections. Interrupting takes nothing back. */
      publish: (topicName: string, payload: Uint8Array, { properties = [], qos = 0, retain = 0 }: PublishOptions = {}) =>
        Effect.suspend((): Effect.Effect<void, Fault> => {
          if (qos === 0) return client.send(Mqtt.Publish, { topicName, payload, qos, retain, properties })
          if (pending.size >= maxPending) return unsent(new LimitExceeded({ limit: "messages not acknowledged", max: maxPending }))
          const packetIdentifier = nextIdentifier()
          const fields = { topicName, payload, qos, retain, properties, packetIdentifier }
          const one: Pending = { fields, done: Deferred.makeUnsafe(), step: "new" }
          pending.set(packetIdentifier, one)
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
