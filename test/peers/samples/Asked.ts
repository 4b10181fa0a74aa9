/** What is said to Wireshark before each sample, so that it reads what was meant. */
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import { protocolTitled } from "../../sample/Protocols.ts"
import type { ForeignReading } from "./Compare.ts"
import type { Known } from "./Judge.ts"
import type { meanings } from "./Meanings.ts"
import type { Asking, Piece, Spoken } from "./Wireshark.ts"

/** How samples of a protocol are put to Wireshark. */
export interface Asked extends Asking {
  readonly title: string
  /** What its fields mean, in `Meanings.ts`. */
  readonly names: keyof typeof meanings
  /** Samples that are drawn. Default: 1,400 */
  readonly draws?: number
  /** Kinds of packets that are asked for. Default: all */
  readonly kinds?: ReadonlyArray<string>
  /** Packets that are asked for. Default: all */
  readonly tags?: RegExp
  readonly known: ReadonlyArray<Known>
  /** What Wireshark remarks of a packet that it has read to its end all the same. */
  readonly remarks?: RegExp
  /** States that samples are drawn in, one after the other. */
  readonly states?: ReadonlyArray<Readonly<Record<string, number>>>
  readonly speak: (sample: Sample) => Partial<Spoken>
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"))
const text = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, "latin1"))
const client = (bytes: Uint8Array): Piece => ({ fromClient: true, bytes })
const server = (bytes: Uint8Array): Piece => ({ fromClient: false, bytes })
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))
const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8 & 0xff, value & 0xff)

const valueOf = ({ annotation }: Sample, path: string): unknown => annotation.fields.find((field) => field.path === path)?.value
const tagOf = (value: unknown): string => typeof value === "number" ? String.fromCharCode(value) : String(value)
const isUnknown = ({ tag }: Sample): boolean => tag.startsWith("Unknown")
const said = (pattern: RegExp) => (_: Sample, { refused }: ForeignReading): boolean => refused.some((one) => pattern.test(one))
const unknown: Known = { reason: "numbers that no document assigns: we keep them as they are", is: isUnknown }

const malformed = said(/alformed/)
/** Of some packets, what Wireshark calls malformed. */
const refused = (tags: string, reason: string): Known => ({
  reason,
  is: (sample, reading) => tags.split(" ").includes(sample.tag) && malformed(sample, reading)
})

/** The smallest request with the API and version of a response, that is answered: some only ask that nothing is said. */
const questions = new Map<string, Uint8Array>()
const questionOf = ({ bytes, states, tag }: Sample): Uint8Array => {
  const packet = tag.replace("Response", "Request")
  const key = `${packet} ${states.get("apiVersion")}`
  const found = questions.get(key) ?? [
    ...new Sampler(protocolTitled("Kafka").catalog, { plain: true, states: new Map([["apiVersion", states.get("apiVersion") ?? 0]]) })
      .all({ packet, count: 20 })
  ].filter((sample) => valueOf(sample, "acks") !== 0).toSorted((a, b) => a.bytes.length - b.bytes.length)[0]!.bytes
  questions.set(key, found)
  // the response says no more than the number that both have
  return joined(found.subarray(0, 8), bytes.subarray(4, 8), found.subarray(12))
}

/** It chooses TLS 1.3. */
const serverHello = joined(hex("16 0303 0032 02 00002e 0303"), new Uint8Array(32), hex("00 1301 00 0006 002b 0002 0304"))

const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"

const kafka: Asked = {
  title: "Kafka",
  names: "kafka",
  states: [{ apiVersion: 4 }, { apiVersion: 5 }, { apiVersion: 7 }, { apiVersion: 8 }],
  known: [
    unknown,
    {
      reason: "records within batches, whose offsets and times Wireshark adds up",
      is: ({ annotation }) => annotation.fields.some(({ path }) => path.endsWith("offsetDelta"))
    },
    { reason: "versions of requests that Wireshark 4.0 does not know", is: said(/^Unsupported/) },
    refused("ProduceRequest FetchResponse", "batches of records that are null, or whose length is not that of one batch")
  ],
  dissector: "kafka",
  port: 9092,
  prefixes: ["kafka"],
  transport: "tcp",
  speak: () => ({})
}

