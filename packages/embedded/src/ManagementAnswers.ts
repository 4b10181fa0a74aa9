/**
 * The objects that the management endpoint answers with, as types and as values. Pure.
 *
 * A client written in C++ ends its whole process when a 200 has an object without a key that it counts on, so every object is made here and
 * nowhere else. `Mandatory` are the keys whose absence does that to couchbase-cxx-client 1.3.
 */
import { bracketed } from "@wirewright/connection"
import { givenTtl } from "./Administration.ts"
import type { Bucket } from "./Bucket.ts"
import { managementName, type NodeAddress } from "./ClusterConfig.ts"
import type { ClusterState } from "./ClusterState.ts"
import type { Manifest } from "./Collections.ts"
import { type Role, roleKinds } from "./Roles.ts"
import type { GroupRecord, UserDirectory, UserRecord } from "./UserDirectory.ts"

/** What the objects are about. */
export interface Described {
  readonly state: ClusterState
  readonly nodes: ReadonlyArray<NodeAddress>
  /** The node that answers. */
  readonly self: number
  readonly tls: boolean
  readonly version: string
  /** Seconds since the node was made. */
  readonly uptime: () => number
}

/** Keys of a bucket, its quota and its nodes that clients do not do without. */
export const mandatory = {
  bucket: [
    "name",
    "uuid",
    "quota",
    "replicaNumber",
    "bucketType",
    "evictionPolicy",
    "conflictResolutionType",
    "controllers",
    "nodes"
  ],
  quota: ["rawRAM"],
  node: ["status", "hostname", "version", "services", "ports"],
  manifest: ["uid", "scopes"],
  scope: ["name", "uid", "collections"],
  collection: ["name", "uid"],
  user: ["id", "domain"],
  group: ["id"],
  role: ["role", "name", "desc"]
} as const

/** What a node is compatible with: 7.6, as ns_server writes it. */
const clusterCompatibility = 7 * 65_536 + 6

/** A node as lists of nodes have it. */
const nodeInfo = ({ nodes, self, tls, uptime, version }: Described, index: number) => {
  const node = nodes[index]!
  return {
    status: "healthy",
    clusterMembership: "active",
    hostname: managementName(node),
    configuredHostname: managementName(node),
    version,
    clusterCompatibility,
    os: "wirewright",
    uptime: String(uptime()),
    services: ["kv"],
    ports: {
      ...tls && node.managementPort !== undefined ? { httpsMgmt: node.managementPort } : {},
      direct: node.port
    },
    otpNode: `ns_${index}@${bracketed(node.host)}`,
    ...index === self ? { thisNode: true } : {}
  }
}

const nodesInfo = (described: Described) => described.state.present.map((index) => nodeInfo(described, index))

/** `GET /pools`. */
export const poolsInfo = ({ state, version }: Described, administers: boolean) => ({
  isAdminCreds: administers,
  isROAdminCreds: false,
  isEnterprise: true,
  allowedServices: ["kv"],
  pools: [{ name: "default", uri: `/pools/default?uuid=${state.uuid}` }],
  uuid: state.uuid,
  implementationVersion: version,
  settings: {}
})

/** `GET /pools/default`, and with fewer keys `GET /pools/nodes`. */
export const poolInfo = (described: Described) => ({
  name: "default",
  clusterName: described.state.name,
  nodes: nodesInfo(described),
  buckets: {
    uri: `/pools/default/buckets`,
    terseBucketsBase: "/pools/default/b/",
    terseStreamingBucketsBase: "/pools/default/bs/"
  },
  balanced: true,
  rebalanceStatus: "none",
  maxBucketCount: 30
})

/** `GET /pools/nodes`. */
export const poolNodes = (described: Described) => ({ name: "default", nodes: nodesInfo(described) })

