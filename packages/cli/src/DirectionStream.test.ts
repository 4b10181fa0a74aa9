/** Packets of one direction are found again after gaps, garbage and from the middle; deepstream is found in WebSocket. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { bytesOfHex, hexOf } from "@wirewright/codec/Hex"
import { deflateRawSync, constants } from "node:zlib"
import { DirectionStream, PacketSearch, type ProtocolAdapter } from "@wirewright/inspector/reading"
import { loadProtocol } from "./Protocols.ts"

let dcp: ProtocolAdapter
let deepstream: ProtocolAdapter
beforeAll(async () => {
  dcp = await loadProtocol("dcp")
  deepstream = await loadProtocol("deepstream")
})

/** A SET: header, 8 bytes of extras, the key `k`, the value. */
const set = (opaque: number, value: Uint8Array): Uint8Array => {
  const head = bytesOfHex(`8001000108000000${(9 + value.length).toString(16).padStart(8, "0")}${opaque.toString(16).padStart(8, "0")}`)
  return Buffer.concat([head, new Uint8Array(8), new Uint8Array(8), Buffer.from("k"), value])
}
const filler = (size: number): Uint8Array => new Uint8Array(size).fill(0x78)

/** A piece of a stream: bytes, or how many are missing. */
type Piece = Uint8Array | number

interface Outcome {
  /** Sizes of the packets, or the packets as text. */
  readonly packets: ReadonlyArray<string>
  readonly troubles: ReadonlyArray<string>
  readonly skipped: number
  readonly lost: number
}

const run = (adapter: ProtocolAdapter, pieces: ReadonlyArray<Piece>, midStream = false): Outcome => {
  const stream = new DirectionStream(adapter, midStream, () => adapter.begin())
  const packets: Array<string> = []
  const troubles: Array<string> = []
  const onPacket = (bytes: Uint8Array, at: number, end: number): void => {
    const packet = bytes.slice(at, end)
    packets.push(
      packet[0]! < 0x80
        ? Buffer.from(packet).toString().replaceAll("\u001f", "|").replaceAll("\u001e", "+")
        : `${packet[15]}:${packet.length}`
    )
  }
  const onTrouble = ({ reason }: { readonly reason: string }): void => void troubles.push(reason)
  let gap = 0
  for (const piece of pieces) {
    if (typeof piece === "number") gap += piece
    else {
      stream.push(piece, gap, onPacket, onTrouble)
      gap = 0
    }
  }
  stream.finish(onPacket, onTrouble)
  return { packets, troubles, skipped: stream.skipped, lost: stream.lost }
}

const join = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(parts)

describe("after a gap", () => {
  it("within a packet whose end is known, the next packet begins there, plausible or not", () => {
    const whole = set(1, filler(100))
    const next = set(2, filler(10))
    // an opcode that nobody has
    next[1] = 0xee
    for (const [from, to] of [[24, 25], [24, 133], [40, 133], [60, 61]] as const) {
      const { lost, packets, skipped, troubles } = run(dcp, [
        whole.subarray(0, from),
        to - from,
        join(whole.subarray(to), next),
        set(3, filler(1))
      ])
      assert.deepStrictEqual(packets, ["2:43", "3:34"])
      assert.deepStrictEqual(troubles, ["Incomplete"])
      assert.deepStrictEqual([lost, skipped], [to - from, 133 - (to - from)])
    }
  })

  it("beyond the packet, the next is found in the middle of a segment", () => {
    const packets = [1, 2, 3, 4, 5].map((opaque) => set(opaque, filler(200)))
    const stream = join(...packets)
    const size = packets[0]!.length
    for (
      const [from, to, found] of [[size + 100, 2 * size + 10, [4, 5]], [10, size + 1, [3, 4, 5]], [size, size + 30, [3, 4, 5]]] as const
    ) {
      for (const cut of [to + 1, to + 100, stream.length - 1]) {
        const outcome = run(dcp, [stream.subarray(0, from), to - from, stream.subarray(to, cut), stream.subarray(cut)])
        assert.deepStrictEqual(outcome.packets.slice(-found.length), found.map((opaque) => `${opaque}:233`), `${from} ${to} ${cut}`)
        assert.strictEqual(outcome.packets.length, Math.floor(from / size) + found.length)
        assert.strictEqual(outcome.skipped + outcome.lost + outcome.packets.length * size, stream.length)
      }
    }
  })

  it("a header within a value is not taken for a packet when what follows contradicts it", () => {
    const value = join(filler(50), bytesOfHex("80000001000000000000000100000009").subarray(0, 16), filler(200))
    const stream = join(set(1, filler(300)), set(2, value), set(3, filler(30)), set(4, filler(30)))
    const { packets } = run(dcp, [stream.subarray(0, 20), 330, stream.subarray(350)])
    assert.deepStrictEqual(packets, ["3:63", "4:63"])
  })
})

