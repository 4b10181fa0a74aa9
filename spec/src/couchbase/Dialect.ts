/**
 * What the Couchbase dialect adds to the frame: its statuses and the connection states that change layouts; and the parts that many of
 * its commands share.
 */
import { brand, commandsOf, dialect, optional, struct, u64, uleb128, utf8, when } from "@wirewright/dsl"
import { mcbp } from "../memcached/Frame.ts"
import { CouchbaseStatus } from "./Statuses.ts"

/** Position of a change in a vbucket's history; grows by at least one per change. */
export const seqno = brand("Seqno", u64)

/** Identifies a branch of a vbucket's history; a new one is made at every failover. */
export const vbucketUuid = brand("VbucketUuid", u64)

/** A collection's id; 0 is the default collection. */
export const collectionId = brand("CollectionId", uleb128)

/** The key of a document. */
export const documentKey = {
  /** The collection, once HELLO Collections was negotiated; part of the key on the wire. */
  collectionId: when("collections", collectionId),
  /** The document's id, at most 250 bytes (246 behind the longest collection prefix). */
  key: utf8({ max: 250 })
}

/** Where in a vbucket's history a write landed. */
export const MutationToken = struct("MutationToken", {
  /** The history it belongs to. */
  vbucketUuid,
  /** Its position there. */
  seqno
})

/** Extras of a successful write: the token, once HELLO MUTATION_SEQNO was negotiated. */
export const writtenExtras = {
  /** Where the write landed; only after HELLO MUTATION_SEQNO. */
  mutationToken: optional(MutationToken)
}

/** The frame in the Couchbase dialect. */
export const couchbaseFrame = dialect(mcbp, {
  statuses: CouchbaseStatus,
  states: {
    collections: "HELLO Collections (0x12) was negotiated: document keys carry a collection id"
  }
})

/** The word for commands a client sends. */
export const command = commandsOf(couchbaseFrame, "request")

/** The word for commands a server sends (duplex). */
export const serverCommand = commandsOf(couchbaseFrame, "serverRequest")
