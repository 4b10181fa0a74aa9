/** memcache, a client of npm that speaks the text protocol; values are texts. */
import { type Contender, keyOf } from "../Contender.ts"
import { all } from "./workers.ts"

interface Client {
  readonly connect: () => Promise<void>
  readonly disconnect: () => Promise<void>
  readonly get: (key: string) => Promise<string | undefined>
  readonly set: (key: string, value: string) => Promise<boolean>
}

export const make = async (): Promise<Contender> => {
  const name = "memcache"
  const { Memcache } = await import(name) as { readonly Memcache: new(options: object) => Client }
  let client: Client
  return {
    connect: async (port) => {
      client = new Memcache({ nodes: [`127.0.0.1:${port}`], timeout: 30_000 })
      await client.connect()
    },
    run: (operation, inFlight, count, size, keys) => {
      const value = "v".repeat(size)
      let next = 0
      const get = async (): Promise<void> => {
        while (next < count) if ((await client.get(keyOf(next++, keys)))?.length !== size) throw new Error("not what was stored")
      }
      const set = async (): Promise<void> => {
        while (next < count) if (!await client.set(keyOf(next++, keys), value)) throw new Error("not stored")
      }
      return all(inFlight, operation === "get" ? get : set)
    },
    close: () => client.disconnect()
  }
}
