/**
 * Bytes of a client of the text protocol in, requests out: the one place that knows how memcached 1.6.18 reads lines.
 *
 * It is a frame shape with a memory, made for each connection: a frame is a line, a line with its data block, or a piece of what is swallowed
 * because it is too large or belongs to a line that was wrong. Each byte of a line is looked at once for its end, however it arrives. Pure: it
 * knows neither sockets nor time, and what a client sent reaches no other connection. Source: memcached 1.6.18 `proto_text.c`; vectors in
 * test/fixtures/memcached-text.json.
 */
import { decodeText, encodeWith, type FrameShape, malformed, type Reader } from "@wirewright/codec"
import { byteOf, carriageReturn, lineFeed, nul, space } from "./Ascii.ts"
import { decodeKey } from "./Base64Key.ts"
import { doNotCreate } from "./MemcachedHandlers.ts"
import { errorWord } from "./TextAnswers.ts"
import { FlagReader } from "./TextFlags.ts"
import { signed32, unsigned32, unsigned64 } from "./TextNumbers.ts"
import {
  type Change,
  type Manage,
  MetaCount,
  MetaGet,
  MetaRemove,
  MetaSet,
  type Said,
  Store,
  type StoreVerb,
  type TextRequest,
  type TooLarge
} from "./TextRequest.ts"
import { encodeClientError, encodeCommandError, encodeServerError, encodeStored } from "./text/index.ts"

/** What a connection's reader is told. */
export interface TextLinesOptions {
  /** Largest frame in bytes; a value that makes a larger one is swallowed. */
  readonly maxFrame: number
  /** Whether a value is too large to be kept, told before it arrives. Default: nothing is that fits a frame. */
  readonly isTooLarge?: ((key: string, length: number, flags: number) => boolean) | undefined
  /** Whether a user may sign in; without it nobody needs to. */
  readonly authenticate?: ((user: string, password: string) => boolean) | undefined
}

/** memcached reads no more tokens of a line than these, except keys of a `get`. */
const mostTokens = 23
/** Tokens of a meta command, the line's end not counted. */
const mostMetaTokens = 19
const longestKey = 250
/** Bytes that may come without the end of a line, unless they are a `get`. */
const longestOpenLine = 2048
const mostLeadingSpaces = 100
/** Largest data block that memcached knows the length of with its line end. */
const longestBlock = 2 ** 31 - 3
/** Memory in which memcached waits for a user and a password. */
const longestCredentials = 16 * 1024

/** Where the tokens of the line that is being read lie. Lines are read one at a time, in all connections together. */
const starts = new Int32Array(mostTokens)
const ends = new Int32Array(mostTokens)
const flags = new FlagReader()

const said = (line: Uint8Array | undefined, more: Partial<Said> = {}): Said => ({ _tag: "Said", line, ...more })
const silence = said(undefined)
const closing = said(undefined, { last: true })
const lineError = said(encodeWith((writer) => encodeCommandError(writer, {})))
const tooLarge = said(encodeWith((writer) => encodeServerError(writer, { message: "object too large for cache" })))
const stored = said(encodeWith((writer) => encodeStored(writer, {})), { admits: true })

/** Errors by their text: there are few, and they are everyday outcomes. */
const errors = new Map<string, Said>()
const prefix = "CLIENT_ERROR "

/** An error that the client made. */
export const clientError = (text: string): Said => {
  let error = errors.get(text)
  if (error === undefined) {
    const message = text.startsWith(prefix) ? text.slice(prefix.length) : text
    errors.set(text, error = said(encodeWith((writer) => encodeClientError(writer, { message }))))
  }
  return error
}

/** What a line that is not understood is answered with. */
export const commandError: Uint8Array = lineError.line!

/** A refusal of a line that may ask for silence. */
const shown = (noreply: boolean, refusal: Said): Said => noreply ? said(undefined, { error: errorWord(refusal.line!)! }) : refusal

const badFormat = clientError("bad command line format")
const badChunk = clientError("bad data chunk")
const unauthenticated = clientError("unauthenticated")

const storeModes: { readonly [letter: string]: StoreVerb | undefined } = { E: "add", A: "append", P: "prepend", R: "replace", S: "set" }

