/**
 * The generated codecs against bytes that were made to hurt: cut off, lying about their lengths, or changed at random. The outcome is
 * always a `DecodeError` with a place in the frame, or a packet that is written back as exactly these bytes; what lies behind the frame
 * changes nothing, and nothing of a claimed size is allocated. Replay with WIREWRIGHT_SEED.
 */
import { annotate, bytesOfDigits, DecodeError, encodeWith, type FieldSpan, Framer, hexOf, Reader, writeLeb128 } from "@wirewright/codec"
import type { AnyPacket } from "@wirewright/codec"
import { random } from "@wirewright/codec/Random.fixture"
import { decodeXattrValue, readXattrValue } from "@wirewright/couchbase/gen"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { isDeepStrictEqual } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  couchbase,
  dcp,
  decodeHex,
  dialectOf,
  encodeHex,
  hasCollections,
  memcached,
  packetVectors,
  type Protocol,
  refusalOf,
  specExamples
} from "../conformance/Vectors.fixture.ts"

const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_121)
const mutations = 100_000
const headerSize = 24
const frameLimit = frameShape.maxFrame

interface Case {
  readonly name: string
  readonly protocol: Protocol
  readonly bytes: Uint8Array
  readonly collections: boolean
}

/** All examples of the specs, each read by the outermost protocol that has it. */
const examples: ReadonlyArray<Case> = specExamples.map((one) => one.protocol === couchbase ? { ...one, protocol: dcp } : one)

/** All recorded packets, the malformed ones too. */
const recorded: ReadonlyArray<Case> = packetVectors.flatMap((vector) =>
  [vector.hex, ...(vector.fixed_hex === undefined ? [] : [vector.fixed_hex])].map((hex) => ({
    name: vector.name,
    protocol: dialectOf(vector),
    bytes: bytesOfDigits(hex),
    collections: hasCollections(vector.fields)
  }))
)

const counts = new Map<string, number>()
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
afterAll(() => console.log(`hostile (seed ${seed}): ${[...counts].map(([what, number]) => `${what} ${number}`).join(", ")}`))

// half a million errors are made here, and nobody looks at their stacks
const limit = Error.stackTraceLimit
beforeAll(() => void (Error.stackTraceLimit = 0))
afterAll(() => void (Error.stackTraceLimit = limit))

type Outcome = { readonly packet: AnyPacket } | { readonly error: DecodeError }

const run = (protocol: Protocol, reader: Reader, at: number, collections: boolean): Outcome => {
  try {
    return { packet: protocol.decode(reader, at, { collections }) }
  } catch (error) {
    if (error instanceof DecodeError) return { error }
    throw error
  }
}

/** Size that the header claims, 0 when it is cut off. */
const claimed = (bytes: Uint8Array): number =>
  bytes.length < headerSize ? 0 : headerSize + new DataView(bytes.buffer, bytes.byteOffset).getUint32(8)

/** `bytes` in the middle of a buffer that is otherwise full of `poison`. */
const poisoned = (bytes: Uint8Array, poison: number, before: number, behind: number): Uint8Array => {
  const buffer = new Uint8Array(before + bytes.length + behind).fill(poison)
  buffer.set(bytes, before)
  return buffer
}

const spell = (error: DecodeError): string => `${error.reason} ${error.incomplete} ${error.offset} ${error.message}`

const sameOutcome = (one: Outcome, other: Outcome): boolean =>
  "error" in one
    ? "error" in other && spell(one.error) === spell(other.error)
    : "packet" in other && isDeepStrictEqual(one.packet, other.packet)

