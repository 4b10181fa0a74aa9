/**
 * Requests to nodes instead of documents: statistics, versions, signs of life. They go to every node that serves documents, and are not
 * repeated.
 */
import type { EncodeError } from "@wirewright/codec"
import type { ConnectionError, WritePacket } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import { BootstrapError } from "./Bootstrap.ts"
import type { Cluster } from "./Cluster.ts"
import { encodeFlush, encodeNoop, encodeStat, encodeVersion, type Response } from "./gen/index.ts"
import { Status } from "./gen/Types.ts"
import { InvalidRequest, type KvError, kvError, type KvReason, NotReady, statusReason } from "./KvError.ts"
import type { NodePool, OpenError } from "./NodePool.ts"

/** What can be asked of the nodes, by `host:port`. */
export interface KvNodes {
  /** Statistics by name; of a group such as `vbucket` when one is given. */
  readonly stats: (group?: string, parameters?: string) => Effect.Effect<ReadonlyMap<string, ReadonlyMap<string, string>>, KvError>
  /** Versions of the servers. */
  readonly version: Effect.Effect<ReadonlyMap<string, string>, KvError>
  /** Does nothing on every node, which shows that they are there. */
  readonly noop: Effect.Effect<void, KvError>
  /** Forgets all documents, where the nodes allow that. */
  readonly flush: Effect.Effect<void, KvError>
}

const failure = (operation: string, reason: KvReason, address: string | undefined, answer?: Response, ambiguous = false): KvError =>
  kvError(reason, {
    operation,
    key: undefined,
    address,
    vbucket: undefined,
    opaque: answer?.opaque,
    status: answer?.status,
    ambiguous,
    attempts: 1
  })

/** There is no connection. */
export const openFailed = (error: OpenError): KvError =>
  error instanceof BootstrapError
    ? failure("Hello", new NotReady({ error }), undefined)
    : failure("Hello", error.reason, error.address)

/** The requests. */
export const nodesOf = (cluster: Cluster, timeout: number): KvNodes => {
  const failed = (operation: string, pool: NodePool) => (error: ConnectionError | EncodeError | BootstrapError): KvError =>
    error._tag === "EncodeError"
      ? failure(operation, new InvalidRequest({ message: error.message, error }), pool.address)
      : error._tag === "BootstrapError"
      ? failure(operation, new NotReady({ error }), pool.address)
      : failure(operation, error.reason, pool.address, undefined, error.ambiguous)

  const refused = (operation: string, pool: NodePool, answer: Response): Effect.Effect<never, KvError> =>
    Effect.fail(failure(
      operation,
      statusReason(answer.status, cluster.errorMap, answer._tag === "ErrorResponse" ? answer : undefined),
      pool.address,
      answer
    ))

  const everywhere = <A>(ask: (pool: NodePool) => Effect.Effect<A, KvError>): Effect.Effect<ReadonlyMap<string, A>, KvError> =>
    Effect.suspend(() =>
      Effect.map(
        Effect.forEach(cluster.nodes, (pool) => Effect.map(ask(pool), (answer) => [pool.address, answer] as const), { concurrency: 16 }),
        (entries) => new Map(entries)
      )
    )

  const one = (operation: string, write: WritePacket, writes = false) => (pool: NodePool): Effect.Effect<Response, KvError> =>
    Effect.flatMap(
      Effect.mapError(
        Effect.flatMap(pool.connect, ({ packets }) => packets.request(write, { timeout, writes })),
        failed(operation, pool)
      ),
      (answer) => answer.status === Status.Success ? Effect.succeed(answer) : refused(operation, pool, answer)
    )

  const statistics = (group: string, parameters: string) => (pool: NodePool): Effect.Effect<ReadonlyMap<string, string>, KvError> => {
    const isLast = (answer: Response): boolean => answer._tag === "StatResponse" && answer.name === ""
    // a refusal is the only answer there will be
    let refusal: Response | undefined
    const ended = (answer: Response): boolean => {
      if (answer._tag !== "StatResponse") refusal = answer
      return refusal !== undefined || isLast(answer)
    }
    const answers = Effect.flatMap(
      pool.connect,
      ({ packets }) => packets.request((writer, opaque) => encodeStat(writer, { opaque, group, parameters }), { last: ended, timeout })
    )
    return Effect.flatMap(Effect.mapError(answers, failed("Stat", pool)), (rows) =>
      refusal === undefined
        ? Effect.succeed(new Map(rows.flatMap((row) => row._tag === "StatResponse" ? [[row.name, row.value] as const] : [])))
        : refused("Stat", pool, refusal))
  }

  return {
    stats: (group = "", parameters = "") => everywhere(statistics(group, parameters)),
    version: everywhere((pool) =>
      Effect.map(
        one("Version", (writer, opaque) => encodeVersion(writer, { opaque }))(pool),
        (answer) => answer._tag === "VersionResponse" ? answer.version : ""
      )
    ),
    noop: Effect.asVoid(everywhere(one("Noop", (writer, opaque) => encodeNoop(writer, { opaque })))),
    flush: Effect.asVoid(everywhere(one("Flush", (writer, opaque) => encodeFlush(writer, { opaque }), true)))
  }
}
