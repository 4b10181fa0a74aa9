/**
 * The cluster map: which node holds which vbucket, and which map is newer.
 *
 * Pure: parses the JSON that GetClusterConfig, NotMyVbucket and pushes carry, and answers "where is this key?". It never connects.
 *
 * Sources: couchbase/kv_engine docs/BinaryProtocol.md (GetClusterConfig); libcouchbase and gocbcore for what may be missing.
 */
import { hostPort } from "@wirewright/connection"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { crc32 } from "./Crc32.ts"
import type { ClusterMapVersion } from "./gen/Types.ts"

/** A node that serves documents. */
export interface ClusterNode {
  readonly host: string
  /** Port of the key-value service; `undefined` when the node has none in the clear. */
  readonly port: number | undefined
  /** Its port with TLS. */
  readonly tlsPort: number | undefined
  /** The node that sent the map. */
  readonly thisNode: boolean
  /** The group it is in, such as an availability zone; servers from 7.6.2 on tell it. */
  readonly serverGroup: string | undefined
}

/** Where everything is. */
export interface ClusterMap {
  readonly version: ClusterMapVersion
  /** The bucket's name; `undefined` in the map of the cluster itself. */
  readonly bucket: string | undefined
  /** What tells a bucket from others, those that had its name before included. */
  readonly bucketUuid: string | undefined
  readonly nodes: ReadonlyArray<ClusterNode>
  /** By vbucket: the node with the active copy and those with replicas, as positions in `nodes`, −1 for none. */
  readonly vbuckets: ReadonlyArray<ReadonlyArray<number>>
  readonly capabilities: ReadonlySet<string>
  /**
   * The bucket is in memory alone: its capabilities are named, and `couchapi` is not among them. A server that names none knows no such bucket.
   * Source of the rule: the Java and the C++ SDK.
   */
  readonly ephemeral: boolean
}

/** The text is no cluster map. */
export class ClusterMapError extends Data.TaggedError("ClusterMapError")<{ readonly message: string }> {}

/** How to read a map. */
export interface ClusterMapOptions {
  /** The address the map came from; `$HOST` and missing host names mean it. */
  readonly host: string
  /** Which of a node's addresses to use: its own, an alternate by name, or whichever the host belongs to (the default). */
  readonly network?: "auto" | "default" | (string & {})
}

/** Most vbuckets a map may have; the field is 16 bits wide on the wire. */
export const maxVbuckets = 65_536

const fail = (message: string): Result.Result<never, ClusterMapError> => Result.fail(new ClusterMapError({ message }))

const record = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value)

const port = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined

const whole = (value: unknown): bigint => typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : 0n

const text = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** `host:port`, the host in brackets when it is an IPv6 address. */
const hostAndPort = (text: string): { readonly host: string; readonly port: number | undefined } => {
  const found = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text)
  return found === null ? { host: text, port: undefined } : { host: found[1] ?? found[2] ?? "", port: port(Number(found[3])) }
}

const bare = (host: string): string => host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host

const resolveHost = (host: unknown, options: ClusterMapOptions): string =>
  typeof host !== "string" || host === "" || host === "$HOST" ? options.host : bare(host.replaceAll("$HOST", options.host))

interface Entry {
  readonly json: Record<string, unknown>
  readonly services: Record<string, unknown>
}

const external = (entry: Entry, network: string): Record<string, unknown> | undefined => {
  const alternates = entry.json["alternateAddresses"]
  const found = record(alternates) ? alternates[network] : undefined
  return record(found) ? found : undefined
}

/** The network the host we are connected to belongs to. */
const networkOf = (entries: ReadonlyArray<Entry>, options: ClusterMapOptions): string => {
  const wanted = options.network ?? "auto"
  if (wanted !== "auto") return wanted
  if (entries.some(({ json }) => resolveHost(json["hostname"], options) === options.host)) return "default"
  for (const entry of entries) {
    const alternates = entry.json["alternateAddresses"]
    if (!record(alternates)) continue
    for (const [name, value] of Object.entries(alternates)) if (record(value) && value["hostname"] === options.host) return name
  }
  return "default"
}

const nodesOfExtended = (list: ReadonlyArray<unknown>, options: ClusterMapOptions): ReadonlyArray<ClusterNode> => {
  const entries = list.map((json): Entry => ({
    json: record(json) ? json : {},
    services: record(json) && record(json["services"]) ? json["services"] : {}
  }))
  const network = networkOf(entries, options)
  return entries.map((entry) => {
    const alternate = network === "default" ? undefined : external(entry, network)
    const ports = record(alternate?.["ports"]) ? alternate["ports"] : entry.services
    return {
      host: resolveHost(alternate?.["hostname"] ?? entry.json["hostname"], options),
      port: port(ports["kv"]),
      tlsPort: port(ports["kvSSL"]),
      thisNode: entry.json["thisNode"] === true,
      serverGroup: text(entry.json["serverGroup"])
    }
  })
}

/** Nodes of a map that has only the list of servers, as those before `nodesExt` had. */
const nodesOfServers = (list: ReadonlyArray<unknown>, options: ClusterMapOptions): ReadonlyArray<ClusterNode> =>
  list.map((text) => {
    const { host, port: found } = hostAndPort(typeof text === "string" ? text.replaceAll("$HOST", options.host) : "")
    return { host: host === "" ? options.host : host, port: found, tlsPort: undefined, thisNode: false, serverGroup: undefined }
  })

