/** Packets that we wrote, which nobody recorded, are understood by programs of others. */
import { encodeWith, hexOf } from "@wirewright/codec"
import * as Amqp from "@wirewright/examples/gallery/amqp"
import * as Bson from "@wirewright/examples/gallery/bson"
import * as Dns from "@wirewright/examples/gallery/dns"
import * as Kafka from "@wirewright/examples/gallery/kafka"
import * as Modbus from "@wirewright/examples/gallery/modbus"
import * as Tls from "@wirewright/examples/gallery/tls"
import * as UsbCodec from "@wirewright/examples/gallery/usb"
import * as WebSocket from "@wirewright/examples/gallery/websocket"
import { afterAll, describe, expect, it } from "vitest"
import { Accepted } from "./Accepted.ts"
import { binaryProtocols } from "./BinaryProtocols.ts"
import type { Side } from "./TapBinary.ts"
import * as Usb from "./Usb.ts"

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** Who says it, the bytes, what the judge must have read in them, and how many packets they are. Default: 1 */
type Case = readonly [what: string, from: Side, bytes: () => Uint8Array, said: RegExp, packets?: number]

/** Titles of the gallery's table. */
const titles: Readonly<Record<string, string>> = {
  amqp: "AMQP 0-9-1",
  dns: "DNS",
  kafka: "Kafka",
  modbus: "Modbus/TCP",
  mongodb: "BSON and OP_MSG",
  tls: "TLS",
  websocket: "WebSocket"
}

const accepted = new Accepted()

const question = { name: "ours.test.", type: 16, class: 1 }
const answer = { name: "ours.test.", class: 1, timeToLive: 60 }
const version = { apiKey: 0, apiVersion: 3 }

