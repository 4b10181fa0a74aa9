/** What our packets say is what tshark reads in the same bytes. */
import type { Call, ContentHeader } from "@wirewright/examples/gallery/amqp"
import type { Message } from "@wirewright/examples/gallery/dns"
import { expect, it } from "vitest"
import { amqp } from "./Amqp.ts"
import { bson } from "./Bson.ts"
import { type Gallery, Recorded } from "./Conversations.ts"
import { dns } from "./Dns.ts"
import { kafka } from "./Kafka.ts"
import { modbus } from "./Modbus.ts"
import { tls } from "./Tls.ts"
import { agreement, type Reading } from "./Tshark.ts"
import { websocket } from "./WebSocket.ts"

const of = <P>(read: (packet: P) => ReadonlyArray<number | string | bigint | undefined>): Reading => (packet) =>
  read(packet as unknown as P).filter((one) => one !== undefined)
/** One number that every packet has. */
const number = (name: string, digits?: number): Reading => (packet) => {
  const value = (packet as unknown as { readonly [name: string]: number | undefined })[name]
  if (value === undefined) return []
  return [digits === undefined ? value : `0x${(value >>> 0).toString(16).padStart(digits, "0")}`]
}
const tagged = (tags: ReadonlyArray<string>, reading: Reading): Reading => (packet, bytes) =>
  tags.includes(packet._tag) ? reading(packet, bytes) : []

const domain = (name: string): string =>
  name === "." ? "<Root>" : name.slice(0, -1).replaceAll("\\.", ".").replace("\\000\\255", "\\000\ufffd")
const records = (message: Message) => [...message.answers, ...message.authorities, ...message.additionals]
const data = <T extends string, A>(tag: T, read: (data: Extract<Message["answers"][number]["data"], { readonly _tag: T }>) => A) =>
  of<Message>((message) => records(message).flatMap((one) => one.data._tag === tag ? [read(one.data as never) as number | string] : []))
/** A field of AMQP's methods. */
const argument = (name: string): Reading =>
  of<Call>((packet) => [(packet.method as unknown as { [name: string]: string } | undefined)?.[name]])

const cases: ReadonlyArray<readonly [Gallery, fixture: string, { readonly [field: string]: Reading }]> = [
  [dns, "dns", {
    "dns.id": number("id", 4),
    "dns.flags.response": number("response"),
    "dns.flags.opcode": number("opcode"),
    "dns.flags.truncated": number("truncated"),
    "dns.flags.recdesired": number("recursionDesired"),
    "dns.qry.name": of<Message>((message) => message.questions.map(({ name }) => domain(name))),
    "dns.qry.type": of<Message>((message) => message.questions.map(({ type }) => type)),
    "dns.soa.serial_number": data("SOA", ({ serial }) => serial),
    "dns.mx.preference": data("MX", ({ preference }) => preference),
    "dns.mx.mail_exchange": data("MX", ({ exchange }) => domain(exchange)),
    "dns.srv.port": data("SRV", ({ port }) => port),
    "dns.srv.target": data("SRV", ({ target }) => domain(target)),
    "dns.caa.tag": data("CAA", ({ tag }) => tag)
  }],
  [amqp, "amqp", {
    // a heartbeat's is always 0, and so absent from its type
    "amqp.channel": (packet, bytes) => packet._tag === "Heartbeat" ? [0] : number("channel")(packet, bytes),
    "amqp.header.body-size": tagged(["ContentHeader"], of<ContentHeader>((packet) => [packet.bodySize])),
    "amqp.method.arguments.delivery_tag": tagged(["Call"], argument("deliveryTag")),
    "amqp.method.arguments.routing_key": tagged(["Call"], argument("routingKey")),
    "amqp.method.arguments.reply_code": tagged(["Call"], argument("replyCode"))
  }],
  [websocket, "websocket", {
    "websocket.fin": number("fin"),
    "websocket.opcode": number("opcode"),
    "websocket.masking_key": (packet) => number("maskingKey", 8)(packet, new Uint8Array()).map((one) => String(one).slice(2))
  }],
  [kafka, "kafka", {
    "kafka.correlation_id": number("correlationId"),
    "kafka.request_key": number("apiKey"),
    "kafka.request.version": number("apiVersion"),
    "kafka.client_id": of<{ readonly clientId?: string }>((packet) => [packet.clientId])
  }],
  [modbus, "modbus", {
    "mbtcp.trans_id": number("transaction"),
    "mbtcp.unit_id": number("unit"),
    "modbus.func_code": of<{ readonly functionCode: number }>(({ functionCode }) => [functionCode & 0x7f]),
    "modbus.exception_code": tagged(["Exception"], number("code")),
    "modbus.and_mask": (packet) => number("and", 4)(packet, new Uint8Array())
  }],
  [bson, "mongodb", {
    "mongo.request_id": number("requestId", 8),
    "mongo.response_to": number("responseTo", 8),
    "mongo.opcode": number("opCode")
  }],
  [tls, "tls", {
    "tls.record.version": number("version", 4),
    "tls.record.length": (_, bytes) => [bytes.length - 5],
    "tls.alert_message.desc": tagged(["Alert"], number("description"))
  }]
]

it.each(cases.map((one) => [one[0].title, ...one] as const))("%s", (_, gallery, fixture, fields) => {
  const { differences, values } = agreement(new Recorded(gallery), fixture, fields)
  expect(differences).toEqual([])
  expect(values).toBeGreaterThan(50)
  console.log(`${gallery.title}: ${values} values of ${Object.keys(fields).length} fields as tshark reads them`)
})
