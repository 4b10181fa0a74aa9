/**
 * Names of collections by their ids: from the manifest that a node has when the stream begins, and from the system events that follow. Pure.
 *
 * An id is never given to another collection as long as the bucket lives, and no name changes. So nothing is forgotten: what comes late of a collection
 * that was dropped still has its name.
 *
 * Source: kv_engine docs/Collections.md; FlatBuffers' internals, and the tables of `engines/ep/src/collections/events.fbs`.
 */
import type { DcpSystemEvent } from "./gen/index.ts"
import { SystemEventId } from "./gen/Types.ts"

interface Collection {
  readonly name: string
  readonly scopeId: number
}

/** Where the place of the table stands. */
const root = 0

/** Fields of the tables, by their places. */
const scopeField = 1
const collectionField = 2

/** The unsigned 32 bits of a field of a FlatBuffers table; 0 when the table does not have it, undefined when the bytes are none. */
const flatU32 = (bytes: Uint8Array, field: number): number | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fits = (at: number, size: number): boolean => at >= 0 && at + size <= bytes.length
  if (!fits(root, 4)) return undefined
  const table = view.getUint32(root, true)
  if (!fits(table, 4)) return undefined
  const fields = table - view.getInt32(table, true)
  if (!fits(fields, 4)) return undefined
  const entry = 4 + 2 * field
  if (view.getUint16(fields, true) < entry + 2) return 0
  if (!fits(fields + entry, 2)) return undefined
  const offset = view.getUint16(fields + entry, true)
  if (offset === 0) return 0
  return fits(table + offset, 4) ? view.getUint32(table + offset, true) : undefined
}

/** What a manifest has of interest here: ids are hexadecimal text. */
interface Manifest {
  readonly scopes: ReadonlyArray<{
    readonly name: string
    readonly uid: string
    readonly collections?: ReadonlyArray<{ readonly name: string; readonly uid: string }>
  }>
}

/** Names of collections and scopes. */
export class CollectionNames {
  private readonly scopes = new Map<number, string>([[0, "_default"]])
  private readonly collections = new Map<number, Collection>([[0, { name: "_default", scopeId: 0 }]])

  /** `scope.collection`; undefined when nothing was heard of it. */
  of(collectionId: number): string | undefined {
    const collection = this.collections.get(collectionId)
    const scope = collection === undefined ? undefined : this.scopes.get(collection.scopeId)
    return scope === undefined ? undefined : `${scope}.${collection!.name}`
  }

  /** Reads a manifest; one that is none changes nothing. */
  learn(text: string): void {
    let manifest: Manifest
    try {
      manifest = JSON.parse(text) as Manifest
    } catch {
      return
    }
    if (!Array.isArray(manifest?.scopes)) return
    for (const { collections = [], name, uid } of manifest.scopes) {
      const scopeId = Number.parseInt(uid, 16)
      this.scopes.set(scopeId, name)
      for (const one of collections) this.collections.set(Number.parseInt(one.uid, 16), { name: one.name, scopeId })
    }
  }

  /** A scope or collection was made. */
  happened(packet: DcpSystemEvent): void {
    switch (packet.layout) {
      case "BeginCollection":
      case "BeginCollectionTtl":
        this.collections.set(packet.collectionId, { name: packet.name, scopeId: packet.scopeId })
        return
      case "CreateScope":
        this.scopes.set(packet.scopeId, packet.name)
        return
      case "FlatBuffers": {
        const { event, name, value } = packet
        const scopeId = flatU32(value, scopeField)
        if (scopeId === undefined) return
        if (event === SystemEventId.CreateScope) this.scopes.set(scopeId, name)
        if (event !== SystemEventId.BeginCollection) return
        const collectionId = flatU32(value, collectionField)
        if (collectionId !== undefined) this.collections.set(collectionId, { name, scopeId })
      }
    }
  }
}