const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  dns: [
    ["a question", "client", () =>
      encodeWith((writer) =>
        Dns.encodeMessage(writer, {
          id: 7,
          response: 0,
          opcode: 0,
          authoritative: 0,
          truncated: 0,
          recursionDesired: 1,
          recursionAvailable: 0,
          reserved: 0,
          authenticData: 0,
          checkingDisabled: 0,
          responseCode: 0,
          questions: [question],
          answers: [],
          authorities: [],
          additionals: []
        })
      ), /./],
    [
      "an answer with pointers",
      "server",
      () =>
        encodeWith((writer) =>
          Dns.encodeMessage(writer, {
            id: 7,
            response: 1,
            opcode: 0,
            authoritative: 1,
            truncated: 0,
            recursionDesired: 1,
            recursionAvailable: 0,
            reserved: 0,
            authenticData: 0,
            checkingDisabled: 0,
            responseCode: 0,
            questions: [question],
            answers: [
              { ...answer, data: { _tag: "TXT", text: ["one", "two"] } },
              { ...answer, data: { _tag: "MX", preference: 7, exchange: "mail.ours.test." } },
              { ...answer, data: { _tag: "SRV", priority: 1, weight: 2, port: 3, target: "mail.ours.test." } },
              { ...answer, data: { _tag: "CAA", critical: 0, reserved: 0, tag: "issue", value: "ca.test" } },
              {
                ...answer,
                data: {
                  _tag: "HTTPS",
                  priority: 1,
                  target: ".",
                  parameters: [
                    { value: { _tag: "ApplicationProtocols", protocols: ["h2", "h3"] } },
                    { value: { _tag: "Port", port: 8443 } },
                    { value: { _tag: "Ipv4Hint", addresses: [Uint8Array.of(192, 0, 2, 1)] } }
                  ]
                }
              }
            ],
            authorities: [],
            additionals: []
          })
        ),
      /ours\.test\.\s+60\s+IN\s+TXT\s+"one" "two"[^]*MX\s+7 mail\.ours\.test\.[^]*SRV\s+1 2 3 mail\.ours\.test\.[^]*CAA\s+0 issue "ca\.test"[^]*HTTPS\s+1 \. alpn="h2,h3" port=8443 ipv4hint=192\.0\.2\.1/
    ]
  ],
  websocket: [
    [
      "masked text",
      "client",
      () => encodeWith((writer) => WebSocket.encodeText(writer, { fin: 1, maskingKey: 0x12345678, payload: text("ours") })),
      /6f757273/
    ],
    [
      "bytes with a length of 16 bits",
      "server",
      () => encodeWith((writer) => WebSocket.encodeBinary(writer, { fin: 1, payload: new Uint8Array(300).fill(0xab) })),
      /(ab){300}/
    ]
  ],
  amqp: [
    [
      "a queue with arguments",
      "client",
      () =>
        encodeWith((writer) =>
          Amqp.encodeCall(writer, {
            channel: 1,
            method: {
              _tag: "QueueDeclare",
              queue: "ours",
              passive: 0,
              durable: 0,
              exclusive: 1,
              autoDelete: 1,
              noWait: 0,
              arguments: [{ name: "x-max-length", value: { _tag: "Int32", value: 9 } }, {
                name: "x-ours",
                value: { _tag: "Array", values: [{ _tag: "Void" }] }
              }]
            }
          })
        ), // channels answer in no order: that of the next one may come before the queue's own
      /ChannelOpenOk/
    ],
    [
      "a delivery",
      "server",
      () =>
        encodeWith((writer) => {
          Amqp.encodeContentHeader(writer, {
            channel: 3,
            bodySize: 4n,
            contentType: "text/ours",
            headers: [{ name: "n", value: { _tag: "Double", value: 0.5 } }]
          })
          Amqp.encodeBody(writer, { channel: 3, content: text("ours") })
        }),
      /text\/ours/,
      2
    ]
  ],
  modbus: [
    [
      "registers to be written",
      "client",
      () => encodeWith((writer) => Modbus.encodeWriteRegisters(writer, { transaction: 9, unit: 1, address: 1, registers: [1, 2] })),
      /^0009000000060110/
    ],
    [
      "registers",
      "server",
      () => encodeWith((writer) => Modbus.encodeHoldingRegisters(writer, { transaction: 9, unit: 1, registers: [4660, 2] })),
      /4660/
    ]
  ],
  mongodb: [
    ["a document", "server", () =>
      encodeWith((writer) =>
        Bson.encodeMsg(writer, {
          requestId: 1,
          responseTo: 0,
          moreToCome: 0,
          exhaustAllowed: 0,
          sections: [{
            _tag: "Body",
            document: {
              elements: [{ _tag: "Double", name: "ok", value: 1 }, { _tag: "String", name: "who", value: "ours" }, {
                _tag: "Array",
                name: "list",
                value: { elements: [{ _tag: "Int64", name: "0", value: 9n }] }
              }]
            }
          }]
        })
      ), /"who":"ours"[^]*"9"/]
  ],
  kafka: [
    ["records with a checksum", "client", () =>
      encodeWith((writer) =>
        Kafka.encodeProduceRequest(writer, {
          apiVersion: 3,
          correlationId: 5,
          clientId: "ours",
          transactionalId: null,
          acks: 1,
          timeoutMs: 1000,
          topics: [{
            name: "ours",
            partitions: [{
              index: 0,
              records: [{
                baseOffset: 0n,
                batch: {
                  partitionLeaderEpoch: 0,
                  logAppendTime: 0,
                  transactional: 0,
                  control: 0,
                  deleteHorizon: 0,
                  lastOffsetDelta: 0,
                  baseTimestamp: 1n,
                  maxTimestamp: 1n,
                  producerId: -1n,
                  producerEpoch: -1,
                  baseSequence: -1,
                  records: {
                    _tag: "Plain",
                    records: [{ attributes: 0, timestampDelta: 0n, offsetDelta: 0, key: text("k"), value: text("v"), headers: [] }]
                  }
                }
              }]
            }]
          }]
        }, { ...Kafka.noStates, ...version })
      ), /^[0-9a-f]{8}00000005/]
  ],
  tls: [
    [
      "a ClientHello",
      "client",
      () => {
        const hello = encodeWith((writer) =>
          Tls.encodeClientHello(writer, {
            version: 0x0303,
            random: new Uint8Array(32).fill(7),
            sessionId: new Uint8Array(0),
            cipherSuites: [0x1302, 0xc030, 0xc02f],
            compressionMethods: [0],
            extensions: [
              { data: { _tag: "ServerName", names: [{ name: "ours.test" }] } },
              { data: { _tag: "SupportedGroups", groups: [23, 29] } },
              { data: { _tag: "EcPointFormats", formats: [0] } },
              { data: { _tag: "SignatureAlgorithms", schemes: [0x0403, 0x0804, 0x0401] } }
            ]
          })
        )
        return encodeWith((writer) => Tls.encodeHandshake(writer, { version: 0x0301, messages: hello }))
      },
      /ours\.test|6f 75 72 73/,
      2
    ]
  ]
}

