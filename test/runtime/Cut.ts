/** Test only: a way to a server that ends after some bytes of what the server sends. */
import * as Net from "node:net"
import { Duplex } from "node:stream"

/** A connection that ends once `size` bytes have come from the server. `counts.received`: how many there were, over all connections. */
export const cutAfter =
  (size: number, counts: { received: number } = { received: 0 }) =>
  ({ host, port }: { readonly host: string; readonly port: number }): Duplex => {
    const socket = Net.connect(port, host)
    let left = size
    const end = new Duplex({
      read: () => {},
      write: (chunk: Uint8Array, _encoding, done) => {
        socket.write(chunk)
        done()
      },
      final: (done) => {
        socket.end()
        done()
      },
      destroy: (error, done) => {
        socket.destroy()
        done(error)
      }
    })
    socket.on("error", () => {})
    socket.on("data", (chunk: Uint8Array) => {
      counts.received += chunk.length
      if (left <= 0) return
      end.push(chunk.subarray(0, left))
      left -= chunk.length
      if (left <= 0) {
        end.push(null)
        socket.destroy()
      }
    })
    socket.on("close", () => end.push(null))
    return end
  }
