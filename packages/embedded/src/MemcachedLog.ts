/**
 * The log that `watch` shows, in memcached's lines: what was read, what was written, what was evicted, who came and went.
 *
 * Whoever does not read misses lines, and is told how many. While nobody watches, commands cost a comparison more. What memcached logs of
 * itself alone (`sysevents`, its proxy) does not happen here. Unlike 1.6.18 it pads microseconds, says 0 for the time to live of what has
 * ended when it is stored, and names the client whose value was too large. A flush forgets at once: what was flushed is `not_found`.
 * Source: memcached 1.6.18 `logger.c`, `doc/protocol.txt` "Watchers"; test/fixtures/memcached-watch.json.
 */
import { encodeText, textBound } from "@wirewright/codec"
import type { ConnectionError, ServerClient } from "@wirewright/connection"
import type { Handle, MemcachedHandlers, Refusal, SetRequest } from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { absoluteExpiry } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import { memcachedItemSize } from "./MemcachedCommands.ts"
import { slabClassOf } from "./SlabClasses.ts"
import type { Store } from "./Store.ts"

/** What may be watched here; the others that memcached knows are accepted and silent. */
const kinds = ["fetchers", "mutations", "evictions", "connevents"] as const
type Kind = (typeof kinds)[number]

/** Names that `watch` takes. */
export const watched: ReadonlySet<string> = new Set([...kinds, "proxyevents", "proxyreqs", "proxyuser", "rawcmds", "sysevents"])

/** Bytes that wait for a watcher; what does not fit is skipped. memcached's default. */
const longestBacklog = 262_144

/** Bytes of a key that are written as they are. */
const plain = /[A-Za-z0-9\-._~]/

const textBytes = (key: string): Uint8Array => {
  const bytes = new Uint8Array(textBound(key))
  return bytes.subarray(0, encodeText(bytes, 0, key))
}

/** A key as logs and dumps have it. */
export const uriEncoded = (key: string): string =>
  Array.from(textBytes(key), (byte) => {
    const letter = String.fromCharCode(byte)
    return plain.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
  }).join("")

/** Somebody who watches. */
class Watcher {
  readonly kinds: ReadonlySet<string>
  private lines = ""
  private skipped = 0
  private wake: (() => void) | undefined

  constructor(kinds: ReadonlySet<string>) {
    this.kinds = kinds
  }

  /** Returns whether the line found room. */
  add(line: string): boolean {
    if (this.lines.length + line.length > longestBacklog) {
      this.skipped++
      return false
    }
    if (this.skipped > 0) {
      this.lines += `skipped=${this.skipped}\n`
      this.skipped = 0
    }
    this.lines += line
    const { wake } = this
    this.wake = undefined
    wake?.()
    return true
  }

  /** Waits for lines and takes them. */
  readonly take: Effect.Effect<string> = Effect.callback<string>((resume) => {
    const all = (): void => {
      const { lines } = this
      this.lines = ""
      resume(Effect.succeed(lines))
    }
    if (this.lines !== "") return all()
    this.wake = all
    return Effect.sync(() => (this.wake = undefined))
  })
}

/** Why a connection ended, in memcached's words. */
const reasonOf = ({ reason }: ConnectionError): string => {
  switch (reason._tag) {
    case "ConnectionClosed":
      return "normal"
    case "ConnectionLost":
      // an orderly end has no error
      return reason.cause instanceof Error ? "error" : "normal"
    case "PeerStalled":
      return "idle_timeout"
    default:
      return "error"
  }
}

/** What the log is made of. */
export interface LogOptions {
  readonly store: () => Store
  /** Unix time in milliseconds. */
  readonly now: () => number
}

/** The log of a node. */
export class MemcachedLog {
  /** Counts of `stats`. */
  readonly counts = { log_worker_dropped: 0, log_worker_written: 0, log_watcher_skipped: 0, log_watcher_sent: 0 }
  private readonly options: LogOptions
  private readonly watchers = new Set<Watcher>()
  private gid = 0

  constructor(options: LogOptions) {
    this.options = options
  }