/** Protocols that Wireshark knows too. */
export const asked: ReadonlyArray<Asked> = [
  {
    title: "MQTT",
    names: "mqtt",
    draws: 1_700,
    known: [
      unknown,
      {
        reason: "CONNECT of another version than the connection's, which no client sends",
        is: (sample) => sample.tag === "Connect" && valueOf(sample, "protocolVersion") !== sample.states.get("version")
      },
      { reason: "a property that Wireshark does not know there", is: said(/^Trailing stray/) },
      {
        reason: "an empty topic of version 5, where an alias may stand for it",
        is: (sample, reading) =>
          sample.tag === "Publish" && sample.states.get("version") === 5 &&
          said(/^Length cannot be 0|^Unknown topic alias/)(sample, reading)
      }
    ],
    dissector: "mqtt",
    prefixes: ["mqtt"],
    transport: "tcp",
    states: [{ version: 5 }, { version: 4 }],
    // CONNECT tells the version
    speak: ({ annotation, states }) =>
      annotation.packet === "Connect"
        ? {}
        : { before: [client(hex(states.get("version") === 5 ? "100d00044d51545405020000000000" : "100c00044d5154540402000000 00"))] }
  },
  {
    title: "DNS",
    names: "dns",
    draws: 1_050,
    kinds: ["datagram"],
    remarks: /uppermost bit of the TTL|Dissector for DNS Type/,
    known: [{
      reason: "a stateful operation (opcode 6) without its data",
      is: (sample, reading) => valueOf(sample, "opcode") === 6 && malformed(sample, reading)
    }],
    dissector: "dns",
    prefixes: ["dns"],
    transport: "udp",
    speak: () => ({})
  },
  {
    title: "DNS",
    names: "dns",
    draws: 1_050,
    kinds: ["segment"],
    remarks: /uppermost bit of the TTL|Dissector for DNS Type/,
    known: [{
      reason: "a stateful operation (opcode 6) without its data",
      is: (sample, reading) => valueOf(sample, "opcode") === 6 && malformed(sample, reading)
    }],
    dissector: "dns",
    prefixes: ["dns"],
    transport: "tcp",
    speak: () => ({})
  },
  {
    title: "BSON and OP_MSG",
    names: "mongo",
    draws: 3_600,
    known: [
      unknown,
      {
        reason: "decimals and pointers to documents, over which Wireshark 4.0 steps too short",
        is: ({ annotation }) => annotation.fields.some(({ path, value }) => path.endsWith(".tag") && (value === 0x13 || value === 0x0c))
      },
      {
        reason: "checksums, which Wireshark 4.0 takes for a section",
        is: (sample, reading) => valueOf(sample, "hasChecksum") === 1 && malformed(sample, reading)
      },
      { reason: "compressed messages that hold none", is: ({ tag }) => tag === "Compressed" }
    ],
    dissector: "mongo",
    prefixes: ["mongo"],
    transport: "tcp",
    port: 27_017,
    speak: () => ({})
  },
  {
    title: "PostgreSQL",
    names: "pgsql",
    known: [
      { reason: "one byte without a length, an answer to who asked for encryption", is: ({ kind }) => kind === "encryption" },
      unknown,
      {
        reason: "answers that only what the server asked for tells from a password",
        is: (sample, reading) =>
          /^(?:GSS|SASL)Response$/.test(sample.tag) &&
          (malformed(sample, reading) || reading.shown.some(({ name }) => name === "pgsql.password"))
      },
      refused("BackendKeyData CancelRequest", "secret keys that are not of four bytes, as PostgreSQL 18 has them")
    ],
    dissector: "pgsql",
    prefixes: ["pgsql"],
    transport: "tcp",
    speak: () => ({})
  },
  {
    title: "AMQP 0-9-1",
    names: "amqp",
    draws: 2_600,
    remarks: /Message was not delivered|Channel error|Connection error/,
    known: [
      unknown,
      { reason: "connection.update-secret, which RabbitMQ has added", is: said(/Unknown connection method 7[01]/) },
      {
        reason: "the greeting of another version, which Wireshark takes for AMQP 1.0 or nothing",
        is: ({ kind }) => kind === "greeting"
      }
    ],
    dissector: "amqp",
    prefixes: ["amqp"],
    transport: "tcp",
    speak: ({ kind }) => kind === "greeting" ? {} : { before: [client(text("AMQP\0\0\x09\x01"))] }
  },
  {
    title: "Modbus/TCP",
    names: "modbus",
    draws: 1_100,
    known: [unknown, refused("Diagnose Diagnosis", "a diagnosis without data, which sub-function 1 has")],
    port: 502,
    dissector: "mbtcp",
    prefixes: ["mbtcp", "modbus"],
    transport: "tcp",
    speak: () => ({})
  },
  {
    title: "TLS",
    names: "tls",
    draws: 2_600,
    kinds: ["handshakeMessage"],
    known: [
      unknown,
      { reason: "certificates and names that are no DER", is: said(/^BER Error/) },
      { reason: "lists of OCSP responders, which Wireshark does not take apart", is: said(/not implemented/) },
      { reason: "extensions with data that is not theirs", is: said(/trailing bytes? w/) },
      refused("Certificate CertificateRequest", "certificates and names that are no DER, and end early"),
      refused("ClientHello ServerHello EncryptedExtensions NewSessionTicket", "extensions with data that is not theirs, and ends early")
    ],
    dissector: "tls",
    prefixes: ["tls"],
    transport: "tcp",
    states: [{ version: 12 }, { version: 13 }],
    speak: ({ bytes, states }) => ({
      ...(states.get("version") === 13 ? { before: [client(serverHello)] } : {}),
      bytes: joined(hex("160303"), u16(bytes.length), bytes),
      front: 5
    })
  },
  {
    title: "WebSocket",
    names: "websocket",
    remarks: /Dissector for Websocket Opcode/,
    known: [unknown, { reason: "text or a reason for closing that is not text", is: said(/^Trailing stray/) }],
    dissector: "http",
    prefixes: ["websocket"],
    transport: "tcp",
    speak: () => ({
      before: [
        client(text(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)),
        server(text(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`))
      ]
    })
  },
  {
    title: "RESP2 and RESP3",
    names: "resp",
    draws: 5_200,
    known: [
      { reason: "a command in a line, without types: Wireshark reads none", is: ({ tag }) => tag === "Inline" },
      {
        reason: "types of RESP3, of which Wireshark 4.0 knows none",
        is: ({ annotation, tag }) =>
          tag === "Push" || annotation.fields.some(({ path, value }) => path.endsWith("tag") && !"*$:+-".includes(tagOf(value)))
      }
    ],
    dissector: "resp",
    prefixes: ["resp"],
    transport: "tcp",
    speak: () => ({})
  },
  { ...kafka, kinds: ["request"], draws: 3_200 },
  {
    ...kafka,
    kinds: ["response"],
    draws: 2_000,
    speak: (sample) => ({ before: [client(questionOf(sample))] })
  },
  {
    title: "package memcached",
    names: "couchbase",
    draws: 1_700,
    known: [
      unknown,
      {
        reason: "errors with extras that no server sends, which Wireshark reads as those of success",
        is: (sample) => sample.tag === "ErrorResponse" && valueOf(sample, "extrasLength") !== 0
      },
      {
        reason: "framing extras whose length is in a second byte, which Wireshark shows by itself",
        is: ({ annotation }) => annotation.fields.some(({ length, path }) => path.endsWith(".frame") && length > 1)
      }
    ],
    remarks: /./,
    dissector: "couchbase",
    prefixes: ["couchbase"],
    transport: "tcp",
    speak: () => ({})
  },
  {
    title: "memcached",
    names: "memcache",
    // it knows the commands of 2008 and their answers
    tags:
      /^(?:Gets?|Set|Add|Replace|Append|Prepend|CompareAndSet|Delete|Increment|Decrement|FlushAll|Version|Statistics.*|Value|Stored|NotStored|Exists|NotFound|Deleted|Statistic|End|VersionText|Ok|Error)$/,
    draws: 1_400,
    remarks: /must have Value/,
    known: [
      {
        reason: "flags above 16 bits, of which Wireshark shows the low ones",
        is: (sample) => Number(valueOf(sample, "flags") ?? 0) > 0xffff
      },
      { reason: "a time of 0 in delete, which is a word in our spec", is: (sample) => valueOf(sample, "zero") !== undefined }
    ],
    dissector: "memcache",
    prefixes: ["memcache"],
    transport: "tcp",
    speak: () => ({})
  }
]
