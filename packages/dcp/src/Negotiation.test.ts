/** How a DCP connection begins and how its end is noticed: SC-02…SC-04, SC-07, SC-63, SC-64, SC-90 as rules. */
import { describe, expect, it } from "vitest"
import { HelloFeature } from "./gen/index.ts"
import { Liveness } from "./Liveness.ts"
import {
  connectionName,
  controls,
  nameProblem,
  Negotiation,
  type NegotiationOptions,
  type NegotiationOutput,
  openFlags
} from "./Negotiation.ts"

const options: NegotiationOptions = {
  name: "indexer:1",
  window: 1_048_576,
  noopInterval: 20,
  xattrs: false,
  values: "all",
  compression: "none",
  expirations: "asDeletions",
  streamIds: false,
  outOfOrder: false,
  history: false,
  priority: undefined,
  features: new Set([HelloFeature.Xattr, HelloFeature.AltRequestSupport, HelloFeature.Collections])
}

const without = (...features: ReadonlyArray<number>): Pick<NegotiationOptions, "features"> => ({
  features: new Set([...options.features].filter((feature) => !features.includes(feature)))
})

/** Plays a server that answers with the statuses it is given for keys, and Success otherwise. */
const play = (given: NegotiationOptions, statuses: Record<string, number | ((value: string) => number)> = {}) => {
  const negotiation = new Negotiation(given)
  const sent: Array<string> = []
  let output: NegotiationOutput = negotiation.start()
  for (let i = 0; i < 100; i++) {
    if (output._tag === "Done" || output._tag === "Refused" || output._tag === "Missing") return { sent, end: output }
    const key = output._tag === "Open" ? "DCP_OPEN" : output.key
    const status = statuses[key] ?? 0
    sent.push(output._tag === "Open" ? `open ${output.flags}` : `${output.key}=${output.value}`)
    output = negotiation.answered(typeof status === "function" ? status(output._tag === "Open" ? "" : output.value) : status)
  }
  throw new Error("no end")
}

describe("controls", () => {
  it("values are compressed where all are wanted so and HELLO granted it", () => {
    const { Snappy } = HelloFeature
    const sent = (compression: NegotiationOptions["compression"], granted: boolean) =>
      play({ ...options, compression, features: new Set([...options.features, ...granted ? [Snappy] : []]) }).sent
        .filter((control) => control.startsWith("force_value_compression"))
    expect(sent("all", true)).toEqual(["force_value_compression=true"])
    expect([sent("all", false), sent("asStored", true), sent("none", true)]).toEqual([[], [], []])
  })

  it("SC-02 are sent in order, one after the other", () => {
    const { end, sent } = play({ ...options, expirations: "distinct", priority: "high", history: true, outOfOrder: true, streamIds: true })
    expect(sent).toEqual([
      "open 33",
      "enable_noop=true",
      "set_noop_interval=20",
      "connection_buffer_size=1048576",
      "set_priority=high",
      "supports_cursor_dropping_vulcan=true",
      "supports_hifi_MFU=true",
      "send_stream_end_on_client_close_stream=true",
      "enable_expiry_opcode=true",
      "enable_stream_id=true",
      "enable_out_of_order_snapshots=true_with_seqno_advanced",
      "flatbuffers_system_events=true",
      "change_streams=true",
      "max_marker_version=2.2",
      "v7_dcp_status_codes=true"
    ])
    expect(end._tag === "Done" ? [...end.negotiated.refused] : end).toEqual([])
  })

  it("SC-03 may be refused when they are optional", () => {
    const statuses = { flatbuffers_system_events: 0x04, change_streams: 0x83, supports_hifi_MFU: 0x81 }
    const { end } = play({ ...options, history: true }, statuses)
    if (end._tag !== "Done") throw new Error("refused")
    expect(Object.fromEntries(end.negotiated.refused)).toEqual(statuses)
    expect(end.negotiated.accepted.get("enable_noop")).toBe("true")
  })

  it("SC-03 end the connection when they are required", () => {
    expect(play(options, { enable_noop: 0x04 }).end).toEqual({ _tag: "Refused", request: "enable_noop", status: 0x04 })
    expect(play(options, { DCP_OPEN: 0x24 }).end).toEqual({ _tag: "Refused", request: "DCP_OPEN", status: 0x24 })
  })

  it("end the connection with any other status", () => {
    expect(play(options, { supports_hifi_MFU: 0x84 }).end).toEqual({ _tag: "Refused", request: "supports_hifi_MFU", status: 0x84 })
  })

  it("SC-04 take whole seconds when the server knows no fractions", () => {
    const { end, sent } = play({ ...options, noopInterval: 0.5 }, { set_noop_interval: (value) => value.includes(".") ? 0x04 : 0 })
    expect(sent.filter((one) => one.startsWith("set_noop_interval"))).toEqual(["set_noop_interval=0.5", "set_noop_interval=1"])
    expect(end._tag === "Done" ? end.negotiated.accepted.get("set_noop_interval") : end).toBe("1")
  })

  it("ask for no window without flow control, and for nothing of collections without them", () => {
    const keys = controls({ ...options, window: 0, ...without(HelloFeature.Collections) }).map(({ key }) => key)
    expect(keys).not.toContain("connection_buffer_size")
    expect(keys).not.toContain("max_marker_version")
  })
})

