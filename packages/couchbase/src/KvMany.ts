/**
 * Many documents in few round trips: quiet reads by node, a Noop after each batch.
 *
 * What a batch does not settle, because a node answers with something else than a document or nothing, or cannot be asked that way, is read
 * one by one, with everything that repeats single reads.
 */
import { quiet, type WritePacket } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { defaultPath } from "./Collections.ts"
import { encodeGetQ, encodeNoop, type Response } from "./gen/index.ts"
import type { KvConnection } from "./KvConnection.ts"
import type { KvDispatch } from "./KvDispatch.ts"
import type { KvError } from "./KvError.ts"
import type { Document, RawDocument } from "./KvOperations.ts"

/** Keys of one batch: at most 270 KiB of requests. */
const batchSize = 1000

const barrier: WritePacket = (writer, opaque) => encodeNoop(writer, { opaque })

interface Batch {
  readonly connection: KvConnection
  readonly keys: Array<string>
}

type ToDocument = (operation: string, key: string, raw: RawDocument) => Effect.Effect<Document, KvError>

/** Reads documents; those that are missing are not in the result. */
export const getMany = Effect.fnUntraced(function*(
  dispatch: KvDispatch,
  path: string,
  given: Iterable<string>,
  timeout: number,
  document: ToDocument,
  single: (key: string) => Effect.Effect<Option.Option<Document>, KvError>
) {
  const { cluster, collections } = dispatch
  const found = new Map<string, Document>()
  const alone: Array<string> = []
  const open = new Map<KvConnection, Batch>()
  const batches: Array<Batch> = []
  // what is for nodes of which nothing may be asked goes through their circuits, one by one
  const shunned = yield* dispatch.shunned
  for (const key of new Set(given)) {
    const pool = cluster.poolOf(cluster.vbucketOf(key))
    const connection = pool?.take()
    const known = connection !== undefined && !shunned.has(pool!)
      && (connection.session.states.collections ? collections.idOf(path) !== undefined : path === defaultPath)
    if (!known) {
      alone.push(key)
      continue
    }
    const batch = open.get(connection)
    if (batch !== undefined && batch.keys.length < batchSize) batch.keys.push(key)
    else {
      const begun = { connection, keys: [key] }
      open.set(connection, begun)
      batches.push(begun)
    }
  }

  const read = Effect.fnUntraced(function*({ connection, keys }: Batch) {
    const collectionId = connection.session.states.collections ? collections.idOf(path) : undefined
    const writes = keys.map((key) => (writer: Parameters<typeof encodeGetQ>[0], opaque: number) =>
      encodeGetQ(writer, { opaque, vbucket: cluster.vbucketOf(key), collectionId, key })
    )
    const answers = yield* Effect.option(connection.packets.perform(quiet<Response>(writes, barrier), timeout))
    for (const [index, key] of keys.entries()) {
      const answer = Option.isNone(answers) ? null : answers.value[index]
      if (answer === undefined) continue
      if (answer !== null && answer._tag === "GetQResponse") {
        const { cas, datatype, flags, value } = answer
        found.set(key, yield* document("GetQ", key, { cas, datatype, flags, value }))
      } else alone.push(key)
    }
  })

  yield* Effect.forEach(batches, read, { concurrency: "unbounded", discard: true })
  yield* Effect.forEach(alone, (key) =>
    Effect.map(single(key), (one) => {
      if (Option.isSome(one)) found.set(key, one.value)
    }), { concurrency: 64, discard: true })
  return found as ReadonlyMap<string, Document>
})
