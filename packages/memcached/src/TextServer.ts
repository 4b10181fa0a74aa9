/**
 * The text and the meta protocol in front of handlers: what `TextLines` read is asked of them, and what they say is written.
 *
 * Handlers may answer later; whoever runs this keeps the order of answers (`ServerSession`). Answers are hidden where the request asks for it:
 * `noreply` hides everything, `q` what was to be expected.
 */
import { type Outcome, type RequestHandler, type ServerClient } from "@wirewright/connection"
import type { Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { Status } from "./gen/index.ts"
import type { Administered, Counted, Found, Handle, MemcachedHandlers, Refusal, Written } from "./MemcachedHandlers.ts"
import {
  classicRefusal,
  codes,
  errorLine,
  errorWord,
  lines,
  put,
  putCounted,
  putFound,
  putItemFacts,
  putLines,
  putMeta,
  putStatistics,
  toldOfWrite
} from "./TextAnswers.ts"
import { clientError, commandError } from "./TextLines.ts"
import type {
  Change,
  Manage,
  MetaCount,
  MetaDebug,
  MetaGet,
  MetaRemove,
  MetaSet,
  Retrieve,
  Store,
  TextRequest,
  TooLarge
} from "./TextRequest.ts"
import { encodeNewNumber, encodeValue, encodeVersionText } from "./text/index.ts"

type Result<R> = Outcome | Effect.Effect<Outcome, never, R>
type Answer = (writer: Writer) => void

const unanswered: Outcome = { answer: undefined }

/** A line as an outcome; one that refuses is told to metrics by its first word. */
const lineOutcome = (line: Uint8Array): Outcome => {
  const answer: Answer = (writer) => put(writer, line)
  const error = errorWord(line)
  return error === undefined ? { answer } : { answer, error }
}

/** Outcomes of lines that never change are made once. */
const outcomes = new Map<Uint8Array, Outcome>()
const outcomeOf = (line: Uint8Array): Outcome => {
  let outcome = outcomes.get(line)
  if (outcome === undefined) outcomes.set(line, outcome = lineOutcome(line))
  return outcome
}
const fixed = Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, outcomeOf(line)])) as {
  readonly [line in keyof typeof lines]: Outcome
}
const encoder = new TextEncoder()
const missing = outcomeOf(commandError)

/** An outcome of a request that may ask for silence. */
const shown = (noreply: boolean, outcome: Outcome): Outcome => {
  if (!noreply) return outcome
  return outcome.error === undefined ? unanswered : { answer: undefined, error: outcome.error }
}

const answering = (answer: Answer): Outcome => ({ answer })

/** What a handler's Effect comes to; one that is already there costs no fibre. */
const settled = <A, R>(
  effect: Effect.Effect<A, Refusal, R>,
  done: (value: A) => Outcome,
  refused: (refusal: Refusal) => Outcome
): Result<R> => {
  const ending = (refusal: Refusal): Outcome => {
    const outcome = refusal.unanswered === true ? unanswered : refused(refusal)
    return refusal.last === true ? { ...outcome, last: true } : outcome
  }
  if (!Exit.isExit(effect)) return Effect.match(effect, { onSuccess: done, onFailure: ending })
  const exit = effect as Exit.Exit<A, Refusal>
  if (Exit.isSuccess(exit)) return done(exit.value)
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? exit as Exit.Exit<never> : ending(failure.error)
}

/** What is there already, without a closure for what is not: for the commands that come most often. */
const succeeded = <A, R>(effect: Effect.Effect<A, Refusal, R>): Exit.Success<A, Refusal> | undefined =>
  Exit.isExit(effect) && Exit.isSuccess(effect as Exit.Exit<A, Refusal>) ? effect as Exit.Success<A, Refusal> : undefined

const error = (refusal: Refusal): Outcome => lineOutcome(errorLine(refusal))

const foundBy = (request: MetaGet, found: Found): Outcome => ({ answer: (writer) => putFound(writer, request, found) })

const storedBy = (request: MetaSet, written: Written): Outcome => {
  if (request.quiet) return unanswered
  return request.tells ? answering((writer) => putMeta(writer, codes.HD, request, toldOfWrite(written))) : fixed.metaDone
}

/** A refused meta command: a code with flags, or an error, which has none. */
const metaRefusal = (request: MetaGet | MetaSet | MetaRemove | MetaCount, refusal: Refusal): Outcome => {
  switch (refusal.status) {
    case Status.KeyEnoent:
      if (request._tag === "MetaGet") {
        return request.quiet
          ? unanswered
          : answering((writer) => putMeta(writer, codes.EN, request, undefined))
      }
      return answering((writer) => putMeta(writer, metaMiss(request), request, failed(request)))
    case Status.KeyEexists:
      return answering((writer) => putMeta(writer, isAdd(request) ? codes.NS : codes.EX, request, failed(request)))
    case Status.NotStored:
      return answering((writer) => putMeta(writer, codes.NS, request, failed(request)))
    default:
      return error(refusal)
  }
}

const isAdd = (request: { readonly _tag: string }): boolean => (request as Partial<MetaSet>).verb === "add"