/** `GET /pools/default/buckets/NAME`. */
export const bucketInfo = (described: Described, bucket: Bucket) => {
  const { name, settings, uuid } = bucket
  const base = `/pools/default/buckets/${encodeURIComponent(name)}`
  const ram = settings.ramQuota * 2 ** 20
  const { bytes, documents } = bucket.store.counters
  const magma = settings.storageBackend === "magma"
  return {
    name,
    uuid,
    bucketType: settings.bucketType === "couchbase" ? "membase" : settings.bucketType,
    nodeLocator: "vbucket",
    authType: "sasl",
    uri: base,
    streamingUri: `/pools/default/bucketsStreaming/${encodeURIComponent(name)}`,
    replicaNumber: settings.replicas,
    ...magma || settings.bucketType === "ephemeral" ? {} : { replicaIndex: settings.replicaIndexes },
    quota: { ram: ram * described.state.present.length, rawRAM: ram },
    maxTTL: settings.maxTtl,
    numVBuckets: settings.vbuckets,
    evictionPolicy: settings.evictionPolicy,
    compressionMode: settings.compressionMode,
    conflictResolutionType: settings.conflictResolution,
    durabilityMinLevel: settings.durabilityMinLevel,
    ...settings.bucketType === "ephemeral" ? {} : { storageBackend: settings.storageBackend },
    ...magma
      ? {
        historyRetentionCollectionDefault: settings.historyRetentionCollectionDefault,
        historyRetentionBytes: settings.historyRetentionBytes,
        historyRetentionSeconds: settings.historyRetentionSeconds
      }
      : {},
    controllers: settings.flushEnabled ? { flush: `${base}/controller/doFlush` } : {},
    nodes: nodesInfo(described),
    basicStats: { itemCount: documents, memUsed: bytes }
  }
}

/** `GET …/scopes`. */
export const manifestInfo = ({ scopes, uid }: Manifest) => ({
  uid: uid.toString(16),
  scopes: scopes.map(({ collections, id, name }) => ({
    name,
    uid: id.toString(16),
    collections: collections.map((collection) => ({
      name: collection.name,
      uid: collection.id.toString(16),
      maxTTL: givenTtl(collection),
      history: collection.history === true
    }))
  }))
})

/** What of a role is for a scope or collection says so, if only with a `*`. */
const roleInfo = ({ bucket, collection = "*", role, scope = "*" }: Role) => {
  const of = roleKinds[role]?.of
  return {
    role,
    ...bucket === undefined ? {} : { bucket_name: bucket },
    ...of === "scope" || of === "collection" ? { scope_name: scope } : {},
    ...of === "collection" ? { collection_name: collection } : {}
  }
}

/** `GET /settings/rbac/users/DOMAIN/NAME`: the roles are the user's own and those of its groups, each once. */
export const userInfo = (directory: UserDirectory, user: UserRecord) => {
  const roles = new Map<string, { readonly info: object; readonly origins: Array<object> }>()
  const add = (role: Role, origin: object): void => {
    const info = roleInfo(role)
    const key = JSON.stringify(info)
    const known = roles.get(key)
    if (known === undefined) roles.set(key, { info, origins: [origin] })
    else known.origins.push(origin)
  }
  for (const role of user.roles) add(role, { type: "user" })
  for (const name of user.groups) {
    for (const { id, roles: granted } of directory.groups) {
      if (id === name) {
        for (const role of granted) add(role, { type: "group", name })
      }
    }
  }
  return {
    id: user.id,
    domain: user.domain,
    name: user.name,
    roles: [...roles.values()].map(({ info, origins }) => ({ ...info, origins })),
    groups: user.groups,
    external_groups: [],
    ...user.passwordChanged === undefined ? {} : { password_change_date: new Date(user.passwordChanged).toISOString() }
  }
}

/** `GET /settings/rbac/groups/NAME`. */
export const groupInfo = ({ description, id, ldapReference, roles }: GroupRecord) => ({
  id,
  description,
  ldap_group_ref: ldapReference,
  roles: roles.map(roleInfo)
})

/** `GET /settings/rbac/roles`. */
export const rolesInfo = () =>
  Object.entries(roleKinds).map(([role, kind]) => ({
    ...roleInfo({ role, bucket: kind!.of === "cluster" ? undefined : "*" }),
    name: kind!.name,
    desc: kind!.description
  }))

/** `GET /whoami`. */
export const whoami = (name: string | undefined, own: boolean, roles: ReadonlyArray<Role>) => ({
  id: name ?? "",
  domain: name === undefined ? "anonymous" : own ? "admin" : "local",
  roles: name === undefined ? [{ role: "admin" }] : roles.map(roleInfo)
})
