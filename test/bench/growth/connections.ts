/** So many raw connections to a memcached, of which each asks for a key in turn, 64 requests at a time: `connections.ts PORT COUNT`. */
import * as Net from "node:net"

const [port = "", count = ""] = process.argv.slice(2)
const request = "get growth\r\n"
const answer = "VALUE growth 0 100\r\n".length + 102 + "END\r\n".length

let asked = 0
let answered = 0
let wanted = 0
let done = (): void => {}
let next = 0

/** Nobody waits for the answers of a connection that the server has ended. */
const hungUp = (): void => process.exit(1)

const connect = (): Promise<Net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect({ host: "127.0.0.1", port: Number(port), noDelay: true }, () => resolve(socket))
    let received = 0
    socket.on("data", (chunk) => {
      received += chunk.length
      for (; received >= answer; received -= answer) {
        answered++
        more()
      }
    })
    socket.on("error", reject)
    socket.on("close", hungUp)
  })

const sockets: Array<Net.Socket> = []
const more = (): void => {
  if (asked < wanted) {
    asked++
    sockets[next++ % sockets.length]!.write(request)
  } else if (answered === wanted) done()
}

// no connection is read while it stores, whose answer is no value's
const storing = Net.connect({ host: "127.0.0.1", port: Number(port) })
storing.end(`set growth 0 0 100\r\n${"v".repeat(100)}\r\nquit\r\n`)
await new Promise((resolve) => storing.once("close", resolve).resume())
for (let i = 0; i < Number(count); i++) sockets.push(await connect())

process.on("message", (requests: number) => {
  asked = 0
  answered = 0
  wanted = requests
  done = () => process.send!(0)
  for (let i = 0; i < 64; i++) more()
})
// their ports are free at once, and not for a minute only those of others
const end = (): void => {
  for (const socket of sockets) socket.off("close", hungUp).resetAndDestroy()
  process.exit(0)
}
process.on("disconnect", end)
process.on("SIGTERM", end)
process.send!("ready")
