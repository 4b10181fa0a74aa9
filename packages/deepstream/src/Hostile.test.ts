/** What nobody should send: cut, unknown, empty and mutated messages. Nothing but typed errors, and nothing lost. */
import { forEachMessage, Splitter } from "@wirewright/codec/Delimited"
import { DecodeError, EncodeError } from "@wirewright/codec/Errors"
import { Typed } from "./Typed.ts"
import { describe, expect, it } from "vitest"
import * as Classic from "./gen/index.ts"
import * as Text from "./gen7/index.ts"
import { models } from "./gen7/Model.ts"

const examples = models.flatMap(({ commands }) =>
  commands.flatMap(({ examples }) => examples.map(({ hex }) => Buffer.from(hex, "hex").toString()))
)

const decoders = [
  [Classic.decodeClientMessage, Classic.encode],
  [Classic.decodeServerMessage, Classic.encode],
  [Text.decodeClientMessage, Text.encode],
  [Text.decodeServerMessage, Text.encode]
] as ReadonlyArray<readonly [(text: string, start?: number, end?: number) => { readonly _tag: string }, (message: never) => string]>

/** Decodes with every decoder: a typed error, or a message that is the same text again and decodes to itself. */
const survive = (text: string): number => {
  let decoded = 0
  for (const [decode, encode] of decoders) {
    let message
    try {
      message = decode(text)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw new Error(`${JSON.stringify(text)}: ${String(error)}`, { cause: error })
      if (error.incomplete || error.offset < 0 || error.offset > text.length) throw new Error(`${JSON.stringify(text)}: ${error.message}`)
      continue
    }
    decoded++
    const again = encode(message as never)
    if (again !== `${text}\x1e`) throw new Error(`${JSON.stringify(text)} became ${JSON.stringify(again)}`)
    if (decode(again, 0, again.length - 1)._tag !== message._tag) throw new Error(`${JSON.stringify(text)} changed its name`)
  }
  return decoded
}

/** Random numbers below `bound`, the same for the same seed (mulberry32). */
const random = (seed: number) => (bound: number): number => {
  seed = seed + 0x6d2b79f5 | 0
  let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed)
  mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
  return ((mixed ^ mixed >>> 14) >>> 0) % bound
}

const failure = (run: () => unknown): DecodeError | EncodeError => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError || error instanceof EncodeError) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