/** The promise of every decoder, held against any bytes. Returns what came out. */
const hold = ({ protocol, collections, name }: Case, bytes: Uint8Array): Outcome => {
  const complain = (what: string): never => {
    throw new Error(`${what}: ${protocol.name}, collections ${collections}, from ${name}: ${hexOf(bytes)}`)
  }
  const size = claimed(bytes)
  const complete = size > 0 && bytes.length >= size
  const frame = complete ? bytes.subarray(0, size) : bytes
  // the reader's view ends with the frame, its buffer does not
  const view = poisoned(frame, 0xaa, 5, 40).subarray(5, 5 + frame.length)
  let outcome: Outcome
  try {
    outcome = run(protocol, new Reader(view), 0, collections)
  } catch (error) {
    return complain(`not a DecodeError but ${String(error)}`)
  }
  // the reader goes on behind the frame when that is complete
  const again = complete
    ? run(protocol, new Reader(poisoned(frame, 0x55, 3, 64)), 3, collections)
    : run(protocol, new Reader(poisoned(frame, 0x55, 3, 64).subarray(3, 3 + frame.length)), 0, collections)
  if (!sameOutcome(outcome, again)) complain(`depends on what lies around it: ${JSON.stringify([outcome, again], bigAsText)}`)
  if ("error" in outcome) {
    const { reason, offset, packet, path, incomplete, expected, got } = outcome.error
    if (incomplete !== (reason === "Incomplete")) complain(`incomplete contradicts ${reason}`)
    if (incomplete && complete) complain("a complete frame is called incomplete")
    if (!(Number.isInteger(offset) && offset >= 0 && offset <= frame.length)) complain(`offset ${offset}`)
    if (packet === "" || typeof path !== "string" || expected === "" || got === "") complain(`says nothing: ${spell(outcome.error)}`)
    return outcome
  }
  const { packet } = outcome
  let written: Uint8Array
  try {
    written = encodeWith((writer) => protocol.encode(writer, packet))
  } catch (error) {
    return complain(`${packet._tag} decodes but cannot be written: ${String(error)}`)
  }
  if (!isDeepStrictEqual(written, new Uint8Array(frame))) complain(`${packet._tag} is written as ${hexOf(written)}`)
  return outcome
}

const bigAsText = (_: string, value: unknown): unknown => typeof value === "bigint" ? String(value) : value

const tally = (what: string, outcome: Outcome): void =>
  count("packet" in outcome ? `${what}: legal` : `${what}: ${outcome.error.incomplete ? "incomplete" : "refused"}`)

/** Where the sections of a complete frame begin: framing, extras, key, value, end. */
const sectionsOf = (bytes: Uint8Array): readonly [number, number, number, number, number] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const flexible = bytes[0] === 0x08 || bytes[0] === 0x18
  const extras = headerSize + (flexible ? bytes[2]! : 0)
  const key = extras + bytes[4]!
  return [headerSize, extras, key, key + (flexible ? bytes[3]! : view.getUint16(2)), bytes.length]
}

/** The first `size` bytes of a frame, with a header that knows no better. */
const shortened = (bytes: Uint8Array, size: number): Uint8Array => {
  const [framing, extras, key, value] = sectionsOf(bytes)
  const out = bytes.slice(0, size)
  const view = new DataView(out.buffer)
  const within = (start: number, end: number) => Math.max(0, Math.min(end, size) - start)
  view.setUint32(8, size - headerSize)
  view.setUint8(4, within(extras, key))
  if (bytes[0] === 0x08 || bytes[0] === 0x18) {
    view.setUint8(2, within(framing, extras))
    view.setUint8(3, within(key, value))
  } else view.setUint16(2, within(key, value))
  return out
}

describe("truncation", () => {
  it("an example cut off at any byte is incomplete", () => {
    for (const one of examples) {
      expect("packet" in hold(one, one.bytes), one.name).toBe(true)
      for (let size = 0; size < one.bytes.length; size++) {
        const outcome = hold(one, one.bytes.subarray(0, size))
        if (!("error" in outcome) || !outcome.error.incomplete || outcome.error.offset !== size) {
          throw new Error(`${one.name} at ${size}: ${JSON.stringify(outcome, bigAsText)}`)
        }
        tally("cut", outcome)
      }
    }
  })

  it("with a header that claims only what is left it is malformed, or another legal packet", () => {
    for (const one of examples) {
      for (let size = headerSize; size < one.bytes.length; size++) {
        for (const collections of [false, true]) {
          const outcome = hold({ ...one, collections }, shortened(one.bytes, size))
          if ("error" in outcome && outcome.error.incomplete) throw new Error(`${one.name} at ${size} is incomplete`)
          tally("cut and consistent", outcome)
        }
      }
    }
  })

  it("a section that loses its last byte to the next one is malformed, or another legal packet", () => {
    for (const one of examples) {
      for (const [offset, by] of [[2, -1], [3, -1], [4, -1], [2, 1], [3, 1], [4, 1]] as const) {
        const bytes = one.bytes.slice()
        bytes[offset] = bytes[offset]! + by
        tally("sections moved", hold(one, bytes))
      }
    }
  })
})

