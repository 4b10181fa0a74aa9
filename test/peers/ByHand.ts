/** Bytes sent by a bare socket, and what it sees: nothing of ours has a part in it. */
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** What a socket saw. */
export interface Seen {
  /** What came after each of what was sent, in hex. */
  readonly received: ReadonlyArray<string>
  /** The server ended the connection. */
  readonly isClosed: boolean
}

/** A masked text message of WebSocket (RFC 6455), of at most 65,535 bytes. */
const framed = (text: Buffer): Buffer => {
  const head = text.length < 126 ? [0x81, 0x80 | text.length] : [0x81, 0xfe, text.length >> 8, text.length & 0xff]
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), text])
}

/** Sends one after the other, with as many milliseconds for the answer; with a path, as messages of WebSocket. */
export const byHand = async (port: number, sent: ReadonlyArray<string>, millis: number, path?: string): Promise<Seen> => {
  const socket = connect(port, "127.0.0.1").setNoDelay(true)
  let isClosed = false
  let heard: Array<Buffer> = []
  socket.on("data", (bytes: Buffer) => heard.push(bytes)).on("error", () => {}).on("close", () => void (isClosed = true))
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve))
  if (path !== undefined) {
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`
    )
    await sleep(millis)
  }
  const received: Array<string> = []
  for (const hex of sent) {
    heard = []
    const bytes = Buffer.from(hex, "hex")
    if (!isClosed) socket.write(path === undefined ? bytes : framed(bytes))
    await sleep(millis)
    received.push(Buffer.concat(heard).toString("hex"))
  }
  socket.destroy()
  return { received, isClosed }
}
