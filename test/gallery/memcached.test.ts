/** The gallery's spec of memcached's text and meta protocol against the recorded bytes of others. */
import { DecodeError, Reader } from "@wirewright/codec"
import * as Text from "@wirewright/memcached/text"
import { describe, expect, it } from "vitest"
import { Recorded } from "./Conversations.ts"
import { memcached, tolerated } from "./Memcached.ts"
import { canonicalLine } from "./MemcachedLine.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(memcached)

galleryTests(recorded)

describe("other spellings", () => {
  it.each(tolerated)("%j is a request once its line is rewritten", (line) => {
    const text = `${canonicalLine(line.replace(/…|\r?\n$/, ""))}\r\n`
    const block = /^(set|ms) /.test(text) ? "x".repeat(Number(/^set/.test(text) ? text.split(" ")[4] : text.split(" ")[2])) + "\r\n" : ""
    const packet = Text.decodeRequest(new Reader(Buffer.from(text + block)))
    expect(text).toMatch(/^[a-z]/)
    expect(packet._tag).toMatch(/^(Get|Shutdown|StatisticsCachedump|Version|Quit|MetaNoop|Set|MetaSet|MetaGet|FlushAll)$/)
  })

  it("a line that is right is left alone", () => {
    let lines = 0
    for (const { bytes, one } of recorded.packets) {
      if (one.reading.kind !== "request") continue
      const line = Buffer.from(bytes.subarray(0, bytes.indexOf(0x0a) - 1)).toString("latin1")
      // an empty group of statistics is no group
      expect(canonicalLine(line)).toBe(line === "stats " ? "stats" : line)
      lines++
    }
    expect(lines).toBeGreaterThan(500)
  })
})

describe("injection", () => {
  it.each(["a b", "a\nflush_all", "a\r\nflush_all", "", "k".repeat(251)])("a key %j is not written", (key) => {
    for (
      const packet of [{ _tag: "Get", keys: [key] }, { _tag: "MetaGet", key, flags: [] }, {
        _tag: "Touch",
        key,
        expiration: 0,
        noreply: false
      }] as const
    ) {
      expect(() => recorded.encode(packet as never, { kind: "request" })).toThrow(/Separator|Length|Limit|expected/)
    }
  })

  it("an LF alone ends no line", () => {
    expect(() => Text.decodeRequest(new Reader(Buffer.from("get a\nflush_all\r\n")))).toThrow(DecodeError)
  })
})
