/** Segments come out as the bytes the peers sent, whatever happened to them on the way. */
import { Framer, headerShape } from "@wirewright/codec"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { A, concat, ethernet, F, ints, ipv4, ipv6, R, S, type Segment, tcp } from "../test/Packets.ts"
import { readCapture } from "./CaptureFile.ts"
import { type CapturedFrame, LinkType } from "./Frame.ts"
import { SegmentReader } from "./Internet.ts"
import { type FlowEvent, type FlowOptions, TcpFlows } from "./TcpFlows.ts"

const frameOf = (data: Uint8Array, linkType: number = LinkType.Raw, number = 1, originalLength = data.length): CapturedFrame => ({
  number,
  time: undefined,
  linkType,
  data,
  originalLength
})

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** Everything that happened, one line each: `1 c2s data`, `1 s2c (5)data` with a gap, `open 1 …`, `reset 1`. */
const run = (segments: ReadonlyArray<Segment>, options: FlowOptions & { readonly cut?: number } = {}): ReadonlyArray<string> => {
  const log: Array<string> = []
  const flows = new TcpFlows({
    bytes: ({ bytes, direction, flow, gapBefore }) =>
      log.push(`${flow.number} ${direction} ${gapBefore === 0 ? "" : `(${gapBefore})`}${text(bytes)}`),
    opened: ({ client, midStream, number, server }) =>
      log.push(`open ${number} ${client.slice(10)}>${server.slice(10)}${midStream ? " mid" : ""}`),
    closed: (flow, how) => log.push(`${how} ${flow.number}`)
  }, options)
  segments.forEach((segment, index) => {
    const packet = ipv4(tcp(segment))
    flows.push(frameOf(packet.subarray(0, options.cut), LinkType.Raw, index + 1, packet.length))
  })
  flows.finish()
  return log
}

const serverIs = (port: number) => ({ sourcePort }: { readonly sourcePort: number }): boolean => sourcePort === port

const client = (sequence: number, payload: string, flags = A): Segment => ({ from: 5000, to: 11210, sequence, payload, flags })
const server = (sequence: number, payload: string, flags = A): Segment => ({ from: 11210, to: 5000, sequence, payload, flags })
const handshake = [client(100, "", S), server(900, "", S | A), client(101, "", A)]
const opened = "open 1 5000>11210"

describe("order", () => {
  it("handshake, both directions, FIN", () => {
    assert.deepStrictEqual(
      run([...handshake, client(101, "ask"), server(901, "answer"), client(104, "", F | A), server(907, "!", F | A)]),
      [opened, "1 c2s ask", "1 s2c answer", "1 s2c !", "finished 1"]
    )
  })

  it("out of order and repeated, with partial overlaps", () => {
    assert.deepStrictEqual(
      run([
        ...handshake,
        client(107, "ghi"),
        client(104, "def"),
        client(104, "def"),
        client(101, "abc"),
        client(101, "abc"),
        client(108, "hijk")
      ]),
      [opened, "1 c2s abc", "1 c2s def", "1 c2s ghi", "1 c2s jk", "captureEnd 1"]
    )
    assert.deepStrictEqual(run([...handshake, client(103, "cdef"), client(102, "bcd"), client(101, "ab")]), [
      opened,
      "1 c2s ab",
      "1 c2s cd",
      "1 c2s ef",
      "captureEnd 1"
    ])
  })

  it("wraps around", () => {
    const near = 0xffff_fffe
    assert.deepStrictEqual(run([client(near, "", S), client(1, "cd"), client(0xffff_ffff, "ab"), client(3, "ef")]), [
      opened,
      "1 c2s ab",
      "1 c2s cd",
      "1 c2s ef",
      "captureEnd 1"
    ])
  })

  it("keep-alives and repeated SYNs change nothing", () => {
    assert.deepStrictEqual(
      run([...handshake, ...handshake, client(101, "a"), client(101, "x"), client(101, ""), client(102, "b"), ...handshake]),
      [
        opened,
        "1 c2s a",
        "1 c2s b",
        "captureEnd 1"
      ]
    )
  })
})

