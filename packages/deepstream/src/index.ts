/**
 * A client of deepstream. Messages of the classic text protocol are in `/gen`, those of the text endpoint of servers 5 to 7 in `/gen7`, and
 * typed values, which generated code calls, in `/Typed`.
 */
export type { AnonymousRecord } from "./AnonymousRecord.ts"
export { type ConnectionState } from "./ConnectionState.ts"
export { Deepstream, type DeepstreamClient } from "./Deepstream.ts"
export * from "./DeepstreamError.ts"
export { type DeepstreamList, type EntryChange, type EntryOptions } from "./DeepstreamList.ts"
export type { DeepstreamOptions } from "./DeepstreamOptions.ts"
export type { ChangesOptions, DeepstreamRecord, OpenOptions } from "./DeepstreamRecord.ts"
export type { WriteOptions, Written } from "./WriteOptions.ts"
export type { Events, PatternEvent, SubscribeOptions } from "./Events.ts"
export type { Json } from "./Json.ts"
export { getPath, setPath } from "./JsonPath.ts"
export type { BufferOptions, OverflowPolicy } from "./Mailbox.ts"
export { Typed, type TypedValue } from "./Typed.ts"
export type { WriteOutcome } from "./PendingWrites.ts"
export type { Presence, PresenceEvent } from "./Presence.ts"
export type { OpenRecord, Records } from "./Records.ts"
export { type ProvideOptions, type RequestOptions, type Rpc, RpcRejected, type RpcRequest } from "./Rpc.ts"
export type { Conflict, MergeStrategy } from "./SessionOptions.ts"
