/**
 * The control socket of `wirewright serve`: makes the node fail as real ones do, and makes and drops buckets and collections, on request. A line
 * of JSON in, a line of JSON out, on loopback.
 *
 * Whoever is served can break the node, and a web page can send bytes to any port of its reader's machine. So the first command of a connection
 * has a token, and a connection whose first line is no command at all, as HTTP's is not, is closed without a word.
 */
import type { Attempt, CollectionSettings, CouchbaseCluster, GivenSettings } from "@wirewright/embedded"
import { settingNames } from "@wirewright/embedded/internal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import { type Failure, usage } from "./Failure.ts"
import { replicaCommands } from "./ReplicaControl.ts"

/** What can be asked for. */
interface ControlRequest {
  readonly do?: unknown
  readonly bucket?: unknown
  readonly vbucket?: unknown
  readonly node?: unknown
  readonly lost?: unknown
  readonly seqno?: unknown
  readonly dcpOnly?: unknown
  readonly token?: unknown
  readonly [setting: string]: unknown
}

const natural = (request: ControlRequest, name: "vbucket" | "node" | "lost" | "seqno"): number | undefined => {
  const value = request[name]
  if (value === undefined) return undefined
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is no number from 0`)
  return value
}

const nodeOf = (cluster: CouchbaseCluster, request: ControlRequest) => {
  const index = natural(request, "node") ?? 0
  if (index >= cluster.nodes.length) throw new RangeError(`there is no node ${index}`)
  return index
}

/** Does it to the vbuckets that are meant: one, or all; of one bucket, or of all. Returns how many. */
const each = (
  cluster: CouchbaseCluster,
  request: ControlRequest,
  act: (bucket: CouchbaseCluster["buckets"] extends ReadonlyMap<string, infer B> ? B : never, vbucket: number) => void
): number => {
  const only = natural(request, "vbucket")
  const { bucket: name } = request
  if (name !== undefined && (typeof name !== "string" || !cluster.buckets.has(name))) throw new RangeError("there is no such bucket")
  let count = 0
  for (const bucket of cluster.buckets.values()) {
    if (name !== undefined && bucket.name !== name) continue
    for (const { id } of bucket.allVbuckets) {
      if (only !== undefined && only !== id) continue
      act(bucket, id)
      count++
    }
  }
  return count
}

const text = (request: ControlRequest, name: "bucket" | "scope" | "collection"): string => {
  const value = request[name]
  if (typeof value !== "string") throw new RangeError(`${name} is a text`)
  return value
}

/** The settings among the fields of a request: all that do not say what they are of. */
const settings = (request: ControlRequest, known: ReadonlyArray<string>): { readonly [name: string]: unknown } => {
  const { bucket: _bucket, collection: _collection, do: _do, scope: _scope, token: _token, ...rest } = request
  for (const name of Object.keys(rest)) if (!known.includes(name)) throw new RangeError(`there is no ${name} to set`)
  return rest
}

const bucketSettings = (request: ControlRequest): GivenSettings => settings(request, settingNames) as GivenSettings

const collectionSettings = (request: ControlRequest): CollectionSettings => {
  const given = settings(request, ["maxTtl", "history"])
  if (given["history"] !== undefined && typeof given["history"] !== "boolean") throw new RangeError("history is true or false")
  return given as CollectionSettings
}

const collectionOf = (request: ControlRequest): [bucket: string, scope: string, collection: string] => [
  text(request, "bucket"),
  text(request, "scope"),
  text(request, "collection")
]

/** What came of an attempt; a uid is that of the manifest, in hexadecimal as everywhere. */
const came = (attempt: Attempt<unknown>): object => {
  const value = Result.getOrThrowWith(attempt, (error) => error)
  return typeof value === "bigint" ? { uid: value.toString(16) } : {}
}

type Command = (cluster: CouchbaseCluster, request: ControlRequest) => object

const aboutCopies = Object.entries(replicaCommands).map(([name, act]): readonly [string, Command] => [
  name,
  (cluster, request) => act({ cluster, node: nodeOf(cluster, request), each: (to) => each(cluster, request, to) })
])

const commands: { readonly [name: string]: Command | undefined } = {
  failover: (cluster, request) => ({ lost: cluster.failover(nodeOf(cluster, request), { lost: natural(request, "lost") ?? 0 }) }),
  crash: (cluster, request) => {
    const persisted = natural(request, "seqno")
    let lost = 0
    const vbuckets = each(cluster, request, (bucket, id) => {
      const high = Number(bucket.highSeqno(id))
      lost += bucket.failOver(id, persisted === undefined ? natural(request, "lost") ?? 0 : Math.max(0, high - persisted))
    })
    for (const node of cluster.nodes) node.disconnect()
    return { vbuckets, lost }
  },
  evict: (cluster, request) => ({ vbuckets: each(cluster, request, (bucket, id) => bucket.vbucket(id)!.history.evict()) }),
  purge: (cluster, request) => {
    const seqno = natural(request, "seqno")
    return {
      vbuckets: each(cluster, request, (bucket, id) => bucket.purge(id, seqno === undefined ? bucket.highSeqno(id) : BigInt(seqno)))
    }
  },
  // what is left of older versions is only in memory here, so compacting is forgetting it, and the tombstones with it
  compact: (cluster, request) => commands["purge"]!(cluster, request),
  move: (cluster, request) => {
    const to = nodeOf(cluster, request)
    return { vbuckets: each(cluster, request, (bucket, id) => cluster.move(bucket.name, id, to)) }
  },
  disconnect: (cluster, request) => ({
    connections: cluster.nodes.reduce((sum, node, index) => {
      const only = natural(request, "node")
      return only === undefined || only === index ? sum + node.disconnect(request.dcpOnly === true) : sum
    }, 0)
  }),
  createBucket: ({ administration }, request) => came(administration.createBucket(text(request, "bucket"), bucketSettings(request))),
  updateBucket: ({ administration }, request) => came(administration.updateBucket(text(request, "bucket"), bucketSettings(request))),
  flushBucket: ({ administration }, request) => came(administration.flushBucket(text(request, "bucket"))),
  dropBucket: ({ administration }, request) => came(administration.dropBucket(text(request, "bucket"))),
  createScope: ({ administration }, request) => came(administration.createScope(text(request, "bucket"), text(request, "scope"))),
  dropScope: ({ administration }, request) => came(administration.dropScope(text(request, "bucket"), text(request, "scope"))),
  createCollection: ({ administration }, request) =>
    came(administration.createCollection(...collectionOf(request), collectionSettings(request))),
  updateCollection: ({ administration }, request) =>
    came(administration.updateCollection(...collectionOf(request), collectionSettings(request))),
  dropCollection: ({ administration }, request) => came(administration.dropCollection(...collectionOf(request))),
  status: (cluster) => ({
    buckets: Object.fromEntries([...cluster.buckets].map(([name, bucket]) => [
      name,
      Object.fromEntries(bucket.allVbuckets.map(({ failoverLog, history, id, node }) => [id, {
        node,
        seqno: String(history.highSeqno),
        purge: String(history.purgeSeqno),
        uuid: String(failoverLog[0]!.vbucketUuid)
      }]))
    ])),
    dcp: cluster.nodes.flatMap(({ producers }) => producers.all.map(({ name }) => name))
  }),
  ...Object.fromEntries(aboutCopies)
}

/** The names of all commands. */
export const controlCommands = Object.keys(commands)

const answer = (cluster: CouchbaseCluster, request: ControlRequest): object => {
  try {
    const name = request.do
    if (typeof name !== "string" || !Object.hasOwn(commands, name)) throw new RangeError(`do is one of ${controlCommands.join(", ")}`)
    return { ok: true, ...commands[name]!(cluster, request) }
  } catch (error) {
    return { ok: false, error: (error as Error).message }
  }
}

/** The command in a line; nothing when it is none. */
const commandIn = (line: string): ControlRequest | undefined => {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as ControlRequest : undefined
  } catch {
    return undefined
  }
}

/** Longest line that is read, in bytes without its end. */
export const longestLine = 4096
/** Bytes of answers that wait for a client above which it is no longer read. */
const maxWaiting = 1024 * 1024

/** A token that cannot be guessed. */
export const randomToken = (): string => Crypto.randomBytes(24).toString("base64url")

/** Whether two texts are the same; takes as long whatever they are. */
const same = (given: unknown, token: string): boolean => {
  const digest = (of: string): Buffer => Crypto.createHash("sha256").update(of).digest()
  return Crypto.timingSafeEqual(digest(typeof given === "string" ? given : ""), digest(token)) && typeof given === "string"
}

/** Serves one connection. */
const converse = (cluster: CouchbaseCluster, token: string, socket: Net.Socket): void => {
  let unread: Buffer = Buffer.alloc(0)
  let trusted = false
  const reply = (object: object): void => {
    if (!socket.write(`${JSON.stringify(object)}\n`) && socket.writableLength > maxWaiting) socket.pause()
  }
  /** Returns whether there is more to hear. */
  const hear = (line: string): boolean => {
    const request = commandIn(line)
    if (request !== undefined && (trusted ||= same(request.token, token))) {
      reply(answer(cluster, request))
      return true
    }
    if (request !== undefined) reply({ ok: false, error: "the first command of a connection has the token" })
    else if (trusted) reply({ ok: false, error: "a command is a line of JSON" })
    socket.end(() => socket.destroy())
    return false
  }
  socket.on("drain", () => socket.resume())
  socket.on("data", (chunk: Buffer) => {
    if (socket.writableEnded) return
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    let start = 0
    for (let end = unread.indexOf(10); end >= 0; end = unread.indexOf(10, start)) {
      if (end - start > longestLine) break
      if (!hear(unread.toString("utf8", start, end))) return
      start = end + 1
    }
    unread = unread.subarray(start)
    if (unread.length > longestLine) socket.destroy()
  })
}

/** Listens; returns the port. */
export const serveControl = (cluster: CouchbaseCluster, port: number, token: string): Effect.Effect<number, Failure, Scope.Scope> => {
  const sockets = new Set<Net.Socket>()
  const listen = Effect.callback<Net.Server, Failure>((resume) => {
    const server = Net.createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => sockets.delete(socket))
      converse(cluster, token, socket)
    })
    server.once("error", (error) => resume(Effect.fail(usage(`--control ${port}: ${error.message}`))))
    server.listen({ host: "127.0.0.1", port }, () => resume(Effect.succeed(server)))
  })
  return Effect.map(
    Effect.acquireRelease(listen, (server) =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })),
    (server) => (server.address() as Net.AddressInfo).port
  )
}