describe("what HELLO did not grant", () => {
  it.each(
    [
      ["xattrs", HelloFeature.Xattr, { xattrs: true }, "Xattr"],
      ["stream ids", HelloFeature.AltRequestSupport, { streamIds: true }, "AltRequestSupport"]
    ] as const
  )("%s are not asked for: nothing is sent", (_, feature, wanted, name) => {
    expect(play({ ...options, ...wanted, ...without(feature) })).toMatchObject({ sent: [], end: { _tag: "Missing", feature: name } })
    expect(play({ ...options, ...wanted }).end._tag).toBe("Done")
    expect(play({ ...options, ...without(feature) }).end._tag).toBe("Done")
  })
})

it("flags of DCP_OPEN: expirations need delete times", () => {
  expect(openFlags(options)).toBe(0x1)
  expect(openFlags({ ...options, expirations: "distinct", xattrs: true, values: "none" })).toBe(0x2d)
  expect(openFlags({ ...options, values: "noneButDatatype" })).toBe(0x41)
})

describe("SC-07 names", () => {
  it("fit 200 bytes, whatever the group is called", () => {
    const name = connectionName("é😀".repeat(100) + "{x}\n", "0123456789abcdef")
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200)
    expect(Buffer.byteLength(name)).toBeGreaterThan(190)
    expect(name.endsWith(":0123456789abcdef")).toBe(true)
    expect(Buffer.from(name).toString()).toBe(name)
    expect(nameProblem(name)).toBeUndefined()
    expect(nameProblem(connectionName("my-replication{1}", "x"))).toBeUndefined()
  })

  it.each([["", /empty/], ["a{b", /braces/], ["a\u0007", /control/], ["xreplicationx", /replication/], ["n".repeat(201), /201 bytes/]])(
    "refuse %j",
    (name, problem) => {
      expect(nameProblem(name)).toMatch(problem)
    }
  )

  it("take 200 bytes", () => {
    expect(nameProblem("n".repeat(200))).toBeUndefined()
  })
})

describe("liveness", () => {
  it("SC-63 with streams, two intervals without a byte are the end", () => {
    const liveness = new Liveness(20_000, 0)
    liveness.open(1, 0)
    expect(liveness.look(39_999)).toBe("alive")
    expect(liveness.look(40_000)).toBe("dead")
  })

  it("SC-63 without streams, the consumer asks first", () => {
    const liveness = new Liveness(20_000, 0)
    expect(liveness.look(19_999)).toBe("alive")
    expect(liveness.look(20_000)).toBe("ask")
    expect(liveness.look(39_999)).toBe("alive")
    liveness.heard(39_999)
    expect(liveness.look(59_998)).toBe("alive")
    expect(liveness.look(59_999)).toBe("ask")
    expect(liveness.look(79_999)).toBe("dead")
  })

  it("SC-64 SC-90 any byte counts, be it a NOOP a minute while the window is closed", () => {
    const liveness = new Liveness(20_000, 0)
    liveness.open(1024, 0)
    for (let now = 0; now < 3_600_000; now += 39_000) {
      expect(liveness.look(now)).toBe("alive")
      liveness.heard(now)
    }
  })

  it("begins anew with the first stream", () => {
    const liveness = new Liveness(20_000, 0)
    liveness.open(1, 15_000)
    expect(liveness.look(54_999)).toBe("alive")
    expect(liveness.look(55_000)).toBe("dead")
  })
})
