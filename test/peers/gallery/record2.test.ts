/**
 * The gallery's binary protocols, recorded afresh: each conversation that is committed can be had again, with what a protocol's document says of
 * its bytes; and the foreign programs that are to judge ours understand one another, and do not understand what was spoilt.
 */
import { beforeAll, describe, expect, it } from "vitest"
import { tsharkVersion } from "../Tshark.ts"
import { bsonDocuments } from "./Bson.ts"
import { binaryProtocols } from "./BinaryProtocols.ts"
import { hasLibrary } from "./Programs.ts"
import { type Conversation, readFixture, readRecording, type Recording, sent, type Side } from "./TapBinary.ts"
import { handshakeMessages, type HandshakeMessage } from "./Tls.ts"
import * as Usb from "./Usb.ts"
import { readWithTshark, type TsharkReadings } from "./TsharkFields.ts"

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
const sides: ReadonlyArray<Side> = ["client", "server"]

/** Everything one side sent, by conversation. */
const streams = ({ conversations }: Recording, transport: Conversation["transport"], from: Side): ReadonlyArray<Uint8Array> =>
  conversations.filter((one) => one.transport === transport).map((one) => sent(one, from)).filter(({ length }) => length > 0)

/** Cuts a stream where each length says, and fails unless the last ends where the stream does. */
const cut = (bytes: Uint8Array, size: (rest: DataView) => number): ReadonlyArray<Uint8Array> => {
  const frames: Array<Uint8Array> = []
  let at = 0
  while (at < bytes.length) {
    const frame = bytes.subarray(at, at + size(view(bytes.subarray(at))))
    expect(frame.length).toBeGreaterThan(0)
    frames.push(frame)
    at += size(view(bytes.subarray(at)))
  }
  expect(at).toBe(bytes.length)
  return frames
}

/** Types of values in AMQP's tables, with the name of a field that has it. */
const tableTypes: ReadonlyArray<readonly [type: string, name: string]> = [
  ...[["S", "a string"], ["x", "bytes"], ["t", "true"], ["V", "none"], ["b", "int8"], ["B", "uint8"], ["s", "int16"], [
    "u",
    "uint16"
  ]] as const,
  ...[["I", "int32"], ["i", "uint32"], ["l", "int64"], ["f", "float"], ["d", "double"], ["D", "decimal"], ["T", "time"]] as const,
  ...[["F", "table"], ["A", "list"]] as const
]

