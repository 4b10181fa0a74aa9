/** Clients that other people wrote as the honest ones of a soak: Couchbase's SDK for Node and memjs. */
import { createRequire } from "node:module"
import { account, type Connect } from "../hostile/Siege.ts"
import { loadSdk } from "./CouchbaseSdk.ts"

/** A client that somebody else wrote. */
export interface Peer {
  readonly name: string
  /** Whether it is installed. */
  readonly available: () => boolean
  readonly connect: Connect
}

const require = createRequire(import.meta.url)

const loads = (library: string) => (): boolean => {
  try {
    require(library)
    return true
  } catch {
    return false
  }
}

/** memjs, as far as it is used here. */
interface Memjs {
  readonly Client: {
    create(servers: string, options: object): {
      set(key: string, value: string, options: object): Promise<boolean>
      get(key: string): Promise<{ readonly value: Buffer | null }>
      delete(key: string): Promise<boolean>
      close(): void
    }
  }
}

const sdkName = "the Couchbase SDK"

const connectSdk: Connect = async ({ couchbase }) => {
  const sdk = loadSdk()
  const cluster = await sdk.connect(`couchbase://127.0.0.1:${couchbase}`, {
    username: account.user,
    password: account.password,
    timeouts: { connectTimeout: 10_000, kvTimeout: 5_000 }
  })
  const documents = cluster.bucket("default").defaultCollection()
  /** What a call returns, or `undefined` for a document that is not there. */
  const present = async <A>(asked: Promise<A>): Promise<A | undefined> => {
    try {
      return await asked
    } catch (error) {
      if (error instanceof sdk.DocumentNotFoundError) return undefined
      throw error
    }
  }
  await documents.exists("honest")
  return {
    name: sdkName,
    set: async (key, value) => {
      await documents.upsert(key, value)
    },
    get: async (key) => (await present(documents.get(key)))?.content as string | undefined,
    remove: async (key) => (await present(documents.remove(key))) !== undefined,
    close: () => cluster.close()
  }
}

const connectMemjs: Connect = async ({ memcached }) => {
  const { Client } = require("memjs") as Memjs
  const client = Client.create(`127.0.0.1:${memcached}`, { retries: 0, timeout: 5 })
  await client.get("honest")
  return {
    name: "memjs",
    set: async (key, value) => {
      if (!(await client.set(key, value, { expires: 0 }))) throw new Error("not stored")
    },
    get: async (key) => (await client.get(key)).value?.toString(),
    remove: (key) => client.delete(key),
    close: async () => client.close()
  }
}

/** All of them. */
export const peers: ReadonlyArray<Peer> = [
  { name: sdkName, available: loads("couchbase"), connect: connectSdk },
  { name: "memjs", available: loads("memjs"), connect: connectMemjs }
]