/** Reads what one client sends. */
export class TextLines implements FrameShape {
  readonly name = "memcached text"
  readonly maxFrame: number
  /** Whether the frame measured last may hold a password: all that comes before signing in, but for the line that says that one follows. */
  isSecret = false
  private readonly options: TextLinesOptions
  private authenticated: boolean
  /** Bytes that are passed over, and what is answered after the last of them. */
  private swallowing = 0
  private afterwards: Said = silence
  /** Bytes of a user and a password with their line end, once their length is known. */
  private credentials = 0
  /** Bytes of an unfinished line that have no end in them. */
  private searched = 0
  /** Answers of lines before this one wait in memcached until the input is used up. */
  private unsent = false
  /** What was read of the newest frame; whoever held frames before it takes those first. */
  private current: TextRequest | undefined
  private readonly earlier: Array<TextRequest> = []
  private next = 0

  constructor(options: TextLinesOptions) {
    this.options = options
    this.maxFrame = options.maxFrame
    this.authenticated = options.authenticate === undefined
  }

  /** The request of the next frame, which lies at `at`; frames come in the order in which they were measured. */
  readonly decode = (reader: Reader, at: number): TextRequest => {
    let request = this.current!
    if (this.next < this.earlier.length) {
      request = this.earlier[this.next++]!
      if (this.next === this.earlier.length) {
        this.earlier.length = 0
        this.next = 0
      }
    } else this.current = undefined
    switch (request._tag) {
      case "MetaGet":
      case "MetaRemove":
      case "MetaCount":
        request.bytes = reader.bytes
        request.at = at
        return request
      case "MetaSet":
        request.bytes = reader.bytes
        request.at = at
        return this.withBlock(request, reader, at) ? request : badChunk
      case "Store":
        return this.withBlock(request, reader, at) ? request : shown(request.noreply, badChunk)
      default:
        return request
    }
  }

  private withBlock(request: Store | MetaSet, reader: Reader, at: number): boolean {
    const { bytes } = reader
    const start = at + request.dataAt
    const end = start + request.length
    if (!isLineEnd(bytes, end)) return false
    request.value = reader.slice(start, end)
    return true
  }

  /** Size of the frame at `at`. Throws `DecodeError` for a line that does not end. */
  sizeAt({ bytes }: Reader, at: number, end: number): number {
    if (this.swallowing > 0) return this.swallow(end - at)
    if (at === 0) this.unsent = false
    this.isSecret = !this.authenticated
    if (!this.authenticated) return this.signIn(bytes, at, end)
    const lineEnd = this.lineEnd(bytes, at, end)
    if (lineEnd < 0) {
      this.unsent = false
      return 0
    }
    // one CR belongs to the end, unless it is all there is
    const last = lineEnd - 1
    const textEnd = last > at && bytes[last] === carriageReturn ? last : lineEnd
    const size = lineEnd + 1 - at
    const count = tokens(bytes, at, textEnd)
    const request = this.request(bytes, at, count, textEnd, size)
    this.hand(request)
    const block = request._tag === "MetaSet" || request._tag === "Store" ? request.length + 2 : 0
    this.unsent = !(request._tag === "Retrieve" || request._tag === "Manage" && request.verb === "noop")
    return size + block
  }

  private hand(request: TextRequest): void {
    if (this.current !== undefined) this.earlier.push(this.current)
    this.current = request
  }

  /** Where the LF is; below 0 when there is none yet. */
  private lineEnd(bytes: Uint8Array, at: number, end: number): number {
    let i = at + this.searched
    while (i < end && bytes[i] !== lineFeed) i++
    if (i < end) {
      this.searched = 0
      return i
    }
    this.searched = end - at
    if (end - at > longestOpenLine && !(this.authenticated && isRetrieval(bytes, at))) {
      malformed("Limit", this.name, "line", 0, `a line of at most ${longestOpenLine} bytes`, `${end - at} bytes without an end`)
    }
    return -1
  }

  /** Passes over what is there of what is to be passed over. */
  private swallow(there: number): number {
    const size = Math.min(this.swallowing, there)
    this.swallowing -= size
    this.hand(this.swallowing === 0 ? this.afterwards : silence)
    return size
  }

  /** The block of a wrong line is passed over, then the error is told. */
  private passOver(length: number, answer: Said): Said {
    this.swallowing = length + 2
    this.afterwards = answer
    return silence
  }