/** Facts that hold in every recording of a protocol. */
const facts: Readonly<Record<string, (recording: Recording) => void>> = {
  dns: (recording) => {
    const overTcp = (from: Side) =>
      streams(recording, "tcp", from).flatMap((bytes) => cut(bytes, (rest) => 2 + rest.getUint16(0)).map((frame) => frame.subarray(2)))
    const overUdp = (from: Side) => {
      const chunks = recording.conversations.filter(({ transport }) => transport === "udp").flatMap((one) => one.chunks)
      return chunks.filter((chunk) => chunk.from === from).map(({ hex }) => bytesOf(hex))
    }
    const requests = [...overTcp("client"), ...overUdp("client")]
    const answers = [...overTcp("server"), ...overUdp("server")]
    for (const message of requests) expect(message[2]! & 0x80).toBe(0)
    for (const message of answers) expect(message[2]! & 0x80).toBe(0x80)
    expect(new Set(answers.map((message) => message[3]! & 15))).toEqual(new Set([0, 1, 2, 3, 4, 5, 8, 9]))
    expect(new Set(requests.map((message) => message[2]! >> 3 & 15))).toEqual(new Set([0, 2, 5]))
    expect(answers.filter((message) => (message[2]! & 2) > 0)).toHaveLength(3)
    // the name of the first answer points at the question's, which follows the header
    expect(answers.filter((message) => Buffer.from(message.subarray(12)).includes(Buffer.from([0xc0, 12]))).length).toBeGreaterThan(30)
  },
  amqp: ({ conversations }) => {
    const methods: Record<Side, Set<string>> = { client: new Set(), server: new Set() }
    const types: Record<Side, Set<number>> = { client: new Set(), server: new Set() }
    const valueTypes: Record<Side, Set<string>> = { client: new Set(), server: new Set() }
    for (const from of sides) {
      for (const one of conversations) {
        const stream = sent(one, from)
        const header = String.fromCharCode(...stream.subarray(0, 4)) === "AMQP" ? 8 : 0
        for (const frame of cut(stream.subarray(header), (rest) => 8 + rest.getUint32(3))) {
          expect(frame.at(-1)).toBe(0xce)
          types[from].add(frame[0]!)
          if (frame[0] === 1) methods[from].add(`${view(frame).getUint16(7)}.${view(frame).getUint16(9)}`)
          for (const [type, name] of tableTypes) {
            if (Buffer.from(frame).includes(Buffer.concat([Buffer.from([name.length]), Buffer.from(name + type)]))) {
              valueTypes[from].add(type)
            }
          }
        }
      }
      expect(types[from]).toEqual(new Set([1, 2, 3, 8]))
      expect(valueTypes[from]).toEqual(new Set(tableTypes.map(([type]) => type)))
    }
    const numbers = (text: string) => new Set(text.split(/\s+/))
    expect(methods.client).toEqual(numbers(
      `10.11 10.31 10.40 10.50 10.70 20.10 20.20 20.40 20.41 40.10 40.20 40.30 40.40 50.10 50.20 50.30 50.40 50.50 60.10 60.20 60.30
      60.40 60.70 60.80 60.90 60.110 60.120 85.10 90.10 90.20 90.30 10.51`
    ))
    expect(methods.server).toEqual(numbers(
      `10.10 10.30 10.41 10.50 10.51 10.71 20.11 20.21 20.40 20.41 40.11 40.21 40.31 40.51 50.11 50.21 50.31 50.41 50.51 60.11 60.21
      60.31 60.50 60.60 60.71 60.72 60.80 60.111 60.120 85.11 90.11 90.21 90.31`
    ))
  },
  kafka: ({ conversations }) => {
    const versions: Record<number, Set<number>> = {}
    const codecs: Record<Side, Set<number>> = { client: new Set(), server: new Set() }
    for (const one of conversations) {
      const [requests, answers] = [sent(one, "client"), sent(one, "server")].map((bytes) => cut(bytes, (rest) => 4 + rest.getInt32(0)))
      expect(answers!.map((answer) => view(answer).getInt32(4))).toEqual(requests!.map((request) => view(request).getInt32(8)))
      for (const request of requests!) (versions[view(request).getInt16(4)] ??= new Set()).add(view(request).getInt16(6))
      for (const [from, frames] of [["client", requests!], ["server", answers!]] as const) {
        for (const frame of frames) {
          // a batch: its length counts from its leader epoch, its magic is 2
          for (let at = 12; at + 61 <= frame.length; at++) {
            const batch = view(frame.subarray(at))
            const plausible = batch.getBigInt64(0) < 1000n && batch.getBigInt64(0) >= 0n && batch.getUint8(16) === 2 &&
              batch.getUint16(21) < 8
            if (plausible && batch.getInt32(8) >= 49 && 12 + batch.getInt32(8) <= frame.length - at) {
              codecs[from].add(batch.getUint16(21) & 7)
            }
          }
        }
      }
    }
    const span = (from: number, to: number) => new Set(Array.from({ length: to - from + 1 }, (_, i) => from + i))
    expect(versions[18]).toEqual(span(0, 3))
    expect(versions[3]).toEqual(span(0, 12))
    expect(versions[0]).toEqual(span(3, 9))
    expect(versions[1]).toEqual(span(4, 12))
    for (const from of sides) expect(codecs[from]).toEqual(new Set([0, 1]))
  },
  modbus: ({ conversations }) => {
    const codes: Record<Side, Set<number>> = { client: new Set(), server: new Set() }
    const exceptions = new Set<number>()
    for (const one of conversations) {
      const [requests, answers] = sides.map((from) => cut(sent(one, from), (rest) => 6 + rest.getUint16(4)))
      expect(answers!.map((answer) => view(answer).getUint16(0))).toEqual(requests!.map((request) => view(request).getUint16(0)))
      for (const [from, frames] of [["client", requests!], ["server", answers!]] as const) {
        for (const frame of frames) {
          expect(view(frame).getUint16(2)).toBe(0)
          codes[from].add(frame[7]!)
          if (frame[7]! >= 0x80) exceptions.add(frame[8]!)
        }
      }
    }
    const known = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43]
    expect(codes.client).toEqual(new Set(known))
    expect([...codes.server].filter((code) => code < 0x80).sort((a, b) => a - b)).toEqual(known)
    expect(exceptions).toEqual(new Set([2, 3]))
  },
  mongodb: (recording) => {
    const messages = (from: Side) =>
      streams(recording, "tcp", from).flatMap((stream) => cut(stream, (rest) => rest.getInt32(0, true))).map((bytes) => Buffer.from(bytes))
    const [requests, answers] = [messages("client"), messages("server")]
    expect(new Set(requests.map((one) => one.readInt32LE(12)))).toEqual(new Set([2004, 2012, 2013]))
    expect(new Set(answers.map((one) => one.readInt32LE(12)))).toEqual(new Set([1, 2012, 2013]))
    const flags = (all: ReadonlyArray<Buffer>) =>
      new Set(all.filter((one) => one.readInt32LE(12) === 2013).map((one) => one.readInt32LE(16)))
    expect(flags(requests)).toEqual(new Set([0, 2, 0x1_0000]))
    expect(flags(answers)).toEqual(new Set([0, 2]))
    const asked = new Set(requests.map((one) => one.readInt32LE(4)))
    const answered = answers.filter((one) => asked.has(one.readInt32LE(8)))
    // the monitor's second answer is to the first
    expect(answered).toHaveLength(answers.length - 1)
    expect(requests.some((one) => one.includes("\x01") && one.includes("nsInfo\0"))).toBe(true)
  },
  tls: (recording) => {
    const readable: Record<Side, Set<number>> = { client: new Set(), server: new Set() }
    const alerts = new Set<number>()
    for (const from of sides) {
      const types = new Set<number>()
      for (const stream of streams(recording, "tcp", from)) {
        const records = cut(stream, (rest) => 5 + rest.getUint16(3))
        for (const record of records) types.add(record[0]!)
        for (const record of records) if (record[0] === 21 && record.length === 7) alerts.add(record[6]!)
        // what follows a ChangeCipherSpec is encrypted, and in TLS 1.3 is application data by name
        const cipher = records.findIndex((record) => record[0] === 20)
        const plain = records.slice(0, cipher < 0 ? records.length : cipher).filter((record) => record[0] === 22)
        const joined = new Uint8Array(Buffer.concat(plain.map((record) => record.subarray(5))))
        for (const handshake of cut(joined, (rest) => 4 + (rest.getUint32(0) & 0xff_ffff))) readable[from].add(handshake[0]!)
      }
      expect(types).toEqual(new Set([20, 21, 22, 23]))
    }
    expect(readable.client).toEqual(new Set([1, 11, 15, 16]))
    expect(readable.server).toEqual(new Set([2, 4, 11, 12, 13, 14]))
    for (const alert of [40, 48, 70, 112, 120]) expect(alerts).toContain(alert)
  },
  websocket: ({ conversations }) => {
    for (const from of sides) {
      const masked = from === "client" ? 4 : 0
      const frames = conversations.filter(({ name }) => !name.endsWith(": upgrade")).flatMap((one) =>
        cut(sent(one, from), (rest) => {
          const short = rest.getUint8(1) & 0x7f
          return masked + (short < 126 ? 2 + short : short === 126 ? 4 + rest.getUint16(2) : 10 + Number(rest.getBigUint64(2)))
        })
      )
      expect(new Set(frames.map((frame) => frame[1]! >> 7))).toEqual(new Set([masked / 4]))
      expect(new Set(frames.map((frame) => frame[0]! & 15))).toEqual(new Set([0, 1, 2, 8, 9, 10]))
      const lengths = new Set(frames.map((frame) => frame[1]! & 0x7f))
      for (const length of [0, 125, 126, 127]) expect(lengths).toContain(length)
      // fragments, and compressed messages
      for (const bits of [0x00, 0x01, 0x02, 0x80, 0xc1]) expect(frames.map((frame) => frame[0])).toContain(bits)
    }
    const upgrades = conversations.filter(({ name }) => name.endsWith(": upgrade"))
    expect(upgrades).toHaveLength(conversations.length / 2)
    for (const one of upgrades) expect(Buffer.from(sent(one, "server")).toString()).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n$/s)
  }
}

