/**
 * What administrators say of a bucket, and what is wrong with what they say. Pure.
 *
 * One table holds, for every setting, its name in Couchbase's REST interface, what values it may have, and whether it can change later; forms,
 * JSON and programs are read by it. Sources: the REST API's "Creating and Editing Buckets"; the defaults are those that the tests of
 * Couchbase's Node SDK expect of a 7.6 server.
 */
import * as Result from "effect/Result"
import { AdministrationError } from "./AdministrationError.ts"

/** Settings of a bucket. */
export interface BucketSettings {
  readonly bucketType: "couchbase" | "ephemeral"
  /** Memory for documents in MiB. */
  readonly ramQuota: number
  /** Copies of each vbucket beside the active one, as asked for; a cluster has at most one less than nodes. */
  readonly replicas: number
  /** Remembered; there are no indexes. */
  readonly replicaIndexes: boolean
  readonly flushEnabled: boolean
  /** Longest life of a document in seconds where its collection says nothing else; 0: no limit. */
  readonly maxTtl: number
  readonly vbuckets: number
  /** Remembered; all documents stay in memory. */
  readonly evictionPolicy: "valueOnly" | "fullEviction" | "noEviction" | "nruEviction"
  /** Remembered; nothing is compressed. */
  readonly compressionMode: "off" | "passive" | "active"
  /** Remembered; conflicts are resolved by revision. */
  readonly conflictResolution: "seqno" | "lww" | "custom"
  /** The least that each change of a document waits for. */
  readonly durabilityMinLevel: "none" | "majority" | "majorityAndPersistActive" | "persistToMajority"
  /** With magma, collections may keep the history of their documents, which here is a mark only. */
  readonly storageBackend: "couchstore" | "magma"
  /** Whether new collections keep history; magma only. */
  readonly historyRetentionCollectionDefault: boolean
  /** Remembered; magma only. */
  readonly historyRetentionBytes: number
  /** Remembered; magma only. */
  readonly historyRetentionSeconds: number
}

/** What a value may be. */
type Kind = "boolean" | readonly [least: number, most: number] | { readonly oneOf: ReadonlyArray<string> }

interface Field {
  readonly rest: string
  readonly kind: Kind
  /** Whether it is said once, when the bucket is made. */
  readonly fixed?: true
}

const largest = 2 ** 31 - 1

/** Least bytes of history that a bucket may be told to keep, if any: 2 GiB. */
const leastHistory = 2 ** 31

/** Least memory of a bucket in MiB. */
export const leastQuota = 100
/** Memory of all buckets together in MiB. */
export const clusterQuota = 65_536

/** Names of the levels of durability, in the order of their codes; 0 is none. */
export const durabilityLevels = ["none", "majority", "majorityAndPersistActive", "persistToMajority"] as const

const fields: { readonly [name in keyof BucketSettings]: Field } = {
  bucketType: { rest: "bucketType", kind: { oneOf: ["couchbase", "ephemeral"] }, fixed: true },
  ramQuota: { rest: "ramQuota", kind: [leastQuota, clusterQuota] },
  replicas: { rest: "replicaNumber", kind: [0, 3] },
  replicaIndexes: { rest: "replicaIndex", kind: "boolean", fixed: true },
  flushEnabled: { rest: "flushEnabled", kind: "boolean" },
  maxTtl: { rest: "maxTTL", kind: [0, largest] },
  vbuckets: { rest: "numVBuckets", kind: [1, 1024], fixed: true },
  evictionPolicy: { rest: "evictionPolicy", kind: { oneOf: ["valueOnly", "fullEviction", "noEviction", "nruEviction"] } },
  compressionMode: { rest: "compressionMode", kind: { oneOf: ["off", "passive", "active"] } },
  conflictResolution: { rest: "conflictResolutionType", kind: { oneOf: ["seqno", "lww", "custom"] }, fixed: true },
  durabilityMinLevel: {
    rest: "durabilityMinLevel",
    kind: { oneOf: durabilityLevels }
  },
  storageBackend: { rest: "storageBackend", kind: { oneOf: ["couchstore", "magma"] }, fixed: true },
  historyRetentionCollectionDefault: { rest: "historyRetentionCollectionDefault", kind: "boolean" },
  historyRetentionBytes: { rest: "historyRetentionBytes", kind: [0, Number.MAX_SAFE_INTEGER] },
  historyRetentionSeconds: { rest: "historyRetentionSeconds", kind: [0, largest] }
}

/** Names of all settings. */
export const settingNames = Object.keys(fields) as ReadonlyArray<keyof BucketSettings>

/** Other names of settings in forms. `membase` is the older name of a Couchbase bucket. */
const otherNames = new Map([["ramQuotaMB", "ramQuota"]])
const otherValues = new Map([["membase", "couchbase"]])

