/**
 * Answers of the text and the meta protocol: what handlers said, as memcached 1.6.18 writes it.
 *
 * Answers to meta requests tell what the request's flags ask for, in their order; the bytes of the request are walked through once more for
 * that, which makes nothing. Everything else is written by the generated encoders. Source: memcached 1.6.18 `proto_text.c`.
 */
import { decodeText, encodeText, encodeWith, textBound, writeDecimal, type Writer } from "@wirewright/codec"
import { byteOf, carriageReturn, lineFeed, space } from "./Ascii.ts"
import { encodeKey } from "./Base64Key.ts"
import { Status } from "./gen/index.ts"
import type { Counted, Found, ItemFacts, Refusal, Written } from "./MemcachedHandlers.ts"
import { statusText } from "./StatusText.ts"
import type { MetaCount, MetaGet, MetaRemove, MetaSet, Store } from "./TextRequest.ts"
import {
  encodeClientError,
  encodeDeleted,
  encodeEnd,
  encodeExists,
  encodeMetaDone,
  encodeMetaMiss,
  encodeMetaNoopDone,
  encodeNotFound,
  encodeNotStored,
  encodeOk,
  encodeReset,
  encodeServerError,
  encodeStatistic,
  encodeStored,
  encodeTouched
} from "./text/index.ts"

/** Lines that never change. */
export const lines = {
  deleted: encodeWith((writer) => encodeDeleted(writer, {})),
  end: encodeWith((writer) => encodeEnd(writer, {})),
  exists: encodeWith((writer) => encodeExists(writer, {})),
  metaDone: encodeWith((writer) => encodeMetaDone(writer, { flags: [] })),
  metaMiss: encodeWith((writer) => encodeMetaMiss(writer, { flags: [] })),
  metaNoop: encodeWith((writer) => encodeMetaNoopDone(writer, {})),
  notFound: encodeWith((writer) => encodeNotFound(writer, {})),
  notStored: encodeWith((writer) => encodeNotStored(writer, {})),
  ok: encodeWith((writer) => encodeOk(writer, {})),
  reset: encodeWith((writer) => encodeReset(writer, {})),
  stored: encodeWith((writer) => encodeStored(writer, {})),
  touched: encodeWith((writer) => encodeTouched(writer, {})),
  notANumber: encodeWith((writer) => encodeClientError(writer, { message: "cannot increment or decrement non-numeric value" })),
  noFlush: encodeWith((writer) => encodeClientError(writer, { message: "flush_all not allowed" })),
  tooLarge: encodeWith((writer) => encodeServerError(writer, { message: "object too large for cache" })),
  noMemory: encodeWith((writer) => encodeServerError(writer, { message: "out of memory storing object" }))
}

/** Length of the longest word that refuses, and one more. */
const longestErrorWord = "SERVER_ERROR ".length

/** Appends bytes that are there. */
export const put = (writer: Writer, line: Uint8Array): void => {
  const at = writer.need(line.length)
  writer.bytes.set(line, at)
  writer.position = at + line.length
}

/** The word that a refusal begins with; nothing of another line. */
export const errorWord = (line: Uint8Array): string | undefined =>
  /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)(?![^\s])/.exec(decodeText(line, 0, Math.min(line.length, longestErrorWord)))?.[0]

/** Appends whole lines of text. */
export const putLines = (writer: Writer, text: string): void => {
  const at = writer.need(textBound(text))
  writer.position = at + encodeText(writer.bytes, at, text)
}

const decoder = new TextDecoder()

/** What an error says must not end its line. */
const oneLine = (text: string): string => Array.from(text, (letter) => letter < " " ? " " : letter).join("")

/** The line for a refusal that is an error in all commands. */
export const errorLine = ({ status, text }: Refusal): Uint8Array => {
  switch (status) {
    case Status.DeltaBadval:
      return lines.notANumber
    case Status.E2big:
      return lines.tooLarge
    case Status.Enomem:
      return lines.noMemory
  }
  const message = oneLine(text ?? (decoder.decode(statusText(status)) || `status ${status}`))
  const refusesClient = status === Status.AuthError || status === Status.Einval
  return encodeWith((writer) => refusesClient ? encodeClientError(writer, { message }) : encodeServerError(writer, { message }))
}

