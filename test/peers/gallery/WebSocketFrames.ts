/**
 * Records npm's ws, on both sides, and the client that Node brings, as they exchange WebSocket frames. What goes before the frames, HTTP's
 * upgrade, is a conversation of its own.
 */
import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { hasLibrary, library, libraryVersion } from "./Programs.ts"
import { type Chunk, type Conversation, type Judge, overhear, type Recording, type Side } from "./TapBinary.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"

/** What is used of a socket of npm's ws. */
interface WsSocket {
  readonly on: (event: string, listener: (...values: ReadonlyArray<never>) => void) => unknown
  readonly once: (event: string, listener: (...values: ReadonlyArray<never>) => void) => unknown
  readonly send: (data: string | Uint8Array, options?: { readonly binary?: boolean; readonly fin?: boolean }) => void
  readonly ping: (data?: string | Uint8Array) => void
  readonly pong: (data?: string | Uint8Array) => void
  readonly close: (code?: number, reason?: string) => void
  readonly terminate: () => void
}

interface WsServer {
  readonly on: (event: "connection", listener: (socket: WsSocket) => void) => unknown
  readonly address: () => AddressInfo
  readonly close: (done: () => void) => void
  readonly clients: ReadonlySet<WsSocket>
}

interface Ws {
  new(url: string, options?: { readonly perMessageDeflate?: boolean | { readonly threshold: number } }): WsSocket
  readonly WebSocketServer: new(options: {
    readonly host: string
    readonly port: number
    readonly perMessageDeflate?: boolean | { readonly threshold: number }
  }) => WsServer
}

/** Whether npm's ws is installed. */
export const available = (): boolean => hasLibrary("ws")

const startServer = async (perMessageDeflate: boolean, connected: (socket: WsSocket) => void) => {
  const deflate = perMessageDeflate && { threshold: 0 }
  const server = new (library<Ws>("ws").WebSocketServer)({ host: "127.0.0.1", port: 0, perMessageDeflate: deflate })
  server.on("connection", connected)
  await once(server as never, "listening")
  return {
    port: server.address().port,
    end: () =>
      new Promise<void>((resolve) => {
        for (const client of server.clients) client.terminate()
        server.close(resolve)
      })
  }
}

/** Bytes 0, 1, 2 … as often as wanted. */
const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i & 0xff)
const text = (size: number): string => "frames of a length ".repeat(Math.ceil(size / 19)).slice(0, size)

/** Does one thing after another: everything that is sent is one read of the other side, as far as its size allows. */
const inTurn = async (steps: ReadonlyArray<() => void>): Promise<void> => {
  for (const step of steps) {
    step()
    await sleep(10)
  }
}

/** What either side says, once with every length form. */
const everything = (socket: WsSocket): ReadonlyArray<() => void> => [
  () => socket.send(""),
  () => socket.send("Hello"),
  () => socket.send("héllo, wörld ✓ 😀"),
  () => socket.send(new Uint8Array(0)),
  () => socket.send(bytes(125)),
  () => socket.send(bytes(126)),
  () => socket.send(bytes(127)),
  () => socket.send(text(125)),
  () => socket.send(text(126)),
  () => socket.send(bytes(256)),
  () => socket.send(text(4096)),
  () => socket.ping(),
  () => socket.ping("are you there"),
  () => socket.ping(bytes(125)),
  () => socket.pong("unasked"),
  () => socket.send("first ", { fin: false }),
  () => socket.send("second ", { fin: false }),
  () => socket.ping("between"),
  () => socket.send("", { fin: false }),
  () => socket.send("last", { fin: true }),
  () => socket.send(bytes(300), { binary: true, fin: false }),
  () => socket.send(bytes(2), { binary: true, fin: true })
]

/** The upgrade and the frames. */
const split = (conversation: Conversation): ReadonlyArray<Conversation> => {
  const open: Record<Side, boolean> = { client: true, server: true }
  const upgrade: Array<Chunk> = []
  const frames: Array<Chunk> = []
  for (const { from, hex } of conversation.chunks) {
    const end = open[from] ? hex.indexOf("0d0a0d0a") + 8 : 0
    if (open[from] && end < 8) throw new Error("the upgrade came in pieces")
    open[from] = false
    if (end > 0) upgrade.push({ from, hex: hex.slice(0, end) })
    if (hex.length > end) frames.push({ from, hex: hex.slice(end) })
  }
  return [{ ...conversation, name: `${conversation.name}: upgrade`, chunks: upgrade }, { ...conversation, chunks: frames }]
}