  private isTooLarge(key: string, length: number, clientFlags: number, size: number): boolean {
    return size + length + 2 > this.maxFrame || this.options.isTooLarge?.(key, length, clientFlags) === true
  }

  /**
   * Only a `set` is understood, whose block is a user and a password. Of what came together memcached keeps one answer, the last.
   */
  private signIn(bytes: Uint8Array, at: number, end: number): number {
    if (this.credentials > 0) {
      const size = this.credentials
      if (end - at < size) return 0
      this.credentials = 0
      const answer = this.check(bytes, at, size - 2)
      this.hand(answer.admits !== true && isWholeAttempt(bytes, at + size, end) ? silence : answer)
      return size
    }
    const lineEnd = this.lineEnd(bytes, at, end)
    if (lineEnd < 0) return 0
    const next = lineEnd + 1
    const length = credentialsLength(bytes, at, lineEnd)
    if (length === undefined) this.hand(isWholeAttempt(bytes, next, end) ? silence : unauthenticated)
    else {
      if (length + 2 > longestCredentials) {
        malformed("Limit", this.name, "credentials", 0, `at most ${longestCredentials} bytes`, `${length} bytes`)
      }
      this.credentials = length + 2
      this.isSecret = false
      this.hand(silence)
    }
    return next - at
  }

  private check(bytes: Uint8Array, at: number, length: number): Said {
    if (!isLineEnd(bytes, at + length)) return clientError("bad command line termination")
    if (tokens(bytes, at, at + length) < 2) return clientError("bad authentication token format")
    if (!this.options.authenticate!(token(bytes, 0), token(bytes, 1))) return clientError("authentication failure")
    this.authenticated = true
    return stored
  }

  private request(bytes: Uint8Array, at: number, count: number, textEnd: number, size: number): TextRequest {
    const length = count === 0 ? 0 : ends[0]! - starts[0]!
    if (length < 2) return lineError
    const first = starts[0]!
    const second = first + 1
    if (length === 2 && bytes[first] === letterM) return this.meta(bytes, at, bytes[second]!, count, size)
    const verb = token(bytes, 0)
    switch (verb) {
      case "get":
      case "bget":
        return count < 2 ? lineError : retrieve(bytes, textEnd, count, false, undefined)
      case "gets":
        return count < 2 ? lineError : retrieve(bytes, textEnd, count, true, undefined)
      case "gat":
      case "gats": {
        if (count < 2) return lineError
        const expiration = signed32(bytes, starts[1]!, ends[1]!)
        return expiration === undefined
          ? clientError("invalid exptime argument")
          : retrieve(bytes, textEnd, count, verb === "gats", expiration)
      }
      case "set":
      case "add":
      case "replace":
      case "append":
      case "prepend":
        return count !== 5 && count !== 6 ? lineError : this.store(bytes, count, verb, false, size)
      case "cas":
        return count !== 6 && count !== 7 ? lineError : this.store(bytes, count, "set", true, size)
      case "incr":
      case "decr":
        return count !== 3 && count !== 4 ? lineError : arithmetic(bytes, count, verb === "incr" ? "increment" : "decrement")
      case "delete":
        return count < 2 || count > 4 ? lineError : remove(bytes, count)
      case "touch":
        return count !== 3 && count !== 4 ? lineError : touch(bytes, count)
      default:
        return this.management(bytes, count, verb)
    }
  }

  private store(bytes: Uint8Array, count: number, verb: StoreVerb, compares: boolean, size: number): TextRequest {
    const noreply = isNoreply(bytes, count)
    const refused = shown(noreply, badFormat)
    if (isLong(1)) return refused
    const clientFlags = unsigned32(bytes, starts[2]!, ends[2]!)
    const expiration = signed32(bytes, starts[3]!, ends[3]!)
    const length = signed32(bytes, starts[4]!, ends[4]!)
    const cas = compares ? unsigned64(bytes, starts[5]!, ends[5]!) : undefined
    if (clientFlags === undefined || expiration === undefined || length === undefined || compares && cas === undefined) return refused
    if (length < 0 || length > longestBlock) return refused
    const key = token(bytes, 1)
    if (this.isTooLarge(key, length, clientFlags, size)) {
      this.passOver(length, shown(noreply, tooLarge))
      return announced(key, false, verb === "set" && !compares)
    }
    return new Store(verb, key, clientFlags, expiration, length, cas, noreply, size)
  }

