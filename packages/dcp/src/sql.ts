/** Checkpoints in SQL, and processing in transactions: for any `SqlClient` of Effect over SQLite or PostgreSQL. */
export {
  layerSql,
  sqlCheckpointStore,
  type SqlCheckpointGroup,
  type SqlCheckpointsOptions,
  type SqlCheckpointStore
} from "./SqlCheckpoints.ts"
export {
  type Owner,
  processInTransactions,
  runInTransactions,
  type TransactionHandlers,
  type TransactionOptions,
  type TransactionSettings
} from "./Transactions.ts"
