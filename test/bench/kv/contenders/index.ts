/** The clients that are compared, each loaded in a process of its own. */
import type { Contender } from "../Contender.ts"

export const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  wirewright: async () => (await import("./wirewright.ts")).make("loops", "binary"),
  "wirewright-meta": async () => (await import("./wirewright.ts")).make("loops", "meta"),
  "wirewright-text": async () => (await import("./wirewright.ts")).make("loops", "text"),
  "wirewright-gen": async () => (await import("./wirewright.ts")).make("generators", "binary"),
  "lines-text": async () => (await import("./lines.ts")).make("text"),
  "lines-meta": async () => (await import("./lines.ts")).make("meta"),
  handwritten: async () => (await import("./handwritten.ts")).make(),
  "handwritten-meta": async () => (await import("./handwrittenMeta.ts")).make(),
  memjs: async () => (await import("./memjs.ts")).make(),
  memcached: async () => (await import("./memcached.ts")).make(),
  memcache: async () => (await import("./memcache.ts")).make(),
  couchbase: async () => (await import("./couchbase.ts")).make(),
  "couchbase-sdk": async () => (await import("./couchbaseSdk.ts")).make()
}
