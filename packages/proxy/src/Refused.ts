/**
 * Why a request of any protocol was not done, as upstreams say it: lost on the way, refused by a server in words, or asking for what only the
 * meta commands can say. Pure.
 */
import type { EncodeError } from "@wirewright/codec"
import type { ConnectionError } from "@wirewright/connection"
import { type Facts, type Refusal, refusal } from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import type * as Text from "@wirewright/memcached/text"
import * as Effect from "effect/Effect"
import type { Lost } from "./ProxySession.ts"

/** What a lost request's error means to its client. */
export const lostBy = (error: ConnectionError): Lost =>
  error.ambiguous ? "ambiguous" : error.reason._tag === "PeerMisbehaved" ? "misbehaved" : "unavailable"

/** Everyday refusals, made once. */
export const miss: Effect.Effect<never, Refusal> = Effect.fail(refusal(Status.KeyEnoent))
export const exists: Effect.Effect<never, Refusal> = Effect.fail(refusal(Status.KeyEexists))
export const notStored: Effect.Effect<never, Refusal> = Effect.fail(refusal(Status.NotStored))

/** Answers of the text protocol that refuse. */
export type TextError = Text.ClientError | Text.ServerError | Text.CommandError

/** Words in which memcached refuses what has a status of its own. Source: memcached 1.6.18, observed. */
const statuses = new Map<string, number>([
  ["cannot increment or decrement non-numeric value", Status.DeltaBadval],
  ["object too large for cache", Status.E2big],
  ["out of memory storing object", Status.Enomem]
])

/** A refusal in words. */
export const refusedBy = (answer: TextError): Refusal => {
  if (answer._tag === "CommandError") return refusal(Status.UnknownCommand, answer.message)
  const status = statuses.get(answer.message)
  if (status !== undefined) return refusal(status)
  return refusal(answer._tag === "ClientError" ? Status.Einval : Status.Etmpfail, answer.message)
}

/** A request that cannot be said to the server behind the proxy. */
export const notPassedOn: Refusal = refusal(Status.Einval, "the request cannot be passed on")

/** Of each way in which a request is lost, what its client is told. */
const losses: { readonly [why in Lost]: Refusal } = {
  unavailable: refusal(Status.Etmpfail, "the server behind the proxy cannot be reached"),
  misbehaved: refusal(Status.Einternal, "the server behind the proxy sent what is no answer"),
  ambiguous: { ...refusal(Status.Etmpfail), unanswered: true, last: true }
}

/**
 * What a request's loss means to its client. One that may have taken effect is not answered, and its connection ends: any answer would be a
 * claim.
 */
export const lostRequest = (why: Lost): Refusal => losses[why]

/** What it means that a request failed below the protocol; one that changes nothing is never ambiguous. */
export const failedBy = (error: ConnectionError | EncodeError, writes: boolean): Refusal => {
  if (error._tag === "EncodeError") return notPassedOn
  const why = lostBy(error)
  return lostRequest(why === "ambiguous" && !writes ? "unavailable" : why)
}

/** Fields of requests that only the meta commands have, and what they ask for. */
const metaOnly: { readonly [field: string]: string } = {
  noBump: "reading without being noticed",
  vivify: "items made on a miss",
  recache: "recaching",
  invalidate: "stale items",
  newCas: "CAS values of one's own",
  dropValue: "items without their value",
  touch: "counters whose time to live is set"
}

/** Facts of items that only the meta commands tell. */
const factsOnly: ReadonlyArray<readonly [fact: keyof Facts, words: string]> = [
  ["timeToLive", "telling the time to live"],
  ["lastAccess", "telling the last access"],
  ["hit", "telling of hits"]
]

/** What a request asks for that only the meta commands can say, in words; not what is told here. */
export const metaOf = (request: object, told: Facts = {}): string | undefined => {
  const fields = request as { readonly [field: string]: unknown }
  for (const field in metaOnly) if (fields[field] !== undefined && fields[field] !== false) return metaOnly[field]
  const facts = fields["facts"] as Facts | undefined
  if (facts !== undefined) { for (const fact of factsOnly) if (facts[fact[0]] === true && told[fact[0]] !== true) return fact[1] }
  return undefined
}

/** Refuses what `what` does not have. */
export const lacking = (what: string, words: string): Refusal => refusal(Status.Einval, `${what} has no ${words}`)

/** A Unix time before any server began: what expires then is never seen. Up to 30 days an expiration would be relative. */
const longAgo = 2_592_001

/** An expiration as protocols have it that know none in the past. */
export const unsignedExpiration = (expiration: number): number => expiration < 0 ? longAgo : expiration
