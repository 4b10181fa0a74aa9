/** Everything that prints or parses what a peer, a document or a file says, as a function of an input of a given number of characters. */
import {
  annotate,
  bytesOfDigits,
  bytesOfHex,
  Catalog,
  decodeText,
  hexdump,
  hexOf,
  jsonOf,
  RawJson,
  visible,
  visibleLines
} from "@wirewright/codec"
import { forEachMessage } from "@wirewright/codec/Delimited"
import { putDomainName } from "@wirewright/codec/DomainName"
import { DecodeError, EncodeError } from "@wirewright/codec/Errors"
import { escaped } from "@wirewright/codec/Visible"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import { Reader } from "@wirewright/codec/Reader"
import { encodeWith, Writer } from "@wirewright/codec/Writer"
import * as Deepstream from "@wirewright/deepstream/gen"
import { Typed } from "@wirewright/deepstream/Typed"
import { decode, encode } from "@wirewright/dcp/gen"
import { models } from "@wirewright/dcp/gen/Model"
import { linesOf } from "../../../packages/cli/src/Input.ts"
import { lineOf, shown, terminalText } from "../../../packages/cli/src/Shown.ts"

/** A path: `prepare` makes the input, which is not measured; what it returns is. */
export interface Path {
  readonly name: string
  /** The work is the engine's alone, and its collector takes more than its share: in the table, not in the test. */
  readonly engine?: boolean
  readonly prepare: (size: number) => () => unknown
}

const catalog = Catalog.of(models)
const utf8 = new TextEncoder()

/** Chunks as the smallest pipe brings them. */
const chunked = async function*(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096)
}

const countLines = async (bytes: Uint8Array): Promise<number> => {
  let count = 0
  for await (const _ of linesOf(chunked(bytes))) count++
  return count
}

const repeated = (piece: string, size: number): string => piece.repeat(Math.ceil(size / piece.length)).slice(0, size)

const record = "{\"name\":\"Ada\",\"n\":[1,2.5e3,true,null]},"

/** JSON of about this many characters: records with lists. */
const jsonText = (size: number): string => `[${record.repeat(size / record.length)}0]`

const nested = (size: number): string => "[".repeat(size / 2) + "]".repeat(size / 2)

/** A response whose value has this many bytes. */
const withValue = (opcode: number, value: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(24 + 4 + value.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x81
  bytes[1] = opcode
  bytes[4] = 4
  view.setUint32(8, 4 + value.length)
  bytes.set(value, 28)
  return bytes
}

/** A failover log that takes up about this many characters in its dump. */
const failoverLog = (size: number): Uint8Array => {
  const value = new Uint8Array(Math.floor(size / 160) * 16)
  const bytes = new Uint8Array(24 + value.length)
  bytes[0] = 0x81
  bytes[1] = 0x96
  new DataView(bytes.buffer).setUint32(8, value.length)
  return bytes
}

const dumped = (bytes: Uint8Array): string => hexdump(annotate(catalog, bytes), bytes)

const roundTrip = (bytes: Uint8Array): unknown => {
  const json = JSON.parse(jsonOf(packetToJson(catalog, decode(new Reader(bytes), 0) as never, bytes.length))!) as never
  return encodeWith((writer) => encode(writer, packetFromJson(catalog, json) as never))
}

/** Text where every tenth character is spelled out. */
const mixed = (size: number): string => repeated("abcdé\u0085fghi", size)

const text = (name: string, of: (size: number) => string, run: (text: string) => unknown): Path => ({
  name,
  prepare: (size) => {
    const input = of(size)
    return () => run(input)
  }
})

const bytes = (name: string, of: (size: number) => Uint8Array, run: (bytes: Uint8Array) => unknown): Path => ({
  name,
  prepare: (size) => {
    const input = of(size)
    return () => run(input)
  }
})

/** Messages of a frame, each of which is wrong. */
const tinyMessages = (frame: string): number => {
  let wrong = 0
  forEachMessage(frame, Deepstream.delimiting, (text, start, end) => {
    try {
      Deepstream.decodeClientMessage(text, start, end)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      wrong++
    }
  })
  return wrong
}

/** A domain name that nobody may write. */
const refusedName = (name: string): void => {
  try {
    putDomainName(new Writer(64), 0, name, true, "Test", "name")
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    return
  }
  throw new Error("a name without a dot at its end was written")
}

/** All of them. */
export const paths: ReadonlyArray<Path> = [
  text("hex input, digits", (size) => repeated("0a", size), bytesOfHex),
  text("hex input, spaced", (size) => repeated("0a ", size - size % 3 - 1), bytesOfHex),
  text("hex input, \\x", (size) => repeated("\\x0a", size - size % 4), bytesOfHex),
  text(
    "hex input, dump",
    (size) =>
      Array.from({ length: Math.floor(size / 59) }, (_, i) => `${(i * 16).toString(16).padStart(8, "0")}  ${"0a ".repeat(16)}\n`).join(""),
    bytesOfHex
  ),
  text("hex of JSON", (size) => repeated("0a", size), bytesOfDigits),
  bytes("bytes to hex", (size) => new Uint8Array(size / 2), hexOf),
  bytes("input lines, one", (size) => utf8.encode(repeated("0a", size)), countLines),
  bytes("input lines, many", (size) => utf8.encode(repeated("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\n", size)), countLines),
  bytes("hexdump of a document", (size) => withValue(0x00, utf8.encode(mixed(size / 2))), dumped),
  bytes("hexdump of a failover log", failoverLog, dumped),
  bytes("packet to JSON and back", (size) => withValue(0x00, new Uint8Array(size).fill(0x61)), roundTrip),
  text("JSON put into JSON", jsonText, (json) => visible(jsonOf({ value: RawJson.of(json)! })!)),
  text("JSON put into JSON, nested", nested, (json) => visible(jsonOf({ value: RawJson.of(json)! })!)),
  bytes("document shown, JSON", (size) => utf8.encode(jsonText(size)), (value) => jsonOf(shown(value, { json: true }))),
  bytes("document on a line, text", (size) => utf8.encode(mixed(size)), (value) => lineOf(value, { json: false })),
  bytes("document on a terminal", (size) => utf8.encode(mixed(size)), terminalText),
  text("values to JSON", jsonText, (json) => jsonOf(JSON.parse(json))),
  text("JSON to values", jsonText, (json) => new Typed(`O${json}`).value),
  { ...text("JSON to values, nested", nested, (json) => new Typed(`O${json}`).value), engine: true },
  text("tiny messages in one frame", (size) => repeated("abc\x1e", size), tinyMessages),
  text("domain name without its last dot", (size) => repeated(String.raw`\123`, size), refusedName),
  text("text made visible", mixed, visible),
  text("lines made visible", mixed, visibleLines),
  text("text told apart", mixed, escaped),
  bytes("text decode, UTF-8", (size) => utf8.encode(mixed(size)), (value) => decodeText(value, 0, value.length)),
  bytes("text decode, no UTF-8", (size) => new Uint8Array(size).fill(0x80), (value) => decodeText(value, 0, value.length))
]

/** Milliseconds that this thread, and nobody else on the machine, works on a path for an input of `size` characters: the best of `rounds`. */
export const time = async ({ prepare }: Path, size: number, rounds = 1): Promise<number> => {
  const run = prepare(size)
  let best = Infinity
  for (let i = 0; i < rounds; i++) {
    const before = process.threadCpuUsage()
    await run()
    const { system, user } = process.threadCpuUsage(before)
    best = Math.min(best, (system + user) / 1000)
  }
  return best
}
