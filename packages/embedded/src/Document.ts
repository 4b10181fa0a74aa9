/** Documents as the store keeps them, what changes them, and why a change is refused. Plain data, no rules. */

/** One version of a document. Never changed: every write makes another one. */
export interface Document {
  /** Lossless text of the key, without a collection prefix. */
  readonly key: string
  readonly vbucket: number
  readonly collection: number
  readonly value: Uint8Array
  /** Of no meaning to the server. */
  readonly flags: number
  readonly datatype: number
  /** Unix time in seconds when the document ends, 0: never; of a tombstone, when it was made. */
  readonly expiry: number
  readonly cas: bigint
  /** Position among the changes of its vbucket. */
  readonly seqno: bigint
  /** How often the document was changed. */
  readonly revSeqno: bigint
  /** A tombstone: what is left of a removed document. */
  readonly deleted: boolean
}

/** What a writer says of a document. */
export interface Content {
  readonly value: Uint8Array
  readonly flags?: number
  readonly datatype?: number
  /** As on the wire: 0 never, up to 30 days relative, above that Unix time. */
  readonly expiration?: number
}

/** Conditions of a write. */
export interface Condition {
  /** The version that must be the current one; 0 is any. */
  readonly cas?: bigint
  /** Keeps the expiry that the document has. */
  readonly preserveExpiry?: boolean
}

/** A version in full, as writers give it who bring metadata of their own or whose value holds its own CAS. */
export interface Version {
  readonly value: Uint8Array | ((cas: bigint, seqno: bigint) => Uint8Array)
  readonly flags: number
  readonly datatype: number
  /** Unix time in seconds; of a tombstone, when it was made. */
  readonly expiry: number
  readonly deleted: boolean
  /** The deletion is one of expiry. */
  readonly expired?: boolean
  /** Chosen by the store unless given. */
  readonly cas?: bigint | undefined
  /** One more than before unless given. */
  readonly revSeqno?: bigint | undefined
}

/** Arguments of a counter. */
export interface Counting {
  /** Added (wraps at 2⁶⁴) or subtracted (stops at 0). */
  readonly delta: bigint
  readonly down: boolean
  /** Value of a counter that does not exist yet. */
  readonly initial: bigint
  /** Expiry of a counter that is created; 0xffffffff: none is created. */
  readonly expiration: number
  readonly cas?: bigint
}

/** Why nothing was done. The names are those of the protocol's statuses; `LockedTmpfail` is `Locked` where older clients get Etmpfail. */
export type Refusal =
  | "KeyEnoent"
  | "KeyEexists"
  | "NotStored"
  | "DeltaBadval"
  | "E2big"
  | "Enomem"
  | "Locked"
  | "LockedTmpfail"
  | "NotLocked"
  | "SyncWriteInProgress"

/** One change of a vbucket, told in the order of seqnos. */
export interface Change {
  readonly kind: "mutation" | "deletion" | "expiration"
  readonly document: Document
  /** Seqno of the prepare that this commits. */
  readonly preparedSeqno?: bigint
}

/** Limits and habits of a store. */
export interface StoreOptions {
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** Largest item in bytes. Default: 20 MiB. */
  readonly maxItemSize?: number
  /** What counts towards `maxItemSize`. Default: the value's length. */
  readonly itemSize?: (key: string, valueLength: number, flags: number) => number
  /** Most memory for documents in bytes, keys and bookkeeping included. Default: 256 MiB. */
  readonly maxMemory?: number
  /** What happens at `maxMemory`: documents not read lately are forgotten, or the write is refused. Default: the write is refused. */
  readonly whenFull?: "evict" | "refuse"
  /** A clock with a counter in its low 16 bits, as Couchbase has it, a plain counter, or always 0. Default: the clock. */
  readonly cas?: "clock" | "counter" | "none"
  /** Whether removed documents leave a tombstone. Default: yes. */
  readonly tombstones?: boolean
  /** Whether touching leaves seqno and CAS alone, as memcached does. Default: no. */
  readonly quietTouch?: boolean
  /** Whether a counter that needs no more room stays where it is, as memcached's do: filled up with spaces, and with its marks. Default: no. */
  readonly countsInPlace?: boolean
  /** Memory that the documents' history takes; none without. */
  readonly history?: HistoryMemory
  /** Told of every document that comes and goes, evicted or otherwise. Must not call the store. */
  readonly observer?: ItemObserver
  /** Told of every change, synchronously. Must not call the store. */
  readonly onChange?: (change: Change) => void
}

/** Somebody who counts documents. */
export interface ItemObserver {
  readonly added: (document: Document) => void
  readonly removed: (document: Document) => void
  /** It was removed because room was needed; told after `removed`. */
  readonly evicted: (document: Document & { readonly fetched: boolean }) => void
}

/** Memory that counts towards a store's limit and is not in the store. */
export interface HistoryMemory {
  /** Bytes for each document or tombstone that is there. */
  readonly documentBytes: number
  /** Bytes of versions that are there no more. */
  readonly bytes: () => number
  /** Forgets such versions until there is room for so many bytes more, or nothing is left to forget. */
  readonly relieve: (bytes: number) => void
}

/** What a store holds and has done. */
export interface StoreCounters {
  readonly documents: number
  readonly tombstones: number
  readonly bytes: number
  /** Documents stored since the start. */
  readonly stored: number
  readonly evicted: number
  readonly expired: number
}

/** Seconds up to which an expiration is relative: 30 days. */
const longestRelative = 2_592_000

/** Unix time in seconds of an expiration on the wire; 0 stays 0, and what is below it is over. Source: memcached `doc/protocol.txt`, "Expiration times". */
export const absoluteExpiry = (expiration: number, nowMilliseconds: number): number =>
  expiration === 0 || expiration > longestRelative ? expiration : Math.max(1, Math.floor(nowMilliseconds / 1000) + expiration)

export { doNotCreate } from "@wirewright/memcached/internal"

/** CAS of a locked document for readers. */
export const lockedCas = 0xffff_ffff_ffff_ffffn