describe("hostile text", () => {
  it("truncation at every character", () => {
    for (const text of examples) for (let size = 0; size < text.length; size++) survive(text.slice(0, size))
  })

  it("100 000 seeded mutations", () => {
    const seed = 20_260_731
    const below = random(seed)
    const alphabet = "\x1f\x1f\x1f|+SNTFLUOCAERPUX0123456789-{}[]\"\0é€\ud800abc"
    let decoded = 0
    for (let round = 0; round < 100_000; round++) {
      let text = examples[below(examples.length)]!.slice(0, -1)
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const at = below(text.length + 1)
        const piece = alphabet[below(alphabet.length)]!
        const kind = below(4)
        if (kind === 0) text = text.slice(0, at) + piece + text.slice(at)
        else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1)
        else if (kind === 2) text = text.slice(0, at) + piece + text.slice(at + 1)
        else {
          const other = examples[below(examples.length)]!.slice(0, -1)
          text = text.slice(0, at) + other.slice(below(other.length))
        }
      }
      try {
        decoded += survive(text)
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: ${String(error)}`, { cause: error })
      }
    }
    expect(decoded).toBeGreaterThan(100_000)
  }, 120_000)

  it("unknown topics and actions keep everything", () => {
    expect(Classic.decodeServerMessage("B\x1fR\x1fa\x1f\x1fb")).toEqual({
      _tag: "UnknownMessage",
      topic: "B",
      action: "R",
      fields: ["a", "", "b"]
    })
    expect(Classic.decodeServerMessage("R\x1fXXX")).toEqual({ _tag: "UnknownMessage", topic: "R", action: "XXX", fields: [] })
    expect(Classic.decodeServerMessage("RR\x1fR")).toMatchObject({ topic: "RR", action: "R" })
    expect(Classic.decodeServerMessage("R\x1f")).toMatchObject({ topic: "R", action: "" })
    expect(Classic.decodeServerMessage("E\x1f\0EVT\x1fa\x1fSb")._tag).toBe("UnknownMessage")
    expect(Classic.decodeServerMessage("E\x1fEV\u0454\x1fa")._tag).toBe("UnknownMessage")
  })

  it("names what is wrong and where", () => {
    expect(failure(() => Classic.decodeServerMessage("I only have one part"))).toMatchObject({ reason: "Length", path: "action" })
    expect(failure(() => Classic.decodeServerMessage("E\x1fEVT\x1fsomeEvent\x1fQXX"))).toMatchObject({
      reason: "Syntax",
      packet: "EventEmit",
      path: "value",
      offset: 16,
      got: `"QXX"`
    })
    expect(failure(() => Classic.decodeClientMessage("E\x1fS"))).toMatchObject({
      reason: "Length",
      packet: "EventSubscribe",
      path: "name",
      offset: 3
    })
    expect(failure(() => Classic.decodeClientMessage("E\x1fS\x1fa\x1fb"))).toMatchObject({ reason: "Trailing", offset: 5 })
    expect(failure(() => Classic.decodeServerMessage("R\x1fR\x1fa\x1f1.5\x1f{}"))).toMatchObject({
      reason: "Syntax",
      path: "version",
      offset: 6
    })
    expect(failure(() => Classic.decodeServerMessage("R\x1fH\x1fa\x1fY"))).toMatchObject({ reason: "Syntax", path: "exists", offset: 6 })
    expect(failure(() => Classic.decodeClientMessage("P\x1fA\x1fS\x1fname\x1f1"))).toMatchObject({
      reason: "Constant",
      path: "action",
      offset: 4
    })
  })

  it("offsets count from the message, wherever it stands", () => {
    const frame = "E\x1fS\x1fa\x1eE\x1fS\x1fa\x1fb\x1eE\x1fS\x1fa\x1fc"
    expect(failure(() => Classic.decodeClientMessage(frame, 6, 13))).toMatchObject({ reason: "Trailing", offset: 5 })
    expect(Classic.decodeClientMessage(frame, 0, 5)).toEqual({ _tag: "EventSubscribe", name: "a" })
    expect(Classic.decodeClientMessage(frame, 6, 11)._tag).toBe("EventSubscribe")
  })

  it("refuses what would not come back", () => {
    const separator = failure(() => Classic.encodeEventEmit({ name: "a\x1fb", value: Typed.of(1) }))
    expect(separator).toMatchObject({ _tag: "EncodeError", reason: "Separator", packet: "EventEmit", path: "name" })
    expect(failure(() => Classic.encodeEventEmit({ name: "a", value: Typed.of("x\x1ey") }))).toMatchObject({
      reason: "Separator",
      path: "value"
    })
    expect(failure(() => Classic.encodeRecordUpdate({ name: "a", version: 1, data: "{\"a\":\"\x1f\"}" }))).toMatchObject({
      reason: "Separator",
      path: "data"
    })
    expect(failure(() => Classic.encodePresenceQueryAllAnswer({ users: ["a", "b\x1e"] }))).toMatchObject({
      reason: "Separator",
      path: "users[1]"
    })
    expect(failure(() => Classic.encodeRecordData({ name: "a", version: 1.5, data: "{}" }))).toMatchObject({
      reason: "Range",
      path: "version"
    })
    expect(failure(() => Classic.encodeEventEmit({ name: "a", value: new Typed("Q") }))).toMatchObject({
      reason: "UnknownValue",
      path: "value"
    })
    expect(failure(() => Classic.encodeEventSubscribe({} as never))).toMatchObject({ reason: "Missing", path: "name" })
    expect(failure(() => Classic.encode({ _tag: "Nonsense" } as never))).toMatchObject({ reason: "UnknownPacket" })
    expect(Classic.encodeEventEmit({ name: "a", value: Typed.of({ text: "x\x1ey" }) })).toBe(
      "E\x1fEVT\x1fa\x1fO{\"text\":\"x\\u001ey\"}\x1e"
    )
  })

  it("limits a message to 16 Mi characters", () => {
    const room = Classic.delimiting.maxMessage - "E\x1fS\x1f".length
    expect(Classic.encodeEventSubscribe({ name: "x".repeat(room) })).toHaveLength(Classic.delimiting.maxMessage + 1)
    expect(failure(() => Classic.encodeEventSubscribe({ name: "x".repeat(room + 1) }))).toMatchObject({ reason: "Limit" })
  })

  it("frames and streams of all examples, cut anywhere", () => {
    const stream = examples.join("")
    const expected = examples.map((text) => text.slice(0, -1))
    const seen: Array<string> = []
    forEachMessage(stream, Classic.delimiting, (text, start, end) => seen.push(text.slice(start, end)))
    expect(seen).toEqual(expected)
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const pieces: Array<string> = []
      const splitter = new Splitter(Classic.delimiting, (text, start, end) => pieces.push(text.slice(start, end)))
      for (let at = 0; at < stream.length; at += size) splitter.push(stream.slice(at, at + size))
      splitter.end()
      expect(pieces).toEqual(expected)
    }
  })

  it("does not stop at a tiny message that is wrong: 2 000 of them in one frame", () => {
    // that none is searched twice: `test/bench/linear`
    const frame = `E\x1fS\x1fa\x1e${"abc\x1e".repeat(2_000)}`
    let seen = 0
    forEachMessage(frame, Classic.delimiting, (text, start, end) => {
      try {
        Classic.decodeClientMessage(text, start, end)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
      seen++
    })
    expect(seen).toBe(2_001)
  })
})
