/** The changes of a Couchbase bucket: codecs, the consumer, its checkpoints, and the rules that both ends follow. */
export * from "./gen/index.ts"
export type { ChangesOptions, DcpStatus, From, StalledVbucket } from "./ChangesOptions.ts"
export * from "./Checkpoint.ts"
export * from "./CheckpointDocuments.ts"
export * from "./CheckpointFiles.ts"
export * from "./CheckpointFormat.ts"
export * from "./CheckpointStore.ts"
export * from "./CheckpointStoreSuite.ts"
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
export * from "./FailoverLog.ts"
export type { BatchHandlers, BatchSize, Handlers, StreamNotice } from "./Processing.ts"
export * from "./RollbackDecision.ts"
export * from "./StreamFilter.ts"
export type { UndoReason } from "./VbucketFollower.ts"
