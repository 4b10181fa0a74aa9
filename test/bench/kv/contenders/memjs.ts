/** memjs, the memcached client of npm that speaks the binary protocol. */
import { type Contender, keyOf } from "../Contender.ts"
import { all } from "./workers.ts"

interface Client {
  readonly get: (key: string) => Promise<{ readonly value: Uint8Array | null }>
  readonly set: (key: string, value: Uint8Array, options: object) => Promise<boolean>
  readonly close: () => void
}

export const make = async (): Promise<Contender> => {
  const name = "memjs"
  const { default: memjs } = await import(name)
  let client: Client
  return {
    connect: async (port) => {
      client = memjs.Client.create(`127.0.0.1:${port}`, { timeout: 5 })
      await client.get("connect")
    },
    run: (operation, inFlight, count, size, keys) => {
      const value = Buffer.alloc(size, "v")
      let next = 0
      const get = async (): Promise<void> => {
        while (next < count) if ((await client.get(keyOf(next++, keys))).value?.length !== size) throw new Error("not what was stored")
      }
      const set = async (): Promise<void> => {
        while (next < count) if (!await client.set(keyOf(next++, keys), value, {})) throw new Error("not stored")
      }
      return all(inFlight, operation === "get" ? get : set)
    },
    close: async () => client.close()
  }
}
