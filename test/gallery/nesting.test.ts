/** How deep records that contain themselves may lie: 128 of a type, the innermost included, whatever that one contains. */
import { Reader } from "@wirewright/codec"
import * as resp from "@wirewright/examples/gallery/resp"
import { describe, expect, it } from "vitest"

const most = 128
const lists = (count: number): string => "*1\r\n".repeat(count)

describe.each([
  ["text", "+OK\r\n"],
  ["a number", ":1\r\n"],
  ["bytes", "$1\r\nx\r\n"],
  ["nothing", "_\r\n"],
  ["a list", "*0\r\n"],
  ["a map", "%0\r\n"]
])("%s within lists", (_, inner) => {
  const decode = (around: number, reader = new Reader(Buffer.from(lists(around) + inner))): resp.Reply => resp.decodeReply(reader, 0)

  it("is read as the last that may lie there", () => {
    expect(decode(most - 1)._tag).toBe("Answer")
  })

  it("is refused where it begins beyond that", () => {
    expect(() => decode(most)).toThrow(
      expect.objectContaining({
        _tag: "DecodeError",
        reason: "Limit",
        offset: 4 * most,
        expected: `at most ${most} records within one another`
      })
    )
  })

  it("is read by a reader that has refused another", () => {
    const reader = new Reader(Buffer.from(lists(most) + inner + lists(most - 1) + inner))
    expect(() => resp.decodeReply(reader, 0)).toThrow(expect.objectContaining({ reason: "Limit" }))
    expect(resp.decodeReply(reader, 4 * most + inner.length)._tag).toBe("Answer")
  })
})
