/**
 * The scopes and collections of a bucket: the manifest, ids by name, names by id.
 *
 * Pure data: what happens to the documents of a dropped collection is the bucket's business. Text carries ids and the uid as hexadecimal
 * numbers without 0x. Source: kv_engine docs/Collections.md.
 */
import { Status } from "@wirewright/couchbase/gen"

/** A collection. */
export interface Collection {
  readonly id: number
  readonly name: string
  /** Longest life of a document in seconds; 0: no limit; absent: that of the bucket. */
  readonly maxTtl?: number | undefined
  /** Whether it is said to keep the history of its documents. */
  readonly history?: boolean | undefined
}

/** A scope and its collections. */
export interface Scope {
  readonly id: number
  readonly name: string
  readonly collections: ReadonlyArray<Collection>
}

/** Scopes and collections at one time. */
export interface Manifest {
  readonly uid: bigint
  readonly scopes: ReadonlyArray<Scope>
}

/** The scope and collection that every bucket begins with. */
export const defaultManifest: Manifest = {
  uid: 0n,
  scopes: [{ id: 0, name: "_default", collections: [{ id: 0, name: "_default" }] }]
}

/** First id that is free for collections and scopes that are made here; 1 to 7 are reserved. */
const firstFreeId = 8

const namePattern = /^(?:_default|_system|_mobile|[A-Za-z0-9-][A-Za-z0-9_%-]{0,250})$/

/** Whether a scope or collection may have this name. */
export const isCollectionName = (name: string): boolean => namePattern.test(name)

/** The highest id of a scope or collection. */
export const highestId = ({ scopes }: Manifest): number => {
  let highest = firstFreeId - 1
  for (const { collections, id } of scopes) {
    if (id > highest) highest = id
    for (const one of collections) if (one.id > highest) highest = one.id
  }
  return highest
}

/** A scope by its name. */
export const scopeOf = (manifest: Manifest, name: string): Scope | undefined => manifest.scopes.find((one) => one.name === name)

/** A collection by its name. */
export const collectionOf = (scope: Scope, name: string): Collection | undefined => scope.collections.find((one) => one.name === name)

const withScopes = (manifest: Manifest, scopes: ReadonlyArray<Scope>): Manifest => ({ uid: manifest.uid + 1n, scopes })

/** The manifest with one more scope; one revision further, like all of these. */
export const addScope = (manifest: Manifest, name: string, id: number): Manifest =>
  withScopes(manifest, [...manifest.scopes, { id, name, collections: [] }])

/** The manifest without a scope and its collections. */
export const removeScope = (manifest: Manifest, scope: Scope): Manifest =>
  withScopes(manifest, manifest.scopes.filter((one) => one !== scope))

/** The manifest with other collections in a scope. */
export const changeCollections = (
  manifest: Manifest,
  scope: Scope,
  change: (collections: ReadonlyArray<Collection>) => ReadonlyArray<Collection>
): Manifest => withScopes(manifest, manifest.scopes.map((one) => one === scope ? { ...one, collections: change(one.collections) } : one))

/** The manifest with a collection, and its scope if need be; each addition is one more revision. */
export const withCollection = (manifest: Manifest, scope: string, collection: string, maxTtl?: number): Manifest => {
  const scoped = withScope(manifest, scope)
  const known = scopeOf(scoped, scope)!
  if (collectionOf(known, collection) !== undefined) return scoped
  return changeCollections(scoped, known, (all) => [...all, { id: highestId(scoped) + 1, name: collection, maxTtl }])
}

/** The manifest with a scope. */
export const withScope = (manifest: Manifest, scope: string): Manifest =>
  scopeOf(manifest, scope) === undefined ? addScope(manifest, scope, highestId(manifest) + 1) : manifest

interface Index {
  readonly scopes: ReadonlyMap<number, Scope>
  readonly collections: ReadonlyMap<number, { readonly collection: Collection; readonly scope: Scope }>
}

/** What is where, found once for each manifest: every request asks. */
const indexes = new WeakMap<Manifest, Index>()

const indexOf = (manifest: Manifest): Index => {
  const known = indexes.get(manifest)
  if (known !== undefined) return known
  const index: Index = {
    scopes: new Map(manifest.scopes.map((scope) => [scope.id, scope])),
    collections: new Map(
      manifest.scopes.flatMap((scope) => scope.collections.map((collection) => [collection.id, { collection, scope }] as const))
    )
  }
  indexes.set(manifest, index)
  return index
}

/** The collection with an id. */
export const collectionById = (manifest: Manifest, id: number): Collection | undefined => indexOf(manifest).collections.get(id)?.collection

/** The scope with an id. */
export const scopeById = (manifest: Manifest, id: number): Scope | undefined => indexOf(manifest).scopes.get(id)

/** The scope that a collection is in. */
export const scopeOfCollection = (manifest: Manifest, id: number): Scope | undefined => indexOf(manifest).collections.get(id)?.scope

/** What a name stands for, or the status of the answer. */
export type Lookup = { readonly id: number } | { readonly status: number }

/** The id of `scope.collection`; empty parts are the default ones. */
export const collectionId = (manifest: Manifest, path: string): Lookup => {
  const parts = path.split(".")
  if (parts.length !== 2 || parts.some((part) => part !== "" && !isCollectionName(part))) return { status: Status.Einval }
  const scope = scopeOf(manifest, orDefault(parts[0]!))
  if (scope === undefined) return { status: Status.UnknownScope }
  const found = collectionOf(scope, orDefault(parts[1]!))
  return found === undefined ? { status: Status.UnknownCollection } : { id: found.id }
}

