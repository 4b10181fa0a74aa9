/** Decodes hex, lines of hex, and binary streams. */
import { DecodeError, malformed } from "@wirewright/codec/Errors"
import { refuse } from "./Failure.ts"
import { type Chunks, linesOf } from "./Input.ts"
import { drain } from "./Output.ts"
import type { Context, PacketReport } from "./PacketReport.ts"
import type { Session, Situation } from "@wirewright/inspector/reading"

/** Decodes all of `bytes`: one packet, or with `toEnd` as many as there are. Returns how the session stands then. */
const decodeBytes = (
  report: PacketReport,
  bytes: Uint8Array,
  options: { readonly situation: Situation; readonly toEnd: boolean; readonly context: Context }
): Session => {
  const { context, toEnd } = options
  let { situation } = options
  const { adapter } = report
  refuseMissing(report, situation)
  let at = 0
  do {
    const size = adapter.sizeAt(bytes, at, situation)
    try {
      const decoded = adapter.decode(bytes, at, situation)
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
      report.packet(decoded, bytes, at, situation, context, true)
      situation = { ...situation, phase: adapter.after(decoded, situation).phase }
      at = end
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const trailing = !toEnd || size === undefined || at + size > bytes.length || error.reason === "Magic"
      const end = trailing ? bytes.length : at + size
      report.error(error, bytes.subarray(at, end), context, situation)
      at = end
    }
  } while (at < bytes.length)
  return situation
}

/** Refuses packets that nobody can tell the kind of. */
const refuseMissing = ({ adapter }: PacketReport, situation: Situation): void => {
  const missing = adapter.missing(situation)
  if (missing !== undefined) refuse(missing)
}

/** Decodes `--hex`. */
export const decodeHex = (report: PacketReport, text: string, options: { readonly session: Session; readonly toEnd: boolean }): void =>
  void decodeText(report, text, {}, { ...options, context: {} })

const decodeText = (
  report: PacketReport,
  text: string,
  said: Pick<Situation, "direction" | "kind">,
  options: { readonly session: Session; readonly toEnd: boolean; readonly context: Context }
): Session => {
  let bytes: Uint8Array
  try {
    bytes = report.adapter.parse(text)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    report.error(error, new Uint8Array(0), options.context)
    return options.session
  }
  return decodeBytes(report, bytes, { ...options, situation: { ...options.session, ...said } })
}

const linePattern = /^\s*(\w+)\s+(.*)$/s

/** What a line says of its packet before the bytes: who sends it, or of which kind it is. */
const saidOf = (
  text: string,
  kinds: ReadonlyArray<string>
): { readonly said: Pick<Situation, "direction" | "kind">; readonly rest: string } => {
  const [, word = "", rest = ""] = linePattern.exec(text) ?? []
  if (word === "c2s" || word === "s2c") return { said: { direction: word }, rest }
  return kinds.includes(word) ? { said: { kind: word }, rest } : { said: {}, rest: text }
}

/** Decodes one packet per line; empty lines and those that start with `#` are skipped. Only the phase goes from line to line. */
export const decodeLines = async (
  report: PacketReport,
  chunks: Chunks,
  options: { readonly session: Session; readonly toEnd: boolean }
): Promise<void> => {
  let number = 0
  let { phase } = options.session
  for await (const text of linesOf(chunks)) {
    number++
    if (text.trim() === "" || text.startsWith("#")) continue
    const { rest, said } = saidOf(text, report.adapter.kinds)
    const { direction } = said
    const context: Context = report.json ? direction === undefined ? {} : { direction } : { line: number }
    ;({ phase } = decodeText(report, rest, said, {
      ...options,
      session: { ...options.session, phase },
      context
    }))
    await drain()
  }
}

/** Decodes a stream of packets; memory is bounded by the largest packet. */
export const decodeStream = async (report: PacketReport, chunks: Chunks, session: Session): Promise<void> => {
  refuseMissing(report, session)
  let current = session
  const cutter = report.adapter.cutter(() => current)
  const onPacket = (bytes: Uint8Array, at: number, end: number): void => {
    try {
      const decoded = report.adapter.decode(bytes, at, current)
      report.packet(decoded, bytes, at, current, {}, true)
      current = { ...current, phase: report.adapter.after(decoded, current).phase }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      report.error(error, bytes.subarray(at, end), {}, current)
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
      new DecodeError({ ...error, got: `${error.got}; the stream cannot be followed after byte ${cutter.offset} of ${received} read` }),
      new Uint8Array(0),
      {}
    )
  }
}