/** Whether the judge of a protocol takes a recording's own bytes, and refuses spoilt ones. */
const judged: Readonly<
  Record<string, (recording: Recording, accepts: (from: Side, bytes: Uint8Array) => Promise<boolean>) => Promise<void>>
> = {
  dns: async ({ conversations }, accepts) => {
    const byName = (name: string): ReadonlyArray<Uint8Array> =>
      conversations.find((one) => one.name === name)!.chunks.map(({ hex }) => bytesOf(hex))
    for (const name of ["gallery.test MX", "naptr.gallery.test NAPTR", "text.gallery.test TXT", "no.signed.test A +dnssec"]) {
      const [question, answer] = byName(name)
      expect(await accepts("client", question!), name).toBe(true)
      expect(await accepts("server", answer!), name).toBe(true)
      question![12] = 0x3f // a label that reaches beyond the message
      answer![7] = 9 // more answers than there are
      expect(await accepts("client", question!), name).toBe(false)
      expect(await accepts("server", answer!), name).toBe(false)
      const trailing = new Uint8Array([...byName(name)[1]!, 0])
      expect(await accepts("server", trailing), name).toBe(false)
    }
  },
  amqp: async ({ conversations }, accepts) => {
    const stream = (from: Side) => sent(conversations.find(({ name }) => name === "basic")!, from)
    const server = stream("server")
    expect(await accepts("server", server)).toBe(true)
    expect(await accepts("server", server.subarray(0, -1))).toBe(false)
    const client = Buffer.from(stream("client"))
    // what follows the opening of channel 1
    const talk = client.subarray(client.indexOf(Buffer.from("0014000a", "hex")) + 6)
    expect(await accepts("client", talk)).toBe(true)
    const end = talk.indexOf(0xce)
    for (const [at, value] of [[end, 0xcd], [0, 4], [8, 99]] as const) {
      const spoilt = Uint8Array.from(talk)
      spoilt[at] = value
      expect(await accepts("client", spoilt), `${at}`).toBe(false)
    }
  },
  kafka: async ({ conversations }, accepts) => {
    const byName = (name: string) => conversations.find((one) => one.name === name)!.chunks.map(({ hex }) => bytesOf(hex))
    for (const name of ["ApiVersions 0–2", "Produce 3–7, without 5", "Fetch 4–11", "Metadata 7 and 8", "Metadata 9–12", "Fetch 12"]) {
      const [request, answer] = byName(name)
      const newest = /9–12|Fetch 12/.test(name)
      expect(await accepts("client", request!), name).toBe(!newest)
      expect(await accepts("client", new Uint8Array([...request!, 0])), name).toBe(false)
      const read = await accepts("server", new Uint8Array([...request!, ...answer!]))
      expect(read, name).toBe(name !== "Metadata 7 and 8")
    }
    const [produce, produced] = byName("Produce 3–7, without 5")
    const spoilt = (bytes: Uint8Array, at: number) => Uint8Array.from(bytes, (byte, i) => i === at ? byte + 1 : byte)
    // the count of topics; the length of the topic's name in the answer
    expect(await accepts("client", spoilt(produce!, 14 + 7 + 2 + 2 + 4))).toBe(false)
    expect(await accepts("server", new Uint8Array([...produce!, ...spoilt(produced!, 8 + 2)]))).toBe(false)
  },
  modbus: async ({ conversations }, accepts) => {
    const spoilt = (bytes: Uint8Array, at: number, value: number) => Uint8Array.from(bytes, (byte, i) => i === at ? value : byte)
    const { chunks } = conversations.find(({ name }) => name === "the document's examples")!
    for (const { from, hex } of chunks) expect(await accepts(from, bytesOf(hex)), `${from} ${hex}`).toBe(true)
    const [request, answer] = chunks.slice(4, 6).map(({ hex }) => bytesOf(hex))
    for (const [at, value] of [[3, 1], [5, 7], [7, 99]] as const) {
      expect(await accepts("client", spoilt(request!, at, value)), `${at}`).toBe(false)
      expect(await accepts("server", spoilt(answer!, at, value)), `${at}`).toBe(false)
    }
  },
  mongodb: async ({ conversations }, accepts) => {
    for (const { chunks, name } of conversations) {
      for (const { from, hex } of chunks) {
        // answers that are compressed, or more than one, go to who asked for that
        if (from === "client" || !/zlib|monitor/.test(name)) {
          expect(await accepts(from, bytesOf(hex)), `${name}, from the ${from}`).toBe(true)
        }
      }
    }
    const { chunks } = conversations.find(({ name }) => name === "every type found 2")!
    for (const from of sides) {
      const good = bytesOf(chunks.findLast((one) => one.from === from && one.hex.length > 200)!.hex)
      // the message's length, its opcode, the kind of its section, the document's length
      for (const at of [0, 12, 20, 21]) {
        const spoilt = good.slice()
        spoilt[at]! += 2
        expect(await accepts(from, spoilt), `${at} from the ${from}`).toBe(false)
      }
    }
  },
  tls: async ({ conversations }, accepts) => {
    const first = (name: string, from: Side) =>
      bytesOf(conversations.find((one) => one.name === name)!.chunks.find((one) => one.from === from)!.hex)
    const many = first("TLS 1.3 with many extensions", "client")
    const answer = first("TLS 1.2", "server")
    expect(await accepts("client", many)).toBe(true)
    expect(await accepts("server", answer)).toBe(true)
    const spoilt = (bytes: Uint8Array, at: number, by: number) => Uint8Array.from(bytes, (byte, i) => i === at ? byte + by : byte)
    // the message's length, the session id's, its cipher suites'
    for (const at of [8, 43, 43 + 33]) expect(await accepts("client", spoilt(many, at, 1)), `${at}`).toBe(false)
    for (const at of [5, 8, 43]) expect(await accepts("server", spoilt(answer, at, 1)), `${at}`).toBe(false)
  },
  websocket: async ({ conversations }, accepts) => {
    for (const from of sides) {
      const stream = sent(conversations.find(({ name }) => name === `ws ${from} says everything`)!, from)
      expect(await accepts(from, stream)).toBe(true)
      expect(await accepts(from, stream.subarray(0, stream.length - 5))).toBe(false)
      for (const [at, xor] of [[0, 0x40], [0, 0x0a], [1, 0x80]] as const) {
        const spoilt = stream.slice()
        spoilt[at]! ^= xor
        expect(await accepts(from, spoilt)).toBe(false)
      }
    }
  }
}