describe("lengths that lie", () => {
  const memory = (): number => {
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    return arrayBuffers + heapUsed
  }

  it("a body of 4 GiB is refused by its header, in every protocol and kind of packet", () => {
    for (const protocol of [memcached, couchbase, dcp]) {
      for (const magic of [0x80, 0x08, 0x81, 0x18, 0x82, 0x83]) {
        const bytes = new Uint8Array(headerSize)
        bytes[0] = magic
        bytes.fill(0xff, 8, 12)
        const outcome = hold({ name: "4 GiB", protocol, collections: true, bytes }, bytes)
        if (protocol === memcached && magic >= 0x82) expect(outcome).toHaveProperty("error")
        expect(outcome, `${protocol.name} 0x${magic.toString(16)}`).toMatchObject({ error: { incomplete: false, reason: /Limit|Magic/ } })
      }
    }
  })

  it("the limit is exact", () => {
    const bytes = new Uint8Array(headerSize)
    bytes[0] = 0x80
    bytes[1] = 0x01
    for (const [size, reason] of [[frameLimit, "Incomplete"], [frameLimit + 1, "Limit"]] as const) {
      new DataView(bytes.buffer).setUint32(8, size - headerSize)
      expect(refusalOf(() => dcp.decode(new Reader(bytes), 0, { collections: false }))?.reason).toBe(reason)
      const framer = new Framer(frameShape)
      expect(refusalOf(() => framer.push(bytes, () => expect.unreachable()))?.reason).toBe(reason === "Limit" ? "Limit" : undefined)
    }
  })

  it("a thousand connections that claim the largest body cost what they have sent", () => {
    const bytes = new Uint8Array(headerSize)
    bytes[0] = 0x80
    new DataView(bytes.buffer).setUint32(8, frameLimit - headerSize)
    const before = memory()
    const framers = Array.from({ length: 1000 }, () => {
      const framer = new Framer(frameShape)
      framer.push(bytes.slice(0, 23), () => expect.unreachable())
      framer.push(bytes.slice(23), () => expect.unreachable())
      expect(refusalOf(() => dcp.decode(new Reader(bytes), 0, { collections: false }))?.incomplete).toBe(true)
      return framer
    })
    expect(memory() - before).toBeLessThan(20_000_000)
    expect(framers.every(({ buffered }) => buffered === headerSize)).toBe(true)
  })

  it("0xff at any place of any example, one to eight bytes wide", () => {
    const before = memory()
    let most = 0
    for (const one of examples) {
      for (let at = 1; at < one.bytes.length; at++) {
        for (const width of [1, 2, 4, 8]) {
          const bytes = one.bytes.slice()
          bytes.fill(0xff, at, at + width)
          tally("0xff", hold(one, bytes))
        }
      }
      most = Math.max(most, memory() - before)
    }
    // garbage that nobody has collected yet, but no 4 GiB
    expect(most).toBeLessThan(600_000_000)
  })

  it("every length and count within a packet is held against what is there", () => {
    let found = 0
    for (const one of examples) {
      const states = new Set(one.collections ? ["collections"] : [])
      const lengths = annotate(one.protocol.catalog, one.bytes, { states }).fields.filter(isLength)
      for (const { offset, length, path } of lengths) {
        found++
        for (const value of [1, 0x7f, 0xff]) {
          const bytes = one.bytes.slice()
          bytes.fill(value, offset, offset + length)
          const outcome = hold(one, bytes)
          if (value === 0xff && length === 4) expect("error" in outcome, `${one.name} ${path}`).toBe(true)
          tally("inner lengths", outcome)
        }
      }
    }
    expect(found).toBeGreaterThan(45)
  })

  it("attributes that claim more than their value", () => {
    // all of a stored value is there
    const xattrsOf = (bytes: Uint8Array) => readXattrValue(new Reader(bytes), 0, bytes.length, 0)
    const value = "0000000e" + "0000000a" + "6b657900" + "2276616c2200" // "key\0" and "\"val\"\0"
    expect(xattrsOf(bytesOfDigits(value)).pairs).toEqual([{ pair: { key: "key", value: "\"val\"" } }])
    for (const lie of ["ffffffff", "0000000f", "80000000"]) {
      expect(refusalOf(() => xattrsOf(bytesOfDigits(lie + value.slice(8))))).toMatchObject({
        reason: "Length",
        path: "pairs",
        offset: 4
      })
      expect(refusalOf(() => xattrsOf(bytesOfDigits(value.slice(0, 8) + lie + value.slice(16))))?.reason).toBe("Length")
    }
    // shorter: what is cut out of the pair has no NUL at its end, or is left over
    expect(refusalOf(() => xattrsOf(bytesOfDigits(value.slice(0, 8) + "00000009" + value.slice(16))))?.incomplete).toBe(false)
    for (let size = 0; size < value.length / 2; size++) {
      expect(refusalOf(() => xattrsOf(bytesOfDigits(value).slice(0, size))), `${size} bytes`).toMatchObject({
        reason: "Length",
        incomplete: false
      })
      // more could come as far as the stand-alone decoder knows
      expect(refusalOf(() => decodeXattrValue(bytesOfDigits(value).slice(0, size))), `${size} bytes`).toMatchObject({
        reason: "Incomplete",
        incomplete: true
      })
    }
  })
})

