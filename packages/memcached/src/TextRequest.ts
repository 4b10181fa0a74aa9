/**
 * What a client of the text protocol asks, as far as it was understood: what `TextLines` makes of lines, and `TextServer` answers.
 *
 * Requests for handlers have the fields that handlers read (`MemcachedHandlers`), so that nothing is made anew for these. Meta requests keep
 * the bytes of their flags, which say what is told in the answer and in which order.
 */
import type { CountRequest, ExtendRequest, Facts, GetAndTouchRequest, RemoveRequest, SetRequest } from "./MemcachedHandlers.ts"

/** Something that is answered without asking anybody: an error, the end of what was swallowed, nothing. */
export interface Said {
  readonly _tag: "Said"
  /** The answer's line; absent: silence. */
  readonly line: Uint8Array | undefined
  /** The word that the refusal would begin with, had the client not asked for silence. */
  readonly error?: string
  /** The connection ends. */
  readonly last?: boolean
  /** The client has signed in. */
  readonly admits?: boolean
}

/** `get`, `gets`, `gat`, `gats`. */
export interface Retrieve {
  readonly _tag: "Retrieve"
  readonly keys: ReadonlyArray<string>
  readonly withCas: boolean
  /** Absent: nothing is touched. */
  readonly expiration: number | undefined
  /** A later key is too long, which is the whole answer. */
  readonly tooLong: boolean
}

/** `set`, `add`, `replace`, `append`, `prepend`, `cas`. */
export class Store implements SetRequest {
  readonly _tag = "Store"
  declare readonly base64: undefined
  declare readonly invalidate: undefined
  declare readonly newCas: undefined
  declare readonly datatype: undefined
  readonly verb: StoreVerb
  readonly key: string
  readonly flags: number
  readonly expiration: number
  readonly cas: bigint
  readonly compares: boolean
  readonly noreply: boolean
  /** Where the value lies in the frame. */
  readonly dataAt: number
  readonly length: number
  value: Uint8Array = nothing

  constructor(
    verb: StoreVerb,
    key: string,
    flags: number,
    expiration: number,
    length: number,
    cas: bigint | undefined,
    noreply: boolean,
    dataAt: number
  ) {
    this.verb = verb
    this.key = key
    this.flags = flags
    this.expiration = expiration
    this.length = length
    this.cas = cas ?? 0n
    this.compares = cas !== undefined
    this.noreply = noreply
    this.dataAt = dataAt
  }
}

/** `delete`, `touch`, `incr`, `decr`. */
export interface Change {
  readonly _tag: "Change"
  readonly verb: "remove" | "touch" | "increment" | "decrement"
  readonly key: string
  readonly noreply: boolean
  readonly cas: bigint
  readonly expiration: number
  readonly delta: bigint
  readonly initial: bigint
}

/** Where a meta request lies, and what all of them have. */
abstract class Meta {
  readonly key: string
  readonly base64: boolean
  readonly quiet: boolean
  /** The buffer that the request lies in, its offsets counted from `at`. */
  bytes: Uint8Array = nothing
  at = 0
  readonly flagsAt: number
  readonly flagsEnd: number

  constructor(key: string, base64: boolean, quiet: boolean, flagsAt: number, flagsEnd: number) {
    this.key = key
    this.base64 = base64
    this.quiet = quiet
    this.flagsAt = flagsAt
    this.flagsEnd = flagsEnd
  }
}

/** `mg`. */
export class MetaGet extends Meta implements GetAndTouchRequest {
  readonly _tag = "MetaGet"
  declare readonly newCas: undefined
  readonly wantsValue: boolean
  readonly noBump: boolean
  readonly vivify: number | undefined
  readonly recache: number | undefined
  readonly facts: Facts | undefined
  readonly touches: boolean
  readonly expiration: number
  readonly timeToLiveBefore: boolean

  constructor(flags: MetaFlags, key: string, flagsAt: number, flagsEnd: number) {
    super(key, flags.base64, flags.quiet, flagsAt, flagsEnd)
    this.wantsValue = flags.value
    this.noBump = flags.noBump
    this.vivify = flags.vivify
    this.recache = flags.recache
    this.facts = factsOf[flags.facts]
    this.touches = flags.timeToLive !== undefined
    this.expiration = flags.timeToLive ?? 0
    this.timeToLiveBefore = flags.timeToLiveBefore
  }
}

/** `ms`. */
export class MetaSet extends Meta implements SetRequest, ExtendRequest {
  readonly _tag = "MetaSet"
  declare readonly newCas: undefined
  declare readonly datatype: undefined
  declare readonly vivify: undefined
  readonly verb: StoreVerb
  readonly flags: number
  readonly expiration: number
  readonly cas: bigint
  readonly compares: boolean
  readonly invalidate: boolean
  readonly dataAt: number
  readonly length: number
  /** The answer has more than a code. */
  readonly tells: boolean
  value: Uint8Array = nothing

