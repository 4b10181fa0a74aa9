/**
 * Answers of the meta protocol as a client's connection reads them: those to `mg … c f v` and `ms … c`, which are nearly all, in one pass and
 * with nothing made but what the caller gets. Everything else is read by the generated decoder, which also says what is wrong with it.
 */
import { bigOf, type Reader } from "@wirewright/codec"
import { zero } from "./Ascii.ts"
import type { Document } from "./KvCalls.ts"
import * as Text from "./text/index.ts"

/** `VA <length> c<cas> f<flags>` with its value. */
export class FoundAnswer implements Text.MetaValue {
  readonly document: Document

  constructor(document: Document) {
    this.document = document
  }

  get _tag(): "MetaValue" {
    return "MetaValue"
  }

  get flags(): ReadonlyArray<Text.MetaAnswerFlag> {
    const { cas, flags } = this.document
    return [{ _tag: "Cas", cas }, { _tag: "ClientFlags", flags }]
  }

  get value(): Uint8Array {
    return this.document.value
  }
}

/** `HD c<cas>`. */
export class DoneAnswer implements Text.MetaDone {
  readonly cas: bigint

  constructor(cas: bigint) {
    this.cas = cas
  }

  get _tag(): "MetaDone" {
    return "MetaDone"
  }

  get flags(): ReadonlyArray<Text.MetaAnswerFlag> {
    return [{ _tag: "Cas", cas: this.cas }]
  }
}

const encoder = new TextEncoder()
const valueBegins = encoder.encode("VA ")
const doneBegins = encoder.encode("HD c")
const casBegins = encoder.encode(" c")
const flagsBegin = encoder.encode(" f")
const lineEnd = encoder.encode("\r\n")

/** Most digits that are surely a safe integer. */
const safe = 15
/** Most digits that are surely an integer of 32 bits. */
const small = 9

/** Where the bytes go on that have not been read. */
let next = 0

/** Whether these bytes come next, which are passed over then. */
const passes = (bytes: Uint8Array, word: Uint8Array): boolean => {
  let i = next
  for (let k = 0; k < word.length; k++) if (bytes[i++] !== word[k]) return false
  next = i
  return true
}

/** The number that comes next, of at most `most` digits and without leading zeros; NaN where there is none such. */
const number = (bytes: Uint8Array, most: number): number => {
  const at = next
  let value = 0
  let i = at
  for (let digit = bytes[i]! - zero; digit >= 0 && digit <= 9; digit = bytes[++i]! - zero) value = value * 10 + digit
  next = i
  const length = i - at
  return length === 0 || length > most || length > 1 && bytes[at] === zero ? NaN : value
}

const found = (reader: Reader): FoundAnswer | undefined => {
  const { bytes } = reader
  const length = number(bytes, small)
  if (!passes(bytes, casBegins)) return undefined
  const cas = number(bytes, safe)
  if (!passes(bytes, flagsBegin)) return undefined
  const flags = number(bytes, small)
  if (!passes(bytes, lineEnd)) return undefined
  const start = next
  next += length
  if (!(cas >= 0 && flags >= 0 && passes(bytes, lineEnd))) return undefined
  const end = start + length
  reader.next = next
  return new FoundAnswer({ value: reader.slice(start, end), flags, cas: bigOf(cas) })
}

const done = (reader: Reader): DoneAnswer | undefined => {
  const { bytes } = reader
  const cas = number(bytes, safe)
  if (!(cas >= 0 && passes(bytes, lineEnd))) return undefined
  reader.next = next
  return new DoneAnswer(bigOf(cas))
}

/** An answer as generated code has it, for callers who are handed it. */
export const plain = (answer: Text.Response): Text.Response => {
  if (answer instanceof FoundAnswer) return { _tag: "MetaValue", flags: answer.flags, value: answer.value }
  return answer instanceof DoneAnswer ? { _tag: "MetaDone", flags: answer.flags } : answer
}

/** Decodes the answer at `at`. Throws `DecodeError`. */
const decode = (reader: Reader, at: number, states: Text.States): Text.Response => {
  const { bytes } = reader
  next = at
  const answer = passes(bytes, valueBegins) ? found(reader) : passes(bytes, doneBegins) ? done(reader) : undefined
  return answer ?? Text.decodeResponse(reader, at, states)
}

/** What the client's connections are told of the text and the meta protocol. */
export const textProtocol: typeof Text.client = { ...Text.client, phases: { all: { decode } } }
