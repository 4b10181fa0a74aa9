/** The rules of a producer: its history and failover log, where a consumer must go back to, what it may send, and in which order. */
export {
  branchedAt,
  branchesAt,
  checkFailoverLog,
  type CommonAncestor,
  commonAncestor,
  maxAcceptedBranches,
  maxBranches,
  prunedTo
} from "./FailoverLog.ts"
export { SendWindow } from "./FlowControl.ts"
export * from "./ProducerStream.ts"
export { endless, rollbackSeqno, type StreamClaim } from "./RollbackDecision.ts"
export { compress, type SnappyProblem, uncompress } from "./Snappy.ts"
export { filterText, readFilter } from "./StreamFilter.ts"
export * from "./VbucketHistory.ts"
