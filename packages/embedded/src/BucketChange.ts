/** The changes of a bucket as DCP tells them, and who is told. Plain data and a list of listeners. */
import type { HistoryItem } from "@wirewright/dcp/VbucketHistory"
import type { ManifestEvent } from "./Collections.ts"
import type { Change, Document } from "./Document.ts"

/** A change of a document. */
export interface DocumentChange extends HistoryItem {
  readonly kind: Change["kind"]
  readonly document: Document
}

/** A change of scopes and collections, which every vbucket has. */
export interface SystemChange extends HistoryItem {
  readonly kind: "system"
  readonly event: ManifestEvent
}

/** A change of a vbucket. */
export type BucketChange = DocumentChange | SystemChange

/** Somebody who follows a vbucket. Called synchronously; must not change the bucket. */
export interface Watcher {
  /** There are more changes. */
  readonly changed: () => void
  /** The vbucket has another state, another node or another history. */
  readonly stateChanged: () => void
}

/** Who follows which vbucket. */
export class WatchList {
  private readonly watchers: Array<Set<Watcher> | undefined> = []

  /** Adds one; the result removes it. */
  add(vbucket: number, watcher: Watcher): () => void {
    const set = this.watchers[vbucket] ??= new Set()
    set.add(watcher)
    return () => {
      set.delete(watcher)
    }
  }

  changed(vbucket: number): void {
    const set = this.watchers[vbucket]
    if (set === undefined) return
    for (const watcher of set) watcher.changed()
  }

  stateChanged(vbucket: number): void {
    for (const watcher of this.watchers[vbucket] ?? []) watcher.stateChanged()
  }
}
