/**
 * Of what there can be many: requests that are not answered, connections of clients and of servers on which nothing happens, open vbuckets.
 * Each subject is one client's, server's or hand-written program's way of having them; a process has one subject.
 */
import type { KvProtocol } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import * as Net from "node:net"

/** Makes so many more, and comes back when they are there. */
export type More = (count: number) => Promise<void>

/** Prepares a subject; `port` is where its server listens. */
export type Subject = (port: number) => Promise<More>

const hour = 3_600_000

/** Runs an effect in a scope that lasts as long as the process. */
const lasting = <A>(effect: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provideService(effect, Scope.Scope, Scope.makeUnsafe()))

/** Waits until what was begun has been sent. */
const sent = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300))

const keyOf = (index: number): string => `bench:${String(index % 1000).padStart(6, "0")}`

/** Requests of promises: what they resolve is kept, as by whoever waits. */
const awaiting = (ask: (key: string) => Promise<unknown>): More => {
  const kept: Array<Promise<unknown>> = []
  return async (count) => {
    for (let i = 0; i < count; i++) kept.push(ask(keyOf(i)))
    await sent()
  }
}

const kvRequests = (protocol: KvProtocol): Subject => async (port) => {
  const { KvClient } = await import("@wirewright/memcached")
  const kv = await lasting(KvClient.make({ port, protocol, requestTimeout: hour, maxInFlight: 65_000 }))
  return async (count) => {
    for (let i = 0; i < count; i++) Effect.runFork(kv.get(keyOf(i)))
    await sent()
  }
}

const couchbaseRequests: Subject = async (port) => {
  const { KvClient } = await import("@wirewright/couchbase")
  const kv = await lasting(KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default", timeout: hour }))
  return async (count) => {
    for (let i = 0; i < count; i++) Effect.runFork(kv.get(keyOf(i)))
    await sent()
  }
}

const memjsClient = async (port: number) => {
  const name = "memjs"
  const { default: memjs } = await import(name)
  const client = memjs.Client.create(`127.0.0.1:${port}`, { timeout: hour / 1000, retries: 0 })
  await client.get("connect")
  return client as { readonly get: (key: string) => Promise<unknown> }
}

const handwrittenClient = async (port: number) => {
  const { Client } = await import("../kv/contenders/handwritten.ts")
  return new Promise<InstanceType<typeof Client>>((resolve) => {
    const client = new Client(port, () => resolve(client))
  })
}

/** Makes them one after the other, and keeps them. */
const each = (open: (index: number) => Promise<unknown>): More => {
  const kept: Array<unknown> = []
  return async (count) => {
    for (let i = 0; i < count; i++) kept.push(await open(kept.length))
    await sent()
  }
}

const serverConnections = (serve: () => Promise<number>): Subject => async () => {
  const port = await serve()
  const clients = fork(new URL("./Clients.ts", import.meta.url), [String(port)], {
    execArgv: ["--disable-warning=ExperimentalWarning"]
  })
  process.once("exit", () => clients.kill())
  return (count) =>
    new Promise((resolve) => {
      clients.once("message", () => setTimeout(resolve, 300))
      clients.send(count)
    })
}

/** Vbuckets that are all open; there are as many as the server has, and come with the first call. */
const consuming: Subject = async (port) => {
  const { Dcp } = await import("@wirewright/dcp")
  const { eventsOf, settle, start } = await import("@wirewright/dcp/internal")
  const Stream = await import("effect/Stream")
  return async (count) => {
    const consumer = await lasting(Effect.provide(
      start({ from: "beginning" }),
      Dcp.layer({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
    ))
    Effect.runFork(Stream.runForEachArray(eventsOf(consumer), (some) => Effect.sync(() => some.forEach(settle))))
    while (consumer.status.streaming < count) await sent()
    await sent()
  }
}

/** By hand: what a consumer has to know of a vbucket to go on where it was, in a Map. */
const consumingByHand: Subject = async (port) => {
  const { raw } = await import("../dcp/handwritten.ts")
  return async (count) => {
    const places = new Map<number, { seqno: bigint; uuid: bigint; start: bigint; end: bigint }>()
    for (let vbucket = 0; vbucket < count; vbucket++) places.set(vbucket, { seqno: 0n, uuid: BigInt(vbucket) << 40n, start: 0n, end: 0n })
    kept.push(places, raw(port, count, () => {}))
    for (let i = 0; i < 5; i++) await sent()
  }
}

const kept: Array<unknown> = []

/** Subjects by what there are many of, the first of each being ours. */
export const subjects: { readonly [what: string]: { readonly [name: string]: Subject } } = {
  "request in flight": {
    "KvClient of memcached": kvRequests("binary"),
    "the same, meta": kvRequests("meta"),
    "KvClient of couchbase": couchbaseRequests,
    "by hand": async (port) => {
      const client = await handwrittenClient(port)
      return awaiting((key) => client.get(key))
    },
    "memjs": async (port) => {
      const client = await memjsClient(port)
      return awaiting((key) => client.get(key))
    }
  },
  "connection of a client": {
    "KvClient of memcached": async (port) => {
      const { KvClient } = await import("@wirewright/memcached")
      return each(() => lasting(KvClient.make({ port, protocol: "binary", requestTimeout: hour })))
    },
    "PacketConnection": async (port) => {
      const { PacketConnection } = await import("@wirewright/connection")
      const { client } = await import("@wirewright/memcached/gen")
      return each(() => lasting(PacketConnection.make({ protocol: client, host: "127.0.0.1", port })))
    },
    "by hand": async (port) => each(() => handwrittenClient(port)),
    "memjs": async (port) => each(() => memjsClient(port)),
    "a socket of Node": async (port) =>
      each(() =>
        new Promise((resolve) => {
          const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket))
          socket.on("data", () => {})
        })
      )
  },
  "connection of a server": {
    "embedded memcached": serverConnections(async () => {
      const { serveMemcachedNode } = await import("@wirewright/embedded")
      return (await lasting(serveMemcachedNode({ idleTimeout: "1 hour" }))).server.port
    }),
    "a server of Node": serverConnections(() =>
      new Promise((resolve) => {
        const server = Net.createServer({ noDelay: true }, (socket) => socket.on("data", () => {}))
        server.listen(0, "127.0.0.1", 4096, () => resolve((server.address() as Net.AddressInfo).port))
      })
    )
  },
  "open vbucket": {
    "Dcp": consuming,
    "by hand": consumingByHand
  }
}