describe("holes", () => {
  it("become gaps at the bound of segments, of bytes, and at the end", () => {
    const lossy = [...handshake, client(106, "f"), client(107, "g"), client(108, "h")]
    const gap = [opened, "1 c2s (5)f", "1 c2s g", "1 c2s h", "captureEnd 1"]
    assert.deepStrictEqual(run(lossy, { limits: { maxHeldSegments: 2 } }), gap)
    assert.deepStrictEqual(run(lossy, { limits: { maxHeldBytes: 2 } }), gap)
    assert.deepStrictEqual(run(lossy, { limits: { maxTotalHeldBytes: 2 } }), gap)
    assert.deepStrictEqual(run(lossy), gap)
  })

  it("after the bound the stream goes on, and late segments are dropped", () => {
    assert.deepStrictEqual(
      run([...handshake, client(103, "c"), client(104, "d"), client(101, "ab"), client(105, "e")], { limits: { maxHeldSegments: 1 } }),
      [
        opened,
        "1 c2s (2)c",
        "1 c2s d",
        "1 c2s e",
        "captureEnd 1"
      ]
    )
  })

  it("packets cut off by the snap length leave gaps, also at the end", () => {
    assert.deepStrictEqual(run([...handshake, client(101, "abcdef"), client(107, "ghijkl")], { cut: 44 }), [
      opened,
      "1 c2s abcd",
      "1 c2s (2)ghij",
      "1 c2s (2)",
      "captureEnd 1"
    ])
  })

  it("RST ends the flow and delivers what is held", () => {
    assert.deepStrictEqual(run([...handshake, client(103, "c"), server(901, "", R | A)]), [opened, "1 c2s (2)c", "reset 1"])
  })
})

