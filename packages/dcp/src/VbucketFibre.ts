/**
 * The fibre of one vbucket: it does what the follower says, and tells it what came of it. Nothing is decided here. There is none while messages come:
 * those are the stream's.
 */
import type { Cluster } from "@wirewright/couchbase/node"
import { placeOf, serverAttributes } from "@wirewright/connection"
import { inSpanIfTraced, type SpanAttributes, spanNameOf } from "@wirewright/connection/Spans"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ChangesSettings } from "./ChangesSettings.ts"
import type { CheckpointWriter } from "./CheckpointWriter.ts"
import type { DcpError, DcpStreamFailed } from "./DcpError.ts"
import { type DcpEvent, Rollback } from "./DcpEvent.ts"
import type { DcpNodes, NodeConnection } from "./DcpNodes.ts"
import type { Response } from "./gen/index.ts"
import { DcpStreamFlags } from "./gen/Types.ts"
import type { Outbox } from "./Outbox.ts"
import { contextOf, failed } from "./StreamFailures.ts"
import { filterText, type StreamFilter } from "./StreamFilter.ts"
import type { RollbackNotice, StreamAsk } from "./VbucketFollower.ts"
import type { VbucketStream } from "./VbucketStream.ts"

/** What a vbucket's fibre needs of its consumer. */
export interface FollowEnvironment {
  readonly cluster: Pick<Cluster, "seedOf" | "learn" | "refresh">
  readonly nodes: Pick<DcpNodes, "connectionOf" | "pause">
  /** Where checkpoints go; nowhere without it. */
  readonly writer: Pick<CheckpointWriter, "save"> | undefined
  readonly outbox: Pick<Outbox<DcpEvent, never>, "push">
  readonly settings: Pick<ChangesSettings, "settleTimeout" | "streamId">
  readonly filter: StreamFilter
  /** Whose spans they are. */
  readonly attributes: SpanAttributes
  /** A rollback is handed to the application. */
  rolledBack(vbucket: number, rollback: RollbackNotice): void
}

/** What following comes to: messages come, nothing more is to come, or why it failed. */
export type Followed = "Following" | "Finished" | DcpStreamFailed

/**
 * Follows a vbucket until messages come of it, when it rests, or nothing more is to come. To be called at the beginning, and whenever something else
 * is to be done for a stream that rests.
 */
export const follow = Effect.fnUntraced(
  function*(stream: VbucketStream, world: FollowEnvironment): Effect.fn.Return<Followed, DcpError> {
    const { nodes, settings, writer } = world
    const { follower, vbucket } = stream
    let node: NodeConnection | undefined
    let refusal: Response | undefined
    const highSeqno = Effect.gen(function*() {
      node ??= yield* nodes.connectionOf(vbucket)
      const found = yield* Effect.result(node.connection.allSeqnos())
      return found._tag === "Success" ? found.success.get(vbucket) : undefined
    })
    while (true) {
      stream.release()
      const { action } = follower
      switch (action._tag) {
        case "Ask": {
          node = yield* nodes.connectionOf(vbucket)
          const answer = yield* Effect.result(ask(stream, action.ask, node, world))
          refusal = undefined
          if (answer._tag === "Failure") follower.lost()
          else if (answer.success._tag === "DcpStreamRequestRollback") follower.rolledBack(answer.success.rollbackSeqno)
          else if (answer.success._tag !== "DcpStreamRequestResponse") {
            refusal = answer.success
            follower.refused(refusal.status, contextOf(refusal))
          }
          break
        }
        case "Compare": {
          const log = yield* Effect.result(node!.connection.failoverLog(vbucket))
          follower.compared(log._tag === "Success" ? log.success : undefined, yield* highSeqno)
          break
        }
        case "Measure":
          follower.measured(yield* highSeqno)
          break
        case "Save":
          if (writer !== undefined) yield* writer.save(vbucket, () => stream.current())
          follower.saved()
          break
        case "Undo":
          yield* undo(vbucket, action.rollback, world)
          follower.undone()
          break
        case "Follow":
          stream.rest()
          return "Following"
        case "Drain":
          yield* Effect.timeoutOption(stream.settled, settings.settleTimeout)
          follower.drained()
          break
        case "Locate":
          follower.located(yield* locate(vbucket, node?.connection.address ?? stream.address, refusal, world.cluster))
          break
        case "AwaitMap":
          yield* nodes.pause(action.attempt)
          follower.waited()
          break
        case "Close":
          stream.close()
          yield* Effect.sleep(action.milliseconds)
          follower.waited()
          break
        case "Wait":
          yield* Effect.sleep(action.milliseconds)
          follower.waited()
          break
        case "Finished":
          return "Finished"
        case "Failed":
          return failed(vbucket, action.failure)
      }
    }
  }
)

const ask = (
  stream: VbucketStream,
  { purgeSeqno, ...fields }: StreamAsk,
  { connection, permits }: NodeConnection,
  { attributes: own, filter, settings: { streamId } }: FollowEnvironment
) => {
  const { collections } = connection.session.states
  const text = filterText({
    ...collections ? filter : {},
    ...purgeSeqno > 0n && collections ? { purgeSeqno } : {},
    ...streamId === undefined ? {} : { streamId }
  })
  const attributes = {
    ...own,
    "messaging.operation.name": "stream_request",
    "messaging.destination.partition.id": String(stream.vbucket),
    ...serverAttributes(placeOf(connection.address))
  }
  return permits.withPermits(1)(inSpanIfTraced(
    spanNameOf("stream_request", own["messaging.destination.name"]),
    attributes,
    connection.requestStream({ ...fields, flags: DcpStreamFlags.activeVbOnly, filter: text }, stream, streamId)
  ))
}

/** Hands the rollback to the application, and waits until it has undone. */
const undo = (vbucket: number, rollback: RollbackNotice, world: FollowEnvironment): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { from, reason, requested, to } = rollback
    world.rolledBack(vbucket, rollback)
    const undone = Deferred.makeUnsafe<void>()
    const settled = (): void => {
      Deferred.doneUnsafe(undone, Exit.void)
    }
    world.outbox.push(new Rollback(vbucket, from, to, requested, reason, settled), 0, undefined)
    return Deferred.await(undone)
  })

/**
 * Whether the vbucket is in another place than where its stream was: by the map that there is, as it may have come before the end of the stream, by
 * that of a refusal, or by a newer one.
 */
const locate = Effect.fnUntraced(
  function*(vbucket: number, asked: string | undefined, refusal: Response | undefined, cluster: FollowEnvironment["cluster"]) {
    const moved = (): boolean => {
      const now = cluster.seedOf(vbucket)
      return now !== undefined && `${now.host}:${now.port}` !== asked
    }
    if (moved()) return true
    const map = refusal !== undefined && "value" in refusal && refusal.value instanceof Uint8Array
      ? new TextDecoder().decode(refusal.value)
      : ""
    if (!cluster.learn(map, cluster.seedOf(vbucket)?.host ?? "127.0.0.1")) yield* cluster.refresh
    return moved()
  }
)
