/** Commands of DCP: opening, controlling, streams, failover logs, acknowledgements. What they mean for what is sent is `DcpProducer`'s business. */
import {
  DcpOpenFlags,
  DcpStreamEndStatus,
  DcpStreamFlags,
  encodeDcpBufferAcknowledgementResponse,
  encodeDcpCloseStreamResponse,
  encodeDcpControlResponse,
  encodeDcpGetFailoverLogResponse,
  encodeDcpNoopResponse,
  encodeDcpOpenResponse,
  encodeDcpStreamRequestResponse,
  encodeDcpStreamRequestRollback,
  HelloFeature,
  Status,
  VBucketState,
  violationsOfDcpOpenFlags
} from "@wirewright/dcp/gen"
import { admit, demanded, ProducerStream, rangeProblem, readFilter } from "@wirewright/dcp/producer"
import type { StreamFilter } from "@wirewright/dcp"
import * as Result from "effect/Result"
import type { Bucket } from "./Bucket.ts"
import { type BucketChange, isVisible } from "./BucketChange.ts"
import { collectionById, scopeById, scopeOfCollection } from "./Collections.ts"
import { DcpProducer } from "./DcpProducer.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"

const legalOpenFlags = DcpOpenFlags.producer
  | DcpOpenFlags.includeXattrs
  | DcpOpenFlags.noValue
  | DcpOpenFlags.includeDeleteTimes
  | DcpOpenFlags.noValueWithUnderlyingDatatype
  | DcpOpenFlags.includeDeletedUserXattrs
  | DcpOpenFlags.skipDeletesInInitialBackfill

const legalStreamFlags = DcpStreamFlags.takeOver
  | DcpStreamFlags.diskOnly
  | DcpStreamFlags.toLatest
  | DcpStreamFlags.activeVbOnly
  | DcpStreamFlags.strictVbUuid
  | DcpStreamFlags.fromLatest
  | DcpStreamFlags.ignorePurgedTombstones
  | DcpStreamFlags.cacheTransfer

/** What is wrong with the flags of DCP_OPEN. */
const openProblem = (flags: number, collections: boolean): string | undefined => {
  if ((flags & ~legalOpenFlags) !== 0) return "flags that are not known"
  if ((flags & DcpOpenFlags.producer) === 0) return "this node has no replication, so it is the producer"
  if ((flags & DcpOpenFlags.skipDeletesInInitialBackfill) !== 0 && !collections) return "skipDeletesInInitialBackfill needs collections"
  return violationsOfDcpOpenFlags(flags)[0]
}

type DcpRequest = RequestOf<
  "DcpControl" | "DcpStreamRequest" | "DcpCloseStream" | "DcpGetFailoverLog" | "DcpBufferAcknowledgement" | "DcpNoop"
>

/** The DCP side of the connection, or an answer that it has none. */
const producerOf = (connection: NodeClient, packet: DcpRequest): DcpProducer | undefined => {
  connection.dcp?.heard()
  if (connection.dcp === undefined) connection.invalid(packet, { context: "The command can only be sent on a DCP connection" })
  return connection.dcp
}

const streamIdOf = (packet: DcpRequest): number | undefined => {
  for (const frame of packet.framing) if (frame._tag === "DcpStreamId") return frame.streamId
  return undefined
}

/** Which changes a filter lets through. Undefined when the collection or scope is not known. */
const wanted = (
  bucket: Bucket,
  filter: StreamFilter,
  collections: boolean
): ((item: BucketChange) => boolean) | "UnknownCollection" | "UnknownScope" => {
  if (!collections) return (item) => item.kind !== "system" && item.document.collection === 0
  const { manifest } = bucket
  if (filter.scope !== undefined) {
    const { scope } = filter
    if (scopeById(manifest, scope) === undefined) return "UnknownScope"
    const inScope = (id: number): boolean => scopeOfCollection(bucket.manifest, id)?.id === scope
    return (item) => item.kind === "system" ? item.event.scopeId === scope : inScope(item.document.collection)
  }
  if (filter.collections === undefined) return () => true
  const ids = new Set(filter.collections)
  if ([...ids].some((id) => collectionById(manifest, id) === undefined)) return "UnknownCollection"
  return (item) => ids.has(item.kind === "system" ? item.event.collectionId ?? -1 : item.document.collection)
}