describe("flows", () => {
  it("mid-stream: the server is the given port, else the lower one", () => {
    assert.deepStrictEqual(run([server(1, "x")], { isFromServer: serverIs(5000) }), ["open 1 11210>5000 mid", "1 c2s x", "captureEnd 1"])
    assert.deepStrictEqual(run([server(1, "x")], { isFromServer: serverIs(11210) }), ["open 1 5000>11210 mid", "1 s2c x", "captureEnd 1"])
    assert.deepStrictEqual(run([server(1, "x")]), ["open 1 11210>5000 mid", "1 c2s x", "captureEnd 1"])
    assert.deepStrictEqual(run([server(900, "", S | A), client(5, "x")]), ["open 1 5000>11210", "1 c2s x", "captureEnd 1"])
  })

  it("nothing but acknowledgements is no flow", () => {
    assert.deepStrictEqual(run([client(1, ""), server(1, ""), server(1, "", R)]), [])
  })

  it("port reuse: a new SYN is a new flow, also without a FIN", () => {
    assert.deepStrictEqual(
      run([...handshake, client(101, "a"), client(7000, "", S), server(8000, "", S | A), client(7001, "b"), server(8001, "c")]),
      [
        opened,
        "1 c2s a",
        "reused 1",
        "open 2 5000>11210",
        "2 c2s b",
        "2 s2c c",
        "captureEnd 2"
      ]
    )
  })

  it("port reuse whose SYN was not captured: far behind is another connection", () => {
    assert.deepStrictEqual(run([client(0x5000_0000, "a"), client(0x1000_0000, "b")], { isFromServer: serverIs(11210) }), [
      "open 1 5000>11210 mid",
      "1 c2s a",
      "reused 1",
      "open 2 5000>11210 mid",
      "2 c2s b",
      "captureEnd 2"
    ])
  })

  const acked = (segment: Segment, acknowledgement: number): Segment => ({ ...segment, acknowledgement })
  const over = [client(101, "a", F | A), server(901, "b", F | A)]

  it("port reuse without SYN after both FINs: what comes after the end is another connection", () => {
    assert.deepStrictEqual(run([...handshake, ...over, client(5_000, "c"), server(7_000, "d"), client(5_001, "e")]), [
      opened,
      "1 c2s a",
      "1 s2c b",
      "finished 1",
      "open 2 5000>11210 mid",
      "2 c2s c",
      "2 c2s e",
      "2 s2c d",
      "captureEnd 2"
    ])
  })

  it("a forged reset ends nothing; one in sequence ends the flow, unless data follow", () => {
    const data = [client(101, "a"), client(102, "b")]
    assert.deepStrictEqual(run([...handshake, client(5_000, "", R), server(5_000, "", R), ...data]), [
      opened,
      "1 c2s a",
      "1 c2s b",
      "captureEnd 1"
    ])
    assert.deepStrictEqual(run([...handshake, client(101, "a"), client(102, "", R)]), [opened, "1 c2s a", "reset 1"])
    for (const sequence of [101, 103]) {
      assert.deepStrictEqual(run([...handshake, client(101, "a"), client(sequence, "", R)]), [opened, "1 c2s a", "captureEnd 1"])
    }
    assert.deepStrictEqual(run([...handshake, client(101, "", R), ...data]), [opened, "1 c2s a", "1 c2s b", "captureEnd 1"])
  })

  it("a forged FIN ends nothing", () => {
    const data = [client(101, "a"), server(901, "b"), client(102, "c")]
    assert.deepStrictEqual(run([...handshake, client(50, "", F | A), server(0x4000_0000, "", F | A), ...data]), [
      opened,
      "1 c2s a",
      "1 s2c b",
      "1 c2s c",
      "captureEnd 1"
    ])
  })

  it("a forged SYN or segment replaces nothing: a second one has to agree", () => {
    for (const forged of [client(0x3000_0000, "", S), client(0x3000_0000, "x"), server(0x3000_0000, "", S | A)]) {
      const [first, ...rest] = run([...handshake, client(101, "a"), forged, client(102, "b"), acked(server(901, "c"), 103)])
      assert.strictEqual(first, opened)
      assert.deepStrictEqual(rest.slice(0, 3), ["1 c2s a", "1 c2s b", "1 s2c c"])
    }
  })

  it("a forged segment is not lost: it comes as a connection of its own, at the end", () => {
    assert.deepStrictEqual(run([...handshake, client(101, "a"), client(0x3000_0000, "x"), client(102, "b")]).slice(3), [
      "reused 1",
      "open 2 5000>11210 mid",
      "2 c2s x",
      "captureEnd 2"
    ])
  })

  it("port reuse without FIN: a SYN that is acknowledged, or two segments that agree", () => {
    const second = ["reused 1", "open 2 5000>11210", "2 c2s x", "captureEnd 2"]
    const syn = [client(0x3000_0000, "", S), acked(server(0x5000_0000, "", S | A), 0x3000_0001)]
    assert.deepStrictEqual(run([...handshake, client(101, "a"), ...syn, client(0x3000_0001, "x")]).slice(2), second)
    assert.deepStrictEqual(run([...handshake, client(0x3000_0000, "x"), client(0x3000_0001, "y")]).slice(1), [
      "reused 1",
      "open 2 5000>11210 mid",
      "2 c2s x",
      "2 c2s y",
      "captureEnd 2"
    ])
  })

  const known = { isFromServer: serverIs(11210) }

  it("mid-stream, out of order from the start: the first byte is the one that was acknowledged, or the lowest of eight segments", () => {
    const swapped = [client(3, "c"), client(1, "ab")]
    assert.deepStrictEqual(run([...swapped, acked(server(900, "x"), 4), client(4, "d")], known).slice(1), [
      "1 c2s ab",
      "1 c2s c",
      "1 c2s d",
      "1 s2c x",
      "captureEnd 1"
    ])
    assert.deepStrictEqual(run(swapped, known).slice(1), ["1 c2s ab", "1 c2s c", "captureEnd 1"])
    const many = [2, 1, 3, 4, 5, 6, 7, 8].map((sequence) => client(sequence, String(sequence)))
    assert.deepStrictEqual(
      run([...many, client(9, "9")], { ...known, limits: { maxUnsettled: 8 } }).slice(1, -1).map((line) => line.at(-1)).join(""),
      "123456789"
    )
  })

  it("half-open: only one direction was captured, across the wrap-around", () => {
    assert.deepStrictEqual(run([client(0xffff_fffe, "ab"), client(2, "ef"), client(0, "cd")], known).slice(1), [
      "1 c2s ab",
      "1 c2s cd",
      "1 c2s ef",
      "captureEnd 1"
    ])
  })

  it("of many flows, those that are over are forgotten first, then the one that was quiet for longest", () => {
    const from = (port: number, sequence = 1): Segment => ({ from: port, to: 11210, sequence, payload: "x" })
    const ended = ({ from: port }: Segment): ReadonlyArray<Segment> => [
      { from: port, to: 11210, sequence: 2, flags: R },
      { from: 11210, to: port, sequence: 2, flags: R }
    ]
    const closed = run(
      [from(40001), from(40002), ...ended(from(40002)), from(40003), from(40001, 2), from(40004)],
      { limits: { maxFlows: 2 } }
    ).filter((line) => /^(?:reset|forgotten)/.test(line))
    assert.deepStrictEqual(closed, ["reset 2", "forgotten 3"])
  })

  it("remembers a bounded number of flows", () => {
    const from = (port: number): Segment => ({ from: port, to: 11210, sequence: 1, payload: "x" })
    assert.deepStrictEqual(
      run([from(40001), from(40002), from(40003)], { limits: { maxFlows: 2 } }).filter((line) => !line.includes("x")),
      [
        "open 1 40001>11210 mid",
        "open 2 40002>11210 mid",
        "forgotten 1",
        "open 3 40003>11210 mid",
        "captureEnd 2",
        "captureEnd 3"
      ]
    )
  })
})

