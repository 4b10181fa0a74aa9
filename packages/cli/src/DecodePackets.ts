/** Decodes hex, lines of hex, and binary streams. */
import { DecodeError, malformed } from "@wirewright/codec/Errors"
import { type Chunks, linesOf } from "./Input.ts"
import { drain } from "./Output.ts"
import type { Context, PacketReport } from "./PacketReport.ts"
import type { Direction, States } from "./ProtocolAdapter.ts"

/** Decodes all of `bytes`: one packet, or with `toEnd` as many as there are. */
const decodeBytes = (
  report: PacketReport,
  bytes: Uint8Array,
  options: { readonly states: States; readonly direction: Direction | undefined; readonly toEnd: boolean; readonly context: Context }
): void => {
  const { context, direction, states, toEnd } = options
  const { adapter } = report
  let at = 0
  do {
    const size = adapter.sizeAt(bytes, at)
    try {
      const decoded = adapter.decode(bytes, at, states, direction)
      const end = at + decoded.length
      if (!toEnd && end < bytes.length) {
        const more = bytes.length - end
        malformed(
          "Trailing",
          decoded.facts.name,
          "",
          decoded.length,
          "the end of the packet",
          `${more} more ${more === 1 ? "byte" : "bytes"} (see --to-end)`
        )
      }
      report.packet(decoded, bytes, at, states, context, true)
      at = end
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const trailing = !toEnd || size === undefined || at + size > bytes.length || error.reason === "Magic"
      const end = trailing ? bytes.length : at + size
      report.error(error, bytes.subarray(at, end), context, states)
      at = end
    }
  } while (at < bytes.length)
}

/** Decodes `--hex`. */
export const decodeHex = (report: PacketReport, text: string, options: { readonly states: States; readonly toEnd: boolean }): void =>
  decodeText(report, text, undefined, { ...options, context: {} })

const decodeText = (
  report: PacketReport,
  text: string,
  direction: Direction | undefined,
  options: { readonly states: States; readonly toEnd: boolean; readonly context: Context }
): void => {
  let bytes: Uint8Array
  try {
    bytes = report.adapter.parse(text)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    report.error(error, new Uint8Array(0), options.context)
    return
  }
  decodeBytes(report, bytes, { ...options, direction })
}

const linePattern = /^\s*(?:(c2s|s2c)\s+)?(.*)$/s

/** Decodes one packet per line; empty lines and those that start with `#` are skipped. */
export const decodeLines = async (
  report: PacketReport,
  chunks: Chunks,
  options: { readonly states: States; readonly toEnd: boolean }
): Promise<void> => {
  let number = 0
  for await (const text of linesOf(chunks)) {
    number++
    if (text.trim() === "" || text.startsWith("#")) continue
    const [, direction, hex = ""] = linePattern.exec(text)!
    const context: Context = report.json ? direction === undefined ? {} : { direction } : { line: number }
    decodeText(report, hex, direction as Direction | undefined, { ...options, context })
    await drain()
  }
}

/** Decodes a stream of packets; memory is bounded by the largest packet. */
export const decodeStream = async (report: PacketReport, chunks: Chunks, states: States): Promise<void> => {
  const cutter = report.adapter.cutter()
  const onPacket = (bytes: Uint8Array, at: number, end: number): void => {
    try {
      report.packet(report.adapter.decode(bytes, at, states, undefined), bytes, at, states, {}, true)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      report.error(error, bytes.subarray(at, end), {}, states)
    }
  }
  let received = 0
  try {
    for await (const chunk of chunks) {
      received += chunk.length
      cutter.push(chunk, onPacket)
      await drain()
    }
    cutter.finish()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    report.error(
      new DecodeError({ ...error, got: `${error.got}; the stream cannot be followed behind byte ${cutter.offset} of ${received} read` }),
      new Uint8Array(0),
      {}
    )
  }
}