describe("from the middle", () => {
  it("what comes before the first packet is counted", () => {
    const stream = join(filler(77), set(1, filler(10)), set(2, filler(10)))
    for (let cut = 1; cut < stream.length; cut++) {
      const { packets, skipped, troubles } = run(dcp, [stream.subarray(0, cut), stream.subarray(cut)], true)
      assert.deepStrictEqual([packets, skipped, troubles], [["1:43", "2:43"], 77, []], String(cut))
    }
  })

  it("one packet alone is found, when it begins a segment or ends the stream", () => {
    assert.deepStrictEqual(run(dcp, [set(1, filler(10))], true).packets, ["1:43"])
    assert.deepStrictEqual(run(dcp, [join(filler(10), set(1, filler(10)))], true).packets, ["1:43"])
  })

  it("nothing but other bytes is no packet, and all is counted", () => {
    assert.deepStrictEqual(run(dcp, [filler(5000), filler(5000)], true), { packets: [], troubles: [], skipped: 10_000, lost: 0 })
  })
})

describe("after garbage", () => {
  it("packets are found again, and each wrong magic is said", () => {
    const { packets, skipped, troubles } = run(dcp, [join(set(1, filler(5)), filler(30), set(2, filler(5)), set(3, filler(5)))])
    assert.deepStrictEqual(packets, ["1:38", "2:38", "3:38"])
    assert.deepStrictEqual([troubles, skipped], [["Magic"], 30])
  })

  it("a stream of errors ends, and takes time by its size", () => {
    const pair = join(set(1, filler(0)), set(2, filler(0)), filler(10))
    const stream = join(...Array.from({ length: 5000 }, () => pair))
    const { packets, skipped, troubles } = run(dcp, [stream])
    assert.strictEqual(troubles.length, 1000)
    assert.strictEqual(packets.length, 2000)
    assert.strictEqual(skipped, stream.length - 2000 * 33)
  })
})

it("the search holds a bounded number of bytes, then takes the first place that may be a packet", () => {
  const search = new PacketSearch(dcp, () => dcp.begin())
  const head = set(1, filler(4_000_000)).subarray(0, 24)
  assert.isUndefined(search.push(join(filler(10), head)))
  let pushed = 34
  let found: Uint8Array | undefined
  while (found === undefined && pushed < 4_000_000) {
    found = search.push(filler(1000))
    pushed += 1000
  }
  assert.isAtLeast(pushed, 1024 * 1024)
  assert.isAtMost(pushed, 1024 * 1024 + 1100)
  assert.strictEqual(search.passed, 10)
  assert.strictEqual(hexOf(found!.subarray(0, 24)), hexOf(head))
})

