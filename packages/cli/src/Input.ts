/** Where bytes come from: a file or stdin, decompressed when gzipped, recognized by their first bytes. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createReadStream } from "node:fs"
import { readFile, stat } from "node:fs/promises"
import { createGunzip } from "node:zlib"
import { type Failure, failureOfDefect, refuse } from "./Failure.ts"

/** Chunks of a file. They are not written to again. */
export type Chunks = AsyncIterable<Uint8Array>

/** The password in a file, without the end of its line. */
export const passwordIn = (file: string): Effect.Effect<Redacted.Redacted<string>, Failure> =>
  Effect.tryPromise({
    try: async () => Redacted.make((await readFile(file, "utf8")).replace(/\r?\n$/, "")),
    catch: failureOfDefect
  })

/** The password that stands in a file, or in WIREWRIGHT_PASSWORD. */
export const givenPassword = (file: string | undefined): Effect.Effect<Redacted.Redacted<string> | undefined, Failure> => {
  const given = process.env["WIREWRIGHT_PASSWORD"]
  if (file === undefined) return Effect.succeed(given === undefined ? undefined : Redacted.make(given))
  return passwordIn(file)
}

/** All of a file, or of stdin for `-`, as text. */
export const textIn = (file: string): Effect.Effect<string, Failure> =>
  Effect.tryPromise({
    try: async () => {
      const { all } = await openInput(file)
      const parts: Array<Uint8Array> = []
      for await (const part of all) parts.push(part)
      return Buffer.concat(parts).toString()
    },
    catch: failureOfDefect
  })

/** Bytes needed to recognize a format. */
const magicSize = 4

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** The first bytes of a stream, and the whole stream. */
const peek = async (chunks: Chunks): Promise<{ readonly head: Uint8Array; readonly all: Chunks }> => {
  const iterator = chunks[Symbol.asyncIterator]()
  let head = new Uint8Array(0)
  while (head.length < magicSize) {
    const next = await iterator.next()
    if (next.done === true) break
    const joined = new Uint8Array(head.length + next.value.length)
    joined.set(head)
    joined.set(next.value, head.length)
    head = joined
  }
  const all = async function*(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, all: all() }
}

const gunzip = async function*(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const decompressed = createGunzip()
  const feeding = (async () => {
    for await (const chunk of chunks) {
      if (!decompressed.write(chunk)) await new Promise((resolve) => decompressed.once("drain", resolve))
    }
    decompressed.end()
  })()
  feeding.catch((error: Error) => decompressed.destroy(error))
  try {
    for await (const chunk of decompressed) yield chunk as Uint8Array
  } catch (error) {
    refuse(`the gzip data is damaged: ${(error as Error).message}`)
  }
}

/** Opens a file, or stdin for `-`. */
const open = async (file: string): Promise<Chunks> => {
  if (file === "-") return process.stdin as unknown as Chunks
  const info = await stat(file).catch(() => undefined)
  if (info === undefined) refuse(`no such file: ${file}`)
  if (info?.isDirectory() === true) refuse(`${file} is a directory`)
  return createReadStream(file, { highWaterMark: 256 * 1024 }) as unknown as Chunks
}

/** Opens an input; `head` are the first bytes after any gzip. */
export const openInput = async (file: string): Promise<{ readonly head: Uint8Array; readonly all: Chunks }> => {
  const plain = await peek(await open(file))
  return isGzip(plain.head) ? peek(gunzip(plain.all)) : plain
}

/** Longest input line in characters. */
const maxLine = 64 * 1024 * 1024

/** Lines without their ends; the last one may lack one. A character is looked at once, however many chunks a line comes in. */
export const linesOf = async function*(chunks: Chunks): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pieces: Array<string> = []
  let size = 0
  const take = (piece: string): void => {
    size += piece.length
    if (size > maxLine) refuse(`an input line is longer than ${maxLine} characters`)
    pieces.push(piece)
  }
  const finished = (): string => {
    const text = pieces.length === 1 ? pieces[0]! : pieces.join("")
    pieces = []
    size = 0
    return text.endsWith("\r") ? text.slice(0, -1) : text
  }
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      take(text.slice(start, end))
      yield finished()
      start = end + 1
    }
    if (start < text.length) take(text.slice(start))
  }
  const rest = decoder.decode()
  if (rest !== "") take(rest)
  if (size > 0) yield finished()
}
