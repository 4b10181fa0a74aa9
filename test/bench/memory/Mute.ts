/** A way to a server that can fall silent: from then on it reads whatever clients send, and nothing is answered. */
import * as Net from "node:net"

/** A server that answers until it is silent. */
export interface Mute {
  readonly port: number
  readonly silence: () => void
  readonly close: () => void
}

/** Listens in front of the server on a port of this machine. */
export const mute = (target: number): Promise<Mute> => {
  let silent = false
  const sockets = new Set<Net.Socket>()
  const server = Net.createServer({ noDelay: true }, (client) => {
    const upstream = Net.connect(target, "127.0.0.1")
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.once("close", () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (bytes) => silent || upstream.write(bytes))
    upstream.on("data", (bytes) => client.write(bytes))
  })
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", 4096, () =>
      resolve({
        port: (server.address() as Net.AddressInfo).port,
        silence: () => silent = true,
        close: () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
      }))
  )
}