/** The first failure wins; the order is the server's (`producer.cc`, `streamRequest`). */
const streamRequest = (connection: NodeClient, packet: RequestOf<"DcpStreamRequest">): void => {
  const producer = producerOf(connection, packet)
  if (producer === undefined) return
  const { bucket } = producer
  const { collections } = connection.features
  const vbucket = connection.vbucket(bucket, packet.vbucket)
  const states: ReadonlyArray<number> = (packet.flags & DcpStreamFlags.activeVbOnly) === 0
    ? [VBucketState.Active, VBucketState.Replica]
    : [VBucketState.Active]
  if ((packet.flags & ~legalStreamFlags) !== 0 || packet.datatype !== 0 || packet.filter !== "" && !collections) {
    return connection.invalid(packet, { context: "Illegal flags, datatype or value" })
  }
  if (vbucket === undefined || !states.includes(vbucket.state)) return connection.notMyVbucket(packet, bucket)
  const { history } = vbucket
  const demand = demanded(packet, history)
  if (producer.lacksNoop) return connection.fail(packet, Status.NotSupported, { context: "The connection must have NOOPs enabled" })
  const range = rangeProblem(demand)
  if (range !== undefined) return connection.fail(packet, Status.Erange, { context: range })
  const filter = readFilter(packet.filter)
  if (Result.isFailure(filter)) return connection.fail(packet, Status.Einval, { context: filter.failure })
  const wants = wanted(bucket, filter.success, collections)
  if (typeof wants === "string") return connection.unknownCollection(packet, bucket, Status[wants])
  const { purgeSeqno, streamId } = filter.success
  const idIsWrong = producer.settings.streamIds ? streamId === undefined || streamId === 0 : streamId !== undefined
  if (idIsWrong) return connection.fail(packet, Status.DcpStreamIdInvalid)
  const filtered = filter.success.scope !== undefined || filter.success.collections !== undefined
  if (filtered && producer.settings.syncWrites) {
    return connection.fail(packet, Status.NotSupported, { context: "A filter and sync writes do not go together" })
  }
  if (producer.stream(vbucket.id, streamId) !== undefined) return connection.fail(packet, Status.KeyEexists)
  const admission = admit({ ...demand, purgeSeqno }, history)
  const head = connection.head(packet)
  switch (admission._tag) {
    case "Rollback":
      return connection.reply((writer) => encodeDcpStreamRequestRollback(writer, { ...head, rollbackSeqno: admission.seqno }))
    case "Refused":
      return connection.fail(packet, admission.status, { context: admission.context })
    case "Accepted": {
      const { end, from, snapStart } = admission
      const { failoverLog } = history
      connection.reply((writer) => encodeDcpStreamRequestResponse(writer, { ...head, failoverLog }))
      const ignoresPurge = (packet.flags & DcpStreamFlags.ignorePurgedTombstones) !== 0
      const source = new ProducerStream({
        history,
        from,
        snapStart,
        end,
        visible: isVisible,
        wants: producer.settings.syncWrites ? wants : (item) => isVisible(item) && wants(item),
        advances: collections,
        ignoresPurge,
        knownPurge: purgeSeqno
      })
      producer.open(vbucket, streamId, packet.opaque, source)
    }
  }
}

const closeStream = (connection: NodeClient, packet: RequestOf<"DcpCloseStream">): void => {
  const producer = producerOf(connection, packet)
  if (producer === undefined) return
  const streamId = streamIdOf(packet)
  if ((streamId !== undefined) !== producer.settings.streamIds) return connection.fail(packet, Status.DcpStreamIdInvalid)
  const stream = producer.stream(packet.vbucket, streamId)
  if (stream === undefined || stream.source.ended) return connection.fail(packet, Status.KeyEnoent)
  connection.reply((writer) => encodeDcpCloseStreamResponse(writer, connection.head(packet)))
  if (producer.settings.streamEndOnClose) producer.end(stream, DcpStreamEndStatus.Closed)
  else producer.remove(stream)
}

const unordered = (connection: NodeClient): boolean => connection.features.has(HelloFeature.UnorderedExecution)

/** Handlers of DCP. */
export const dcpHandlers: Handlers = {
  DcpOpen: (connection, packet) => {
    if (unordered(connection)) return connection.fail(packet, Status.NotSupported)
    const bucket = connection.selected(packet)
    if (bucket === undefined) return
    const problem = connection.dcp !== undefined
      ? "The connection is open already"
      : packet.connectionName === ""
      ? "The name is empty"
      : packet.options !== ""
      ? "A producer takes no options"
      : openProblem(packet.flags, connection.features.collections)
    if (problem !== undefined) return connection.invalid(packet, { context: problem })
    const producer = new DcpProducer(connection, bucket, packet.connectionName, packet.flags)
    connection.dcp = producer
    connection.shared.producers.take(producer)
    connection.reply((writer) => encodeDcpOpenResponse(writer, connection.head(packet)))
  },
  DcpControl: (connection, packet) => {
    const status = producerOf(connection, packet)?.control(packet.key, packet.value)
    if (status === undefined) return
    if (status !== Status.Success) return connection.fail(packet, status)
    connection.reply((writer) => encodeDcpControlResponse(writer, connection.head(packet)))
  },
  DcpStreamRequest: streamRequest,
  DcpCloseStream: closeStream,
  DcpGetFailoverLog: (connection, packet) => {
    const producer = producerOf(connection, packet)
    if (producer === undefined) return
    const vbucket = connection.vbucket(producer.bucket, packet.vbucket)
    if (vbucket === undefined) return connection.notMyVbucket(packet, producer.bucket)
    const { failoverLog } = vbucket
    connection.reply((writer) => encodeDcpGetFailoverLogResponse(writer, { ...connection.head(packet), failoverLog }))
  },
  DcpBufferAcknowledgement: (connection, packet) => {
    const producer = producerOf(connection, packet)
    if (producer === undefined) return
    // it is not answered, unless there is nothing to acknowledge
    if (producer.window.size > 0) producer.acknowledge(packet.bufferBytes)
    else connection.reply((writer) => encodeDcpBufferAcknowledgementResponse(writer, connection.head(packet)))
  },
  DcpNoop: (connection, packet) => {
    if (producerOf(connection, packet) === undefined) return
    connection.reply((writer) => encodeDcpNoopResponse(writer, connection.head(packet)))
  }
}
