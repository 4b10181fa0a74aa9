/** The server of the feature files: it says what a step says, and remembers what it hears, message by message. */
import type { ServerSocket, WebSockets } from "@wirewright/testing"

/** One server at one URL. */
export class SpecServer {
  readonly url: string
  /** Messages that arrived, without their separator, control characters as | and nothing else. */
  messages: Array<string> = []
  private readonly network: WebSockets
  private readonly sockets = new Set<ServerSocket>()
  private stopServing: (() => void) | undefined

  constructor(network: WebSockets, url: string) {
    this.network = network
    this.url = url
  }

  get connections(): number {
    return this.sockets.size
  }

  get running(): boolean {
    return this.stopServing !== undefined
  }

  start(): void {
    this.stopServing ??= this.network.serve(this.url, (socket) => {
      this.sockets.add(socket)
      socket.onFrame = (frame) => {
        for (const message of frame.split("\x1e")) if (message !== "") this.messages.push(`${message.replaceAll("\x1f", "|")}+`)
      }
      socket.onClose = () => void this.sockets.delete(socket)
    })
  }

  stop(): void {
    this.stopServing?.()
    this.stopServing = undefined
    for (const socket of Array.from(this.sockets)) socket.close()
    this.messages = []
  }

  /** Sends to whoever is connected. */
  send(message: string): void {
    if (this.sockets.size === 0) throw new Error("nobody is connected to the server")
    const text = message.replaceAll("|", "\x1f").replaceAll("+", "\x1e")
    for (const socket of this.sockets) socket.send(text)
  }
}
