/** What the writer of a memcached server provides: one Effect per command, and what these succeed and fail with. */
import type * as Effect from "effect/Effect"
import type * as Gen from "./gen/index.ts"
import { Server, type ServerClient } from "@wirewright/connection"

/** Why a request was not done. A plain value, not an Error: misses are everyday outcomes and must be cheap. */
export type Refusal = Server.Refusal

/** Why a request was not done. */
export const refusal = Server.refusal

/** A document that is there. */
export interface Found {
  readonly value: Uint8Array
  readonly flags?: number
  readonly cas?: bigint
  readonly datatype?: number
}

/** A write that was done. */
export interface Written {
  /** Version of the document. */
  readonly cas?: bigint
}

/** A counter that was changed. */
export interface Counted extends Written {
  readonly value: bigint
}

/** A document whose expiry was set. */
export interface Touched extends Written {
  readonly flags?: number
}

/** A step of a SASL exchange. */
export interface SaslAnswer {
  readonly value: Uint8Array
  /** The exchange goes on. */
  readonly more?: boolean
}

/** Handles a request. An Effect that is already an Exit (`Effect.succeed`, `Effect.fail`) needs no fibre. */
export type Handle<Request, A, R> = (request: Request, client: ServerClient) => Effect.Effect<A, Refusal, R>

/** Commands of a server. Quiet ones and those that echo keys come to the same handlers; what is missing is answered NotSupported. */
export interface MemcachedHandlers<R = never> {
  readonly get?: Handle<Gen.Get | Gen.GetQ | Gen.GetK | Gen.GetKQ, Found, R>
  readonly set?: Handle<Gen.Set | Gen.SetQ, Written, R>
  readonly add?: Handle<Gen.Add | Gen.AddQ, Written, R>
  readonly replace?: Handle<Gen.Replace | Gen.ReplaceQ, Written, R>
  readonly remove?: Handle<Gen.Delete | Gen.DeleteQ, Written, R>
  readonly append?: Handle<Gen.Append | Gen.AppendQ, Written, R>
  readonly prepend?: Handle<Gen.Prepend | Gen.PrependQ, Written, R>
  readonly increment?: Handle<Gen.Increment | Gen.IncrementQ, Counted, R>
  readonly decrement?: Handle<Gen.Decrement | Gen.DecrementQ, Counted, R>
  readonly touch?: Handle<Gen.Touch, Touched, R>
  readonly getAndTouch?: Handle<Gen.Gat | Gen.GatQ | Gen.GatK | Gen.GatKQ, Found, R>
  /** Names and values; the packet after the last is not among them. */
  readonly stats?: Handle<Gen.Stat, Iterable<readonly [name: string, value: string]>, R>
  readonly version?: Handle<Gen.Version, string, R>
  readonly flush?: Handle<Gen.Flush | Gen.FlushQ, void, R>
  /** Default: `Success`. */
  readonly noop?: Handle<Gen.Noop, void, R>
  readonly verbosity?: Handle<Gen.Verbosity, void, R>
  readonly saslMechanisms?: Handle<Gen.SaslListMechs, string, R>
  readonly saslAuth?: Handle<Gen.SaslAuth, SaslAnswer, R>
  readonly saslStep?: Handle<Gen.SaslStep, SaslAnswer, R>
  /** Requests with opcodes that memcached does not have. Default: `UnknownCommand`. */
  readonly unknown?: Handle<Gen.UnknownRequest, Pick<Gen.UnknownResponse, "extras" | "key" | "value">, R>
}
