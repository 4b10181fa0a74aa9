/**
 * What a memcached server does, however it is asked: one Effect per command, and what these succeed and fail with.
 *
 * The binary, the text and the meta protocol turn what they read into these requests; a store, or a proxy's upstream, implements the commands.
 * Binary packets fit as they are; what meta alone can ask is optional in requests, what meta alone can tell is optional in answers.
 * Source: memcached `doc/protocol.txt`, "Meta Commands".
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Gen from "./gen/index.ts"
import { Server, type ServerClient } from "@wirewright/connection"

/** Why a request was not done. A plain value, not an Error: misses are everyday outcomes and must be cheap. */
export type Refusal = Server.Refusal

/** Why a request was not done. The statuses are those of the binary protocol; the others have words for them. */
export const refusal = Server.refusal

/** Expiration of a counter that must not be created. */
export const doNotCreate = 0xffff_ffff

/** What is asked of a key. */
export interface KeyRequest {
  /** Lossless text of the key's bytes. */
  readonly key: string
  /** The key was given in base64; an item that is made remembers it. */
  readonly base64?: boolean | undefined
}

/** What may be wanted to be known of an item, beside value, flags and CAS, which every answer has. */
export interface Facts {
  /** Meta flag `t`. */
  readonly timeToLive?: boolean | undefined
  /** Meta flag `l`. */
  readonly lastAccess?: boolean | undefined
  /** Meta flag `h`. */
  readonly hit?: boolean | undefined
  /** Meta flag `s`; whoever has the value need not say its size. */
  readonly size?: boolean | undefined
}

/** What a read may ask. */
export interface GetRequest extends KeyRequest {
  /** Default: nothing. */
  readonly facts?: Facts | undefined
  /** Whoever asked uses the value; false: a miss, a hit or facts are all that is asked. Default: true. */
  readonly wantsValue?: boolean | undefined
  /** The read is not to be noticed: neither hit nor last access change. Meta flag `u`. */
  readonly noBump?: boolean | undefined
  /** A miss makes an empty item with this expiration, and whoever asked has won. Meta flag `N`. */
  readonly vivify?: number | undefined
  /** Whoever asks has won if the item ends before this expiration would. Meta flag `R`. */
  readonly recache?: number | undefined
  /** The version that a found item gets; meta flag `E`, from 1.6.27 on. */
  readonly newCas?: bigint | undefined
  /** The time to live that is told is the one before it is set: meta flag `t` before `T` and `N`. */
  readonly timeToLiveBefore?: boolean | undefined
}

/** A read that sets the expiration: 0 never, up to 30 days relative, above that Unix time, below 0 in the past. */
export interface GetAndTouchRequest extends GetRequest {
  readonly expiration: number
}

/** A conditional change. */
export interface CasRequest extends KeyRequest {
  /** The version that must be the current one. Default: 0, any. */
  readonly cas: bigint
  /** The CAS counts even if it is 0, which no item has. */
  readonly compares?: boolean | undefined
  /** The version that the item gets; meta flag `E`, from 1.6.27 on. */
  readonly newCas?: bigint | undefined
}

/** A write of a whole value. */
export interface SetRequest extends CasRequest {
  readonly value: Uint8Array
  readonly flags: number
  readonly expiration: number
  readonly datatype?: number | undefined
  /** A CAS that is older than the item's is no conflict: the value is stored and stays stale. Meta flag `I`. */
  readonly invalidate?: boolean | undefined
}

/** Bytes for the end or the beginning of a value. */
export interface ExtendRequest extends CasRequest {
  readonly value: Uint8Array
  /** A miss makes an item with this expiration; meta flag `N`, from 1.6.20 on. Default: a miss is not stored. */
  readonly vivify?: number | undefined
  /** Flags of an item that is made. */
  readonly flags?: number | undefined
}

/** A removal. */
export interface RemoveRequest extends CasRequest {
  /** The item stays and is stale, with a new CAS. Meta flag `I`. */
  readonly invalidate?: boolean | undefined
  /** Expiration of an item that stays. Meta flag `T` with `I`. */
  readonly expiration?: number | undefined
  /** The item stays without its value and its flags; meta flag `x`, from 1.6.27 on. */
  readonly dropValue?: boolean | undefined
}

/** A counter's change. */
export interface CountRequest extends CasRequest {
  readonly delta: bigint
  /** Value of a counter that is created. */
  readonly initial: bigint
  /** Expiration of a counter that is created; `doNotCreate`: a miss stays one. */
  readonly expiration: number
  /** Sets the expiration of what is there or created. Meta flag `T`. */
  readonly touch?: number | undefined
  readonly facts?: Pick<Facts, "timeToLive"> | undefined
  /** The time to live that is told is the one before it is set: meta flag `t` before `T` or `N`. */
  readonly timeToLiveBefore?: boolean | undefined
}

/** Sets the expiration. */
export interface TouchRequest extends KeyRequest {
  readonly expiration: number
}

/** A value that is larger than items may be, of which only this is known: the value is not kept. */
export interface TooLargeRequest extends KeyRequest {
  /** The old value is not what the client wants to be there. */
  readonly replaces: boolean
}