/** The id of `scope`, which may be written with a collection after it. */
export const scopeId = (manifest: Manifest, path: string): Lookup => {
  const parts = path.split(".")
  if (parts.length > 2 || parts.some((part) => part !== "" && !isCollectionName(part))) return { status: Status.Einval }
  const scope = scopeOf(manifest, orDefault(parts[0]!))
  return scope === undefined ? { status: Status.UnknownScope } : { id: scope.id }
}

const orDefault = (name: string): string => name === "" ? "_default" : name

/** The manifest as JSON text. */
export const manifestText = (manifest: Manifest): string =>
  JSON.stringify({
    uid: manifest.uid.toString(16),
    scopes: manifest.scopes.map(({ collections, id, name }) => ({
      name,
      uid: id.toString(16),
      collections: collections.map((one) => ({
        name: one.name,
        uid: one.id.toString(16),
        ...(one.maxTtl === undefined ? {} : { maxTTL: one.maxTtl }),
        ...(one.history === true ? { history: true } : {})
      }))
    }))
  })

const hexNumber = (value: unknown): bigint | undefined =>
  typeof value === "string" && /^[0-9a-fA-F]{1,16}$/.test(value) ? BigInt(`0x${value}`) : undefined

const readId = (value: unknown): number | undefined => {
  const id = hexNumber(value)
  return id === undefined || id > 0xffffffffn ? undefined : Number(id)
}

const readCollection = (value: unknown): Collection | undefined => {
  const { history, maxTTL, max_ttl: oldMaxTtl, name, uid } = value as { [field: string]: unknown }
  const id = readId(uid)
  const maxTtl = maxTTL ?? oldMaxTtl
  if (id === undefined || typeof name !== "string" || !isCollectionName(name)) return undefined
  if (maxTtl !== undefined && (typeof maxTtl !== "number" || !Number.isInteger(maxTtl) || maxTtl < 0)) return undefined
  return { id, name, ...maxTtl === undefined ? {} : { maxTtl }, ...history === true ? { history } : {} }
}

const readScope = (value: unknown): Scope | undefined => {
  const { collections, name, uid } = value as { [field: string]: unknown }
  const id = readId(uid)
  if (id === undefined || typeof name !== "string" || !isCollectionName(name) || !Array.isArray(collections)) return undefined
  const read = collections.map((one) => typeof one === "object" && one !== null ? readCollection(one) : undefined)
  return read.includes(undefined) ? undefined : { id, name, collections: read as ReadonlyArray<Collection> }
}

/** Most scopes, and most collections, of a bucket: as many as a cluster may have. Source: ns_server, `collections:max_collections_count`. */
export const maxCollections = 1200

/** Longest text of a manifest: as many names as there may be, as long as they may be, with some space in between. */
const longestText = 2 * 1024 * 1024

/** Reads a manifest; nothing when the text is none, or has more than there may be. Older servers write `max_ttl`. */
export const readManifest = (text: string): Manifest | undefined => {
  if (text.length > longestText) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== "object" || value === null) return undefined
  const { scopes, uid } = value as { [field: string]: unknown }
  const number = hexNumber(uid)
  if (number === undefined || !Array.isArray(scopes)) return undefined
  const read = scopes.map((one) => typeof one === "object" && one !== null ? readScope(one) : undefined)
  if (read.includes(undefined)) return undefined
  const manifest = { uid: number, scopes: read as ReadonlyArray<Scope> }
  const ids = manifest.scopes.flatMap(({ collections }) => collections.map(({ id }) => id))
  if (manifest.scopes.length > maxCollections || ids.length > maxCollections) return undefined
  return new Set(ids).size === ids.length ? manifest : undefined
}

/** Collections that `before` has and `after` has not. */
export const droppedCollections = (before: Manifest, after: Manifest): ReadonlyArray<number> =>
  before.scopes.flatMap(({ collections }) => collections.map(({ id }) => id)).filter((id) => collectionById(after, id) === undefined)

/** What happened to a scope or collection. */
export interface ManifestEvent {
  readonly event: "BeginCollection" | "EndCollection" | "CreateScope" | "DropScope"
  /** The manifest that says so. */
  readonly manifestUid: bigint
  readonly scopeId: number
  readonly collectionId?: number | undefined
  /** Of what was made; empty for what was dropped. */
  readonly name: string
  readonly maxTtl?: number | undefined
}

/** What happened between two manifests: collections are dropped before their scopes and made after them. */
export const manifestEvents = (before: Manifest, after: Manifest): ReadonlyArray<ManifestEvent> => {
  const manifestUid = after.uid
  const missing = (scope: Scope, from: Manifest): boolean => scopeById(from, scope.id) === undefined
  const dropped = before.scopes.flatMap((scope) =>
    scope.collections.filter(({ id }) => collectionById(after, id) === undefined).map((one): ManifestEvent => ({
      event: "EndCollection",
      manifestUid,
      scopeId: scope.id,
      collectionId: one.id,
      name: ""
    }))
  )
  const made = after.scopes.flatMap((scope) =>
    scope.collections.filter(({ id }) => collectionById(before, id) === undefined).map(({ id, maxTtl, name }): ManifestEvent => ({
      event: "BeginCollection",
      manifestUid,
      scopeId: scope.id,
      collectionId: id,
      name,
      maxTtl
    }))
  )
  const scope = (event: "CreateScope" | "DropScope") => ({ id, name }: Scope): ManifestEvent => ({
    event,
    manifestUid,
    scopeId: id,
    name: event === "CreateScope" ? name : ""
  })
  return [
    ...dropped,
    ...before.scopes.filter((one) => missing(one, after)).map(scope("DropScope")),
    ...after.scopes.filter((one) => missing(one, before)).map(scope("CreateScope")),
    ...made
  ]
}
