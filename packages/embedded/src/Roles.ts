/**
 * Roles of users: their names, the text that stands for them in forms, and what they allow. Pure.
 *
 * A role for a scope or collection counts for the whole bucket here. Source: the REST API, "Roles".
 */

/** A role of a user. */
export interface Role {
  readonly role: string
  /** The bucket it is for, `*` for all; absent for roles that are for the whole cluster. */
  readonly bucket?: string | undefined
  readonly scope?: string | undefined
  readonly collection?: string | undefined
}

/** What a user may want to do: change documents, use a bucket at all, change buckets, change scopes and collections, see users, change them. */
export type Action = "write" | "use" | "administer" | "administerScopes" | "readUsers" | "administerUsers"

interface Kind {
  readonly name: string
  readonly description: string
  /** What it is for. */
  readonly of: "cluster" | "bucket" | "scope" | "collection"
  readonly allows: ReadonlyArray<Action>
}

const all: ReadonlyArray<Action> = ["write", "use", "administer", "administerScopes", "readUsers", "administerUsers"]

/** The roles there are. Those of services that a node does not have are known and allow nothing. */
export const roleKinds: { readonly [role: string]: Kind | undefined } = {
  admin: { name: "Full Admin", description: "Can do everything.", of: "cluster", allows: all },
  ro_admin: { name: "Read-Only Admin", description: "Can see settings and users.", of: "cluster", allows: ["readUsers"] },
  security_admin: {
    name: "Security Admin",
    description: "Can see and change users.",
    of: "cluster",
    allows: ["readUsers", "administerUsers"]
  },
  cluster_admin: { name: "Cluster Admin", description: "Can change buckets.", of: "cluster", allows: ["administer", "administerScopes"] },
  bucket_admin: { name: "Bucket Admin", description: "Can change a bucket.", of: "bucket", allows: ["administer", "administerScopes"] },
  scope_admin: { name: "Manage Scopes", description: "Can change scopes and collections.", of: "scope", allows: ["administerScopes"] },
  bucket_full_access: { name: "Application Access", description: "Can read and change documents.", of: "bucket", allows: ["write", "use"] },
  data_reader: { name: "Data Reader", description: "Can read documents.", of: "collection", allows: ["use"] },
  data_writer: { name: "Data Writer", description: "Can change documents.", of: "collection", allows: ["write", "use"] },
  data_dcp_reader: { name: "Data DCP Reader", description: "Can follow changes.", of: "collection", allows: ["use"] },
  data_monitoring: { name: "Data Monitor", description: "Can see statistics.", of: "collection", allows: ["use"] },
  data_backup: { name: "Data Backup & Restore", description: "Can back up and restore.", of: "bucket", allows: ["write", "use"] },
  replication_admin: { name: "XDCR Admin", description: "Allows nothing here.", of: "cluster", allows: [] },
  replication_target: { name: "XDCR Inbound", description: "Can change documents.", of: "bucket", allows: ["write", "use"] },
  mobile_sync_gateway: { name: "Sync Gateway", description: "Can read and change documents.", of: "bucket", allows: ["write", "use"] },
  query_select: { name: "Query Select", description: "Allows nothing here.", of: "collection", allows: [] },
  query_insert: { name: "Query Insert", description: "Allows nothing here.", of: "collection", allows: [] },
  query_update: { name: "Query Update", description: "Allows nothing here.", of: "collection", allows: [] },
  query_delete: { name: "Query Delete", description: "Allows nothing here.", of: "collection", allows: [] },
  query_manage_index: { name: "Query Manage Index", description: "Allows nothing here.", of: "collection", allows: [] },
  query_system_catalog: { name: "Query System Catalog", description: "Allows nothing here.", of: "cluster", allows: [] },
  fts_admin: { name: "Search Admin", description: "Allows nothing here.", of: "bucket", allows: [] },
  fts_searcher: { name: "Search Reader", description: "Allows nothing here.", of: "collection", allows: [] },
  views_admin: { name: "Views Admin", description: "Allows nothing here.", of: "bucket", allows: [] },
  views_reader: { name: "Views Reader", description: "Allows nothing here.", of: "bucket", allows: [] },
  analytics_admin: { name: "Analytics Admin", description: "Allows nothing here.", of: "cluster", allows: [] },
  analytics_reader: { name: "Analytics Reader", description: "Allows nothing here.", of: "cluster", allows: [] },
  external_stats_reader: { name: "External Stats Reader", description: "Allows nothing here.", of: "cluster", allows: [] }
}

const depth = { cluster: 0, bucket: 1, scope: 2, collection: 3 } as const

/** Reads `role`, `role[bucket]`, `role[bucket:scope:collection]`; nothing when there is no such role or it has the wrong parameters. */
export const readRole = (text: string): Role | undefined => {
  const found = /^([a-z_]+)(?:\[([^\][]*)\])?$/.exec(text.trim())
  const role = found?.[1] ?? ""
  const kind = Object.hasOwn(roleKinds, role) ? roleKinds[role] : undefined
  if (kind === undefined) return undefined
  const parameters = found![2]
  if (kind.of === "cluster") return parameters === undefined ? { role } : undefined
  const parts = parameters?.split(":") ?? []
  if (parts.length === 0 || parts.length > depth[kind.of] || parts.includes("")) return undefined
  const [bucket, scope, collection] = parts
  return { role, bucket, ...scope === undefined ? {} : { scope }, ...collection === undefined ? {} : { collection } }
}

/** Splits a list of roles at the commas outside of brackets. */
export const splitRoles = (text: string): ReadonlyArray<string> => text.split(/,(?![^[]*\])/).filter((part) => part.trim() !== "")

/** Whether any of the roles allows something: with a bucket, or with the cluster as a whole. */
export const permits = (roles: ReadonlyArray<Role>, action: Action, bucket?: string): boolean =>
  roles.some((one) => {
    if (roleKinds[one.role]?.allows.includes(action) !== true) return false
    return one.bucket === undefined || one.bucket === "*" || bucket !== undefined && one.bucket === bucket
  })