/** The line for a refused classic command. */
export const classicRefusal = (verb: Store["verb"] | "remove" | "touch" | "increment" | "decrement", refusal: Refusal): Uint8Array => {
  switch (refusal.status) {
    case Status.KeyEnoent:
      return verb === "replace" || verb === "append" || verb === "prepend" ? lines.notStored : lines.notFound
    case Status.KeyEexists:
      return verb === "add" ? lines.notStored : lines.exists
    case Status.NotStored:
      return lines.notStored
    default:
      return errorLine(refusal)
  }
}

const b = byteOf("b")
const c = byteOf("c")
const f = byteOf("f")
const h = byteOf("h")
const k = byteOf("k")
const l = byteOf("l")
const s = byteOf("s")
const t = byteOf("t")
const O = byteOf("O")
const Z = byteOf("Z")
const X = byteOf("X")
const W = byteOf("W")
const one = byteOf("1")
const minus = byteOf("-")

/** What the first word of a meta answer is: two letters. */
const code = (text: string): readonly [number, number] => [text.charCodeAt(0), text.charCodeAt(1)]
export const codes = { HD: code("HD"), VA: code("VA"), EN: code("EN"), NF: code("NF"), NS: code("NS"), EX: code("EX"), ME: code("ME") }

type Code = readonly [number, number]

/** Room for all flags that are numbers, an opaque, a key in base64 and the line's end. */
const mostFlags = 768

type Meta = MetaGet | MetaSet | MetaRemove | MetaCount

const putCode = (bytes: Uint8Array, at: number, [first, second]: Code): number => {
  let position = at
  bytes[position++] = first
  bytes[position++] = second
  return position
}

/** A space and a letter: how a flag begins. */
const putFlag = (bytes: Uint8Array, at: number, letter: number): number => {
  let position = at
  bytes[position++] = space
  bytes[position++] = letter
  return position
}

/** Keys come back as they were given, those in base64 as such. */
const putKey = (bytes: Uint8Array, at: number, key: string, base64: boolean): number =>
  base64 ? putFlag(bytes, encodeKey(bytes, at, key), b) : at + encodeText(bytes, at, key)

const putNumber = (bytes: Uint8Array, at: number, name: number, value: number | bigint): number =>
  // numbers are written faster than bigints
  writeDecimal(bytes, putFlag(bytes, at, name), typeof value === "bigint" && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value)

const putTimeToLive = (bytes: Uint8Array, at: number, seconds: number): number => {
  if (seconds >= 0) return putNumber(bytes, at, t, seconds)
  let position = putFlag(bytes, at, t)
  bytes[position++] = minus
  bytes[position++] = one
  return position
}

/** What an answer may tell. */
type Told = Partial<Omit<Found, "value" | "base64">>

const putFlags = (bytes: Uint8Array, start: number, request: Meta, told: Told | undefined, base64: boolean): number => {
  const { at, bytes: source, flagsEnd } = request
  const end = at + flagsEnd
  let position = start
  for (let i = at + request.flagsAt; i < end;) {
    const flag = source[i]!
    if (flag === space) {
      i++
      continue
    }
    let next = i + 1
    while (next < end && source[next] !== space) next++
    switch (flag) {
      case k:
        position = putKey(bytes, putFlag(bytes, position, k), request.key, base64)
        break
      case O:
        bytes[position++] = space
        while (i < next) bytes[position++] = source[i++]!
        break
      case c:
        if (told?.cas !== undefined) position = putNumber(bytes, position, c, told.cas)
        break
      case f:
        if (told?.flags !== undefined) position = putNumber(bytes, position, f, told.flags)
        break
      case s:
        if (told?.valueSize !== undefined) position = putNumber(bytes, position, s, told.valueSize)
        break
      case t:
        if (told?.timeToLive !== undefined) position = putTimeToLive(bytes, position, told.timeToLive)
        break
      case l:
        if (told?.lastAccess !== undefined) position = putNumber(bytes, position, l, told.lastAccess)
        break
      case h:
        if (told?.hit !== undefined) {
          position = putNumber(bytes, position, h, told.hit ? 1 : 0)
        }
        break
    }
    i = next
  }
  return position
}

