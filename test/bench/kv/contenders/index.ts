/** The clients that are compared, each loaded in a process of its own. */
import type { Contender } from "../Contender.ts"

export const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  wirewright: async () => (await import("./wirewright.ts")).make("loops"),
  "wirewright-gen": async () => (await import("./wirewright.ts")).make("generators"),
  handwritten: async () => (await import("./handwritten.ts")).make(),
  memjs: async () => (await import("./memjs.ts")).make(),
  couchbase: async () => (await import("./couchbase.ts")).make(),
  "couchbase-sdk": async () => (await import("./couchbaseSdk.ts")).make()
}
