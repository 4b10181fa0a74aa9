/** The changes of a bucket as DCP tells them, and who is told. Plain data and a list of listeners. */
import type { HistoryItem } from "@wirewright/dcp/producer"
import type { ManifestEvent } from "./Collections.ts"
import type { Change, Document } from "./Document.ts"

/** A change of a document. */
export interface DocumentChange extends HistoryItem {
  readonly kind: Change["kind"]
  readonly document: Document
  /** The prepare that this commits. */
  readonly completes?: PrepareChange | undefined
}

/** A change of a document that waits for copies: it takes effect when it is committed. */
export interface PrepareChange extends HistoryItem {
  readonly kind: "prepare"
  /** What the change will be. */
  readonly of: Change["kind"]
  readonly document: Document
  /** `DurabilityLevel`. */
  readonly level: number
}

/** A prepare that never takes effect. */
export interface AbortChange extends HistoryItem {
  readonly kind: "abort"
  /** What was prepared. */
  readonly document: Document
  readonly completes: PrepareChange
}

/** A change of scopes and collections, which every vbucket has. */
export interface SystemChange extends HistoryItem {
  readonly kind: "system"
  readonly event: ManifestEvent
}

/** What a new manifest means to a vbucket. */
export interface ManifestChange {
  readonly dropped: ReadonlySet<number>
  readonly events: ReadonlyArray<{ readonly event: ManifestEvent; readonly key: string }>
}

/** A change of a vbucket. */
export type BucketChange = DocumentChange | PrepareChange | AbortChange | SystemChange

/** What identifies a document in a vbucket's history. */
export const changeKey = (collection: number, key: string): string => collection === 0 ? key : `${collection}\u0000${key}`

/** What identifies a prepare of a document in a vbucket's history, beside the document. */
export const prepareKey = (collection: number, key: string): string => `\u0001${collection}\u0000${key}`

/** Whether readers see a change: what is only prepared they do not. */
export const isVisible = (change: BucketChange): boolean => change.kind !== "prepare" && change.kind !== "abort"

/** Somebody who follows a copy of a vbucket. Called synchronously; must not change the bucket. */
export interface Watcher {
  /** There are more changes; whether there is one among them that readers see. */
  readonly changed: (visible: boolean) => void
  /** The copy has another state, another node or another history. */
  readonly stateChanged: () => void
}

/** Who follows a copy. */
export class Watchers {
  private readonly all = new Set<Watcher>()

  /** Adds one; the result removes it. */
  add(watcher: Watcher): () => void {
    this.all.add(watcher)
    return () => {
      this.all.delete(watcher)
    }
  }

  changed(visible: boolean): void {
    for (const watcher of this.all) watcher.changed(visible)
  }

  stateChanged(): void {
    for (const watcher of this.all) watcher.stateChanged()
  }
}
