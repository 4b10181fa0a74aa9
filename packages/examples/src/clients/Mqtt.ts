/**
 * An MQTT 5 client on the runtime. What it promises outlives connections: messages of QoS 1 and 2 that were not acknowledged are sent again
 * with the identifier they had, and subscriptions are made again when the broker has no session.
 */
import { Client, ConnectionClosed, ConnectionError, LimitExceeded } from "@wirewright/connection"
import { Cause, Data, Deferred, Duration, Effect, Latch, Queue, Redacted, Semaphore, Stream } from "effect"
import * as Mqtt from "../gallery/mqtt/index.ts"

/** The broker refused something: `reason` is the standard's name of the code. Or it lost the session (`sessionLost`) with a message in it. */
export class MqttError extends Data.TaggedError("MqttError")<{ readonly reason: string; readonly message: string }> {}

/** Options of a client. Durations are whole seconds. */
export interface MqttOptions extends Omit<Client.CommonOptions, "connections" | "maxInFlight" | "whenBehind" | "whenDisconnected"> {
  /** Default: the broker gives one */
  readonly clientIdentifier?: string
  readonly user?: string
  readonly password?: Redacted.Redacted
  /** Whether to begin with a new session, or with what an earlier client of this identifier left. Default: new */
  readonly cleanStart?: boolean
  /** Time for which the broker keeps the session without a connection. Default: 1 hour, but none after this client's end */
  readonly sessionExpiry?: Duration.Input
  /** Time within which a PINGREQ is sent and answered, unless the broker says another. Default: 1 minute; 0: never */
  readonly pingWithin?: Duration.Input
  /** Messages of QoS 1 and 2 that may come before they are acknowledged, and messages that wait for each stream. Default: 100 */
  readonly receiveMaximum?: number
}

/** How a message is published. Default: QoS 0, not retained, no properties */
export type PublishOptions = Partial<Pick<Mqtt.Publish, "qos" | "retain" | "properties">>

type Numbered = { readonly derived: never; readonly numbered: "packetIdentifier" }
type Session = Client.Session<Mqtt.Packet, Mqtt.Packet, Numbered>
type Fault = MqttError | Client.CallError

/** A message of QoS 1 or 2 that is not acknowledged, and how far it came. */
interface Pending {
  readonly fields: Required<PublishOptions> & Pick<Mqtt.Publish, "topicName" | "payload"> & { readonly packetIdentifier: number }
  readonly done: Deferred.Deferred<void, Fault>
  step: "new" | "sent" | "received"
}

/** As long as the connection lives, of which pings tell. */
const forever = { timeout: Duration.infinity }
/** Fewer than there are identifiers. */
const maxPending = 60_000
const seconds = (duration: Duration.Input) => Math.ceil(Duration.toSeconds(duration))

const property = <T extends Mqtt.Property["_tag"]>({ properties }: Pick<Mqtt.Connack, "properties">, tag: T) =>
  properties?.find((one): one is Extract<Mqtt.Property, { readonly _tag: T }> => one._tag === tag)

/** An answer of which no reason code is an error. */
const accepted = <A extends Mqtt.Connack | Mqtt.Puback | Mqtt.Pubrec | Mqtt.Suback>(answer: A): Effect.Effect<A, MqttError> => {
  const codes = "codes" in answer ? answer.codes : ["code" in answer ? answer.code : answer.reasonCode ?? 0]
  const code = codes.find((one) => one >= Mqtt.ReasonCode.unspecifiedError)
  if (code === undefined) return Effect.succeed(answer)
  const [reason = `0x${code.toString(16)}`] = Object.entries(Mqtt.ReasonCode).find((one) => one[1] === code) ?? []
  return Effect.fail(new MqttError({ reason, message: `${answer._tag}: ${property(answer, "ReasonString")?.reason ?? reason}` }))
}

