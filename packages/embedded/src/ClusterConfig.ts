/**
 * The cluster map of a node on its own, as JSON that Couchbase's clients accept.
 *
 * Clients differ in what they insist on, so this says what any of them needs: `nodes` and `nodesExt` of the same length and `mgmt` for
 * gocbcore, `serverList` for libcouchbase and java-dcp-client, `nodesExt` for the C++ core of the Node SDK.
 */

/** What the map says. */
export interface ClusterConfigOptions {
  readonly host: string
  readonly port: number
  /** Whether the port speaks TLS. */
  readonly tls: boolean
  readonly revision: bigint
  readonly epoch: bigint
}

/** A bucket in the map. */
export interface BucketConfig {
  readonly name: string
  readonly uuid: string
  readonly vbuckets: number
  readonly manifestUid: bigint
}

/** Port of the management service in the map. Nothing listens there, but clients drop a map that names none. */
const managementPort = 8091

const bucketCapabilities = ["durableWrite", "tombstonedUserXAttrs", "dcp", "cbhello", "touch", "cccp", "nodesExt", "xattr", "collections"]

const bracketed = (host: string): string => host.includes(":") ? `[${host}]` : host

/** The map without a bucket, or of one. */
export const clusterConfigText = (options: ClusterConfigOptions, bucket?: BucketConfig): string => {
  const { epoch, host, port, revision, tls } = options
  const node = { services: { [tls ? "kvSSL" : "kv"]: port, mgmt: managementPort }, thisNode: true, hostname: host }
  const cluster = {
    rev: Number(revision),
    revEpoch: Number(epoch),
    nodesExt: [node],
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
    nodes: [{ hostname: `${bracketed(host)}:${managementPort}`, ports: { direct: port } }],
    vBucketServerMap: {
      hashAlgorithm: "CRC",
      numReplicas: 0,
      serverList: [`${bracketed(host)}:${port}`],
      vBucketMap: Array.from({ length: bucket.vbuckets }, () => [0])
    }
  })
}