  private meta(bytes: Uint8Array, at: number, letter: number, count: number, size: number): TextRequest {
    switch (letter) {
      case letterG:
        return metaGet(bytes, at, count)
      case letterS:
        return this.metaSet(bytes, at, count, size)
      case letterD:
        return metaRemove(bytes, at, count)
      case letterA:
        return metaCount(bytes, at, count)
      case letterN:
        return manage("noop")
      case letterE:
        return metaDebug(bytes, count)
      default:
        return lineError
    }
  }

  private metaSet(bytes: Uint8Array, at: number, count: number, size: number): TextRequest {
    if (count < 2) return lineError
    if (count === 2 || isLong(1)) return badFormat
    if (count > mostMetaTokens) return clientError("options flags too long")
    const length = signed32(bytes, starts[2]!, ends[2]!)
    if (length === undefined || length < 0 || length > longestBlock) return badFormat
    const wrong = flags.read(bytes, starts, ends, 3, count)
    if (wrong !== undefined) return this.passOver(length, clientError(wrong))
    const verb = flags.mode === 0 ? "set" : storeModes[String.fromCharCode(flags.mode)]
    if (verb === undefined) return this.passOver(length, clientError("invalid mode for ms M token"))
    if (flags.opaqueTooLong) return this.passOver(length, clientError("opaque token too long"))
    const key = flags.key ?? token(bytes, 1)
    if (this.isTooLarge(key, length, flags.clientFlags, size)) {
      this.passOver(length, tooLarge)
      return announced(key, flags.base64, true)
    }
    return new MetaSet(flags, verb, key, ends[2]! - at, ends[count - 1]! - at, length, size)
  }

  private management(bytes: Uint8Array, count: number, verb: string): TextRequest {
    const noreply = isNoreply(bytes, count)
    switch (verb) {
      case "version":
        return manage("version")
      case "quit":
        return closing
      case "flush_all": {
        if (count > 3) return lineError
        const delay = count === (noreply ? 2 : 1) ? 0 : signed32(bytes, starts[1]!, ends[1]!)
        if (delay === undefined) return shown(noreply, clientError("invalid exptime argument"))
        return manage("flush", noreply, delay)
      }
      case "verbosity": {
        if (count !== 2 && count !== 3) return lineError
        const level = unsigned32(bytes, starts[1]!, ends[1]!)
        if (level === undefined) return shown(noreply, badFormat)
        return manage("verbosity", noreply, level)
      }
      case "stats":
        return statistics(words(bytes, count))
      case "cache_memlimit":
        return count !== 2 && count !== 3 ? lineError : administer(bytes, count, verb, noreply)
      case "lru":
      case "extstore":
        return count < 2 ? lineError : administer(bytes, count, verb, noreply)
      case "slabs":
        return administer(bytes, count, verb, noreply && count > 2 && token(bytes, 1) === "automove")
      case "lru_crawler":
        return administer(bytes, count, verb, false, this.unsent)
      case "watch":
        return administer(bytes, count, verb, noreply, this.unsent)
      case "shutdown":
        return administer(bytes, count, verb, false)
      case "refresh_certs":
        return administer(bytes, count, verb, noreply)
      default:
        if (knownBeginnings.has(bytes[starts[0]!]!) || !token(bytes, count - 1).startsWith("HTTP/")) return lineError
        return malformed("UnknownValue", this.name, "line", 0, "a command", "a request of HTTP")
    }
  }
}

const letterM = byteOf("m")
const letterG = byteOf("g")
const letterS = byteOf("s")
const letterD = byteOf("d")
const letterA = byteOf("a")
const letterN = byteOf("n")
const letterE = byteOf("e")
/** What begins like a command of these is no HTTP request to memcached. */
const knownBeginnings = new Set(Array.from("gsacidt", byteOf))
const encoder = new TextEncoder()
const noreplyBytes = encoder.encode("noreply")
const getBytes = encoder.encode("get ")
const getsBytes = encoder.encode("gets ")

