/** Keeps a number of promises in flight. */
import { type Contender, keyOf } from "../Contender.ts"

/** Runs `inFlight` loops until all are done. */
export const all = async (inFlight: number, loop: () => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: inFlight }, loop))
}

/** A client of promises that is written by hand. */
export interface Handwritten {
  readonly get: (key: string) => Promise<{ readonly value: Uint8Array } | undefined>
  readonly set: (key: string, value: Uint8Array) => Promise<unknown>
  readonly close: () => void
}

/** The contender that such a client is. */
export const contenderOf = (connect: (port: number, onConnect: () => void) => Handwritten): Contender => {
  let client: Handwritten
  return {
    connect: (port) =>
      new Promise((resolve) => {
        client = connect(port, resolve)
      }),
    run: (operation, inFlight, count, size, keys) => {
      const value = Buffer.alloc(size, "v")
      let next = 0
      const get = async (): Promise<void> => {
        while (next < count) if ((await client.get(keyOf(next++, keys)))?.value.length !== size) throw new Error("not what was stored")
      }
      const set = async (): Promise<void> => {
        while (next < count) await client.set(keyOf(next++, keys), value)
      }
      return all(inFlight, operation === "get" ? get : set)
    },
    close: async () => client.close()
  }
}