const isLength = ({ section, type }: FieldSpan): boolean => section !== "header" && / (length|count) of /.test(type)

/** Names of all bitmasks and enumerations. */
const nameable = new Set(
  [memcached, couchbase, dcp].flatMap(({ models }) => models.at(-1)!.types).filter(({ kind }) => kind === "flags" || kind === "enumeration")
    .map(({ name }) => name)
)

const get = (key: string, header: { readonly keyLength?: number; readonly extras?: number; readonly body?: number } = {}): string => {
  const bytes = new Uint8Array(headerSize)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x80
  view.setUint16(2, header.keyLength ?? key.length / 2)
  view.setUint8(4, header.extras ?? 0)
  view.setUint32(8, header.body ?? key.length / 2)
  return hexOf(bytes) + key
}

const refusedAs = (hex: string, collections = false, protocol: Protocol = dcp): Partial<DecodeError> => {
  const error = refusalOf(() => decodeHex(protocol, hex, collections))
  if (error === undefined) throw new Error(`taken: ${hex}`)
  const { reason, packet, path, offset, incomplete } = error
  return { reason, packet, path, offset, incomplete }
}

describe("named mistakes", () => {
  const body = { reason: "Length", packet: "Request", path: "bodyLength", offset: 8, incomplete: false }

  it("extras and key longer than the body", () => {
    expect(refusedAs(get("6b6b", { keyLength: 3, body: 2 }))).toEqual(body)
    expect(refusedAs(get("6b6b", { extras: 1, body: 2 }))).toEqual(body)
    expect(refusedAs(get("6b6b", { keyLength: 0xffff, extras: 0xff, body: 2 }))).toEqual(body)
    // more than the body, although the input has enough bytes behind it
    expect(refusedAs(get("6b6b6b6b", { keyLength: 4, body: 2 }))).toEqual(body)
  })

  const framed = (framing: string, key = "6b") =>
    `0800${(framing.length / 2).toString(16).padStart(2, "0")}01${"00".repeat(4)}${
      ((framing.length + key.length) / 2).toString(16).padStart(8, "0")
    }${"00".repeat(12)}${framing}${key}`

  it.each([
    ["a frame longer than the section", "1301", "framing[0]", 24],
    ["the second of two", "001301", "framing[1]", 25],
    ["an id escape at the end", "f0", "framing[0]", 24],
    ["a length escape at the end", "0f", "framing[0]", 24],
    ["both escapes, one byte", "ff00", "framing[0]", 24],
    ["an escaped length of 270", "0fff00", "framing[0]", 24],
    ["a barrier with content", "0100", "framing[0]", 25],
    ["durability of no bytes", "10", "framing[0].level", 25],
    ["durability with half a timeout", "120100", "framing[0].timeout", 26],
    ["a stream id of one byte", "2101", "framing[0]", 25]
  ])("framing extras: %s", (_, framing, path, offset) => {
    expect(refusedAs(framed(framing))).toEqual({
      reason: "Length",
      packet: expect.stringMatching(/^Request/),
      path,
      offset,
      incomplete: false
    })
  })

  it("framing extras longer than the body", () => {
    expect(refusedAs(framed("00").replace(/^080001/, "0800ff"))).toEqual(body)
  })

  it.each([
    ["nothing", "", 24],
    ["no end", "80", 25],
    ["no end within four bytes", "ffffffff", 28],
    ["a trailing zero group", "8000", 25],
    ["zero in five bytes", "8080808000", 28],
    ["33 bits", "ffffffff1f", 24],
    ["six bytes", "808080808001", 24],
    ["0xff to the end", "ffffffffffffffff", 24]
  ])("collection ids: %s", (_, key, offset) => {
    const wrong = { reason: "Varint", packet: "Get", path: "collectionId", offset, incomplete: false }
    expect(refusedAs(get(key), true)).toEqual(wrong)
    // without collections it is a key like any other
    expect(encodeHex(dcp, decodeHex(dcp, get(key), false))).toBe(get(key))
  })

  it("collection ids at the edges of their sizes are taken", () => {
    for (const id of [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 0xffff_ffff]) {
      const bytes = new Uint8Array(5)
      const hex = get(hexOf(bytes.subarray(0, writeLeb128(bytes, 0, id))))
      const packet = decodeHex(dcp, hex, true)
      expect(packet["collectionId"]).toBe(id)
      expect(encodeHex(dcp, packet)).toBe(hex)
    }
  })

  it("a collection id within a record is refused with its path", () => {
    const item = examples.find(({ bytes }) => bytes[0] === 0x80 && bytes[1] === 0x66 && bytes.length > 70)!
    const bytes = item.bytes.slice()
    // the key's last byte is all that ends the id
    const key = annotate(dcp.catalog, bytes, { states: new Set(["collections"]) }).fields.find(({ path }) =>
      /items\[0\]\.key\.collectionId/.test(path)
    )!
    bytes.fill(0x80, key.offset, key.offset + 5)
    const error = hold({ ...item, collections: true }, bytes)
    expect(error).toMatchObject({ error: { reason: "Varint", incomplete: false } })
    expect("error" in error ? error.error.path : "").toMatch(/^items\[0\]\.key/)
  })

  it("every magic but those of the protocol", () => {
    const legal = new Set(frameShape.magics)
    expect([...legal].toSorted((a, b) => a - b)).toEqual([0x08, 0x18, 0x80, 0x81, 0x82, 0x83])
    for (let magic = 0; magic < 256; magic++) {
      if (legal.has(magic)) continue
      const hex = magic.toString(16).padStart(2, "0") + get("6b").slice(2)
      const wrong = { reason: "Magic", packet: "Mcbp", path: "magic", offset: 0, incomplete: false }
      for (const protocol of [memcached, couchbase, dcp]) {
        expect(refusedAs(hex, false, protocol)).toEqual(wrong)
        // known from the first byte
        expect(refusedAs(hex.slice(0, 2), false, protocol)).toEqual(wrong)
      }
      expect(refusalOf(() => new Framer(frameShape).push(bytesOfDigits(hex), () => {}))?.reason).toBe("Magic")
    }
  })

  it("reserved bytes and unknown values are kept where the spec says so, and written back", () => {
    const kept = examples.flatMap((one) => {
      const states = new Set(one.collections ? ["collections"] : [])
      const { fields } = annotate(one.protocol.catalog, one.bytes, { states })
      return fields.filter(({ section, reserved, type }) => section !== "header" && (reserved || nameable.has(type.split(" ").at(-1)!)))
        .map((field) => ({ one, field }))
    })
    expect(kept.length).toBeGreaterThan(80)
    expect(kept.filter(({ field }) => field.reserved).length).toBeGreaterThan(5)
    for (const { one, field } of kept) {
      for (const value of [0xff, 0x5a, 0x80]) {
        const bytes = one.bytes.slice()
        bytes.fill(value, field.offset, field.offset + field.length)
        const outcome = hold(one, bytes)
        // an unknown value may select another layout of the packet, or none; reserved bytes select nothing
        if (field.reserved) expect("packet" in outcome, `${one.name} ${field.path}`).toBe(true)
        tally(field.reserved ? "reserved" : "unknown values", outcome)
      }
    }
    // nothing in these specs says otherwise: a stricter policy needs a test here
    for (const { models } of [memcached, couchbase, dcp]) expect(JSON.stringify(models)).not.toMatch(/"(unknown|policy)":"(error|ignore)"/)
  })

  it("unknown opcodes and statuses come out whole", () => {
    for (const magic of [0x80, 0x81, 0x82, 0x83]) {
      for (let opcode = 0; opcode < 256; opcode++) {
        const bytes = bytesOfDigits(get("6b6579"))
        bytes[0] = magic
        bytes[1] = opcode
        if (magic % 2 === 1) bytes.set([0x7f, 0x31], 6)
        const outcome = hold({ name: `opcode ${opcode}`, protocol: dcp, bytes, collections: false }, bytes)
        if (magic % 2 === 1) expect("packet" in outcome).toBe(true)
        tally("any opcode", outcome)
      }
    }
  })
})

