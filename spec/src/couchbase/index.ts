/** The Couchbase dialect: memcached with collections, durability, attributes, and everything a node is run with. */
import { extend } from "@wirewright/dsl"
import { memcached } from "../memcached/index.ts"
import { adminCommands } from "./Admin.ts"
import { authCommands } from "./Auth.ts"
import { bucketCommands } from "./Bucket.ts"
import { clusterCommands } from "./Cluster.ts"
import { collectionCommands } from "./Collections.ts"
import { couchbaseFrame } from "./Dialect.ts"
import { featureCommands } from "./Features.ts"
import { fusionCommands } from "./Fusion.ts"
import { keyValueCommands } from "./KeyValue.ts"
import { rangeScanCommands, RangeScanContinueFlags } from "./RangeScan.ts"
import { retiredCommands } from "./Retired.ts"
import { serverCommands } from "./Server.ts"
import { snapshotCommands } from "./Snapshots.ts"
import { subDocumentCommands } from "./SubDocument.ts"
import { vbucketCommands } from "./VBucket.ts"
import { withMetaCommands } from "./WithMeta.ts"
import { xattrTypes } from "./Xattr.ts"

/** What Couchbase adds to memcached's commands, or replaces. */
export const couchbaseCommands = [
  ...featureCommands,
  ...keyValueCommands,
  ...subDocumentCommands,
  ...collectionCommands,
  ...authCommands,
  ...withMetaCommands,
  ...adminCommands,
  ...bucketCommands,
  ...clusterCommands,
  ...vbucketCommands,
  ...rangeScanCommands,
  ...snapshotCommands,
  ...fusionCommands,
  ...serverCommands,
  ...retiredCommands
]

/** The protocol of Couchbase's data service. */
export const couchbase = extend(memcached, {
  name: "couchbase",
  module: "@wirewright/couchbase/gen",
  frame: couchbaseFrame,
  commands: couchbaseCommands,
  types: [...xattrTypes, RangeScanContinueFlags]
})