/** A document that is there. */
export interface Found {
  /** May be empty when it is not wanted. */
  readonly value: Uint8Array
  /** Bytes of the value. Default: those of `value`. */
  readonly valueSize?: number | undefined
  readonly flags?: number
  readonly cas?: bigint
  readonly datatype?: number
  /** Seconds; -1: for ever. */
  readonly timeToLive?: number | undefined
  /** Seconds since it was read or written. */
  readonly lastAccess?: number | undefined
  /** It has been read before. */
  readonly hit?: boolean | undefined
  /** Its key was given in base64 when it was made. */
  readonly base64?: boolean | undefined
  /** Whoever asked is to make the value anew. */
  readonly won?: boolean | undefined
  /** The value was marked as stale. */
  readonly stale?: boolean | undefined
  /** Somebody else has been told to make the value anew. */
  readonly alreadyWon?: boolean | undefined
}

/** A write that was done. */
export interface Written {
  /** Version of the document. */
  readonly cas?: bigint
}

/** A counter that was changed. */
export interface Counted extends Written {
  readonly value: bigint
  /** It was not there. */
  readonly created?: boolean | undefined
  /** Seconds; -1: for ever. */
  readonly timeToLive?: number | undefined
}

/** A document whose expiry was set. */
export interface Touched extends Written {
  readonly flags?: number
}

/** What is known of an item without reading it: `me`. */
export interface ItemFacts {
  /** Seconds until it ends; -1: never. */
  readonly timeToLive: number
  /** Seconds since it was read or written. */
  readonly lastAccess: number
  readonly cas: bigint
  readonly fetched: boolean
  readonly slabClass: number
  /** Bytes, bookkeeping included. */
  readonly size: number
  readonly base64?: boolean | undefined
}

/** A step of a SASL exchange. */
export interface SaslAnswer {
  readonly value: Uint8Array
  /** The exchange goes on. */
  readonly more?: boolean
}

/** A command that manages a server and that only the text protocol has, as words. */
export interface AdministrationRequest {
  /** `slabs`, `lru`, `lru_crawler`, `watch`, `cache_memlimit`, `shutdown`, `stats cachedump`, …, with what follows them, `noreply` left out. */
  readonly words: ReadonlyArray<string>
  /** Answers to what came before in the same read would wait in memcached, which `watch` and `lru_crawler metadump` then refuse. */
  readonly pipelined: boolean
}

/** The answer of memcached 1.6.18 to `watch` and `metadump` behind others. */
export const cannotPipeline = (command: "watch" | "metadump"): string => `ERROR cannot pipeline other commands before ${command}\r\n`

/** What a server says to that. */
export interface Administered {
  /** Whole lines with their ends; of a stream as many as the client takes, and nothing else is handled before it ends. */
  readonly lines: string | Stream.Stream<string>
  /** The connection ends after them. */
  readonly last?: boolean
}

/** Handles a request. An Effect that is already an Exit (`Effect.succeed`, `Effect.fail`) needs no fibre. */
export type Handle<Request, A, R> = (request: Request, client: ServerClient) => Effect.Effect<A, Refusal, R>

/**
 * Commands of a server. Quiet ones and those that echo keys come to the same handlers. What is missing is answered NotSupported in the binary
 * protocol, and in the others as a command that does not exist.
 */
export interface MemcachedHandlers<R = never> {
  readonly get?: Handle<GetRequest, Found, R>
  readonly set?: Handle<SetRequest, Written, R>
  readonly add?: Handle<SetRequest, Written, R>
  readonly replace?: Handle<SetRequest, Written, R>
  readonly remove?: Handle<RemoveRequest, Written, R>
  readonly append?: Handle<ExtendRequest, Written, R>
  readonly prepend?: Handle<ExtendRequest, Written, R>
  readonly increment?: Handle<CountRequest, Counted, R>
  readonly decrement?: Handle<CountRequest, Counted, R>
  readonly touch?: Handle<TouchRequest, Touched, R>
  readonly getAndTouch?: Handle<GetAndTouchRequest, Found, R>
  /** A text or meta request announced a value above the limit; it is refused whatever this does. Default: nothing. */
  readonly tooLarge?: Handle<TooLargeRequest, void, R>
  /** Tells of an item without reading it. */
  readonly debug?: Handle<KeyRequest, ItemFacts, R>
  /** Names and values; the packet after the last is not among them. A group that does not exist is refused with KeyEnoent. */
  readonly stats?: Handle<{ readonly group: string }, Iterable<readonly [name: string, value: string]>, R>
  readonly version?: Handle<{}, string, R>
  /** Forgets everything, now or when an expiration is reached. */
  readonly flush?: Handle<{ readonly expiration?: number | undefined }, void, R>
  /** Default: `Success`. */
  readonly noop?: Handle<{}, void, R>
  readonly verbosity?: Handle<{ readonly verbosity: number }, void, R>
  readonly administer?: Handle<AdministrationRequest, Administered, R>
  readonly saslMechanisms?: Handle<Gen.SaslListMechs, string, R>
  readonly saslAuth?: Handle<Gen.SaslAuth, SaslAnswer, R>
  readonly saslStep?: Handle<Gen.SaslStep, SaslAnswer, R>
  /** Requests with opcodes that memcached does not have. Default: `UnknownCommand`. */
  readonly unknown?: Handle<Gen.UnknownRequest, Pick<Gen.UnknownResponse, "extras" | "key" | "value">, R>
}