describe.each(Object.entries(binaryProtocols))("%s", (name, protocol) => {
  const committed = readRecording(name)
  const named = ({ conversations }: Recording) => conversations.map((one) => `${one.transport} ${one.name}`).sort()

  it("the committed recording keeps what the protocol's document says", () => facts[name]!(committed))

  describe.skipIf(!protocol.available())("afresh", () => {
    let fresh: Recording
    beforeAll(async () => {
      fresh = await protocol.record()
    }, 120_000)

    it("has the same conversations as the committed one", () => {
      expect(named(fresh)).toEqual(named(committed))
      for (const from of sides) {
        const longest = (recording: Recording) => Math.max(...recording.conversations.map((one) => sent(one, from).length))
        expect(longest(fresh)).toBeGreaterThan(longest(committed) * 0.8)
        expect(longest(fresh)).toBeLessThan(longest(committed) * 1.25)
      }
    })

    it("keeps what the protocol's document says", () => facts[name]!(fresh))

    it("its judge takes what the peers said, and nothing spoilt", async () => {
      const judge = await protocol.judge()
      try {
        await judged[name]!(fresh, async (from, bytes) => (await judge.accepts(from, bytes)).understood)
      } finally {
        await judge.end()
      }
    })

    it.skipIf(protocol.reading === undefined || tsharkVersion() === undefined)("tshark reads it, and complains of nothing new", () => {
      const { malformed, packets } = readWithTshark(fresh, protocol.reading!)
      expect(malformed).toEqual(readFixture<TsharkReadings>(`${name}.tshark`).malformed)
      expect(packets.length).toBeGreaterThan(10)
    })
  })
})

