/**
 * Reads of all copies of a document: of the active one and of its replicas, at the same time.
 *
 * A replica may have an older version than the active copy, or none yet. A copy that cannot be read is passed over as long as another one can.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { KvDispatch } from "./KvDispatch.ts"
import { InvalidRequest, type KvError, NoCopyInServerGroup } from "./KvError.ts"
import * as Operations from "./KvOperations.ts"
import type { Document, RawDocument } from "./KvOperations.ts"
import type { ReadPreference } from "./KvOptions.ts"
import { unsent } from "./KvRequest.ts"

/** A document as one of its copies has it. */
export interface CopyOfDocument<A = Uint8Array> extends Document<A> {
  /** Whether it is a replica's. */
  readonly replica: boolean
}

type Read = (operation: Operations.Operation<Option.Option<RawDocument>>) => Effect.Effect<Option.Option<Document>, KvError>
type Copies = ReadonlyArray<Effect.Effect<Option.Option<CopyOfDocument>, KvError>>

/** The copies that a preference means; at least one. */
const numbersOf = (
  { cluster }: KvDispatch,
  key: string,
  preference: ReadPreference
): Effect.Effect<ReadonlyArray<number | undefined>, KvError> => {
  const vbucket = cluster.vbucketOf(key)
  const all = cluster.copiesOf(vbucket)
  if (preference === "all") return Effect.succeed(all)
  const { preferredServerGroup: serverGroup } = cluster
  if (serverGroup === undefined) return unsent("GetReplica", key, new InvalidRequest({ message: "the client has no preferredServerGroup" }))
  const near = cluster.copiesOf(vbucket, serverGroup)
  if (near.length > 0) return Effect.succeed(near)
  return preference === "preferredServerGroup"
    ? unsent("GetReplica", key, new NoCopyInServerGroup({ vbucket, serverGroup }))
    : Effect.succeed(all)
}

const copies = (dispatch: KvDispatch, key: string, read: Read, preference: ReadPreference = "all"): Effect.Effect<Copies, KvError> =>
  Effect.map(Effect.suspend(() => numbersOf(dispatch, key, preference)), (numbers) =>
    numbers.map((replica) =>
      Effect.map(
        read(replica === undefined ? Operations.get(key) : Operations.getReplica(key, replica)),
        Option.map((document) => ({ ...document, replica: replica !== undefined }))
      )
    ))

/** What the copies have; those that have nothing, or cannot be read, are left out. Fails when none can be read. */
export const getAllReplicas = (
  dispatch: KvDispatch,
  key: string,
  read: Read,
  preference?: ReadPreference
): Effect.Effect<ReadonlyArray<CopyOfDocument>, KvError> =>
  Effect.flatMap(
    copies(dispatch, key, read, preference),
    (all) =>
      Effect.flatMap(Effect.forEach(all, Effect.exit, { concurrency: "unbounded" }), (exits) => {
        const answers = exits.filter(Exit.isSuccess)
        if (answers.length === 0) return exits[0] as Exit.Failure<never, KvError>
        return Effect.succeed(answers.flatMap(({ value }) => Option.isSome(value) ? [value.value] : []))
      })
  )

const missing: unique symbol = Symbol("missing")

/** The first copy that is found; nothing when those that can be read have none. Fails when none can be read. */
export const getAnyReplica = (
  dispatch: KvDispatch,
  key: string,
  read: Read,
  preference?: ReadPreference
): Effect.Effect<Option.Option<CopyOfDocument>, KvError> =>
  Effect.flatMap(copies(dispatch, key, read, preference), (all) => {
    let known = false
    const found = all.map((copy) =>
      Effect.flatMap(copy, (one) => {
        if (Option.isSome(one)) return Effect.succeed(one)
        known = true
        return Effect.fail(missing)
      })
    )
    return Effect.catch(Effect.raceAll(found), (error) => known || error === missing ? Effect.succeedNone : Effect.fail(error))
  })
