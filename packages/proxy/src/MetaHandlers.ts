/**
 * What a server does, done by a memcached that is asked with meta commands: nearly everything that clients of any protocol can ask.
 *
 * Classic reads go as classic reads, because a meta one of a stale item would take the token that its reader is to make it anew. Pure beside the
 * link. Source: memcached `doc/protocol.txt` and 1.6.18 itself.
 */
import {
  type Counted,
  type CountRequest,
  doNotCreate,
  type ExtendRequest,
  type Found,
  type GetAndTouchRequest,
  type GetRequest,
  type Handle,
  type ItemFacts,
  type KeyRequest,
  type MemcachedHandlers,
  type Refusal,
  type RemoveRequest,
  type SetRequest,
  type Written
} from "@wirewright/memcached"
import { base64 } from "@wirewright/memcached/internal"
import * as Text from "@wirewright/memcached/text"
import * as Effect from "effect/Effect"
import { exists, miss, notStored } from "./Refused.ts"
import { fitsLine, sharedHandlers } from "./TextHandlers.ts"
import type { TextLink } from "./TextLink.ts"

type Flag = Text.MetaGetFlag | Text.MetaSetFlag | Text.MetaDeleteFlag | Text.MetaArithmeticFlag

/** The key as it is written, and the flag that says how. */
const named = ({ base64: asBase64, key }: KeyRequest, flags: Array<Flag>): string => {
  if (asBase64 !== true && fitsLine(key)) return key
  flags.push({ _tag: "KeyIsBase64" })
  return base64(key)
}

/** Things that flags of an answer tell. */
type Told = { -readonly [K in keyof Found]?: Found[K] }

const told = (flags: ReadonlyArray<Text.MetaAnswerFlag>): Told => {
  const out: Told = {}
  for (const flag of flags) {
    switch (flag._tag) {
      case "Cas":
        out.cas = flag.cas
        break
      case "ClientFlags":
        out.flags = flag.flags
        break
      case "Hit":
        out.hit = flag.hit !== 0
        break
      case "KeyIsBase64":
        out.base64 = true
        break
      case "LastAccess":
        out.lastAccess = flag.seconds
        break
      case "Size":
        out.valueSize = flag.bytes
        break
      case "TimeToLive":
        out.timeToLive = flag.seconds
        break
      case "Won":
        out.won = true
        break
      case "Stale":
        out.stale = true
        break
      case "AlreadyWon":
        out.alreadyWon = true
        break
    }
  }
  return out
}

const nothing = new Uint8Array(0)

/** Whether a request was made by a meta command, which says whether it wants the value, or can be made by one alone. */
const isMeta = ({ key, wantsValue }: GetRequest): boolean => wantsValue !== undefined || !fitsLine(key)

const get = (link: TextLink) => (request: GetRequest, touch?: GetAndTouchRequest): Effect.Effect<Found, Refusal> => {
  const { facts, newCas, noBump, recache, vivify, wantsValue } = request
  const flags: Array<Text.MetaGetFlag> = [{ _tag: "ReturnFlags" }, { _tag: "ReturnCas" }, { _tag: "ReturnKey" }]
  if (wantsValue !== false) flags.push({ _tag: "ReturnValue" })
  if (noBump === true) flags.push({ _tag: "NoBump" })
  if (facts?.hit === true) flags.push({ _tag: "ReturnHit" })
  if (facts?.lastAccess === true) flags.push({ _tag: "ReturnLastAccess" })
  if (facts?.size === true) flags.push({ _tag: "ReturnSize" })
  if (vivify !== undefined) flags.push({ _tag: "Vivify", seconds: vivify })
  if (recache !== undefined) flags.push({ _tag: "Recache", seconds: recache })
  if (newCas !== undefined) flags.push({ _tag: "NewCas", cas: newCas })
  const before = touch?.timeToLiveBefore === true
  if (facts?.timeToLive === true && before) flags.push({ _tag: "ReturnTimeToLive" })
  if (touch !== undefined) flags.push({ _tag: "TimeToLive", seconds: touch.expiration })
  if (facts?.timeToLive === true && !before) flags.push({ _tag: "ReturnTimeToLive" })
  const key = named(request, flags as Array<Flag>)
  const writes = vivify !== undefined || recache !== undefined || newCas !== undefined
  return Effect.flatMap(link.ask(Text.MetaGet, { key, flags }, writes), (answer) => {
    switch (answer._tag) {
      case "MetaMiss":
        return miss
      case "MetaDone":
        return Effect.succeed({ value: nothing, ...told(answer.flags) })
      case "MetaValue":
        return Effect.succeed({ ...told(answer.flags), value: answer.value })
    }
  })
}