/** Finds the tokens between spaces; memcached sees the end of a line at a NUL. Returns how many there are. */
const tokens = (bytes: Uint8Array, at: number, end: number): number => {
  let count = 0
  let start = -1
  let i = at
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte === nul) break
    if (byte !== space) {
      if (start < 0) start = i
    } else if (start >= 0) {
      starts[count] = start
      ends[count] = i
      start = -1
      if (++count === mostTokens) return count
    }
  }
  if (start >= 0) {
    starts[count] = start
    ends[count++] = i
  }
  return count
}

const token = (bytes: Uint8Array, index: number): string => decodeText(bytes, starts[index]!, ends[index]!)

const words = (bytes: Uint8Array, count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => token(bytes, index))

const isLong = (index: number): boolean => ends[index]! - starts[index]! > longestKey

const begins = (bytes: Uint8Array, at: number, with_: Uint8Array): boolean => {
  for (let i = 0; i < with_.length; i++) if (bytes[at + i] !== with_[i]) return false
  return true
}

/** Whether CR and LF stand there, which alone end a block. */
const isLineEnd = (bytes: Uint8Array, at: number): boolean => {
  let i = at
  return bytes[i++] === carriageReturn && bytes[i] === lineFeed
}

/** Whether the last token is `noreply`. */
const isNoreply = (bytes: Uint8Array, count: number): boolean =>
  ends[count - 1]! - starts[count - 1]! === noreplyBytes.length && begins(bytes, starts[count - 1]!, noreplyBytes)

const isRetrieval = (bytes: Uint8Array, at: number): boolean => {
  let i = at
  while (bytes[i] === space && i - at <= mostLeadingSpaces) i++
  return i - at <= mostLeadingSpaces && (begins(bytes, i, getBytes) || begins(bytes, i, getsBytes))
}

/** Length of the credentials that a line announces; nothing for any other line. */
const credentialsLength = (bytes: Uint8Array, at: number, lineEnd: number): number | undefined =>
  tokens(bytes, at, lineEnd) < 5 || token(bytes, 0) !== "set" ? undefined : unsigned32(bytes, starts[4]!, ends[4]!)

/** Whether another attempt to sign in, or another line, is all there already. */
const isWholeAttempt = (bytes: Uint8Array, at: number, end: number): boolean => {
  let i = at
  while (i < end && bytes[i] !== lineFeed) i++
  if (i >= end || end - at < 2) return false
  const length = credentialsLength(bytes, at, i)
  return length === undefined || end - i - 1 >= length + 2
}

/** Keys from the second token on, however many there are; after those that memcached reads at once they are sought for here. */
const retrieve = (
  bytes: Uint8Array,
  textEnd: number,
  count: number,
  withCas: boolean,
  expiration: number | undefined
): TextRequest => {
  const keys: Array<string> = []
  const first = expiration === undefined ? 1 : 2
  let tooLong = false
  let found = count
  let index = first
  for (;;) {
    for (; index < found && !tooLong; index++) {
      if (isLong(index)) tooLong = true
      else keys.push(token(bytes, index))
    }
    if (tooLong || found < mostTokens) break
    found = tokens(bytes, ends[mostTokens - 1]!, textEnd)
    index = 0
  }
  return { _tag: "Retrieve", keys, withCas, expiration, tooLong }
}

const change = (verb: Change["verb"], key: string, noreply: boolean, more: Partial<Change> = {}): Change => ({
  _tag: "Change",
  verb,
  key,
  noreply,
  cas: 0n,
  expiration: doNotCreate,
  delta: 0n,
  initial: 0n,
  ...more
})

const arithmetic = (bytes: Uint8Array, count: number, verb: "increment" | "decrement"): TextRequest => {
  const noreply = isNoreply(bytes, count)
  if (isLong(1)) return shown(noreply, badFormat)
  const delta = unsigned64(bytes, starts[2]!, ends[2]!)
  if (delta === undefined) return shown(noreply, clientError("invalid numeric delta argument"))
  return change(verb, token(bytes, 1), noreply, { delta })
}

const remove = (bytes: Uint8Array, count: number): TextRequest => {
  const noreply = count > 2 && isNoreply(bytes, count)
  if (count > 2) {
    // the time argument of old clients
    const zero = token(bytes, 2) === "0"
    if (count === 3 ? !zero && !noreply : !zero || !noreply) {
      return shown(noreply, clientError("bad command line format.  Usage: delete <key> [noreply]"))
    }
  }
  if (isLong(1)) return shown(noreply, badFormat)
  return change("remove", token(bytes, 1), noreply)
}