afterAll(() => accepted.hold())

describe.each(Object.entries(cases))("%s", (name, list) => {
  const protocol = binaryProtocols[name]!
  const each = list.map(([what, from, bytes, said, packets = 1]) => [what, from, bytes, said, packets] as const)
  it.skipIf(!protocol.available()).each(each)(
    "understands %s of ours, and not when it is spoilt",
    async (what, from, bytes, said, packets) => {
      const judge = await protocol.judge()
      try {
        const verdict = await judge.accepts(from, bytes())
        expect(verdict.understood, `${hexOf(bytes())}: ${verdict.said}`).toBe(true)
        expect(verdict.said, what).toMatch(said)
        accepted.add(titles[name]!, packets)
        const spoilt = joined(bytes().subarray(0, -1))
        const refused = await judge.accepts(from, spoilt)
        expect(refused.understood && said.test(refused.said), `${hexOf(spoilt)}: ${refused.said}`).toBe(false)
      } finally {
        await judge.end()
      }
    }
  )
})

/** A mouse: what it is, its configuration, and what belongs to that. */
const mouse: ReadonlyArray<Parameters<typeof UsbCodec.encode>[1]> = [
  {
    _tag: "Device",
    bDescriptorType: 1,
    bcdUSB: 0x0200,
    bDeviceClass: 0,
    bDeviceSubClass: 0,
    bDeviceProtocol: 0,
    bMaxPacketSize0: 64,
    idVendor: 0x1234,
    idProduct: 0x5678,
    bcdDevice: 0x0123,
    iManufacturer: 0,
    iProduct: 0,
    iSerialNumber: 0,
    bNumConfigurations: 1
  },
  {
    _tag: "Configuration",
    bDescriptorType: 2,
    wTotalLength: 34,
    bNumInterfaces: 1,
    bConfigurationValue: 1,
    iConfiguration: 0,
    busPowered: 1,
    selfPowered: 0,
    remoteWakeup: 1,
    reserved: 0,
    bMaxPower: 49
  },
  {
    _tag: "Interface",
    bDescriptorType: 4,
    bInterfaceNumber: 0,
    bAlternateSetting: 0,
    bNumEndpoints: 1,
    bInterfaceClass: 3,
    bInterfaceSubClass: 1,
    bInterfaceProtocol: 2,
    iInterface: 0
  },
  { _tag: "Hid", bDescriptorType: 0x21, bcdHID: 0x0111, bCountryCode: 0, descriptors: [{ bDescriptorType: 0x22, wDescriptorLength: 63 }] },
  {
    _tag: "Endpoint",
    bDescriptorType: 5,
    in: 1,
    endpointNumber: 1,
    transferType: 3,
    synchronizationType: 0,
    usageType: 0,
    maxPacketSize: 8,
    additionalTransactions: 0,
    bInterval: 10
  }
]

describe.skipIf(!Usb.available())("usb", () => {
  it("lsusb reads descriptors of ours, and not when they are spoilt", async () => {
    const bytes = encodeWith((writer) => {
      for (const one of mouse) UsbCodec.encode(writer, one)
    })
    const { said, understood } = await Usb.accepts(bytes)
    expect(understood, said).toBe(true)
    expect(said).toMatch(
      /idVendor +0x1234[^]*bcdDevice +1\.23[^]*MaxPower +98mA[^]*wDescriptorLength +63[^]*EP 1 IN[^]*wMaxPacketSize +0x0008/
    )
    accepted.add("USB descriptors", mouse.length)
    expect((await Usb.accepts(Uint8Array.from(bytes, (byte, i) => i === 0 ? byte + 1 : byte))).understood).toBe(false)
  })
})