describe.skipIf(!hasLibrary("bson"))("bson", () => {
  const committed = readFixture<{ readonly documents: ReturnType<typeof bsonDocuments> }>("bson").documents

  it("writes the committed documents, and reads in them what it read", () => expect(bsonDocuments()).toEqual(committed))

  it("has every type, the deprecated ones too", () => {
    const types = new Set(committed.map(({ hex }) => hex.slice(8, 10)))
    // those of arrays' elements, behind "0"
    for (const { hex } of committed) for (const [, type] of hex.matchAll(/(..)3000/g)) types.add(type!)
    for (let type = 1; type <= 0x13; type++) expect(types).toContain(type.toString(16).padStart(2, "0"))
    for (const type of ["ff", "7f"]) expect(types).toContain(type)
  })
})

describe.skipIf(!binaryProtocols["tls"]!.available())("tls.messages", () => {
  const committed = readFixture<{ readonly messages: ReadonlyArray<HandshakeMessage> }>("tls.messages").messages

  it("has the messages of TLS 1.3 that are encrypted on the wire, each as long as it says", async () => {
    const types = (messages: ReadonlyArray<HandshakeMessage>) =>
      messages.map(({ from, hex, name }) => `${from} ${name} ${parseInt(hex.slice(0, 2), 16)}`)
    const fresh = await handshakeMessages()
    expect(types(fresh)).toEqual(types(committed))
    for (const { hex } of [...fresh, ...committed]) expect(hex.length / 2).toBe(4 + parseInt(hex.slice(2, 8), 16))
    expect(new Set(committed.map(({ hex }) => parseInt(hex.slice(0, 2), 16)))).toEqual(new Set([1, 2, 4, 8, 11, 13, 15, 20]))
  })
})

describe.skipIf(!Usb.available())("usb", () => {
  const committed = readFixture<{ readonly devices: Awaited<ReturnType<typeof Usb.usbDevices>> }>("usb").devices

  it("lsusb reads what is committed", async () => expect(await Usb.usbDevices()).toEqual(committed))

  it("has descriptors whose lengths add up, of every kind there was", () => {
    const types = new Set<number>()
    for (const { hex } of committed) for (const one of cut(bytesOf(hex), (rest) => rest.getUint8(0))) types.add(one[1]!)
    expect(types).toEqual(new Set([1, 2, 4, 5, 0x21]))
  })

  it("lsusb, as a judge, takes them and nothing spoilt", async () => {
    for (const { hex, name } of committed) expect((await Usb.accepts(bytesOf(hex))).understood, name).toBe(true)
    const bytes = bytesOf(committed[0]!.hex)
    // lengths of the device, the configuration, the first interface and the HID descriptor; the number of configurations
    for (const at of [0, 18, 27, 36, 17]) {
      const spoilt = Uint8Array.from(bytes, (byte, i) => i === at ? byte + 1 : byte)
      expect((await Usb.accepts(spoilt)).understood, `${at}`).toBe(false)
    }
  })
})