  /** How many watch. */
  get size(): number {
    return this.watchers.size
  }

  /** Lines of some kinds, from now on; for whoever names none those of reads. */
  watch(names: ReadonlyArray<string>): Stream.Stream<string> {
    const register = Effect.acquireRelease(
      Effect.sync(() => {
        const watcher = new Watcher(new Set(names.length === 0 ? ["fetchers"] : names))
        this.watchers.add(watcher)
        return watcher
      }),
      (watcher) => Effect.sync(() => this.watchers.delete(watcher))
    )
    return Stream.unwrap(Effect.map(register, ({ take }) => Stream.fromEffectRepeat(take)))
  }

  /** A client came. */
  opened({ address, id }: ServerClient): void {
    this.write("connevents", "conn_new", () => `${remote(address)} cfd=${id}`)
  }

  /** A client is gone. */
  closed({ address, closed, id }: ServerClient): void {
    this.write(
      "connevents",
      "conn_close",
      () => `${remote(address)} reason=${closed === undefined ? "normal" : reasonOf(closed)} cfd=${id}`
    )
  }

  /** An item was forgotten because room was needed. */
  evicted(item: Item): void {
    this.write("evictions", "eviction", () => {
      const { accessedAt, expiry, fetched, key, value } = item
      const now = this.seconds
      return `key=${uriEncoded(key)} fetch=${fetched ? "yes" : "no"} ttl=${expiry === 0 ? -1 : Math.max(0, expiry - now)} la=${
        now - accessedAt
      } clsid=${classOf(item)} size=${value.length}`
    })
  }

  /** The same handlers, of which the log is told. */
  logging(handlers: MemcachedHandlers): MemcachedHandlers {
    const reading = <Request extends { readonly key: string }, A>(handle: Handle<Request, A, never> | undefined) =>
      handle && ((request: Request, client: ServerClient) => {
        if (this.watchers.size > 0) this.read(request.key, client)
        return handle(request, client)
      })
    const writing = <Request extends Pick<SetRequest, "key" | "value" | "cas" | "compares" | "flags" | "expiration">, A>(
      command: string,
      handle: Handle<Request, A, never> | undefined
    ) =>
      handle && ((request: Request, client: ServerClient) => {
        if (this.watchers.size === 0) return handle(request, client)
        this.read(request.key, client)
        const outcome = handle(request, client)
        // commands of a node are done at once
        const status = Exit.isExit(outcome) ? statusOf(outcome as Exit.Exit<A, Refusal>, command) : "stored"
        this.stored(request.cas !== 0n || request.compares === true ? "cas" : command, status, request, client)
        return outcome
      })
    /** `append` and `prepend` keep flags and expiry; what is told of them is what is there afterwards. */
    const extending = <Request extends { readonly key: string; readonly value: Uint8Array; readonly cas: bigint }, A>(
      command: string,
      handle: Handle<Request, A, never> | undefined
    ) => handle && writing(command, (request: Request & Extended, client: ServerClient) => handle(request, client)) as typeof handle
    const counting = (handle: MemcachedHandlers["increment"]): MemcachedHandlers["increment"] =>
      handle && ((request, client) => {
        if (this.watchers.size === 0) return handle(request, client)
        this.read(request.key, client)
        const outcome = handle(request, client)
        if (!Exit.isExit(outcome)) return outcome
        const exit = outcome as Exit.Exit<{ readonly value: bigint; readonly created?: boolean | undefined }, Refusal>
        if (!Exit.isSuccess(exit) || exit.value.created !== true) return outcome
        this.write("fetchers", "item_get", () => missing(request.key, client))
        const value = textBytes(String(exit.value.value))
        this.stored("add", "stored", { key: request.key, value, flags: 0, expiration: request.expiration }, client)
        return outcome
      })
    const { add, append, debug, decrement, get, getAndTouch, increment, prepend, remove, replace, set, tooLarge, touch } = handlers
    return {
      ...handlers,
      get: reading(get),
      getAndTouch: reading(getAndTouch),
      touch: reading(touch),
      remove: reading(remove),
      debug: reading(debug),
      set: writing("set", set),
      add: writing("add", add),
      replace: writing("replace", replace),
      append: extending("append", append),
      prepend: extending("prepend", prepend),
      increment: counting(increment),
      decrement: counting(decrement),
      tooLarge: tooLarge && ((request, client) => {
        if (this.watchers.size > 0) {
          this.write("mutations", "item_store", () => storing(request.key, "too_large", "set", 0, 0, client, 0))
          this.read(request.key, client)
        }
        return tooLarge(request, client)
      })
    } as MemcachedHandlers
  }