  constructor(flags: MetaFlags, verb: StoreVerb, key: string, flagsAt: number, flagsEnd: number, length: number, dataAt: number) {
    super(key, flags.base64, flags.quiet, flagsAt, flagsEnd)
    this.verb = verb
    this.flags = flags.clientFlags
    this.expiration = flags.timeToLive ?? 0
    // what must not be there has no version
    this.cas = verb === "add" ? 0n : flags.cas ?? 0n
    this.compares = flags.cas !== undefined && (verb === "set" || verb === "replace")
    this.invalidate = flags.invalidate
    this.length = length
    this.dataAt = dataAt
    this.tells = flags.tells
  }
}

/** `md`. */
export class MetaRemove extends Meta implements RemoveRequest {
  readonly _tag = "MetaRemove"
  declare readonly newCas: undefined
  declare readonly dropValue: undefined
  readonly cas: bigint
  readonly compares: boolean
  readonly invalidate: boolean
  readonly expiration: number | undefined

  constructor(flags: MetaFlags, key: string, flagsAt: number, flagsEnd: number) {
    super(key, flags.base64, flags.quiet, flagsAt, flagsEnd)
    this.cas = flags.cas ?? 0n
    this.compares = flags.cas !== undefined
    this.invalidate = flags.invalidate
    this.expiration = flags.timeToLive
  }
}

/** `ma`. */
export class MetaCount extends Meta implements CountRequest {
  readonly _tag = "MetaCount"
  declare readonly newCas: undefined
  declare readonly compares: undefined
  readonly down: boolean
  readonly wantsValue: boolean
  readonly cas: bigint
  readonly delta: bigint
  readonly initial: bigint
  readonly expiration: number
  readonly touch: number | undefined
  readonly facts: Facts | undefined
  readonly timeToLiveBefore: boolean

  constructor(flags: MetaFlags, key: string, flagsAt: number, flagsEnd: number, down: boolean, miss: number) {
    super(key, flags.base64, flags.quiet, flagsAt, flagsEnd)
    this.down = down
    this.wantsValue = flags.value
    this.cas = flags.cas ?? 0n
    this.delta = flags.delta ?? 1n
    this.initial = flags.initial ?? 0n
    this.expiration = flags.vivify ?? miss
    this.touch = flags.timeToLive
    this.facts = factsOf[flags.facts & timeToLiveFact]
    this.timeToLiveBefore = flags.timeToLiveBefore
  }
}

/** `me`. */
export interface MetaDebug {
  readonly _tag: "MetaDebug"
  readonly key: string
  readonly base64: boolean
}

/** What needs no key. */
export interface Manage {
  readonly _tag: "Manage"
  readonly verb: "noop" | "version" | "verbosity" | "flush" | "stats" | "administer"
  readonly noreply: boolean
  /** The level, the delay; for `administer`, how many of the answers before it wait: 0 or 1. */
  readonly number: number
  /** The group of statistics; the words of `administer`. */
  readonly words: ReadonlyArray<string>
}

/** A value is coming that is too large to be kept. */
export interface TooLarge {
  readonly _tag: "TooLarge"
  readonly key: string
  readonly base64: boolean
  readonly replaces: boolean
}

/** A request of the text protocol. */
export type TextRequest =
  | Said
  | Retrieve
  | Store
  | Change
  | MetaGet
  | MetaSet
  | MetaRemove
  | MetaCount
  | MetaDebug
  | Manage
  | TooLarge

/** How a value is stored: the handler's name. */
export type StoreVerb = "set" | "add" | "replace" | "append" | "prepend"

/** What the flags of one meta request say. */
export interface MetaFlags {
  readonly base64: boolean
  readonly quiet: boolean
  readonly value: boolean
  readonly noBump: boolean
  readonly invalidate: boolean
  readonly timeToLiveBefore: boolean
  /** Something is asked to be told of a write: key, opaque or CAS. */
  readonly tells: boolean
  /** Bits of `factsOf`. */
  readonly facts: number
  readonly timeToLive: number | undefined
  readonly vivify: number | undefined
  readonly recache: number | undefined
  readonly clientFlags: number
  readonly cas: bigint | undefined
  readonly delta: bigint | undefined
  readonly initial: bigint | undefined
}

const nothing = new Uint8Array(0)

/** Bits of what is asked of an item. */
export const [timeToLiveFact, lastAccessFact, hitFact, sizeFact] = [1, 2, 4, 8] as const

/** What is asked by its bits; nothing when nothing is. */
const factsOf: ReadonlyArray<Facts | undefined> = Array.from({ length: 16 }, (_, bits) =>
  bits === 0 ? undefined : {
    timeToLive: (bits & timeToLiveFact) !== 0,
    lastAccess: (bits & lastAccessFact) !== 0,
    hit: (bits & hitFact) !== 0,
    size: (bits & sizeFact) !== 0
  })