describe("layers", () => {
  const read = (frame: CapturedFrame) => new SegmentReader(() => {}).read(frame)
  const segment = tcp(client(1, "x"))
  const packet = ipv4(segment)
  const family = (value: number, little: boolean) => ints(little, [4, value])
  const links: ReadonlyArray<readonly [string, number, Uint8Array]> = [
    ["Ethernet, padded", LinkType.Ethernet, ethernet(packet)],
    ["802.1Q", LinkType.Ethernet, ethernet(packet, [0x8100, 0x0800])],
    ["QinQ with IPv6", LinkType.Ethernet, ethernet(ipv6(segment), [0x88a8, 0x8100, 0x86dd])],
    ["Linux SLL", LinkType.LinuxSll, concat(new Uint8Array(14), ints(false, [2, 0x0800]), packet)],
    ["Linux SLL2", LinkType.LinuxSll2, concat(ints(false, [2, 0x0800]), new Uint8Array(18), packet)],
    ["NULL, little-endian", LinkType.Null, concat(family(2, true), packet)],
    ["NULL, big-endian IPv6", LinkType.Null, concat(family(30, false), ipv6(segment))],
    ["LOOP", LinkType.Loop, concat(family(2, false), packet)],
    ["raw IPv4", LinkType.Raw, packet],
    ["raw IPv6", LinkType.Ipv6, ipv6(segment)],
    [
      "IPv6 with hop-by-hop, atomic fragment and authentication headers",
      LinkType.Raw,
      ipv6(
        segment,
        0,
        concat(Uint8Array.of(44, 0), new Uint8Array(6), Uint8Array.of(51, 0, 0, 0, 0, 0, 0, 1), Uint8Array.of(6, 1), new Uint8Array(10))
      )
    ]
  ]
  for (const [name, linkType, data] of links) {
    it(name, () => {
      const found = read(frameOf(data, linkType))
      if (found === undefined || "reason" in found) return assert.fail(JSON.stringify(found))
      assert.strictEqual(text(found.payload), "x")
      assert.strictEqual(found.payload.length, 1)
      assert.strictEqual(found.source, data.includes(0x60) ? "[::1]:5000" : "127.0.0.1:5000")
      if (data.includes(0x60)) assert.strictEqual(found.destination, "[2001:db8::1]:11210")
    })
  }

  const skipped: ReadonlyArray<readonly [reason: string, what: string, frame: CapturedFrame]> = [
    ["notTcp", "UDP", frameOf(ipv4(segment, { protocol: 17 }))],
    ["notTcp", "ICMPv6", frameOf(ipv6(segment, 58))],
    ["notTcp", "ARP", frameOf(ethernet(packet, [0x0806]), LinkType.Ethernet)],
    ["unsupported", "link type 105", frameOf(packet, 105)],
    ["unsupported", "ether type 0x88e5", frameOf(ethernet(packet, [0x88e5]), LinkType.Ethernet)],
    ["unsupported", "ESP, which is encrypted", frameOf(ipv4(segment, { protocol: 50 }))],
    ["damaged", "TCP", frameOf(ipv4(segment.subarray(0, 10)))],
    ["cutOff", "TCP", frameOf(packet.subarray(0, 30), LinkType.Raw, 1, packet.length)],
    ["damaged", "IP", frameOf(new Uint8Array(0))],
    ["damaged", "Ethernet", frameOf(new Uint8Array(12), LinkType.Ethernet)]
  ]
  for (const [reason, what, frame] of skipped) {
    it(`skips: ${reason}, ${what}`, () => assert.deepEqual<unknown>(read(frame), { reason, what }))
  }

  it("never throws on bytes cut anywhere", () => {
    for (const [, linkType, data] of links) {
      for (let size = 0; size <= data.length; size++) read(frameOf(data.subarray(0, size), linkType))
    }
  })
})

describe("real recordings", () => {
  const shape = {
    name: "Mcbp",
    headerSize: 24,
    lengthOffset: 8,
    lengthWidth: 4,
    lengthIncludesHeader: false,
    magics: [0x80, 0x81, 0x08, 0x18, 0x82, 0x83],
    maxFrame: 32 * 1024 * 1024
  } as const
  for (const [name, port] of [["couchbase-6.0-session", 31210], ["couchbase-6.5-collections", 31265]] as const) {
    it(`${name}: every stream is whole frames, without gaps`, () => {
      const file = gunzipSync(readFileSync(new URL(`../../../test/fixtures/captures/${name}.pcapng.gz`, import.meta.url)))
      const framers = new Map<string, Framer>()
      let packets = 0
      const onBytes = ({ bytes, direction, flow, gapBefore }: FlowEvent): void => {
        assert.strictEqual(gapBefore, 0)
        assert.isTrue(flow.server.endsWith(`:${port}`))
        const key = `${flow.number} ${direction}`
        let framer = framers.get(key)
        if (framer === undefined) framers.set(key, framer = new Framer(headerShape(shape)))
        framer.push(bytes, () => packets++)
      }
      const flows = new TcpFlows({ bytes: onBytes }, { isFromServer: serverIs(port) })
      for (const frame of readCapture(file).frames) flows.push(frame)
      flows.finish()
      for (const framer of framers.values()) framer.finish()
      assert.isAbove(packets, 100)
    })
  }
})