  private get seconds(): number {
    return Math.floor(this.options.now() / 1000)
  }

  /** Looks at an item as a command that comes next will find it, and does not touch it. */
  private read(key: string, client: ServerClient): void {
    this.write("fetchers", "item_get", () => {
      const store = this.options.store()
      const item = store.space(0).items.get(key)
      if (item === undefined) return missing(key, client)
      if (store.isExpired(item)) return missing(key, client, "expired")
      return `key=${uriEncoded(key)} status=found clsid=${classOf(item)} cfd=${client.id} size=${item.value.length}`
    })
  }

  private stored(
    command: string,
    status: string,
    request: Partial<Extended> & { key: string; value: Uint8Array },
    client: ServerClient
  ): void {
    this.write("mutations", "item_store", () => {
      const { expiration = 0, flags = 0, key, value } = request
      const extends_ = command === "append" || command === "prepend"
      const item = extends_ && status === "stored" ? this.options.store().space(0).items.get(key) : undefined
      const length = item?.value.length ?? value.length
      const expiry = absoluteExpiry(expiration, this.options.now())
      const timeToLive = expiry === 0 ? 0 : Math.max(0, expiry - this.seconds)
      const slabClass = slabClassOf(memcachedItemSize(key, length, item?.flags ?? flags))
      return storing(key, status, command, timeToLive, slabClass, client, length)
    })
  }

  private write(kind: Kind, type: string, rest: () => string): void {
    if (this.watchers.size === 0) return
    let line: string | undefined
    for (const watcher of this.watchers) {
      if (!watcher.kinds.has(kind)) continue
      if (line === undefined) {
        const now = this.options.now()
        const micros = String(Math.floor((now % 1000) * 1000)).padStart(6, "0")
        line = `ts=${Math.floor(now / 1000)}.${micros} gid=${++this.gid} type=${type} ${rest()}\n`
        this.counts.log_worker_written++
      }
      this.counts[watcher.add(line) ? "log_watcher_sent" : "log_watcher_skipped"]++
    }
  }
}

type Extended = Pick<SetRequest, "flags" | "expiration" | "compares">

const missing = (key: string, client: ServerClient, status = "not_found"): string =>
  `key=${uriEncoded(key)} status=${status} clsid=0 cfd=${client.id} size=0`

const storing = (
  key: string,
  status: string,
  command: string,
  timeToLive: number,
  slabClass: number,
  client: ServerClient,
  size: number
): string => `key=${uriEncoded(key)} status=${status} cmd=${command} ttl=${timeToLive} clsid=${slabClass} cfd=${client.id} size=${size}`

const classOf = ({ flags, key, value }: Item): number => slabClassOf(memcachedItemSize(key, value.length, flags))

/** Where a client is: of `host:port` both, of a Unix socket neither. */
const remote = (address: string): string => {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? []
  return port === undefined ? "rip=unix rport=0 transport=local" : `rip=${host} rport=${port} transport=tcp`
}

/** What became of a write, in memcached's words. */
const statusOf = (exit: Exit.Exit<unknown, Refusal>, command: string): string => {
  if (Exit.isSuccess(exit)) return "stored"
  switch (exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error.status) {
    case Status.KeyEnoent:
      return command === "set" ? "not_found" : "not_stored"
    case Status.KeyEexists:
      return command === "add" ? "not_stored" : "exists"
    case Status.E2big:
      return "too_large"
    case Status.Enomem:
      return "no_memory"
    default:
      return "not_stored"
  }
}
