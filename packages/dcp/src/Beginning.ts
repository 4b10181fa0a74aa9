/** What a consumer finds out before it follows: which vbuckets there are and how far they are, where each begins, which collections are meant. */
import * as Effect from "effect/Effect"
import { type Checkpoint, checkpointAt, emptyCheckpoint } from "./Checkpoint.ts"
import type { ChangesOptions, From } from "./ChangesOptions.ts"
import type { CollectionNames } from "./CollectionNames.ts"
import type { Cluster } from "@wirewright/couchbase/node"
import { type DcpError, DcpOptionsError } from "./DcpError.ts"
import type { DcpNodes, FatalConnectError } from "./DcpNodes.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import type { StreamFilter } from "./StreamFilter.ts"

/** Asks the nodes; waits for those that are not there. */
export class Beginning {
  private readonly cluster: Pick<Cluster, "map">
  private readonly nodes: Pick<DcpNodes, "connectionOf" | "pause">

  constructor(cluster: Pick<Cluster, "map">, nodes: Pick<DcpNodes, "connectionOf" | "pause">) {
    this.cluster = cluster
    this.nodes = nodes
  }

  /** The vbuckets asked for; fails when the bucket does not have one of them. */
  readonly vbuckets = Effect.fnUntraced(
    { self: this },
    function*(
      this: Beginning,
      wanted: ReadonlyArray<number> | undefined
    ): Effect.fn.Return<ReadonlyArray<number>, FatalConnectError | DcpOptionsError> {
      const all = yield* this.allVbuckets
      if (wanted === undefined) return all
      if (wanted.length === 0) return yield* new DcpOptionsError({ message: "the list of vbuckets is empty" })
      const known = new Set(all)
      const missing = wanted.filter((vbucket) => !known.has(vbucket))
      if (missing.length === 0) return [...new Set(wanted)]
      const named = `${missing.slice(0, 10).join(", ")}${missing.length > 10 ? ", …" : ""}`
      return yield* new DcpOptionsError({
        message: `the bucket has ${all.length} vbuckets, from ${all[0]} to ${all.at(-1)}; it does not have ${named}`
      })
    }
  )

  /** Whether changes can wait for disks: those of an ephemeral bucket would wait without end. */
  gate(mitigation: number | undefined): Effect.Effect<void, DcpOptionsError> {
    return mitigation !== undefined && this.cluster.map?.ephemeral === true
      ? Effect.fail(
        new DcpOptionsError({ message: "mitigateRollbacks waits for disks, and the bucket is ephemeral: nothing of it is written to one" })
      )
      : Effect.void
  }

  /** The highest seqnos of the vbuckets, those included that no node has just now. */
  readonly highSeqnos = Effect.fnUntraced(
    { self: this },
    function*(this: Beginning, vbuckets: ReadonlyArray<number>): Effect.fn.Return<ReadonlyMap<number, bigint>, FatalConnectError> {
      const highs = new Map<number, bigint>()
      for (let attempt = 1;; attempt++) {
        const missing = vbuckets.find((vbucket) => !highs.has(vbucket))
        if (missing === undefined) return highs
        const { connection } = yield* this.nodes.connectionOf(missing)
        const found = yield* Effect.result(connection.allSeqnos())
        if (found._tag === "Success") { for (const [vbucket, seqno] of found.success) highs.set(vbucket, seqno) }
        if (!highs.has(missing)) yield* this.nodes.pause(attempt)
      }
    }
  )

  /** Where a vbucket begins that has no checkpoint. */
  readonly checkpoint = Effect.fnUntraced(
    { self: this },
    function*(this: Beginning, vbucket: number, from: From, high: bigint): Effect.fn.Return<Checkpoint, FatalConnectError> {
      const first = typeof from === "object" && "savedOr" in from ? from.savedOr : from
      const seqno = first === "now" ? high : typeof first === "object" ? first.seqnos.get(vbucket) ?? 0n : 0n
      if (seqno === 0n) return emptyCheckpoint
      for (let attempt = 1;; attempt++) {
        const { connection } = yield* this.nodes.connectionOf(vbucket)
        const found = yield* Effect.result(connection.failoverLog(vbucket))
        const failoverLog: FailoverLog = found._tag === "Success" ? found.success ?? [] : []
        const checkpoint = checkpointAt(failoverLog, seqno)
        if (checkpoint !== undefined) return checkpoint
        yield* this.nodes.pause(attempt)
      }
    }
  )

  /** The collections or the scope asked for, by their ids. */
  readonly filter = Effect.fnUntraced(
    { self: this },
    function*(
      this: Beginning,
      { collections, scope }: Pick<ChangesOptions, "collections" | "scope">
    ): Effect.fn.Return<StreamFilter, DcpError> {
      if (collections === undefined && scope === undefined) return {}
      if (collections !== undefined && scope !== undefined) {
        return yield* new DcpOptionsError({ message: "collections and scope exclude one another" })
      }
      if (collections?.length === 0) return yield* new DcpOptionsError({ message: "the list of collections is empty" })
      const { connection } = yield* this.nodes.connectionOf(0)
      if (!connection.session.states.collections) return yield* new DcpOptionsError({ message: "the server has no collections" })
      const resolve = (kind: "collection" | "scope", path: string) =>
        Effect.flatMap(
          connection.idOf(kind, path),
          (id): Effect.Effect<number, DcpOptionsError> =>
            id === undefined ? Effect.fail(new DcpOptionsError({ message: `there is no ${kind} ${path}` })) : Effect.succeed(id)
        )
      if (scope !== undefined) return { scope: yield* resolve("scope", scope) }
      const ids = yield* Effect.forEach(collections!, (path) => resolve("collection", path.includes(".") ? path : `_default.${path}`))
      return { collections: ids }
    }
  )

  /** Learns the names that collections have by now. A server that does not tell them is one without collections, or without the right to. */
  readonly names = Effect.fnUntraced(
    { self: this },
    function*(this: Beginning, vbucket: number, names: CollectionNames): Effect.fn.Return<void, FatalConnectError> {
      for (let attempt = 1;; attempt++) {
        const { connection } = yield* this.nodes.connectionOf(vbucket)
        if (!connection.session.states.collections) return
        const found = yield* Effect.result(connection.manifest)
        if (found._tag === "Success") return found.success === undefined ? undefined : names.learn(found.success)
        yield* this.nodes.pause(attempt)
      }
    }
  )

  private readonly allVbuckets: Effect.Effect<ReadonlyArray<number>, FatalConnectError> = Effect.gen(
    { self: this },
    function*(this: Beginning) {
      const { cluster } = this
      for (let attempt = 1;; attempt++) {
        const count = cluster.map?.vbuckets.length ?? 0
        if (count > 0) return Array.from({ length: count }, (_, vbucket) => vbucket)
        const { connection } = yield* this.nodes.connectionOf(0)
        const highs = yield* Effect.result(connection.allSeqnos())
        if (highs._tag === "Success" && highs.success.size > 0) return [...highs.success.keys()].sort((a, b) => a - b)
        yield* this.nodes.pause(attempt)
      }
    }
  )
}
