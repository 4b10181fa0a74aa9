/** memcached, the client of npm with the most users; it speaks the text protocol. One connection, as the others have. */
import { type Contender, keyOf } from "../Contender.ts"
import { all } from "./workers.ts"

interface Client {
  readonly get: (key: string, done: (error: Error | undefined, value: Uint8Array | undefined) => void) => void
  readonly set: (key: string, value: Uint8Array, lifetime: number, done: (error: Error | undefined, stored: boolean) => void) => void
  readonly end: () => void
}

export const make = async (): Promise<Contender> => {
  const name = "memcached"
  const { default: Memcached } = await import(name) as { readonly default: new(where: string, options: object) => Client }
  let client: Client
  const read = (key: string): Promise<Uint8Array | undefined> =>
    new Promise((resolve, reject) => client.get(key, (error, value) => error === undefined ? resolve(value) : reject(error)))
  const write = (key: string, value: Uint8Array): Promise<boolean> =>
    new Promise((resolve, reject) => client.set(key, value, 0, (error, stored) => error === undefined ? resolve(stored) : reject(error)))
  return {
    connect: async (port) => {
      client = new Memcached(`127.0.0.1:${port}`, { poolSize: 1, timeout: 30_000 })
      await read("connect")
    },
    run: (operation, inFlight, count, size, keys) => {
      const value = Buffer.alloc(size, "v")
      let next = 0
      const get = async (): Promise<void> => {
        while (next < count) if ((await read(keyOf(next++, keys)))?.length !== size) throw new Error("not what was stored")
      }
      const set = async (): Promise<void> => {
        while (next < count) if (!await write(keyOf(next++, keys), value)) throw new Error("not stored")
      }
      return all(inFlight, operation === "get" ? get : set)
    },
    close: async () => client.end()
  }
}