/** A miss of an unconditional replacement is not stored; one with a CAS is not found. */
const metaMiss = (request: MetaSet | MetaRemove | MetaCount) =>
  request._tag === "MetaSet" && request.verb === "replace" && !request.compares ? codes.NS : codes.NF

/** A write that failed has made no version. */
const noVersion = { cas: 0n }
const failed = (request: { readonly _tag: string }) => request._tag === "MetaSet" ? noVersion : undefined

/** Requests of the text protocol, for `serveRequests`. */
export const textRequests = <R>(handlers: MemcachedHandlers<R>): RequestHandler<TextRequest, R> => {
  const get = (request: MetaGet, client: ServerClient): Result<R> => {
    const handle = (request.touches ? handlers.getAndTouch : handlers.get) as Handle<MetaGet, Found, R> | undefined
    if (handle === undefined) return missing
    const effect = handle(request, client)
    const exit = succeeded(effect)
    if (exit !== undefined) return foundBy(request, exit.value)
    return settled(effect, (found) => foundBy(request, found), (refusal) => metaRefusal(request, refusal))
  }

  const metaSet = (request: MetaSet, client: ServerClient): Result<R> => {
    const handle = handlers[request.verb] as Handle<MetaSet, Written, R> | undefined
    if (handle === undefined) return missing
    const effect = handle(request, client)
    const exit = succeeded(effect)
    if (exit !== undefined) return storedBy(request, exit.value)
    return settled(effect, (written) => storedBy(request, written), (refusal) => metaRefusal(request, refusal))
  }

  const metaRemove = (request: MetaRemove, client: ServerClient): Result<R> => {
    if (handlers.remove === undefined) return missing
    return settled(
      handlers.remove(request, client),
      () => request.quiet ? unanswered : answering((writer) => putMeta(writer, codes.HD, request, undefined)),
      (refusal) => metaRefusal(request, refusal)
    )
  }

  const metaCount = (request: MetaCount, client: ServerClient): Result<R> => {
    const handle = request.down ? handlers.decrement : handlers.increment
    if (handle === undefined) return missing
    return settled(
      handle(request, client),
      (counted) => request.quiet && counted.created !== true ? unanswered : answering((writer) => putCounted(writer, request, counted)),
      (refusal) => metaRefusal(request, refusal)
    )
  }

  const debug = (request: MetaDebug, client: ServerClient): Result<R> => {
    if (handlers.debug === undefined) return missing
    return settled(
      handlers.debug(request, client),
      (facts) => answering((writer) => putItemFacts(writer, request.key, facts)),
      (refusal) => refusal.status === Status.KeyEnoent ? fixed.metaMiss : error(refusal)
    )
  }

  const store = (request: Store, client: ServerClient): Result<R> => {
    const handle = handlers[request.verb] as Handle<Store, Written, R> | undefined
    if (handle === undefined) return missing
    const effect = handle(request, client)
    if (succeeded(effect) !== undefined) return request.noreply ? unanswered : fixed.stored
    return settled(
      effect,
      () => request.noreply ? unanswered : fixed.stored,
      (refusal) => shown(request.noreply, lineOutcome(classicRefusal(request.verb, refusal)))
    )
  }

  const change = (request: Change, client: ServerClient): Result<R> => {
    const handle = handlers[request.verb] as Handle<Change, Written & Partial<Counted>, R> | undefined
    if (handle === undefined) return missing
    return settled(
      handle(request, client),
      ({ value }) => {
        if (request.noreply) return unanswered
        if (request.verb === "remove") return fixed.deleted
        if (request.verb === "touch") return fixed.touched
        return answering((writer) => encodeNewNumber(writer, { value: value! }))
      },
      (refusal) => shown(request.noreply, lineOutcome(classicRefusal(request.verb, refusal)))
    )
  }

  const value = (writer: Writer, { withCas }: Retrieve, key: string, { cas = 0n, flags = 0, value }: Found): void =>
    encodeValue(writer, { key, flags, cas: withCas ? cas : undefined, value })

  const retrieve = (request: Retrieve, client: ServerClient): Result<R> => {
    const { expiration, keys, tooLong } = request
    const touching = handlers.getAndTouch
    const getting = handlers.get
    const lookUp: ((key: string) => Effect.Effect<Found, Refusal, R>) | undefined = expiration === undefined
      ? getting && ((key) => getting({ key }, client))
      : touching && ((key) => touching({ key, expiration }, client))
    if (lookUp === undefined) return missing
    const single = keys.length === 1 && !tooLong ? keys[0] : undefined
    if (single !== undefined) {
      return settled(
        lookUp(single),
        (found) =>
          answering((writer) => {
            value(writer, request, single, found)
            put(writer, lines.end)
          }),
        (refusal) => refusal.status === Status.KeyEnoent ? fixed.end : error(refusal)
      )
    }
    const looked = keys.map(lookUp)
    const all = (exits: ReadonlyArray<Exit.Exit<Found, Refusal>>): Outcome => {
      if (tooLong) return outcomeOf(tooLongLine)
      const unlike = exits.find((exit) => Exit.isFailure(exit) && refusalOf(exit)?.status !== Status.KeyEnoent)
      if (unlike !== undefined) {
        const refusal = refusalOf(unlike as Exit.Failure<Found, Refusal>)
        return refusal === undefined ? outcomeOf(diedLine) : error(refusal)
      }
      return answering((writer) => {
        for (let i = 0; i < exits.length; i++) {
          const exit = exits[i]!
          if (Exit.isSuccess(exit)) value(writer, request, keys[i]!, exit.value)
        }
        put(writer, lines.end)
      })
    }
    if (looked.every(Exit.isExit)) return all(looked as ReadonlyArray<unknown> as ReadonlyArray<Exit.Exit<Found, Refusal>>)
    return Effect.map(Effect.forEach(looked, Effect.exit, { concurrency: "unbounded" }), all)
  }

  const tooLarge = (request: TooLarge, client: ServerClient): Result<R> =>
    handlers.tooLarge === undefined ? unanswered : settled(handlers.tooLarge(request, client), () => unanswered, () => unanswered)

  const manage = (request: Manage, client: ServerClient): Result<R> => {
    const { noreply, number, words } = request
    const done = (outcome: Outcome) => (): Outcome => noreply ? unanswered : outcome
    switch (request.verb) {
      case "noop":
        return handlers.noop === undefined ? fixed.metaNoop : settled(handlers.noop(request, client), done(fixed.metaNoop), error)
      case "version":
        return handlers.version === undefined ? missing : settled(
          handlers.version(request, client),
          (message) => answering((writer) => encodeVersionText(writer, { message })),
          error
        )
      case "flush":
        return handlers.flush === undefined ? missing : settled(
          handlers.flush({ expiration: Math.max(0, number) }, client),
          done(fixed.ok),
          (refusal) => shown(noreply, refusal.status === Status.NotSupported ? fixed.noFlush : error(refusal))
        )
      case "verbosity":
        return handlers.verbosity === undefined ? missing : settled(
          handlers.verbosity({ verbosity: number }, client),
          done(fixed.ok),
          (refusal) => shown(noreply, error(refusal))
        )
      case "stats":
        return handlers.stats === undefined ? missing : settled(
          handlers.stats({ group: words[0]! }, client),
          (pairs) => statistics(words[0]!, pairs),
          (refusal) => refusal.status === Status.KeyEnoent ? missing : error(refusal)
        )
      case "administer":
        return handlers.administer === undefined ? shown(noreply, missing) : settled(
          handlers.administer({ words, pipelined: number > 0 }, client),
          (administered) => lined(administered, noreply),
          (refusal) => shown(noreply, refusal.status === Status.KeyEnoent ? missing : error(refusal))
        )
    }
  }

  return {
    handle: (request, client) => {
      switch (request._tag) {
        case "MetaGet":
          return get(request, client)
        case "MetaSet":
          return metaSet(request, client)
        case "Retrieve":
          return retrieve(request, client)
        case "Store":
          return store(request, client)
        case "MetaRemove":
          return metaRemove(request, client)
        case "MetaCount":
          return metaCount(request, client)
        case "Change":
          return change(request, client)
        case "MetaDebug":
          return debug(request, client)
        case "Manage":
          return manage(request, client)
        case "TooLarge":
          return tooLarge(request, client)
        case "Said": {
          if (request.admits === true) client.admit()
          const { error, last, line } = request
          if (last === true) return { answer: undefined, last }
          if (line !== undefined) return outcomeOf(line)
          return error === undefined ? unanswered : { answer: undefined, error }
        }
      }
    },
    malformed: (error, _, client) => {
      client.misbehaved(error.message, error)
      return unanswered
    },
    died: (request) => "noreply" in request && request.noreply ? unanswered : outcomeOf(diedLine)
  }
}

const refusalOf = (exit: Exit.Failure<unknown, Refusal>): Refusal | undefined =>
  exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error

const tooLongLine = clientError("bad command line format").line!
const diedLine = errorLine({ _tag: "Refusal", status: Status.Einternal })

/** Groups of statistics whose answer is no list. */
const statistics = (group: string, pairs: Iterable<readonly [name: string, value: string]>): Outcome => {
  switch (group) {
    case "reset":
      return fixed.reset
    case "detail on":
    case "detail off":
      return fixed.ok
    case "detail dump": {
      const dump = Array.from(pairs, ([, value]) => value).join("")
      return answering((writer) => putLines(writer, dump))
    }
    default:
      return answering((writer) => putStatistics(writer, pairs))
  }
}

const lined = ({ last, lines: text }: Administered, noreply: boolean): Outcome => {
  const ending = last === true ? { last } : {}
  if (typeof text === "string") {
    const error = errorWord(encoder.encode(text.slice(0, 20)))
    return {
      answer: noreply || text === "" ? undefined : (writer) => putLines(writer, text),
      ...ending,
      ...error === undefined ? {} : { error }
    }
  }
  return { answer: undefined, answers: Stream.map(text, (one) => (writer: Writer) => putLines(writer, one)) }
}
