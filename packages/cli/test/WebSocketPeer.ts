/** A deepstream server on loopback that says what a test wants. It knows just enough of RFC 6455 for whole text frames. */
import { forEachMessage } from "@wirewright/codec/Delimited"
import { decodeClientMessage, delimiting, encode } from "@wirewright/deepstream/gen"
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** What a client sends. */
export type Asked = ReturnType<typeof decodeClientMessage>
/** What a server sends. */
export type Told = Parameters<typeof encode>[0]

const textFrame = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  head[0] = 0x81
  head[1] = payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(payload.length, 2)
  else if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

/** Takes whole frames off the front; returns the texts and what is left. */
const framesOf = (received: Buffer): { readonly texts: ReadonlyArray<string>; readonly rest: Buffer; readonly closes: boolean } => {
  const texts: Array<string> = []
  let closes = false
  let rest = received
  while (rest.length >= 6) {
    const short = rest[1]! & 0x7f
    const width = short < 126 ? 0 : short === 126 ? 2 : 8
    if (rest.length < 6 + width) break
    const size = width === 0 ? short : width === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    const begin = 6 + width
    if (rest.length < begin + size) break
    const mask = rest.subarray(2 + width, begin)
    const payload = rest.subarray(begin, begin + size).map((byte, i) => byte ^ mask[i % 4]!)
    if ((rest[0]! & 0x0f) === 8) closes = true
    else if ((rest[0]! & 0x0f) === 1) texts.push(Buffer.from(payload).toString())
    rest = rest.subarray(begin + size)
  }
  return { texts, rest, closes }
}

/** Serves until `close`; `answers` is asked for every message after the login. */
export const serveDeepstream = async (
  answers: (message: Asked) => ReadonlyArray<Told | string>
): Promise<{ readonly url: string; readonly close: () => void }> => {
  const sockets = new Set<Socket>()
  const server = createServer()
  server.on("upgrade", (request, stream) => {
    const socket = stream as Socket
    sockets.add(socket)
    socket.on("error", () => {})
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]!}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest(
      "base64"
    )
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    const tell = (one: Told | string): void => void socket.write(textFrame(typeof one === "string" ? one : encode(one)))
    tell({ _tag: "ConnectionChallenge" })
    let received: Buffer = Buffer.alloc(0)
    socket.on("data", (chunk: Buffer) => {
      const { closes, rest, texts } = framesOf(Buffer.concat([received, chunk]))
      received = rest
      for (const text of texts) {
        forEachMessage(text, delimiting, (all, start, end) => {
          const message = decodeClientMessage(all, start, end)
          if (message._tag === "ConnectionChallengeResponse") tell({ _tag: "ConnectionAck" })
          else if (message._tag === "AuthenticationRequest") tell({ _tag: "AuthenticationAck" })
          else for (const one of answers(message)) tell(one)
        })
      }
      if (closes) socket.end(Buffer.from([0x88, 0]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/deepstream`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
