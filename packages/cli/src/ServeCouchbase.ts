/**
 * The Couchbase-like personality of `wirewright serve`: its flags, and the node that they make.
 *
 * A password on the command line is visible to everybody on the machine, hence `--password-file`; neither is ever printed.
 */
import type { CouchbaseNode } from "@wirewright/embedded/CouchbaseNode"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Flag from "effect/cli/Flag"
import { readFileSync } from "node:fs"
import { Usage } from "./Failure.ts"
import type { Personality } from "./ServeCommand.ts"

/** Flags of this personality. */
export const couchbaseParameters = {
  nodes: Flag.Int("nodes").pipe(
    Flag.withDescription("Nodes of the cluster; those behind the first are on free ports"),
    Flag.withDefault(1)
  ),
  control: Flag.Int("control").pipe(
    Flag.withDescription("Port on 127.0.0.1 that takes commands which make the node fail, 0: any free one; see below"),
    Flag.optional
  ),
  vbuckets: Flag.Int("vbuckets").pipe(Flag.withDescription("Vbuckets of each bucket"), Flag.withDefault(64)),
  buckets: Flag.String("bucket").pipe(Flag.withDescription("Name of a bucket; may be repeated (default: default)"), Flag.atLeast(0)),
  scopes: Flag.String("scope").pipe(Flag.withDescription("Name of a scope in every bucket; may be repeated"), Flag.atLeast(0)),
  collections: Flag.String("collection").pipe(
    Flag.withDescription("SCOPE.COLLECTION, or a collection of the default scope, in every bucket; may be repeated"),
    Flag.atLeast(0)
  ),
  user: Flag.String("user").pipe(Flag.withDescription("Who may sign in; without it nobody needs to"), Flag.optional),
  password: Flag.Redacted("password").pipe(
    Flag.withDescription("The user's password; others see it in the list of processes"),
    Flag.optional
  ),
  passwordFile: Flag.String("password-file").pipe(Flag.withDescription("A file that holds the user's password"), Flag.optional)
}

/** What the flags say. */
export interface CouchbaseFlags {
  readonly nodes: number
  readonly control: Option.Option<number>
  readonly vbuckets: number
  readonly buckets: ReadonlyArray<string>
  readonly scopes: ReadonlyArray<string>
  readonly collections: ReadonlyArray<string>
  readonly user: Option.Option<string>
  readonly password: Option.Option<Redacted.Redacted<string>>
  readonly passwordFile: Option.Option<string>
}

const usage = (message: string): Effect.Effect<never, Usage> => Effect.fail(new Usage({ message }))

const fileText = (path: string): Effect.Effect<Redacted.Redacted<string>, Usage> =>
  Effect.try({
    try: () => Redacted.make(readFileSync(path, "utf8").replace(/\r?\n$/, "")),
    catch: () => new Usage({ message: `--password-file ${path}: cannot be read` })
  })

const passwordOf = (flags: CouchbaseFlags): Effect.Effect<Redacted.Redacted<string> | undefined, Usage> => {
  const { password, passwordFile, user } = flags
  if (Option.isSome(password) && Option.isSome(passwordFile)) return usage("give --password or --password-file, not both")
  const given = Option.isSome(password) || Option.isSome(passwordFile)
  if (Option.isSome(user) !== given) return usage("--user and a password go together")
  if (Option.isSome(passwordFile)) return fileText(passwordFile.value)
  return Effect.succeed(Option.getOrUndefined(password))
}

/** Starts a node that Couchbase's clients take for one of theirs. */
export const couchbaseNode = (options: CouchbaseFlags & { readonly host: string; readonly port: number }): Personality =>
  Effect.gen(function*() {
    const { host, port, vbuckets } = options
    const Node = yield* Effect.promise(() => import("@wirewright/embedded/CouchbaseNode"))
    const Collections = yield* Effect.promise(() => import("@wirewright/embedded/Collections"))
    if (vbuckets < 1 || vbuckets > 1024) return yield* usage(`--vbuckets ${vbuckets}: from 1 to 1024`)
    const password = yield* passwordOf(options)
    if (password !== undefined && !/^[\x20-\x7e]+$/.test(Redacted.value(password))) {
      return yield* usage("a password has printable ASCII characters only")
    }
    let manifest = Collections.defaultManifest
    for (const path of [...options.scopes.map((scope) => `${scope}.`), ...options.collections]) {
      const [scope, collection] = path.includes(".") ? path.split(".", 2) as [string, string] : ["_default", path]
      for (const name of [scope, ...(collection === "" ? [] : [collection])]) {
        if (!Collections.isCollectionName(name)) return yield* usage(`${path}: not the name of a scope or collection`)
      }
      manifest = collection === "" ? Collections.withScope(manifest, scope) : Collections.withCollection(manifest, scope, collection)
    }
    const names = options.buckets.length === 0 ? ["default"] : [...new Set(options.buckets)]
    const user = Option.getOrUndefined(options.user)
    if (options.nodes < 1 || options.nodes > 16) return yield* usage(`--nodes ${options.nodes}: from 1 to 16`)
    const control = Option.getOrUndefined(options.control)
    if (control !== undefined && (control < 0 || control > 65_535)) return yield* usage(`--control ${control}: there are ports 0 to 65535`)
    const cluster = yield* Node.serveCouchbaseCluster({
      host,
      port,
      nodes: options.nodes,
      buckets: names.map((name) => ({ name, vbuckets, manifest })),
      users: user === undefined || password === undefined ? [] : [{ name: user, password }]
    })
    const [node] = cluster.nodes as readonly [CouchbaseNode]
    const { serveControl } = yield* Effect.promise(() => import("./ServeControl.ts"))
    const controlPort = control === undefined ? undefined : yield* serveControl(cluster, control)
    return {
      address: node.server.address,
      port: node.port,
      protocol: "couchbase",
      connectionString: node.connectionString,
      buckets: names,
      vbuckets,
      ...cluster.nodes.length > 1 ? { nodes: cluster.nodes.map(({ server }) => server.address) } : {},
      ...controlPort === undefined ? {} : { control: `127.0.0.1:${controlPort}` }
    }
  })
