/**
 * A network of WebSockets without sockets: servers by their URL, connections between them and clients, and what goes wrong on the way.
 *
 * Frames of one direction never overtake one another. `later` says when a frame arrives; by default in the next turn of the event loop.
 */
import type { WebSocketEvent, WebSocketLike } from "effect/socket/Socket"

type EventName = "open" | "message" | "error" | "close"

/** What becomes of a frame: it arrives, it is lost, or another arrives in its place; after which the connection may break. */
export type Fate = "deliver" | "drop" | { readonly replace: string; readonly cut?: boolean }

/** What can be told of a network. */
export interface WebSocketsOptions {
  /** When something arrives that is sent now; called in order for each direction. */
  readonly later?: (run: () => void) => void
  /** What becomes of each frame. */
  readonly fate?: (frame: string, direction: "toServer" | "toClient") => Fate
}

/** A server's end of a connection. */
export interface ServerSocket {
  /** Frames that arrived, the oldest first. */
  readonly received: Array<string>
  readonly open: boolean
  onFrame: ((frame: string) => void) | undefined
  onClose: (() => void) | undefined
  send(frame: string): void
  close(): void
}

class ClientSocket implements WebSocketLike {
  readyState = 0
  binaryType = "blob"
  bufferedAmount = 0
  private readonly listeners = new Map<EventName, Set<(event: WebSocketEvent) => void>>()
  /** Set by the network. */
  onSend: (frame: string) => void = () => {}
  onClose: () => void = () => {}

  addEventListener(name: EventName, listener: (event: WebSocketEvent) => void): void {
    const found = this.listeners.get(name) ?? new Set()
    this.listeners.set(name, found)
    found.add(listener)
  }

  removeEventListener(name: EventName, listener: (event: WebSocketEvent) => void): void {
    this.listeners.get(name)?.delete(listener)
  }

  send(data: string | Uint8Array): void {
    if (this.readyState === 0) throw new Error("the socket is still connecting")
    if (this.readyState === 1) this.onSend(String(data))
  }

  close(): void {
    if (this.readyState >= 2) return
    this.readyState = 3
    this.onClose()
  }

  emit(name: EventName, event: WebSocketEvent): void {
    for (const listener of Array.from(this.listeners.get(name) ?? [])) listener(event)
  }
}

class Connection implements ServerSocket {
  readonly received: Array<string> = []
  onFrame: ((frame: string) => void) | undefined
  onClose: (() => void) | undefined
  open = true
  private readonly client: ClientSocket
  private readonly options: Required<WebSocketsOptions>

  constructor(client: ClientSocket, options: Required<WebSocketsOptions>) {
    this.client = client
    this.options = options
    client.onSend = (frame) => this.pass(frame, "toServer")
    client.onClose = () => this.options.later(() => this.ended())
  }

  send(frame: string): void {
    if (this.open) this.pass(frame, "toClient")
  }

  close(): void {
    if (!this.open) return
    this.ended()
    this.options.later(() => this.hangUp())
  }

  private pass(frame: string, direction: "toServer" | "toClient"): void {
    const fate = this.options.fate(frame, direction)
    if (fate === "drop") return
    const { cut = false, replace } = fate === "deliver" ? { replace: frame } : fate
    this.options.later(() => {
      if (replace !== "") this.deliver(replace, direction)
      if (!cut) return
      this.ended()
      this.hangUp()
    })
  }

  private deliver(frame: string, direction: "toServer" | "toClient"): void {
    if (direction === "toClient") {
      if (this.client.readyState === 1) this.client.emit("message", { type: "message", data: frame })
    } else if (this.open) {
      this.received.push(frame)
      this.onFrame?.(frame)
    }
  }

  private ended(): void {
    if (!this.open) return
    this.open = false
    this.onClose?.()
  }

  private hangUp(): void {
    if (this.client.readyState === 3) return
    this.client.readyState = 3
    this.client.emit("close", { type: "close", code: 1006 })
  }
}

/** Servers and the clients that dial them. */
export class WebSockets {
  private readonly options: Required<WebSocketsOptions>
  private readonly servers = new Map<string, (socket: ServerSocket) => void>()

  constructor(options: WebSocketsOptions = {}) {
    this.options = { later: (run) => void setImmediate(run), fate: () => "deliver", ...options }
  }

  /** Serves a URL. Returns what stops it; connections stay. */
  serve(url: string, onConnection: (socket: ServerSocket) => void): () => void {
    this.servers.set(url, onConnection)
    return () => {
      if (this.servers.get(url) === onConnection) this.servers.delete(url)
    }
  }

  /** Dials; for `Socket.WebSocketConstructor`. Where nobody serves, the connection fails. */
  readonly dial = (url: string): WebSocketLike => {
    const client = new ClientSocket()
    this.options.later(() => {
      const accept = this.servers.get(url)
      if (client.readyState !== 0) return
      if (accept === undefined) {
        client.readyState = 3
        client.emit("error", { type: "error" })
        client.emit("close", { type: "close", code: 1006 })
        return
      }
      const connection = new Connection(client, this.options)
      client.readyState = 1
      client.emit("open", { type: "open" })
      accept(connection)
    })
    return client
  }
}
