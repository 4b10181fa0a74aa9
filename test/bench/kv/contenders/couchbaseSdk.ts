/** The official Couchbase SDK for Node, as it is installed for the tests against peers. */
import { createRequire } from "node:module"
import { join } from "node:path"
import { type Contender, keyOf } from "../Contender.ts"
import { all } from "./workers.ts"

interface Collection {
  readonly get: (key: string) => Promise<{ readonly content: Uint8Array }>
  readonly upsert: (key: string, value: Uint8Array) => Promise<unknown>
}

interface Cluster {
  readonly bucket: (name: string) => { readonly defaultCollection: () => Collection }
  readonly close: () => Promise<void>
}

interface Sdk {
  readonly connect: (url: string, options: object) => Promise<Cluster>
}

/** Bytes as they are, so that no JSON is measured. */
const transcoder = { encode: (value: Buffer) => [value, 0x0300_0000], decode: (bytes: Buffer) => bytes }

export const make = async (): Promise<Contender> => {
  const peers = join(import.meta.dirname, "../../../peers/package.json")
  const { connect } = createRequire(peers)("couchbase") as Sdk
  let cluster: Cluster
  let collection: Collection
  return {
    connect: async (port) => {
      cluster = await connect(`couchbase://127.0.0.1:${port}`, { username: "app", password: "secret", transcoder })
      collection = cluster.bucket("default").defaultCollection()
      await collection.upsert("connect", Buffer.alloc(1))
    },
    run: (operation, inFlight, count, size, keys) => {
      const value = Buffer.alloc(size, "v")
      let next = 0
      const get = async (): Promise<void> => {
        while (next < count) if ((await collection.get(keyOf(next++, keys))).content.length !== size) throw new Error("not what was stored")
      }
      const set = async (): Promise<void> => {
        while (next < count) await collection.upsert(keyOf(next++, keys), value)
      }
      return all(inFlight, operation === "get" ? get : set)
    },
    close: () => cluster.close()
  }
}