const endLine = (bytes: Uint8Array, at: number): number => {
  let position = at
  bytes[position++] = carriageReturn
  bytes[position++] = lineFeed
  return position
}

/** An answer of a code and the flags that a request asks for. */
export const putMeta = (writer: Writer, code: Code, request: Meta, told: Told | undefined): void => {
  const at = writer.need(mostFlags)
  const { bytes } = writer
  writer.position = endLine(bytes, putFlags(bytes, putCode(bytes, at, code), request, told, request.base64))
}

/** The beginning of an answer with a value. */
const putValueCode = (bytes: Uint8Array, at: number, length: number): number => {
  let position = putCode(bytes, at, codes.VA)
  bytes[position++] = space
  return writeDecimal(bytes, position, length)
}

/** The answer to a hit of `mg`. */
export const putFound = (writer: Writer, request: MetaGet, found: Found): void => {
  const { value } = found
  const valueSize = found.valueSize ?? value.length
  const at = writer.need(mostFlags + (request.wantsValue ? value.length + 2 : 0))
  const { bytes } = writer
  let position = request.wantsValue ? putValueCode(bytes, at, value.length) : putCode(bytes, at, codes.HD)
  if (request.flagsEnd > request.flagsAt) {
    const { alreadyWon, base64 = false, cas = 0n, flags = 0, hit, lastAccess, stale, timeToLive, won } = found
    position = putFlags(bytes, position, request, { cas, flags, hit, lastAccess, timeToLive, valueSize }, base64)
    if (alreadyWon === true) position = putFlag(bytes, position, Z)
    if (stale === true) position = putFlag(bytes, position, X)
    if (won === true) position = putFlag(bytes, position, W)
  }
  position = endLine(bytes, position)
  if (request.wantsValue) {
    bytes.set(value, position)
    position = endLine(bytes, position + value.length)
  }
  writer.position = position
}

/** The answer to `ma` that changed something. */
export const putCounted = (writer: Writer, request: MetaCount, { cas = 0n, timeToLive, value }: Counted): void => {
  const at = writer.need(mostFlags)
  const { bytes } = writer
  const text = request.wantsValue ? value.toString() : ""
  let position = request.wantsValue ? putValueCode(bytes, at, text.length) : putCode(bytes, at, codes.HD)
  position = endLine(bytes, putFlags(bytes, position, request, { cas, timeToLive }, request.base64))
  if (request.wantsValue) position = endLine(bytes, position + encodeText(bytes, position, text))
  writer.position = position
}

/** What an `ms` that was done tells. */
export const toldOfWrite = ({ cas = 0n }: Written): Told => ({ cas })

/** The answer to `me`; 1.6.18 counts the time to live with a minus sign. */
export const putItemFacts = (writer: Writer, key: string, facts: ItemFacts): void => {
  const at = writer.need(mostFlags)
  const { bytes } = writer
  let position = putCode(bytes, at, codes.ME)
  bytes[position++] = space
  writer.position = facts.base64 === true ? encodeKey(bytes, position, key) : position + encodeText(bytes, position, key)
  const { cas, fetched, lastAccess, size, slabClass, timeToLive } = facts
  const expiry = timeToLive < 0 ? -1 : 0 - timeToLive
  putLines(writer, ` exp=${expiry} la=${lastAccess} cas=${cas} fetch=${fetched ? "yes" : "no"} cls=${slabClass} size=${size}\r\n`)
}

/** A list of names and values, and its end. */
export const putStatistics = (writer: Writer, pairs: Iterable<readonly [name: string, value: string]>): void => {
  for (const [name, value] of pairs) encodeStatistic(writer, { name, value })
  encodeEnd(writer, {})
}
