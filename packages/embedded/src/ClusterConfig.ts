/**
 * The cluster map of embedded nodes, as JSON that Couchbase's clients accept.
 *
 * Clients differ in what they insist on, so this says what any of them needs: `nodes` and `nodesExt` of the same length for gocbcore, and
 * `mgmt` beside `kv`, or `mgmtSSL` beside `kvSSL`; `serverList` for libcouchbase and java-dcp-client, `nodesExt` for the C++ core of the Node
 * SDK. A service without a server is not named: clients wait for whatever is.
 */
import { hostPort } from "@wirewright/connection"

/** Where a node is. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  /** Port of the management endpoint, if there is one. */
  readonly managementPort?: number | undefined
  /** The group it is in; servers before 7.6.2 do not tell. */
  readonly serverGroup?: string
}

/** What the map says. */
export interface ClusterConfigOptions {
  readonly nodes: ReadonlyArray<NodeAddress>
  /** Which of the nodes tells it. */
  readonly self: number
  /** Whether the ports speak TLS. */
  readonly tls: boolean
  readonly revision: bigint
  readonly epoch: bigint
  readonly clusterName: string
  readonly clusterUuid: string
}

/** A bucket in the map. */
export interface BucketConfig {
  readonly name: string
  readonly uuid: string
  /** Copies of each vbucket beside the active one, if there were nodes for them. */
  readonly replicas: number
  /** By vbucket: the node that has it active, then those that have replicas; −1 for none. */
  readonly chains: ReadonlyArray<ReadonlyArray<number>>
  readonly manifestUid: bigint
  /** Whether its collections may keep history. */
  readonly keepsHistory: boolean
  /** Whether it is on disk, not in memory alone. */
  readonly persists: boolean
}

/** What every bucket can do, in the words of ns_server; `Capabilities.test.ts` shows each of them. */
const bucketCapabilities = [
  "collections",
  "durableWrite",
  "tombstonedUserXAttrs",
  "subdoc.ReplaceBodyWithXattr",
  "subdoc.DocumentMacroSupport",
  "subdoc.ReviveDocument",
  "subdoc.BinaryXattr",
  "subdoc.AccessDeleted",
  "dcp.IgnorePurgedTombstones",
  "preserveExpiry",
  "dcp",
  "cbhello",
  "touch",
  "cccp",
  "nodesExt",
  "xattr",
  "subdoc.ReplicaRead"
]

/** A node as management names it. Without management it has the name of its key-value service, since clients want one. */
export const managementName = ({ host, managementPort, port }: NodeAddress): string => hostPort(host, managementPort ?? port)

/** The map without a bucket, or of one. */
export const clusterConfigText = (options: ClusterConfigOptions, bucket?: BucketConfig): string => {
  const { clusterName, clusterUuid, epoch, nodes, revision, self, tls } = options
  const cluster = {
    rev: Number(revision),
    revEpoch: Number(epoch),
    nodesExt: nodes.map(({ host, managementPort, port, serverGroup }, index) => ({
      services: {
        [tls ? "kvSSL" : "kv"]: port,
        ...managementPort === undefined ? {} : { [tls ? "mgmtSSL" : "mgmt"]: managementPort }
      },
      ...index === self ? { thisNode: true } : {},
      hostname: host,
      ...serverGroup === undefined ? {} : { serverGroup }
    })),
    clusterCapabilitiesVer: [1, 0],
    clusterCapabilities: {},
    clusterName,
    clusterUUID: clusterUuid
  }
  if (bucket === undefined) return JSON.stringify(cluster)
  return JSON.stringify({
    ...cluster,
    name: bucket.name,
    uuid: bucket.uuid,
    nodeLocator: "vbucket",
    uri: `/pools/default/buckets/${bucket.name}`,
    streamingUri: `/pools/default/bucketsStreaming/${bucket.name}`,
    bucketCapabilitiesVer: "",
    bucketCapabilities: [
      ...bucketCapabilities,
      // there are no views; clients read of "couchapi" that a bucket is no ephemeral one
      ...bucket.persists ? ["couchapi", "rangeScan"] : [],
      ...bucket.keepsHistory ? ["nonDedupedHistory"] : []
    ],
    collectionsManifestUid: bucket.manifestUid.toString(16),
    ddocs: { uri: "" },
    nodes: nodes.map((node) => ({ hostname: managementName(node), ports: { direct: node.port } })),
    vBucketServerMap: {
      hashAlgorithm: "CRC",
      numReplicas: bucket.replicas,
      serverList: nodes.map(({ host, port }) => hostPort(host, port)),
      vBucketMap: bucket.chains
    }
  })
}