interface Write extends KeyRequest {
  readonly value: Uint8Array
  readonly cas: bigint
  readonly compares?: boolean | undefined
  readonly newCas?: bigint | undefined
  readonly flags?: number | undefined
  readonly expiration?: number | undefined
  readonly invalidate?: boolean | undefined
  readonly vivify?: number | undefined
}

const compare = ({ cas, compares, newCas }: Pick<Write, "cas" | "compares" | "newCas">, flags: Array<Flag>): void => {
  if (cas !== 0n || compares === true) flags.push({ _tag: "CompareCas", cas })
  if (newCas !== undefined) flags.push({ _tag: "NewCas", cas: newCas })
}

/** Stores; `unmet` is what it means that the mode's condition was not met. */
const write = (link: TextLink, mode: number, unmet: Effect.Effect<never, Refusal>) => (request: Write): Effect.Effect<Written, Refusal> => {
  const { expiration = 0, flags: clientFlags = 0, invalidate, value, vivify } = request
  const flags: Array<Text.MetaSetFlag> = [{ _tag: "ReturnCas" }, { _tag: "Mode", mode }]
  if (expiration !== 0) flags.push({ _tag: "TimeToLive", seconds: expiration })
  if (clientFlags !== 0) flags.push({ _tag: "ClientFlags", flags: clientFlags })
  if (invalidate === true) flags.push({ _tag: "Invalidate" })
  if (vivify !== undefined) flags.push({ _tag: "Vivify", seconds: vivify })
  compare(request, flags as Array<Flag>)
  const key = named(request, flags as Array<Flag>)
  return Effect.flatMap(link.ask(Text.MetaSet, { key, value, flags }, true), (answer) => {
    switch (answer._tag) {
      case "MetaDone":
        return Effect.succeed(told(answer.flags) as Written)
      case "MetaExists":
        return exists
      case "MetaNotFound":
        return miss
      case "MetaNotStored":
        return unmet
    }
  })
}

const remove = (link: TextLink) => (request: RemoveRequest): Effect.Effect<Written, Refusal> => {
  const { dropValue, expiration, invalidate } = request
  const flags: Array<Text.MetaDeleteFlag> = []
  if (invalidate === true) flags.push({ _tag: "Invalidate" })
  if (dropValue === true) flags.push({ _tag: "DropValue" })
  // of an item that is removed it means nothing
  if (expiration !== undefined && invalidate === true) flags.push({ _tag: "TimeToLive", seconds: expiration })
  compare(request, flags as Array<Flag>)
  const key = named(request, flags as Array<Flag>)
  return Effect.flatMap(link.ask(Text.MetaDelete, { key, flags }, true), (answer) => {
    switch (answer._tag) {
      case "MetaDone":
        return Effect.succeed(told(answer.flags) as Written)
      case "MetaExists":
        return exists
      case "MetaNotFound":
        return miss
    }
  })
}

