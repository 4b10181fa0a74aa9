/**
 * Reads of all copies of a document: of the active one and of its replicas, at the same time.
 *
 * A replica may have an older version than the active copy, or none yet. A copy that cannot be read is passed over as long as another one can.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { KvDispatch } from "./KvDispatch.ts"
import type { KvError } from "./KvError.ts"
import * as Operations from "./KvOperations.ts"
import type { Document, RawDocument } from "./KvOperations.ts"

/** A document as one of its copies has it. */
export interface CopyOfDocument<A = Uint8Array> extends Document<A> {
  /** Whether it is a replica's. */
  readonly replica: boolean
}

type Read = (operation: Operations.Operation<Option.Option<RawDocument>>) => Effect.Effect<Option.Option<Document>, KvError>

const copiesOf = (dispatch: KvDispatch, key: string, read: Read): ReadonlyArray<Effect.Effect<Option.Option<CopyOfDocument>, KvError>> => {
  const { cluster } = dispatch
  const count = cluster.replicasOf(cluster.vbucketOf(key))
  const marked = (operation: Operations.Operation<Option.Option<RawDocument>>, replica: boolean) =>
    Effect.map(read(operation), Option.map((document) => ({ ...document, replica })))
  return [
    marked(Operations.get(key), false),
    ...Array.from({ length: count }, (_, replica) => marked(Operations.getReplica(key, replica), true))
  ]
}

/** What the copies have; those that have nothing, or cannot be read, are left out. Fails when none can be read. */
export const getAllReplicas = (dispatch: KvDispatch, key: string, read: Read): Effect.Effect<ReadonlyArray<CopyOfDocument>, KvError> =>
  Effect.suspend(() =>
    Effect.flatMap(Effect.forEach(copiesOf(dispatch, key, read), Effect.exit, { concurrency: "unbounded" }), (exits) => {
      const answers = exits.filter(Exit.isSuccess)
      if (answers.length === 0) return exits[0] as Exit.Failure<never, KvError>
      return Effect.succeed(answers.flatMap(({ value }) => Option.isSome(value) ? [value.value] : []))
    })
  )

const missing: unique symbol = Symbol("missing")

/** The first copy that is found; nothing when those that can be read have none. Fails when none can be read. */
export const getAnyReplica = (dispatch: KvDispatch, key: string, read: Read): Effect.Effect<Option.Option<CopyOfDocument>, KvError> =>
  Effect.suspend(() => {
    let known = false
    const found = copiesOf(dispatch, key, read).map((copy) =>
      Effect.flatMap(copy, (one) => {
        if (Option.isSome(one)) return Effect.succeed(one)
        known = true
        return Effect.fail(missing)
      })
    )
    return Effect.catch(Effect.raceAll(found), (error) => known || error === missing ? Effect.succeedNone : Effect.fail(error))
  })
