/** What reason codes and properties of MQTT 5 mean to a client. Pure. */
import { type EncodeError, Writer } from "@wirewright/codec"
import { Data, Effect } from "effect"
import * as Mqtt from "../gallery/mqtt/index.ts"

/** The broker refused something: `reason` is the standard's name of the code. Or it lost the session (`sessionLost`) with a message in it. */
export class MqttError extends Data.TaggedError("MqttError")<{ readonly reason: string; readonly message: string }> {}

/** Whether a message arrived is not known. */
export const sessionLost = new MqttError({ reason: "sessionLost", message: "the broker has no session" })

/** A message to be sent. */
export type Outgoing = Pick<Mqtt.Publish, "topicName" | "payload" | "packetIdentifier" | "properties"> & Mqtt.PacketInit

type Properties = Pick<Mqtt.Connack, "properties">

/** A property of a packet that has it once at most. */
export const property = <T extends Mqtt.Property["_tag"]>({ properties }: Properties, tag: T) =>
  properties?.find((one): one is Extract<Mqtt.Property, { readonly _tag: T }> => one._tag === tag)

const errorOf = (packet: string, code: number, why?: string): MqttError => {
  const [reason = `0x${code.toString(16)}`] = Object.entries(Mqtt.ReasonCode).find((one) => one[1] === code) ?? []
  return new MqttError({ reason, message: `${packet}: ${why ?? reason}` })
}

/** An answer, unless one of its reason codes is an error: those from `unspecifiedError` on are. */
export const accepted = <A extends Mqtt.Connack | Mqtt.Puback | Mqtt.Pubrec | Mqtt.Suback>(answer: A): Effect.Effect<A, MqttError> => {
  const codes = "codes" in answer ? answer.codes : ["code" in answer ? answer.code : answer.reasonCode ?? 0]
  const code = codes.find((one) => one >= Mqtt.ReasonCode.unspecifiedError)
  if (code === undefined) return Effect.succeed(answer)
  return Effect.fail(errorOf(answer._tag, code, property(answer, "ReasonString")?.reason))
}

/** Fails if a broker, as it said in its CONNACK, does not take a message: one that is sent all the same ends the connection, each time anew. */
export const taken = (connack: Properties, message: Outgoing): Effect.Effect<void, MqttError | EncodeError> =>
  Effect.suspend(() => {
    const writer = new Writer()
    const encoded = Effect.try({
      try: () => Mqtt.encodePublish(writer, message, { version: 5 }),
      catch: (error) => error as EncodeError
    })
    const most = property(connack, "MaximumPacketSize")?.bytes ?? Infinity
    const refused = (code: number) => Effect.fail(errorOf("Publish", code))
    return Effect.flatMap(encoded, () => {
      if (writer.length > most) return refused(Mqtt.ReasonCode.packetTooLarge)
      if (message.qos! > (property(connack, "MaximumQoS")?.qos ?? 2)) return refused(Mqtt.ReasonCode.qosNotSupported)
      const isRetained = message.retain === 1 && property(connack, "RetainAvailable")?.available === 0
      return isRetained ? refused(Mqtt.ReasonCode.retainNotSupported) : Effect.void
    })
  })

/** Messages that come before one is acknowledged, of a broker that was told how many may: mosquitto 2.0.11 sends up to 4 times as many. */
export const mostSent = (receiveMaximum: number): number => 10 * receiveMaximum

/** What a filter is known by in the messages that match it; the same in every client, as a session may outlive one. */
const identifierOf = (filter: string): number => [...filter].reduce((sum, one) => (sum * 31 + one.codePointAt(0)!) % 268_435_455, 7) + 1

/** What is asked for the messages that match a filter. */
export const subscription = (filter: string, qos: Mqtt.QoS) => ({
  properties: [{ _tag: "SubscriptionIdentifier", identifier: identifierOf(filter) } as const],
  subscriptions: [{ topicFilter: filter, retainHandling: 0, retainAsPublished: 1, noLocal: 0, qos }]
})

/** Whether a message comes for a filter. */
export const isFor = ({ properties }: Properties) => (filter: string): boolean =>
  properties?.some((one) => one._tag === "SubscriptionIdentifier" && one.identifier === identifierOf(filter)) === true
