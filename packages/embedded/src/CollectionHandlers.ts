/** Commands about scopes and collections. */
import {
  encodeCollectionsGetIDResponse,
  encodeCollectionsGetManifestResponse,
  encodeCollectionsGetScopeIDResponse,
  encodeCollectionsSetManifestResponse,
  Status
} from "@wirewright/couchbase/gen"
import { collectionId, type Lookup, manifestText, scopeId } from "./Collections.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"

type PathRequest = Parameters<NonNullable<Handlers["CollectionsGetID"]>>[1] | Parameters<NonNullable<Handlers["CollectionsGetScopeID"]>>[1]

const lookUp = (
  connection: NodeClient,
  packet: PathRequest,
  find: typeof collectionId,
  found: (id: number, manifestUid: bigint) => void
): void => {
  const bucket = connection.selected(packet)
  if (bucket === undefined) return
  // older clients send the name as the key
  const lookup: Lookup = find(bucket.manifest, packet.path === "" ? packet.legacyPath : packet.path)
  if ("id" in lookup) return found(lookup.id, bucket.manifest.uid)
  if (lookup.status === Status.Einval) return connection.fail(packet, Status.Einval)
  connection.unknownCollection(packet, bucket, lookup.status)
}

/** Handlers of commands about collections. */
export const collectionHandlers: Handlers = {
  CollectionsGetManifest: (connection, packet) => {
    const bucket = connection.selected(packet)
    if (bucket === undefined) return
    const head = connection.head(packet, { datatype: connection.jsonDatatype })
    connection.reply((writer) => encodeCollectionsGetManifestResponse(writer, { ...head, manifest: manifestText(bucket.manifest) }))
  },
  CollectionsSetManifest: (connection, packet) => {
    if (!connection.mayWrite(packet)) return
    const bucket = connection.selected(packet)
    if (bucket === undefined) return
    const status = connection.shared.cluster.setManifest(bucket, packet.manifest, true)
    if (status !== Status.Success) return connection.fail(packet, status)
    connection.sliced(bucket.settleAll(), () => {
      connection.reply((writer) => encodeCollectionsSetManifestResponse(writer, connection.head(packet)))
    })
  },
  CollectionsGetID: (connection, packet) =>
    lookUp(connection, packet, collectionId, (id, manifestUid) => {
      connection.reply((writer) => encodeCollectionsGetIDResponse(writer, { ...connection.head(packet), manifestUid, collectionId: id }))
    }),
  CollectionsGetScopeID: (connection, packet) =>
    lookUp(connection, packet, scopeId, (id, manifestUid) => {
      connection.reply((writer) => encodeCollectionsGetScopeIDResponse(writer, { ...connection.head(packet), manifestUid, scopeId: id }))
    })
}
