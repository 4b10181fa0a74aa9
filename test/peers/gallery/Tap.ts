/**
 * A loopback TCP tap: whoever connects to its port talks to a server on another port of this machine, and both directions are kept, in the
 * order in which they passed. A chunk is what one read brought; the kernel may have joined or cut what was written.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** What one side sent, as one read brought it. */
export interface Chunk {
  readonly from: "client" | "server"
  readonly hex: string
}

/** One connection from its beginning to its end. */
export interface Conversation {
  readonly name: string
  readonly transport: "tcp" | "udp" | "unix"
  readonly chunks: ReadonlyArray<Chunk>
}

/** A tap before a server. */
export interface Tap {
  readonly port: number
  /** Each connection made while `run` runs becomes a conversation of this name; the second of them is called `name (2)`, and so on. */
  readonly record: (name: string, run: (port: number) => Promise<void>) => Promise<void>
  /** Everything recorded so far, in the order of the connections, without those on which nobody said anything. */
  readonly conversations: () => ReadonlyArray<Conversation>
  /** Ends its connections and stops listening. */
  readonly close: () => Promise<void>
}

/** How long a session may take, in milliseconds. */
const TIME = 20_000

/** How long a connection may stay open after what used it has ended, in milliseconds. */
const LINGER = 3_000

const listen = (accept: (socket: Socket) => void): Promise<{ readonly port: number; readonly close: () => Promise<void> }> =>
  new Promise((resolve, reject) => {
    // a half closed side stays half closed: some clients read on after they have said everything
    const server = createServer({ allowHalfOpen: true }, accept).on("error", reject)
    server.listen(0, "127.0.0.1", () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed()))
      }))
  })

/** Opens a tap before the server on a port of this machine. No conversation may hold more than `maximum` bytes; default: 1 MiB. */
export const openTap = async (serverPort: number, maximum = 1 << 20): Promise<Tap> => {
  const conversations: Array<{ readonly name: string; readonly transport: "tcp"; readonly chunks: Array<Chunk> }> = []
  const sockets = new Set<Socket>()
  let failure: Error | undefined
  let current: { readonly name: string; connections: number } | undefined
  const { close, port } = await listen((client) => {
    if (current === undefined) {
      failure ??= new Error("a connection that no recording expects")
      client.destroy()
      return
    }
    const count = ++current.connections
    const chunks: Array<Chunk> = []
    conversations.push({ name: count === 1 ? current.name : `${current.name} (${count})`, transport: "tcp", chunks })
    const server = connect({ port: serverPort, host: "127.0.0.1", allowHalfOpen: true })
    let size = 0
    const pass = (from: Chunk["from"], source: Socket, sink: Socket): void => {
      sockets.add(source)
      source.setNoDelay(true)
      source.on("data", (bytes: Buffer) => {
        size += bytes.length
        if (size > maximum) {
          failure ??= new Error(`${current?.name ?? "a conversation"} is longer than ${maximum} bytes`)
          source.destroy()
          return
        }
        chunks.push({ from, hex: bytes.toString("hex") })
        sink.write(bytes)
      })
      source.on("end", () => sink.end())
      source.on("error", () => sink.destroy())
      source.on("close", () => {
        sockets.delete(source)
        sink.end()
      })
    }
    pass("client", client, server)
    pass("server", server, client)
  })
  const quiet = async (): Promise<void> => {
    for (let waited = 0; sockets.size > 0 && waited < LINGER; waited += 10) await sleep(10)
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    record: async (name, run) => {
      if (current !== undefined) throw new Error(`${name} begins before ${current.name} has ended`)
      current = { name, connections: 0 }
      const over = new AbortController()
      try {
        const late = sleep(TIME, undefined, { ref: true, signal: over.signal }).then(() => {
          throw new Error(`${name} does not end: ${JSON.stringify(conversations.at(-1)?.chunks.slice(-4))}`)
        }, () => {})
        await Promise.race([run(port), late])
        await quiet()
        if (current.connections === 0) throw new Error(`${name} made no connection`)
      } finally {
        over.abort()
        current = undefined
      }
      if (failure !== undefined) throw failure
    },
    conversations: () => conversations.filter(({ chunks }) => chunks.length > 0),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await close()
    }
  }
}