/** One connection of a client of ws. */
const wsConversation = async (
  name: string,
  options: {
    readonly deflate?: boolean
    readonly server?: (socket: WsSocket) => void
    readonly client: (socket: WsSocket) => Promise<void>
  }
): Promise<ReadonlyArray<Conversation>> => {
  const { client, deflate = false, server = () => {} } = options
  const { end, port } = await startServer(deflate, server)
  try {
    const heard = await overhear(name, "tcp", port, async (tapped) => {
      const socket = new (library<Ws>("ws"))(`ws://127.0.0.1:${tapped}/`, { perMessageDeflate: deflate && { threshold: 0 } })
      const closed = once(socket as never, "close")
      await once(socket as never, "open")
      await client(socket)
      await closed
    })
    return heard.flatMap(split)
  } finally {
    await end()
  }
}

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const conversations = [
    ...await wsConversation("ws client says everything", {
      client: async (socket) => {
        await inTurn(everything(socket))
        socket.close(1000, "that was all")
      }
    }),
    ...await wsConversation("ws server says everything", {
      server: (socket) => void inTurn(everything(socket)).then(() => socket.close(4001, "enough — goodbye")),
      client: async () => {}
    }),
    ...await wsConversation("64-bit length, both ways", {
      server: (socket) => {
        socket.on("message", () => socket.send(bytes(65_536)))
      },
      client: async (socket) => {
        socket.send(bytes(65_536))
        await once(socket as never, "message")
        socket.close()
      }
    }),
    ...await wsConversation("many frames in one read", {
      server: (socket) => {
        for (let i = 0; i < 60; i++) socket.send(`frame ${i} ${"*".repeat(i * 2)}`)
      },
      client: async (socket) => {
        for (let i = 0; i < 60; i++) socket.send(`frame ${i} ${"*".repeat(i * 2)}`)
        await sleep(50)
        socket.close(1001)
      }
    }),
    ...await wsConversation("permessage-deflate", {
      deflate: true,
      server: (socket) => {
        socket.on("message", () => socket.send(text(2000)))
      },
      client: async (socket) => {
        socket.send(text(1000))
        await once(socket as never, "message")
        socket.close(1000)
      }
    }),
    ...await nodeConversation()
  ]
  return {
    origin: {
      server: libraryVersion("ws"),
      clients: [libraryVersion("ws"), `the WebSocket of Node ${process.version} (undici ${process.versions["undici"]})`],
      recorded: "relay on loopback; HTTP's upgrade is kept apart from the frames"
    },
    conversations
  }
}

/** Node's own client, which offers permessage-deflate; the server does not agree to it. */
const nodeConversation = async (): Promise<ReadonlyArray<Conversation>> => {
  const { end, port } = await startServer(false, (socket) => {
    socket.on("message", (data: Uint8Array, binary: boolean) => socket.send(data, { binary }))
    socket.ping("from the server")
  })
  try {
    const heard = await overhear("Node's client and its echo", "tcp", port, async (tapped) => {
      const socket = new WebSocket(`ws://127.0.0.1:${tapped}/chat?room=1`, ["chat", "superchat"].slice(0, 1))
      const closed = once(socket, "close")
      await once(socket, "open")
      for (const data of ["", "Hello", bytes(125), text(126), bytes(5000), new Blob(["a blob"])]) {
        const answered = once(socket, "message")
        socket.send(data as string)
        await answered
      }
      socket.close(3000, "bye")
      await closed
    })
    return heard.flatMap(split)
  } finally {
    await end()
  }
}

/** Notes what a socket of ws reads. */
const listen = (socket: WsSocket): { readonly events: Array<string>; readonly failed: () => boolean } => {
  const events: Array<string> = []
  let failed = false
  const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex")
  socket.on("message", (data: Uint8Array, binary: boolean) => events.push(`${binary ? "binary" : "text"} ${hex(data)}`))
  socket.on("ping", (data: Uint8Array) => events.push(`ping ${hex(data)}`))
  socket.on("pong", (data: Uint8Array) => events.push(`pong ${hex(data)}`))
  socket.on("close", (code: number, reason: Uint8Array) => events.push(`close ${code} ${hex(reason)}`))
  socket.on("error", (error: Error) => {
    failed = true
    events.push(`error ${error.message}`)
  })
  return { events, failed: () => failed }
}

/** A ping that is sent after the bytes to be judged: whoever answers it has read these to their end. */
const sentinel: Record<Side, Uint8Array> = {
  client: new Uint8Array([0x89, 0x83, 0, 0, 0, 0, 0x65, 0x6e, 0x64]),
  server: new Uint8Array([0x89, 0x03, 0x65, 0x6e, 0x64])
}
const seen = "ping 656e64"

/**
 * Frames of a client go to a server of ws, those of a server to a client of ws. They were understood when ws read them without an error, and
 * a frame after them, too, unless they closed the connection. What it said: one line per message, as hexadecimal bytes.
 */
export const judge = async (): Promise<Judge> => ({
  accepts: async (from, frames) => {
    const data = Buffer.concat([frames, sentinel[from]])
    let heard: ReturnType<typeof listen> | undefined
    const finish = async (): Promise<void> => {
      const over = () => heard !== undefined && (heard.events.some((one) => one.startsWith("close")))
      for (let waited = 0; !over() && waited < 2000; waited += 5) await sleep(5)
    }
    if (from === "client") {
      const server = await startServer(false, (socket) => heard = listen(socket))
      const socket = connect(server.port, "127.0.0.1").on("error", () => {})
      const head = ["GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
      socket.write([...head, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""].join("\r\n"))
      await once(socket, "data")
      socket.resume().end(data)
      await finish()
      socket.destroy()
      await server.end()
    } else {
      const server = createServer().on("upgrade", ({ headers }, socket) => {
        const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
        const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`]
        socket.on("error", () => {})
        socket.write([...head, "", ""].join("\r\n"))
        socket.resume().end(data)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const socket = new (library<Ws>("ws"))(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, { perMessageDeflate: false })
      heard = listen(socket)
      await finish()
      socket.terminate()
      server.close()
    }
    const events = heard?.events ?? []
    const closed = events.some((one) => one.startsWith("close") && !one.startsWith("close 1006"))
    const understood = heard !== undefined && !heard.failed() && (closed || events.includes(seen))
    return { understood, said: events.filter((one) => one !== seen && !one.startsWith("close 1006")).join("\n") }
  },
  end: async () => {}
})

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "websocket",
  port: 8080,
  speaks: ({ name }) => !name.endsWith(": upgrade"),
  fields: fieldsOf(
    "websocket",
    `fin rsv opcode mask masking_key payload_length payload_length_ext_16 payload_length_ext_64 payload.close.status_code
    payload.close.reason`
  )
}
