/**
 * The least that reading a value takes: a socket that reads into one buffer again and again, and counts. It hands nothing out, keeps nothing, and
 * has one request in flight. `part`: the buffer has 64 KiB; `whole`: it has room for a value, so that one could be looked at before the next
 * comes; `fresh`: each value has a buffer of its own, as it must have where whoever is given it may keep it.
 */
import * as Net from "node:net"
import { type Contender, keyOf } from "../Contender.ts"

/** Bytes of an answer beside the value. */
const overhead = { get: 28, set: 24 } as const

export const make = async (buffers: "part" | "whole" | "fresh"): Promise<Contender> => {
  let port = 0
  const sockets: Array<Net.Socket> = []
  return {
    connect: async (to) => {
      port = to
    },
    run: (operation, _inFlight, count, size, keys) =>
      new Promise((resolve, reject) => {
        const value = Buffer.alloc(size, "v")
        const expected = overhead[operation] + (operation === "get" ? size : 0)
        let next = 0
        let received = 0
        let fresh = Buffer.alloc(0)
        const ask = (): void => {
          const key = keyOf(next++, keys)
          const extras = operation === "get" ? 0 : 8
          const head = Buffer.alloc(24 + extras + key.length)
          head[0] = 0x80
          head[1] = operation === "get" ? 0x00 : 0x01
          head.writeUInt16BE(key.length, 2)
          head[4] = extras
          head.writeUInt32BE(extras + key.length + (operation === "get" ? 0 : size), 8)
          head.write(key, 24 + extras, "latin1")
          if (operation === "get") socket.write(head)
          else {
            socket.cork()
            socket.write(head)
            socket.write(value)
            socket.uncork()
          }
        }
        const socket = Net.connect({
          host: "127.0.0.1",
          port,
          noDelay: true,
          onread: {
            buffer: buffers === "fresh" && operation === "get"
              ? () => {
                if (received === 0) fresh = Buffer.allocUnsafeSlow(expected)
                return fresh.subarray(received)
              }
              : Buffer.alloc(buffers === "whole" && operation === "get" ? expected : 64 * 1024),
            callback: (length) => {
              received += length
              if (received < expected) return true
              received = 0
              if (next < count) ask()
              else {
                socket.destroy()
                resolve()
              }
              return true
            }
          }
        }, ask)
        socket.once("error", reject)
        sockets.push(socket)
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy()
    }
  }
}
