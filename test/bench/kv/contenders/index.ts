/** The clients that are compared, each loaded in a process of its own; ours publish metrics or do not. */
import type { Contender } from "../Contender.ts"

export const contenders: Readonly<Record<string, (metrics: boolean) => Promise<Contender>>> = {
  wirewright: async (metrics) => (await import("./wirewright.ts")).make("loops", "binary", metrics),
  "wirewright-meta": async (metrics) => (await import("./wirewright.ts")).make("loops", "meta", metrics),
  "wirewright-text": async (metrics) => (await import("./wirewright.ts")).make("loops", "text", metrics),
  "wirewright-gen": async (metrics) => (await import("./wirewright.ts")).make("generators", "binary", metrics),
  "lines-text": async () => (await import("./lines.ts")).make("text"),
  "lines-meta": async () => (await import("./lines.ts")).make("meta"),
  handwritten: async () => (await import("./handwritten.ts")).make(),
  "handwritten-meta": async () => (await import("./handwrittenMeta.ts")).make(),
  raw: async () => (await import("./raw.ts")).make("whole"),
  "raw-64k": async () => (await import("./raw.ts")).make("part"),
  "raw-fresh": async () => (await import("./raw.ts")).make("fresh"),
  memjs: async () => (await import("./memjs.ts")).make(),
  memcached: async () => (await import("./memcached.ts")).make(),
  memcache: async () => (await import("./memcache.ts")).make(),
  couchbase: async (metrics) => (await import("./couchbase.ts")).make(metrics),
  "couchbase-sdk": async () => (await import("./couchbaseSdk.ts")).make()
}