const matches = (filter: string, topic: string): boolean => {
  const [levels, names] = [filter.replace(/^\$share\/[^/]*\//, "").split("/"), topic.split("/")]
  const isSame = (level: string, i: number) => level === "#" || i < names.length && (level === "+" || level === names[i])
  const isHidden = topic.startsWith("$") && levels[0] !== names[0]
  return !isHidden && levels.every(isSame) && (levels.at(-1) === "#" || levels.length === names.length)
}

/** Connects, and says who we are. Closes with the scope; what is not acknowledged then fails. */
export const make = ({ cleanStart = true, password, pingWithin = "1 minute", receiveMaximum = 100, user, ...options }: MqttOptions) =>
  Effect.gen(function*() {
    const { host, port, sessionExpiry } = options
    const pending = new Map<number, Pending>()
    /** Identifiers of messages of QoS 2 that came and are not released. */
    const received = new Set<number>()
    const readers = new Set<{ readonly filter: string; readonly qos: Mqtt.QoS; readonly queue: Queue.Queue<Mqtt.Publish, Fault> }>()
    const room = Latch.makeUnsafe()
    let { clientIdentifier = "" } = options
    let isNew = cleanStart
    let last = 0
    let send: (one: Pending) => Effect.Effect<unknown, Fault> = () => Effect.void

    const failed = (reason: ConnectionClosed | LimitExceeded) =>
      new ConnectionError({ reason, address: `${host}:${port}`, ambiguous: false })
    const identifier = (): number => {
      do last = last % 65_535 + 1
      while (pending.has(last))
      return last
    }
    const settle = ({ done, fields }: Pending, outcome: Effect.Effect<void, Fault>) =>
      pending.delete(fields.packetIdentifier) && Deferred.doneUnsafe(done, outcome)
    const end = (error: Fault) =>
      Effect.sync(() => {
        send = () => Effect.fail(error)
        for (const one of pending.values()) settle(one, Effect.fail(error))
        for (const { queue } of readers) Queue.failCauseUnsafe(queue, Cause.fail(error))
      })
    /** Sends what is left to be said of a message. When the connection is lost, it goes on with the next. */
    const deliver = (session: Session, one: Pending) =>
      Effect.gen(function*() {
        const { fields, step } = one
        if (step === "new") one.step = "sent"
        if (step !== "received") {
          const answer = yield* accepted(yield* session.call(Mqtt.Publish, { ...fields, dup: step === "new" ? 0 : 1 }, forever))
          if (answer._tag === "Pubrec") one.step = "received"
        }
        if (one.step === "received") yield* session.call(Mqtt.Pubrel, { packetIdentifier: fields.packetIdentifier }, forever)
      }).pipe(Effect.matchEffect({
        onSuccess: () => Effect.sync(() => settle(one, Effect.void)),
        onFailure: (error) => Effect.sync(() => error._tag !== "ConnectionError" && settle(one, Effect.fail(error)))
      }))
    const accept = (session: Session) => (packet: Mqtt.Publish | Mqtt.Pubrel) =>
      Effect.gen(function*() {
        const fields = { packetIdentifier: packet.packetIdentifier ?? 0 }
        if (packet._tag === "Pubrel") {
          received.delete(fields.packetIdentifier)
          return yield* session.send(Mqtt.Pubcomp, fields)
        }
        if (!received.has(fields.packetIdentifier)) {
          const to = () => [...readers].filter(({ filter }) => matches(filter, packet.topicName))
          while (to().some(({ queue }) => Queue.sizeUnsafe(queue) >= receiveMaximum)) yield* Effect.andThen(room.close, room.await)
          for (const { queue } of to()) Queue.offerUnsafe(queue, packet)
          if (packet.qos === 2) received.add(fields.packetIdentifier)
        }
        if (packet.qos > 0) yield* session.send(packet.qos === 1 ? Mqtt.Puback : Mqtt.Pubrec, fields)
      })
    const subscribed = (
      session: Client.Conversation<Mqtt.Packet, Numbered, Fault>,
      { filter, qos }: { readonly filter: string; readonly qos: Mqtt.QoS }
    ) => {
      const subscriptions = [{ topicFilter: filter, retainHandling: 0, retainAsPublished: 1, noLocal: 0, qos }]
      const called = session.call(Mqtt.Subscribe, { packetIdentifier: identifier(), properties: [], subscriptions })
      return Effect.flatMap(called, accepted)
    }

    const begin = (session: Session) =>
      Effect.gen(function*() {
        const incoming = yield* session.listen(Mqtt.Publish, Mqtt.Pubrel)
        const keepAlive = seconds(pingWithin)
        const expiry = { _tag: "SessionExpiryInterval", seconds: seconds(sessionExpiry ?? "1 hour") } as const
        const properties = [expiry, { _tag: "ReceiveMaximum", packets: receiveMaximum } as const]
        const secret = password === undefined ? undefined : new TextEncoder().encode(Redacted.value(password))
        const constants = { protocolName: "MQTT", protocolVersion: 5, willRetain: 0, willQoS: 0 } as const
        const who = { clientIdentifier, userName: user, password: secret, cleanStart: isNew ? 1 : 0, keepAlive, properties }
        const answers = yield* Stream.runCollect(session.stream(Mqtt.Connect, { ...constants, ...who }))
        const connack = yield* accepted(answers.at(-1) as Mqtt.Connack)
        const expired = sessionExpiry === undefined ? [{ ...expiry, seconds: 0 }] : []
        yield* Effect.addFinalizer(() => Effect.ignore(session.send(Mqtt.Disconnect, { reasonCode: 0, properties: expired })))
        clientIdentifier = property(connack, "AssignedClientIdentifier")?.clientIdentifier ?? clientIdentifier
        isNew = false
        if (connack.sessionPresent === 0) {
          received.clear()
          const lost = new MqttError({
            reason: "sessionLost",
            message: "the broker has no session: whether it has the message is not known"
          })
          for (const one of pending.values()) if (one.step !== "new" && one.fields.qos === 2) settle(one, Effect.fail(lost))
          for (const one of new Map([...readers].map((one) => [one.filter, one])).values()) yield* subscribed(session, one)
        }
        yield* Effect.forkScoped(Stream.runForEach(incoming, accept(session)))
        yield* session.keepAlive(Mqtt.Pingreq, {}, (property(connack, "ServerKeepAlive")?.seconds ?? keepAlive) * 500)
        const scope = yield* Effect.scope
        const quota = Semaphore.makeUnsafe(property(connack, "ReceiveMaximum")?.packets ?? maxPending)
        const next = (one: Pending) => Effect.forkIn(quota.withPermit(deliver(session, one)), scope, { startImmediately: true })
        for (const one of pending.values()) yield* next(one)
        send = next
      })

    const rest = { maxPushes: options.maxPushes ?? 1_024, states: { version: 5 }, whenBehind: "pause", watch: { ended: end } } as const
    const client = yield* Client.make(Mqtt, { ...options, ...rest, begin })
    yield* Effect.addFinalizer(() => end(failed(new ConnectionClosed({ by: "this client" }))))

    const publish = (topicName: string, payload: Uint8Array, { properties = [], qos = 0, retain = 0 }: PublishOptions = {}) =>
      Effect.suspend((): Effect.Effect<void, Fault> => {
        const fields = { topicName, payload, qos, retain, properties }
        if (qos === 0) return client.send(Mqtt.Publish, fields)
        if (pending.size >= maxPending) {
          return Effect.fail(failed(new LimitExceeded({ limit: "messages not acknowledged", max: maxPending })))
        }
        const packetIdentifier = identifier()
        const one: Pending = { fields: { ...fields, packetIdentifier }, done: Deferred.makeUnsafe(), step: "new" }
        pending.set(packetIdentifier, one)
        return Effect.andThen(send(one), Deferred.await(one.done))
      })
    const subscribe = (filter: string, qos: Mqtt.QoS = 2): Stream.Stream<Mqtt.Publish, Fault> =>
      Stream.unwrap(Effect.gen(function*() {
        const reader = { filter, qos, queue: yield* Queue.unbounded<Mqtt.Publish, Fault>() }
        const isOthers = () => [...readers].some((one) => one !== reader && one.filter === filter)
        const leave = Effect.suspend(() => {
          readers.delete(reader)
          room.openUnsafe()
          const fields = { packetIdentifier: identifier(), properties: [], topicFilters: [filter] }
          return isOthers() ? Effect.void : Effect.ignore(client.call(Mqtt.Unsubscribe, fields))
        })
        yield* Effect.acquireRelease(Effect.sync(() => readers.add(reader)), () => leave)
        if (!isOthers()) yield* subscribed(client, reader)
        return Stream.tap(Stream.fromQueue(reader.queue), () => room.open)
      }))

    return {
      /** Publishes a message. Of QoS 1 and 2 it is done when the broker has it, however many connections that takes; interrupting takes nothing back. */
      publish,
      /** Messages whose topics match a filter, as long as the stream is run. Those of QoS 2 come once. */
      subscribe,
      counters: client.counters
    }
  })

/** A client. */
export type MqttClient = Effect.Success<ReturnType<typeof make>>
