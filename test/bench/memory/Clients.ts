/** Connections to a server, in a process of their own: as many more as each message says. */
import * as Net from "node:net"

const port = Number(process.argv[2])
const sockets: Array<Net.Socket> = []

process.on("message", async (count: number) => {
  for (let i = 0; i < count; i++) {
    await new Promise<void>((resolve, reject) => {
      const socket = Net.connect(port, "127.0.0.1", resolve).once("error", reject)
      sockets.push(socket)
    })
  }
  process.send!(sockets.length)
})
process.on("disconnect", () => process.exit())
