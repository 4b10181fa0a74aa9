/**
 * memcached: a client with a pool of connections, and a server. Packets are in `/gen` and `/text`.
 */
export type { Expiry } from "./Expiry.ts"
export { type Distribution, Ketama, type RingServer } from "./Ketama.ts"
export type { Counter, Document, MetaWritten, Mutation, Recached } from "./KvCalls.ts"
export * from "./KvClient.ts"
export {
  AuthFailed,
  Busy,
  CasMismatch,
  Exists,
  InvalidArguments,
  InvalidRequest,
  InvalidValue,
  MemcachedError,
  type KvReason,
  NoMechanism,
  NotANumber,
  NotFound,
  NotInProtocol,
  NotStored,
  NotSupported,
  OutOfMemory,
  PasswordWithheld,
  ServerFault,
  type StatusDetails,
  type StatusReason,
  StillMade,
  TooLarge,
  UnknownStatus
} from "./KvError.ts"
export type { JsonView, KvCommands, KvServer, MetaCommands } from "./KvCommands.ts"
export type { Many } from "./KvMany.ts"
export * from "./KvOptions.ts"
export type { KvCounters } from "./KvPool.ts"
export * from "./MemcachedHandlers.ts"
export {
  type ClassicHandlers,
  classicHandlers,
  type MemcachedDatagramOptions,
  MemcachedServer,
  type MemcachedServerOptions,
  serveMemcached,
  serveMemcachedDatagrams
} from "./MemcachedServer.ts"
