/**
 * The control socket of `wirewright serve`: makes the node fail as real ones do, on request. A line of JSON in, a line of JSON out, on loopback.
 *
 * It has no password, and whoever reaches it can break the node, so it listens on 127.0.0.1 only and only when asked for.
 */
import type { CouchbaseCluster } from "@wirewright/embedded/CouchbaseNode"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { createInterface } from "node:readline"
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

const commands: { readonly [name: string]: ((cluster: CouchbaseCluster, request: ControlRequest) => object) | undefined } = {
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
  })
}

/** The names of all commands. */
export const controlCommands = [...Object.keys(commands), ...Object.keys(replicaCommands)]

const perform = (cluster: CouchbaseCluster, name: string, request: ControlRequest): object =>
  replicaCommands[name]?.({ cluster, node: nodeOf(cluster, request), each: (act) => each(cluster, request, act) })
    ?? commands[name]!(cluster, request)

const answer = (cluster: CouchbaseCluster, text: string): object => {
  try {
    const request = JSON.parse(text) as ControlRequest
    const name = typeof request === "object" && request !== null ? request.do : undefined
    if (typeof name !== "string" || !controlCommands.includes(name)) throw new RangeError(`do is one of ${controlCommands.join(", ")}`)
    return { ok: true, ...perform(cluster, name, request) }
  } catch (error) {
    return { ok: false, error: (error as Error).message }
  }
}

/** Longest line that is read. */
const longestLine = 4096

/** Listens; returns the port. */
export const serveControl = (cluster: CouchbaseCluster, port: number): Effect.Effect<number, Failure, Scope.Scope> => {
  const sockets = new Set<Net.Socket>()
  const listen = Effect.callback<Net.Server, Failure>((resume) => {
    const server = Net.createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => sockets.delete(socket))
      let unread = 0
      socket.on("data", (chunk: Uint8Array) => {
        const end = chunk.lastIndexOf(10)
        unread = end < 0 ? unread + chunk.length : chunk.length - end
        if (unread > longestLine) socket.destroy()
      })
      createInterface({ input: socket }).on("line", (text) => {
        if (text.trim() !== "") socket.write(`${JSON.stringify(answer(cluster, text))}\n`)
      })
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
