/**
 * The Couchbase-like personality of `wirewright serve`: its flags, and the node that they make.
 *
 * A password on the command line is visible to all users of the machine, hence `--password-file`; neither is ever printed.
 */
import { visible } from "@wirewright/codec/Visible"
import type { CouchbaseNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Flag from "effect/cli/Flag"
import { type Failure, usage } from "./Failure.ts"
import { on, optional, repeated, withDefault } from "./Flags.ts"
import { ServerCapture } from "./ConnectionCapture.ts"
import { passwordIn } from "./Input.ts"
import { inspectLive } from "./InspectFlag.ts"
import type { Personality } from "./Personality.ts"

/** Flags of this personality. */
export const couchbaseParameters = {
  nodes: withDefault(Flag.Int("nodes"), "Nodes of the cluster; those after the first are on free ports", 1),
  replicas: withDefault(Flag.Int("replicas"), "Copies of each vbucket beside the active one, as far as there are nodes; 0 to 3", 0),
  control: optional(
    Flag.Int("control"),
    "Port on 127.0.0.1 that takes commands which make the node fail, 0: any free one; see above",
    "there is none"
  ),
  controlTokenFile: optional(
    Flag.String("control-token-file"),
    "A file that holds the token of --control",
    "a random one, which is in the line on stdout"
  ),
  managementPort: withDefault(
    Flag.Int("management-port"),
    "Port of the management endpoint of the first node, for SDKs and their bucket managers; 0: any free one",
    0
  ),
  withoutManagement: on("without-management", "No management endpoint, and none in the cluster map"),
  vbuckets: withDefault(Flag.Int("vbuckets"), "Vbuckets of each bucket", 64),
  buckets: repeated(Flag.String("bucket"), "Name of a bucket", "a bucket named default"),
  scopes: repeated(Flag.String("scope"), "Name of a scope in every bucket", "none"),
  collections: repeated(
    Flag.String("collection"),
    "SCOPE.COLLECTION, or a collection of the default scope, in every bucket",
    "none"
  ),
  closeOnEinval: on("close-on-einval", "Closes a connection after a request that is not allowed as it stands, as servers up to 6.0 do"),
  user: optional(Flag.String("user"), "Who may sign in", "nobody needs to"),
  password: optional(Flag.Redacted("password"), "The user's password; others see it in the list of processes", "none"),
  passwordFile: optional(Flag.String("password-file"), "A file that holds the user's password", "none")
}

/** What the flags say. */
export interface CouchbaseFlags extends UserFlags {
  readonly nodes: number
  readonly replicas: number
  readonly control: number | undefined
  readonly controlTokenFile: string | undefined
  readonly managementPort: number
  readonly withoutManagement: boolean
  readonly vbuckets: number
  readonly buckets: ReadonlyArray<string>
  readonly scopes: ReadonlyArray<string>
  readonly collections: ReadonlyArray<string>
  readonly closeOnEinval: boolean
}

/** What the flags say of one user. */
export interface UserFlags {
  readonly user: string | undefined
  readonly password: Redacted.Redacted<string> | undefined
  readonly passwordFile: string | undefined
}

/** The user's password. */
export const passwordOf = (flags: UserFlags): Effect.Effect<Redacted.Redacted<string> | undefined, Failure> => {
  const { password, passwordFile, user } = flags
  if (password !== undefined && passwordFile !== undefined) return Effect.fail(usage("give --password or --password-file, not both"))
  if ((user !== undefined) !== (password !== undefined || passwordFile !== undefined)) {
    return Effect.fail(usage("--user and a password go together"))
  }
  return passwordFile === undefined ? Effect.succeed(password) : passwordIn(passwordFile)
}

/** Starts a node that Couchbase's clients take for one of theirs. */
export const couchbaseNode = (
  options: CouchbaseFlags & {
    readonly host: string
    readonly port: number
    readonly maxMemory: number | undefined
    readonly inspect: boolean
  },
  limit: { readonly maxConnections?: number }
): Personality =>
  Effect.gen(function*() {
    const { host, maxMemory, port, vbuckets } = options
    const Embedded = yield* Effect.promise(() => import("@wirewright/embedded"))
    if (vbuckets < 1 || vbuckets > 1024) return yield* usage(`--vbuckets ${vbuckets}: from 1 to 1024`)
    const password = yield* passwordOf(options)
    if (password !== undefined && !/^[\x20-\x7e]+$/.test(Redacted.value(password))) {
      return yield* usage("a password has printable ASCII characters only")
    }
    let manifest = Embedded.defaultManifest
    for (const path of [...options.scopes.map((scope) => `${scope}.`), ...options.collections]) {
      const [scope, collection] = path.includes(".") ? path.split(".", 2) as [string, string] : ["_default", path]
      for (const name of [scope, ...(collection === "" ? [] : [collection])]) {
        if (!Embedded.isCollectionName(name)) return yield* usage(`${visible(path)}: not the name of a scope or collection`)
      }
      manifest = collection === "" ? Embedded.withScope(manifest, scope) : Embedded.withCollection(manifest, scope, collection)
    }
    const names = options.buckets.length === 0 ? ["default"] : [...new Set(options.buckets)]
    for (const name of names) if (!Embedded.isBucketName(name)) return yield* usage(`--bucket ${visible(name)}: not the name of a bucket`)
    if (options.nodes < 1 || options.nodes > 16) return yield* usage(`--nodes ${options.nodes}: from 1 to 16`)
    const { control, replicas, user } = options
    if (replicas < 0 || replicas > 3) return yield* usage(`--replicas ${replicas}: from 0 to 3`)
    if (control !== undefined && (control < 0 || control > 65_535)) return yield* usage(`--control ${control}: there are ports 0 to 65535`)
    if (control === undefined && options.controlTokenFile !== undefined) return yield* usage("--control-token-file goes with --control")
    const givenToken = options.controlTokenFile === undefined ? undefined : Redacted.value(yield* passwordIn(options.controlTokenFile))
    if (givenToken === "") return yield* usage("the token of --control is empty")
    const { managementPort, withoutManagement } = options
    if (managementPort < 0 || managementPort > 65_535) {
      return yield* usage(`--management-port ${managementPort}: there are ports 0 to 65535`)
    }
    if (withoutManagement && managementPort !== 0) return yield* usage("give --management-port or --without-management, not both")
    const inspected = options.inspect ? yield* inspectLive(["dcp"]) : undefined
    const captures = inspected === undefined ? [] : Array.from({ length: options.nodes }, () => new ServerCapture([inspected.sink]))
    const cluster = yield* Embedded.serveCouchbaseCluster({
      host,
      port,
      ...limit,
      nodes: options.nodes,
      managementPort: withoutManagement ? false : managementPort,
      buckets: names.map((name) => ({ name, vbuckets, manifest, replicas, ...maxMemory === undefined ? {} : { maxMemory } })),
      closeOnEinval: options.closeOnEinval,
      ...inspected === undefined ? {} : { nodeTap: (index: number) => captures[index]! },
      users: user === undefined || password === undefined ? [] : [{ name: user, password }]
    })
    for (const [index, capture] of captures.entries()) capture.server = cluster.nodes[index]!.server.address
    const [node] = cluster.nodes as readonly [CouchbaseNode]
    const { randomToken, serveControl } = yield* Effect.promise(() => import("./ServeControl.ts"))
    const token = givenToken ?? randomToken()
    const controlPort = control === undefined ? undefined : yield* serveControl(cluster, control, token)
    return {
      address: node.server.address,
      port: node.port,
      protocol: "couchbase",
      connectionString: node.connectionString,
      buckets: names,
      vbuckets,
      ...cluster.nodes.length > 1 ? { nodes: cluster.nodes.map(({ server }) => server.address) } : {},
      ...node.managementPort === undefined ? {} : { managementPort: node.managementPort },
      ...inspected === undefined ? {} : { inspector: inspected.url },
      ...controlPort === undefined ? {} : { control: `127.0.0.1:${controlPort}` },
      ...controlPort === undefined || givenToken !== undefined ? {} : { controlToken: token }
    }
  })
