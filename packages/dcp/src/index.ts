/**
 * The changes of a Couchbase bucket: the consumer and its checkpoints. Packets are in `/gen`, the rules that a producer follows in `/producer`,
 * checks for checkpoint stores of one's own in `/testing`.
 */
export type { ChangesOptions, DcpStatus, From, StalledVbucket } from "./ChangesOptions.ts"
export { type Checkpoint, type CompleteAt, emptyCheckpoint, isPosition, type Position, rewoundTo } from "./Checkpoint.ts"
export * from "./CheckpointDocuments.ts"
export { fileStore, layerFile } from "./CheckpointFiles.ts"
export * from "./CheckpointFormat.ts"
export * from "./CheckpointStore.ts"
export { Dcp, type DcpOptions, type ProcessBatchOptions, type ProcessOptions, type RunningChanges, type WatchOptions } from "./Dcp.ts"
export type { DcpConsumer } from "./DcpConsumer.ts"
export * from "./DcpError.ts"
export {
  CaughtUp,
  type Change,
  type DcpEvent,
  Deletion,
  type DocumentChange,
  Expiration,
  Mutation,
  Rollback,
  SeqnoAdvanced,
  SnapshotStarted,
  SystemEvent,
  VbucketEnded
} from "./DcpEvent.ts"
export type { FailoverLog } from "./FailoverLog.ts"
export type { HighSeqnos } from "./Positions.ts"
export type { BatchHandlers, BatchSize, Handlers, StreamNotice } from "./Processing.ts"
export type { StreamFilter } from "./StreamFilter.ts"
export type { UndoReason } from "./VbucketFollower.ts"