const count = (link: TextLink, mode: number) => (request: CountRequest): Effect.Effect<Counted, Refusal> => {
  const { delta, expiration, facts, initial, timeToLiveBefore, touch } = request
  const flags: Array<Text.MetaArithmeticFlag> = [{ _tag: "ReturnValue" }, { _tag: "ReturnCas" }, { _tag: "Mode", mode }]
  if (delta !== 1n) flags.push({ _tag: "Delta", delta })
  const before = facts?.timeToLive === true && timeToLiveBefore === true
  if (before) flags.push({ _tag: "ReturnTimeToLive" })
  if (expiration !== doNotCreate) flags.push({ _tag: "Vivify", seconds: expiration }, { _tag: "Initial", value: initial })
  if (touch !== undefined) flags.push({ _tag: "TimeToLive", seconds: touch })
  if (facts?.timeToLive === true && !before) flags.push({ _tag: "ReturnTimeToLive" })
  compare(request, flags as Array<Flag>)
  const key = named(request, flags as Array<Flag>)
  return Effect.flatMap(link.ask(Text.MetaArithmetic, { key, flags }, true), (answer) => {
    switch (answer._tag) {
      case "MetaValue": {
        const { cas, timeToLive } = told(answer.flags)
        const value = BigInt(Buffer.from(answer.value).toString("latin1").trimEnd())
        return Effect.succeed({ value, timeToLive, ...cas === undefined ? {} : { cas } })
      }
      case "MetaDone":
        return Effect.die(new Error("a counter without its value"))
      case "MetaExists":
        return exists
      case "MetaNotFound":
        return miss
      case "MetaNotStored":
        return notStored
    }
  })
}

const itemFacts = ({ facts }: Text.MetaItem, base64: boolean): ItemFacts => {
  const number = (name: string): number => Number(facts.find((fact) => fact.name === name)?.value ?? 0)
  const exp = number("exp")
  return {
    // 1.6.18 tells it with the wrong sign
    timeToLive: exp === -1 ? -1 : Math.abs(exp),
    lastAccess: number("la"),
    cas: BigInt(facts.find(({ name }) => name === "cas")?.value ?? 0),
    fetched: facts.find(({ name }) => name === "fetch")?.value === "yes",
    slabClass: number("cls"),
    size: number("size"),
    base64
  }
}

const debug = (link: TextLink) => (request: KeyRequest): Effect.Effect<ItemFacts, Refusal> => {
  const flags: Array<Text.MetaDebugFlag> = []
  const key = named(request, flags as Array<Flag>)
  return Effect.flatMap(
    link.ask(Text.MetaDebug, { key, flags }, false),
    (answer) => answer._tag === "MetaItem" ? Effect.succeed(itemFacts(answer, flags.length > 0 && answer.key === key)) : miss
  )
}

/** What a server does, done by the memcached at the end of a link. */
export const metaHandlers = (link: TextLink): MemcachedHandlers => {
  const shared = sharedHandlers(link)
  const read = get(link)
  const set = write(link, Text.MetaSetMode.Set, notStored)
  // whoever gives a version means to replace it; only without one does the mode decide
  const store = (mode: number, unmet: Effect.Effect<never, Refusal>): Handle<SetRequest | ExtendRequest, Written, never> =>
    write(link, mode, unmet)
  return {
    ...shared,
    get: (request, client) => isMeta(request) ? read(request) : shared.get!(request, client),
    getAndTouch: (request, client) => isMeta(request) ? read(request, request) : shared.getAndTouch!(request, client),
    touch: (request, client) => fitsLine(request.key) ? shared.touch!(request, client) : read({ ...request, wantsValue: false }, request),
    set,
    add: store(Text.MetaSetMode.Add, exists),
    replace: store(Text.MetaSetMode.Replace, miss),
    append: store(Text.MetaSetMode.Append, notStored),
    prepend: store(Text.MetaSetMode.Prepend, notStored),
    remove: remove(link),
    increment: count(link, Text.MetaArithmeticMode.Increment),
    decrement: count(link, Text.MetaArithmeticMode.Decrement),
    debug: debug(link),
    tooLarge: ({ replaces, ...request }) => replaces ? Effect.asVoid(remove(link)({ ...request, cas: 0n })) : Effect.void
  }
}