describe("deepstream", () => {
  const text = (...messages: ReadonlyArray<string>): Uint8Array =>
    Buffer.from(messages.map((message) => `${message.replaceAll("|", "\u001f")}\u001e`).join(""))

  /** A frame as RFC 6455 has it; masked with 1, 2, 3, 4. */
  const frame = (first: number, payload: Uint8Array, masked = false): Uint8Array => {
    const size = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff]
    size[0]! |= masked ? 0x80 : 0
    return join(
      Uint8Array.of(first, ...size),
      masked ? join(Uint8Array.of(1, 2, 3, 4), payload.map((byte, i) => byte ^ (i % 4 + 1))) : payload
    )
  }
  const upgrade = Buffer.from("GET /deepstream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n")
  const switched = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
  const long = `E|EVT|x|S${"y".repeat(300)}`

  it("as plain text", () => {
    assert.deepStrictEqual(run(deepstream, [text("C|CH", "E|EVT|a|Sb")]).packets, ["C|CH+", "E|EVT|a|Sb+"])
  })

  it("in WebSocket, however the bytes are cut: masked, in several frames, between pings, compressed", () => {
    const compressor = (messages: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
      let before = new Uint8Array(0)
      return messages.map((message) => {
        const out = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, ...(before.length === 0 ? {} : { dictionary: before }) })
        before = join(before, message) as Uint8Array<ArrayBuffer>
        return out.subarray(0, -4)
      })
    }
    const [one, two] = compressor([text(long), text(long, "C|PO")])
    const streams: ReadonlyArray<readonly [Uint8Array, ReadonlyArray<string>]> = [
      [join(switched, frame(0x81, text("C|CH")), frame(0x89, new Uint8Array(3)), frame(0x81, text(long))), ["C|CH+", `${long}+`]],
      [join(upgrade, frame(0x81, text("C|CHR|u"), true), frame(0x8a, new Uint8Array(0), true)), ["C|CHR|u+"]],
      [
        join(
          upgrade,
          frame(0x01, text("A|REQ|{}").subarray(0, 4)),
          frame(0x89, new Uint8Array(0)),
          frame(0x80, text("A|REQ|{}").subarray(4))
        ),
        ["A|REQ|{}+"]
      ],
      [join(switched, frame(0xc1, one!), frame(0xc1, two!)), [`${long}+`, `${long}+`, "C|PO+"]]
    ]
    assert.isBelow(two!.length, 40)
    for (const [stream, packets] of streams) {
      for (let cut = 1; cut < stream.length; cut++) {
        const outcome = run(deepstream, [stream.subarray(0, cut), stream.subarray(cut)])
        assert.deepStrictEqual([outcome.packets, outcome.troubles, outcome.skipped], [packets, [], 0], String(cut))
      }
    }
  })

  it("from the middle of either, and after a gap", () => {
    const frames = join(frame(0x81, text("C|CH")), frame(0x81, text("C|A")), frame(0x81, text("A|A")))
    assert.deepStrictEqual(run(deepstream, [frames.subarray(3)], true).packets, ["C|A+", "A|A+"])
    assert.deepStrictEqual(run(deepstream, [frames], true).packets, ["C|CH+", "C|A+", "A|A+"])
    assert.deepStrictEqual(run(deepstream, [text("E|EVT|a|Sb", "C|CH", "C|A").subarray(6)], true).packets, ["C|CH+", "C|A+"])
    assert.deepStrictEqual(run(deepstream, [join(switched, frames.subarray(0, 3)), 2, frames.subarray(5)]).packets, ["C|A+", "A|A+"])
  })

  it("other HTTP and binary frames are no deepstream", () => {
    for (
      const stream of [
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
        Buffer.from("HTTP/1.1 200 OK\r\n\r\n"),
        join(switched, frame(0x82, filler(5)))
      ]
    ) {
      const { packets, skipped, troubles } = run(deepstream, [stream])
      assert.deepStrictEqual([packets, troubles], [[], ["Magic"]])
      assert.isAbove(skipped, 0)
    }
  })

  it("bounds an HTTP head, a message, and what a compressed one becomes", () => {
    assert.deepStrictEqual(run(deepstream, [join(Buffer.from("GET / HTTP/1.1\r\n"), filler(65_536))]).troubles, ["Limit"])
    const huge = join(switched, Uint8Array.of(0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0))
    assert.deepStrictEqual(run(deepstream, [huge]).troubles, ["Limit"])
    const bomb = deflateRawSync(new Uint8Array(51 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH })
    const size = new Uint8Array(8)
    new DataView(size.buffer).setUint32(4, bomb.length)
    assert.deepStrictEqual(run(deepstream, [join(switched, Uint8Array.of(0xc1, 127), size, bomb)]).troubles, ["Syntax"])
  })
})