const nodesOfPorts = (list: ReadonlyArray<unknown>, options: ClusterMapOptions): ReadonlyArray<ClusterNode> =>
  list.map((json) => {
    const node = record(json) ? json : {}
    const ports = record(node["ports"]) ? node["ports"] : {}
    const { host } = hostAndPort(typeof node["hostname"] === "string" ? node["hostname"].replaceAll("$HOST", options.host) : "")
    return {
      host: host === "" ? options.host : host,
      port: port(ports["direct"]),
      tlsPort: undefined,
      thisNode: node["thisNode"] === true,
      serverGroup: undefined
    }
  })

/** Parses a cluster map. */
export const parseClusterMap = (given: string, options: ClusterMapOptions): Result.Result<ClusterMap, ClusterMapError> => {
  let json: unknown
  try {
    json = JSON.parse(given)
  } catch (error) {
    return fail(`the cluster map is no JSON: ${(error as Error).message}`)
  }
  if (!record(json)) return fail("the cluster map is no object")
  const server = record(json["vBucketServerMap"]) ? json["vBucketServerMap"] : {}
  const servers = Array.isArray(server["serverList"]) ? server["serverList"] : []
  const extended = Array.isArray(json["nodesExt"]) ? json["nodesExt"] : []
  const plain = Array.isArray(json["nodes"]) ? json["nodes"] : []
  const nodes = extended.length > 0
    ? nodesOfExtended(extended, options)
    : servers.length > 0
    ? nodesOfServers(servers, options)
    : nodesOfPorts(plain, options)
  if (nodes.length === 0) return fail("the cluster map names no node")
  const rows: unknown = server["vBucketMap"] ?? []
  if (!Array.isArray(rows) || rows.length > maxVbuckets) return fail("the map of vbuckets is no list, or too long")
  const vbuckets: Array<ReadonlyArray<number>> = []
  for (const row of rows as ReadonlyArray<unknown>) {
    if (!Array.isArray(row) || !row.every((at) => Number.isInteger(at) && at >= -1 && at < nodes.length)) {
      return fail(`vbucket ${vbuckets.length} is on a node that is not there`)
    }
    vbuckets.push(row as ReadonlyArray<number>)
  }
  const hash = server["hashAlgorithm"]
  if (vbuckets.length > 0 && hash !== undefined && hash !== "CRC") return fail("the keys are not spread by CRC")
  const named: unknown = json["bucketCapabilities"]
  const capabilities = new Set(Array.isArray(named) ? named.filter((one) => typeof one === "string") : [])
  return Result.succeed({
    version: { epoch: whole(json["revEpoch"]), revision: whole(json["rev"]) },
    bucket: text(json["name"]),
    bucketUuid: text(json["uuid"]),
    nodes,
    vbuckets,
    capabilities,
    ephemeral: Array.isArray(named) && !capabilities.has("couchapi")
  })
}

/** Below 0 when `left` is older than `right`, above 0 when it is newer. A higher epoch is newer; within an epoch, a higher revision. */
export const compareVersions = (left: ClusterMapVersion, right: ClusterMapVersion): number => {
  const difference = left.epoch === right.epoch ? left.revision - right.revision : left.epoch - right.epoch
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The newer of two maps; the one we have when they are the same version. A map of another bucket never replaces this one's. */
export const newer = (ours: ClusterMap | undefined, theirs: ClusterMap): ClusterMap => {
  if (ours === undefined) return theirs
  if (ours.bucket !== undefined && theirs.bucket !== ours.bucket) return ours
  // a map without vbuckets is one of a bucket that is not ready; it says nothing that a map with them does not
  if (ours.vbuckets.length > 0 && theirs.vbuckets.length === 0) return ours
  if (ours.bucket === undefined && theirs.bucket !== undefined) return theirs
  return compareVersions(theirs.version, ours.version) > 0 ? theirs : ours
}

/** The vbucket of a key among `count` of them. The key has no collection prefix. */
export const vbucketOf = (key: string, count: number): number => (crc32(key) >>> 16 & 0x7fff) % count

/** Position of the node with the active copy of a vbucket; −1 when there is none just now. */
export const activeNode = (map: ClusterMap, vbucket: number): number => map.vbuckets[vbucket]?.[0] ?? -1

/** Positions of the nodes with replicas of a vbucket. */
export const replicaNodes = (map: ClusterMap, vbucket: number): ReadonlyArray<number> =>
  (map.vbuckets[vbucket] ?? []).slice(1).filter((at) => at >= 0)

/**
 * The copies of a vbucket: `undefined` for the active one, and replicas by their number. With a group, only those whose nodes are in it.
 *
 * Source: sdk-rfcs 0078, which filters the row of the map.
 */
export const copiesOf = (map: ClusterMap, vbucket: number, group?: string): ReadonlyArray<number | undefined> => {
  const nodes = [activeNode(map, vbucket), ...replicaNodes(map, vbucket)]
  return nodes.flatMap((node, at) => group === undefined || map.nodes[node]?.serverGroup === group ? [at === 0 ? undefined : at - 1] : [])
}

/** `host:port` of a node, for TLS or without; `undefined` when it does not serve documents that way. */
export const addressOf = (node: ClusterNode, tls: boolean): string | undefined => {
  const found = tls ? node.tlsPort : node.port
  return found === undefined ? undefined : hostPort(node.host, found)
}
