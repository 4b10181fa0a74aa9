/** Packets that we wrote, which nobody recorded, are understood by programs of others. */
import { encodeWith, hexOf } from "@wirewright/codec"
import * as Amqp from "@wirewright/examples/gallery/amqp"
import * as Bson from "@wirewright/examples/gallery/bson"
import * as Dns from "@wirewright/examples/gallery/dns"
import * as Kafka from "@wirewright/examples/gallery/kafka"
import * as Modbus from "@wirewright/examples/gallery/modbus"
import * as Tls from "@wirewright/examples/gallery/tls"
import * as WebSocket from "@wirewright/examples/gallery/websocket"
import { describe, expect, it } from "vitest"
import { binaryProtocols } from "./BinaryProtocols.ts"
import type { Side } from "./TapBinary.ts"

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** Who says it, the bytes, and what the judge must have read in them. */
type Case = readonly [what: string, from: Side, bytes: () => Uint8Array, said: RegExp]

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
              { ...answer, data: { _tag: "CAA", critical: 0, reserved: 0, tag: "issue", value: "ca.test" } }
            ],
            authorities: [],
            additionals: []
          })
        ),
      /ours\.test\.\s+60\s+IN\s+TXT\s+"one" "two"[^]*MX\s+7 mail\.ours\.test\.[^]*SRV\s+1 2 3 mail\.ours\.test\.[^]*CAA\s+0 issue "ca\.test"/
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
    ["a delivery", "server", () =>
      encodeWith((writer) => {
        Amqp.encodeContentHeader(writer, {
          channel: 3,
          classId: 60,
          bodySize: 4n,
          contentType: "text/ours",
          headers: [{ name: "n", value: { _tag: "Double", value: 0.5 } }]
        })
        Amqp.encodeBody(writer, { channel: 3, content: text("ours") })
      }), /text\/ours/]
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
    ["a ClientHello", "client", () => {
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
    }, /ours\.test|6f 75 72 73/]
  ]
}

describe.each(Object.entries(cases))("%s", (name, list) => {
  const protocol = binaryProtocols[name]!
  it.skipIf(!protocol.available()).each(list)("understands %s of ours, and not when it is spoilt", async (what, from, bytes, said) => {
    const judge = await protocol.judge()
    try {
      const verdict = await judge.accepts(from, bytes())
      expect(verdict.understood, `${hexOf(bytes())}: ${verdict.said}`).toBe(true)
      expect(verdict.said, what).toMatch(said)
      const spoilt = joined(bytes().subarray(0, -1))
      const refused = await judge.accepts(from, spoilt)
      expect(refused.understood && said.test(refused.said), `${hexOf(spoilt)}: ${refused.said}`).toBe(false)
    } finally {
      await judge.end()
    }
  })
})
