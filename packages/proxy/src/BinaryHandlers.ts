/**
 * What a server does, done by a memcached that is asked with binary packets: for clients of the other protocols in front of one that speaks
 * nothing else. What only the meta commands can ask is refused.
 *
 * Source: memcached `doc/protocol-binary.txt`.
 */
import type { Client, ConnectionError } from "@wirewright/connection"
import type { Command, EncodeError } from "@wirewright/codec"
import type { OpenError } from "@wirewright/couchbase/node"
import {
  type CountRequest,
  type ExtendRequest,
  type MemcachedHandlers,
  type Refusal,
  refusal,
  type RemoveRequest,
  type SetRequest,
  type Written
} from "@wirewright/memcached"
import * as Gen from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { lacking, failedBy, metaOf, unsignedExpiration } from "./Refused.ts"

/** What a client of the binary protocol can do that this needs. */
export type BinaryConversation = Pick<
  Client.Conversation<Gen.ServerRequest, { readonly derived: "opaque"; readonly numbered: never }, OpenError>,
  "call" | "stream"
>

const what = "the binary protocol, which the server behind the proxy is asked by,"

const refused = (error: Client.CallError | OpenError, writes: boolean): Refusal =>
  error._tag === "StatusError" ? refusal(error.status) : failedBy(error as ConnectionError | EncodeError, writes)

/** What can be asked at all. */
const plain =
  <Request extends object, A>(handle: (request: Request) => Effect.Effect<A, Refusal>) => (request: Request): Effect.Effect<A, Refusal> => {
    const { cas, compares } = request as { readonly cas?: bigint; readonly compares?: boolean }
    const words = compares === true && cas === 0n ? "comparing with CAS 0" : metaOf(request)
    return words === undefined ? handle(request) : Effect.fail(lacking(what, words))
  }

/** What a server does, done by the memcached that a client of one connection is connected to. */
export const binaryHandlers = (client: BinaryConversation): MemcachedHandlers => {
  const ask = <P, A>(command: Command<P, A, "one">, fields: object, writes: boolean): Effect.Effect<A, Refusal> =>
    Effect.mapError(client.call(command as unknown as Command<object, A, "one">, fields as never), (error) => refused(error, writes))
  type Storing = typeof Gen.Set | typeof Gen.Add | typeof Gen.Replace
  const store = (command: Storing) =>
    plain(({ cas, expiration, flags, key, value }: SetRequest): Effect.Effect<Written, Refusal> =>
      ask(command as typeof Gen.Set, { key, value, flags, expiration: unsignedExpiration(expiration), cas }, true)
    )
  const extend = (command: typeof Gen.Append | typeof Gen.Prepend) =>
    plain(({ cas, key, value }: ExtendRequest): Effect.Effect<Written, Refusal> =>
      ask(command as typeof Gen.Append, { key, value, cas }, true)
    )
  const count = (command: typeof Gen.Increment | typeof Gen.Decrement) =>
    plain(({ cas, delta, expiration, initial, key }: CountRequest) =>
      ask(command as typeof Gen.Increment, { key, delta, initial, expiration: unsignedExpiration(expiration), cas }, true)
    )
  return {
    get: plain(({ key }: { readonly key: string }) => ask(Gen.Get, { key }, false)),
    getAndTouch: plain(({ expiration, key }: { readonly key: string; readonly expiration: number }) =>
      ask(Gen.Gat, { key, expiration: unsignedExpiration(expiration) }, false)
    ),
    touch: ({ expiration, key }) =>
      Effect.map(
        ask(Gen.Touch, { key, expiration: unsignedExpiration(expiration) }, false),
        ({ cas, flags = 0 }) => ({ cas, flags })
      ),
    set: store(Gen.Set),
    add: store(Gen.Add),
    replace: store(Gen.Replace),
    append: extend(Gen.Append),
    prepend: extend(Gen.Prepend),
    remove: plain(({ cas, key }: RemoveRequest): Effect.Effect<Written, Refusal> => ask(Gen.Delete, { key, cas }, true)),
    increment: count(Gen.Increment),
    decrement: count(Gen.Decrement),
    debug: () => Effect.fail(lacking(what, "telling of items")),
    stats: ({ group }) =>
      Stream.runCollect(client.stream(Gen.Stat, { group })).pipe(
        Effect.mapBoth({
          onFailure: (error) => refused(error, false),
          onSuccess: (answers) => answers.flatMap(({ name, value }) => name === "" ? [] : [[name, value] as const])
        })
      ),
    version: () => Effect.map(ask(Gen.Version, {}, false), ({ version }) => version),
    flush: ({ expiration }) =>
      Effect.asVoid(ask(Gen.Flush, expiration === undefined ? {} : { expiration: unsignedExpiration(expiration) }, true))
  }
}
