/**
 * Answers of the text and the meta protocol: what handlers said, as memcached 1.6.18 writes it.
 *
 * Answers to meta requests tell what the request's flags ask for, in their order; the bytes of the request are walked through once more for
 * that, which makes nothing. Everything else is written by the generated encoders. Source: memcached 1.6.18 `proto_text.c`.
 */
import { encodeText, encodeWith, textBound, writeDecimal, type Writer } from "@wirewright/codec"
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

/** Appends bytes that are there. */
export const put = (writer: Writer, line: Uint8Array): void => {
  const at = writer.need(line.length)
  writer.bytes.set(line, at)
  writer.position = at + line.length
}

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

const [space, cr, lf, one, minus] = [0x20, 0x0d, 0x0a, 0x31, 0x2d]
const letter = (text: string): number => text.charCodeAt(0)
const [b, c, f, h, k, l, s, t, O, Z, X, W] = [0x62, 0x63, 0x66, 0x68, 0x6b, 0x6c, 0x73, 0x74, 0x4f, 0x5a, 0x58, 0x57]
const code = (text: string): number => letter(text) << 8 | text.charCodeAt(1)

/** What the first word of a meta answer is. */
export const codes = { HD: code("HD"), VA: code("VA"), EN: code("EN"), NF: code("NF"), NS: code("NS"), EX: code("EX") } as const

/** Room for all flags that are numbers, an opaque, a key in base64 and the line's end. */
const mostFlags = 768

type Meta = MetaGet | MetaSet | MetaRemove | MetaCount

/** Keys come back as they were given, those in base64 as such. */
const putKey = (bytes: Uint8Array, at: number, key: string, base64: boolean): number => {
  bytes[at] = space
  bytes[at + 1] = k
  if (!base64) return at + 2 + encodeText(bytes, at + 2, key)
  const end = encodeKey(bytes, at + 2, key)
  bytes[end] = space
  bytes[end + 1] = b
  return end + 2
}

const putNumber = (bytes: Uint8Array, at: number, name: number, value: number | bigint): number => {
  bytes[at] = space
  bytes[at + 1] = name
  // numbers are written faster than bigints
  return writeDecimal(bytes, at + 2, typeof value === "bigint" && value <= 0x1f_ffff_ffff_ffffn ? Number(value) : value)
}

const putTimeToLive = (bytes: Uint8Array, at: number, seconds: number): number => {
  if (seconds >= 0) return putNumber(bytes, at, t, seconds)
  bytes[at] = space
  bytes[at + 1] = t
  bytes[at + 2] = minus
  bytes[at + 3] = one
  return at + 4
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
        position = putKey(bytes, position, request.key, base64)
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
  bytes[at] = cr
  bytes[at + 1] = lf
  return at + 2
}

/** An answer of a code and the flags that a request asks for. */
export const putMeta = (writer: Writer, code: number, request: Meta, told: Told | undefined): void => {
  const at = writer.need(mostFlags)
  const { bytes } = writer
  bytes[at] = code >> 8
  bytes[at + 1] = code & 0xff
  writer.position = endLine(bytes, putFlags(bytes, at + 2, request, told, request.base64))
}

const putMark = (bytes: Uint8Array, at: number, mark: number): number => {
  bytes[at] = space
  bytes[at + 1] = mark
  return at + 2
}

/** The answer to a hit of `mg`. */
export const putFound = (writer: Writer, request: MetaGet, found: Found): void => {
  const { value } = found
  const valueSize = found.valueSize ?? value.length
  const at = writer.need(mostFlags + (request.wantsValue ? value.length + 2 : 0))
  const { bytes } = writer
  let position: number
  if (request.wantsValue) {
    bytes[at] = letter("V")
    bytes[at + 1] = letter("A")
    bytes[at + 2] = space
    position = writeDecimal(bytes, at + 3, value.length)
  } else {
    bytes[at] = letter("H")
    bytes[at + 1] = letter("D")
    position = at + 2
  }
  if (request.flagsEnd > request.flagsAt) {
    const { alreadyWon, base64 = false, cas = 0n, flags = 0, hit, lastAccess, stale, timeToLive, won } = found
    position = putFlags(bytes, position, request, { cas, flags, hit, lastAccess, timeToLive, valueSize }, base64)
    if (alreadyWon === true) position = putMark(bytes, position, Z)
    if (stale === true) position = putMark(bytes, position, X)
    if (won === true) position = putMark(bytes, position, W)
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
  bytes[at] = letter(request.wantsValue ? "V" : "H")
  bytes[at + 1] = letter(request.wantsValue ? "A" : "D")
  let position = at + 2
  if (request.wantsValue) {
    bytes[position] = space
    position = writeDecimal(bytes, position + 1, text.length)
  }
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
  const base64 = facts.base64 === true
  // the key as a flag would have it, without the letter
  const end = putKey(bytes, at + 1, key, base64) - (base64 ? 2 : 0)
  bytes[at] = letter("M")
  bytes[at + 1] = letter("E")
  bytes[at + 2] = space
  writer.position = end
  const { cas, fetched, lastAccess, size, slabClass, timeToLive } = facts
  const expiry = timeToLive < 0 ? -1 : 0 - timeToLive
  putLines(writer, ` exp=${expiry} la=${lastAccess} cas=${cas} fetch=${fetched ? "yes" : "no"} cls=${slabClass} size=${size}\r\n`)
}

/** A list of names and values, and its end. */
export const putStatistics = (writer: Writer, pairs: Iterable<readonly [name: string, value: string]>): void => {
  for (const [name, value] of pairs) encodeStatistic(writer, { name, value })
  encodeEnd(writer, {})
}
