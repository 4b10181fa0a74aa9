/**
 * As little as a client of text can be: requests of a window are one write, its answers are counted by their bytes, then comes the next window.
 * It makes the server the slowest part; what it reads it compares with what an answer must be, and nothing else.
 */
import * as Net from "node:net"
import { type Contender, keyOf } from "../Contender.ts"

export const make = async (protocol: "meta" | "text"): Promise<Contender> => {
  let socket: Net.Socket
  let wake: () => void = () => {}
  let failed: Error | undefined
  let received = 0
  let first = Buffer.alloc(0)

  const exchange = (bytes: Buffer, answer: Buffer, count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      received = 0
      first = Buffer.alloc(0)
      wake = () => {
        if (failed !== undefined) return reject(failed)
        if (received < answer.length * count) return
        if (!first.subarray(0, answer.length).equals(answer)) return reject(new Error(`not what was stored: ${first.subarray(0, 80)}`))
        resolve()
      }
      socket.write(bytes)
    })

  return {
    connect: (port) =>
      new Promise((resolve) => {
        socket = Net.connect({ host: "127.0.0.1", port, noDelay: true }, resolve)
        socket.on("data", (chunk) => {
          if (received === 0) first = chunk
          received += chunk.length
          wake()
        })
        socket.on("error", (error) => {
          failed = error
          wake()
        })
      }),
    run: async (operation, inFlight, count, size, keys) => {
      const value = "v".repeat(size)
      const ask = (key: string): string =>
        protocol === "meta"
          ? operation === "get" ? `mg ${key} v f\r\n` : `ms ${key} ${size} T0\r\n${value}\r\n`
          : operation === "get"
          ? `get ${key}\r\n`
          : `set ${key} 0 0 ${size}\r\n${value}\r\n`
      const answerOf = (key: string): string => {
        if (operation === "set") return protocol === "meta" ? "HD\r\n" : "STORED\r\n"
        return protocol === "meta" ? `VA ${size} f0\r\n${value}\r\n` : `VALUE ${key} 0 ${size}\r\n${value}\r\nEND\r\n`
      }
      const windows = new Map<number, Buffer>()
      for (let next = 0; next < count; next += inFlight) {
        const start = next % keys
        const length = Math.min(inFlight, count - next)
        let bytes = length === inFlight ? windows.get(start) : undefined
        if (bytes === undefined) {
          bytes = Buffer.from(Array.from({ length }, (_, i) => ask(keyOf(start + i, keys))).join(""))
          if (length === inFlight) windows.set(start, bytes)
        }
        await exchange(bytes, Buffer.from(answerOf(keyOf(start, keys))), length)
      }
    },
    close: async () => void socket.destroy()
  }
}