const touch = (bytes: Uint8Array, count: number): TextRequest => {
  const noreply = isNoreply(bytes, count)
  if (isLong(1)) return shown(noreply, badFormat)
  const expiration = signed32(bytes, starts[2]!, ends[2]!)
  if (expiration === undefined) return shown(noreply, clientError("invalid exptime argument"))
  return change("touch", token(bytes, 1), noreply, { expiration })
}

const metaGet = (bytes: Uint8Array, at: number, count: number): TextRequest => {
  if (count < 2) return lineError
  if (isLong(1)) return badFormat
  if (count > mostMetaTokens) return clientError("options flags are too long")
  const wrong = flags.read(bytes, starts, ends, 2, count)
  if (wrong !== undefined) return clientError(wrong)
  if (flags.opaqueTooLong) return clientError("opaque token too long")
  return new MetaGet(flags, flags.key ?? token(bytes, 1), ends[1]! - at, ends[count - 1]! - at)
}

/** What is wrong with the flags of `md` and `ma`, which say less of it. */
const wrongChange = (bytes: Uint8Array, count: number): Said | undefined => {
  if (count < 2) return lineError
  if (isLong(1)) return badFormat
  if (count > mostMetaTokens) return clientError("options flags too long")
  return flags.read(bytes, starts, ends, 2, count) === undefined ? undefined : clientError("invalid or duplicate flag")
}

const metaRemove = (bytes: Uint8Array, at: number, count: number): TextRequest => {
  const wrong = wrongChange(bytes, count)
  if (wrong !== undefined) return wrong
  if (flags.opaqueTooLong) return clientError("opaque token too long")
  return new MetaRemove(flags, flags.key ?? token(bytes, 1), ends[1]! - at, ends[count - 1]! - at)
}

const metaCount = (bytes: Uint8Array, at: number, count: number): TextRequest => {
  const wrong = wrongChange(bytes, count)
  if (wrong !== undefined) return wrong
  const mode = flags.mode === 0 ? "I" : String.fromCharCode(flags.mode)
  const down = mode === "D" || mode === "-"
  if (!down && mode !== "I" && mode !== "+") return clientError("invalid mode for ma M token")
  if (flags.opaqueTooLong) return clientError("opaque token too long")
  return new MetaCount(flags, flags.key ?? token(bytes, 1), ends[1]! - at, ends[count - 1]! - at, down, doNotCreate)
}

const metaDebug = (bytes: Uint8Array, count: number): TextRequest => {
  if (count < 2 || isLong(1)) return badFormat
  const base64 = count > 2 && token(bytes, 2) === "b"
  const key = base64 ? decodeKey(bytes, starts[1]!, ends[1]!) : token(bytes, 1)
  return key === undefined ? badFormat : { _tag: "MetaDebug", key, base64 }
}

const announced = (key: string, base64: boolean, replaces: boolean): TooLarge => ({ _tag: "TooLarge", key, base64, replaces })

const manage = (verb: Manage["verb"], noreply = false, number = 0, words: ReadonlyArray<string> = []): Manage => ({
  _tag: "Manage",
  verb,
  noreply,
  number,
  words
})

const administer = (bytes: Uint8Array, count: number, verb: string, noreply: boolean, unsent = false): Manage =>
  manage("administer", noreply, unsent ? 1 : 0, [verb, ...words(bytes, noreply ? count - 1 : count).slice(1)])

const wholeGroups = ["reset", "settings", "detail"]

/** `stats` and its groups: those that are lists of names and values, and those that are not. */
const statistics = ([verb, group, ...more]: ReadonlyArray<string>): TextRequest => {
  if (group === "cachedump" || group === "conns") return manage("administer", false, 0, [verb!, group, ...more])
  if (group !== "detail") {
    // the binary protocol knows some groups by their beginnings, this one does not
    return group !== undefined && wholeGroups.some((one) => group !== one && group.startsWith(one))
      ? lineError
      : manage("stats", false, 0, [group ?? ""])
  }
  const what = more[0]
  return what === "on" || what === "off" || what === "dump"
    ? manage("stats", false, 0, [`detail ${what}`])
    : clientError("usage: stats detail on|off|dump")
}
