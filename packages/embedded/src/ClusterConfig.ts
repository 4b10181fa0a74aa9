/**
 * The cluster map of embedded nodes, as JSON that Couchbase's clients accept.
 *
 * Clients differ in what they insist on, so this says what any of them needs: `nodes` and `nodesExt` of the same length and `mgmt` for
 * gocbcore, `serverList` for libcouchbase and java-dcp-client, `nodesExt` for the C++ core of the Node SDK.
 */

/** Where a node is. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
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
}

/** Port of the management service in the map. Nothing listens there, but clients drop a map that names none. */
const managementPort = 8091

const bucketCapabilities = [
  "durableWrite",
  "tombstonedUserXAttrs",
  "dcp",
  "cbhello",
  "touch",
  "cccp",
  "nodesExt",
  "xattr",
  "collections",
  "subdoc.ReplicaRead",
  "subdoc.ReviveDocument"
]

const bracketed = (host: string): string => host.includes(":") ? `[${host}]` : host

/** The map without a bucket, or of one. */
export const clusterConfigText = (options: ClusterConfigOptions, bucket?: BucketConfig): string => {
  const { epoch, nodes, revision, self, tls } = options
  const cluster = {
    rev: Number(revision),
    revEpoch: Number(epoch),
    nodesExt: nodes.map(({ host, port }, index) => ({
      services: { [tls ? "kvSSL" : "kv"]: port, mgmt: managementPort },
      ...index === self ? { thisNode: true } : {},
      hostname: host
    })),
    clusterCapabilitiesVer: [1, 0],
    clusterCapabilities: {}
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
    bucketCapabilities,
    collectionsManifestUid: bucket.manifestUid.toString(16),
    ddocs: { uri: "" },
    nodes: nodes.map(({ host, port }) => ({ hostname: `${bracketed(host)}:${managementPort}`, ports: { direct: port } })),
    vBucketServerMap: {
      hashAlgorithm: "CRC",
      numReplicas: bucket.replicas,
      serverList: nodes.map(({ host, port }) => `${bracketed(host)}:${port}`),
      vBucketMap: bucket.chains
    }
  })
}
