/** A connection of the hand-written clients: what arrives is read into one buffer and copied out of it. */
import * as Net from "node:net"

/** Connects to a port of this machine. */
export const connected = (port: number, receive: (chunk: Buffer) => void, onConnect: () => void): Net.Socket =>
  Net.connect({
    host: "127.0.0.1",
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(64 * 1024),
      callback: (length, buffer) => {
        // answers keep views of the copy, so that the buffer can be read into again
        const chunk = Buffer.allocUnsafe(length)
        ;(buffer as Buffer).copy(chunk, 0, 0, length)
        receive(chunk)
        return true
      }
    }
  }, onConnect)