/** What is wrong with a value; nothing when it is right. */
const complaint = (kind: Kind, value: unknown): string | undefined => {
  if (kind === "boolean") return typeof value === "boolean" ? undefined : "is true or false"
  if ("oneOf" in kind) return typeof value === "string" && kind.oneOf.includes(value) ? undefined : `is one of ${kind.oneOf.join(", ")}`
  const [least, most] = kind
  const right = typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
  return right ? undefined : `is an integer from ${least} to ${most}`
}

const readText = (kind: Kind, text: string): unknown => {
  if (kind === "boolean") return text === "1" || text === "true" ? true : text === "0" || text === "false" ? false : text
  if ("oneOf" in kind) return otherValues.get(text) ?? text
  return /^-?\d{1,16}$/.test(text) ? Number(text) : text
}

/** Reads the settings of a form as the REST interface has it. Other fields are passed over, as a server does; nothing is judged. */
export const settingsOfForm = (form: ReadonlyMap<string, string>): { readonly [name: string]: unknown } => {
  const byRest = new Map(settingNames.map((name) => [fields[name].rest, name]))
  const settings: { [name: string]: unknown } = {}
  for (const [key, text] of form) {
    const name = byRest.get(otherNames.get(key) ?? key)
    if (name !== undefined) settings[name] = readText(fields[name].kind, text)
  }
  return settings
}

/** The settings of a bucket that says only what it is. */
export const defaultSettings = (given: { readonly [name: string]: unknown } = {}): BucketSettings => {
  const ephemeral = given["bucketType"] === "ephemeral"
  const magma = !ephemeral && given["storageBackend"] === "magma"
  return {
    bucketType: "couchbase",
    ramQuota: leastQuota,
    replicas: 1,
    replicaIndexes: !ephemeral && !magma,
    flushEnabled: false,
    maxTtl: 0,
    vbuckets: 1024,
    evictionPolicy: ephemeral ? "noEviction" : magma ? "fullEviction" : "valueOnly",
    compressionMode: "passive",
    conflictResolution: "seqno",
    durabilityMinLevel: "none",
    storageBackend: "couchstore",
    historyRetentionCollectionDefault: magma,
    historyRetentionBytes: 0,
    historyRetentionSeconds: 0
  }
}

/** Judges settings. `current` are those of the bucket that is to change, if there is one already. */
export const bucketSettings = (
  given: { readonly [name: string]: unknown },
  current?: BucketSettings
): Result.Result<BucketSettings, AdministrationError> => {
  const errors: { [field: string]: string } = {}
  for (const name of settingNames) {
    const { fixed, kind, rest } = fields[name]
    const value = given[name]
    if (value === undefined) continue
    const wrong = complaint(kind, value)
    if (wrong !== undefined) errors[rest] = `${rest} ${wrong}`
    else if (current !== undefined && fixed === true && current[name] !== value) errors[rest] = `${rest} cannot change`
  }
  const said = Object.fromEntries(settingNames.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]))
  const settings = { ...current ?? defaultSettings(given), ...said } as BucketSettings
  const ephemeral = settings.bucketType === "ephemeral"
  const policies = ephemeral ? ["noEviction", "nruEviction"] : ["valueOnly", "fullEviction"]
  if (errors["evictionPolicy"] === undefined && !policies.includes(settings.evictionPolicy)) {
    errors["evictionPolicy"] = `evictionPolicy of this bucket type is one of ${policies.join(", ")}`
  }
  if (ephemeral && !["none", "majority"].includes(settings.durabilityMinLevel)) {
    errors["durabilityMinLevel"] = "durabilityMinLevel of an ephemeral bucket is none or majority"
  }
  if (ephemeral && settings.storageBackend === "magma") errors["storageBackend"] = "an ephemeral bucket has no storage"
  if (settings.storageBackend !== "magma") {
    for (const name of ["historyRetentionCollectionDefault", "historyRetentionBytes", "historyRetentionSeconds"] as const) {
      if (said[name] !== undefined && said[name] !== false && said[name] !== 0) {
        errors[fields[name].rest] = "history retention is for magma buckets only"
      }
    }
  } else if (settings.historyRetentionBytes > 0 && settings.historyRetentionBytes < leastHistory) {
    errors["historyRetentionBytes"] = `historyRetentionBytes is 0 or at least ${leastHistory}`
  }
  return Object.keys(errors).length === 0
    ? Result.succeed(settings)
    : Result.fail(AdministrationError.invalid(errors))
}

/** Whether a bucket may have this name. Source: the REST API, "name". */
export const isBucketName = (name: string): boolean => /^[A-Za-z0-9_%-][A-Za-z0-9_.%-]{0,99}$/.test(name)
