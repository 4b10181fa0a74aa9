/** The Database Change Protocol: Couchbase's stream of all changes. */
import { extend } from "@wirewright/dsl"
import { couchbase } from "../couchbase/index.ts"
import { cacheTransferCommands } from "./CacheTransfer.ts"
import { durabilityCommands } from "./Durability.ts"
import { flowCommands } from "./Flow.ts"
import { mutationCommands } from "./Mutation.ts"
import { openCommands } from "./Open.ts"
import { retiredCommands } from "./Retired.ts"
import { snapshotCommands, SnapshotMarkerVersion } from "./Snapshot.ts"
import { stateCommands } from "./State.ts"
import { streamCommands } from "./Stream.ts"
import { systemEventCommands } from "./SystemEvent.ts"

/** All opcodes of DCP. */
export const dcpCommands = [
  ...openCommands,
  ...streamCommands,
  ...snapshotCommands,
  ...mutationCommands,
  ...durabilityCommands,
  ...systemEventCommands,
  ...flowCommands,
  ...cacheTransferCommands,
  ...stateCommands,
  ...retiredCommands
]

/** DCP, with everything else a Couchbase node speaks. */
export const dcp = extend(couchbase, {
  name: "dcp",
  module: "@wirewright/dcp/gen",
  commands: dcpCommands,
  types: [SnapshotMarkerVersion]
})