describe("random changes", () => {
  const origins = [...examples, ...recorded]
  const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x08, 0x18, 0x81, 0x82, 0x83]

  /** One change. Most are small: what is nearly right gets furthest. */
  const mutate = (bytes: Uint8Array, below: (n: number) => number): Uint8Array => {
    const at = below(bytes.length)
    switch (below(8)) {
      case 0:
      case 1: {
        const out = bytes.slice()
        out[at]! ^= 1 << below(8)
        return out
      }
      case 2: {
        const out = bytes.slice()
        out[at] = below(256)
        return out
      }
      case 3: {
        const out = bytes.slice()
        out[at] = interesting[below(interesting.length)]!
        return out
      }
      case 4:
        return Uint8Array.from([...bytes.subarray(0, at), ...Array.from({ length: 1 + below(4) }, () => below(256)), ...bytes.subarray(at)])
      case 5:
        return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(4))])
      case 6: {
        const other = origins[below(origins.length)]!.bytes
        return Uint8Array.from([...bytes.subarray(0, at), ...other.subarray(below(other.length))])
      }
      default: {
        // part of another packet over this one
        const out = bytes.slice()
        const other = origins[below(origins.length)]!.bytes
        const from = below(other.length)
        out.set(other.subarray(from, from + Math.min(1 + below(16), out.length - at)), at)
        return out
      }
    }
  }

  it(`${mutations} of them`, () => {
    const below = random(seed)
    for (let i = 0; i < mutations; i++) {
      const one = origins[below(origins.length)]!
      let bytes = one.bytes
      for (let times = 1 + below(3); times > 0 && bytes.length > 0; times--) bytes = mutate(bytes, below)
      // half of them with a body length that fits, to get behind the header
      if (bytes.length >= headerSize && below(2) === 0) {
        bytes = bytes.slice()
        new DataView(bytes.buffer).setUint32(8, bytes.length - headerSize)
      }
      const outcome = hold({ ...one, collections: below(4) === 0 ? !one.collections : one.collections }, bytes)
      tally("mutations", outcome)
      if ("error" in outcome) count(`mutations refused: ${outcome.error.reason}`)
    }
    expect([...counts].filter(([what]) => /^mutations: /.test(what)).reduce((sum, [, number]) => sum + number, 0)).toBe(mutations)
    // the changes are neither all harmless nor all fatal
    expect(counts.get("mutations: legal")).toBeGreaterThan(mutations / 20)
    expect(counts.get("mutations: refused")).toBeGreaterThan(mutations / 20)
  })
})
