/**
 * A loopback port in front of another, at which a test decides what gets through: cut after so many bytes, swallowed, or held back. It looks
 * into nothing and changes no byte.
 */
import * as Net from "node:net"

/** What is done to the bytes of one direction. */
export type Flow =
  | "pass"
  /** Taken and thrown away: the peer seems to be there and never hears. */
  | "swallow"
  /** Not even taken: the sender's kernel fills up. */
  | "hold"

/** A port in front of another. */
export class Gate {
  port = 0
  toServer: Flow = "pass"
  toClient: Flow = "pass"
  /** Connections that came. */
  accepted = 0
  /** Bytes to the client after which the next connection is cut, once. */
  cutToClientAfter = Infinity
  /** Bytes to the server after which the next connection is cut, once. */
  cutToServerAfter = Infinity
  /** Bytes that went to the server and to the client on the last connection. */
  sentToServer = 0
  sentToClient = 0
  private readonly target: () => number
  private readonly pairs = new Set<readonly [Net.Socket, Net.Socket]>()
  private readonly server: Net.Server

  private constructor(target: () => number) {
    this.target = target
    this.server = Net.createServer((client) => this.accept(client))
  }

  static open(target: number | (() => number)): Promise<Gate> {
    const gate = new Gate(typeof target === "number" ? () => target : target)
    return new Promise((resolve) =>
      gate.server.listen(0, "127.0.0.1", () => {
        gate.port = (gate.server.address() as Net.AddressInfo).port
        resolve(gate)
      })
    )
  }

  /** Connections that are open. */
  get open(): number {
    return this.pairs.size
  }

  /** Resets all connections. */
  cut(): void {
    for (const [client, server] of this.pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private accept(client: Net.Socket): void {
    this.accepted++
    this.sentToServer = 0
    this.sentToClient = 0
    const cutToClientAfter = this.cutToClientAfter
    const cutToServerAfter = this.cutToServerAfter
    this.cutToClientAfter = Infinity
    this.cutToServerAfter = Infinity
    const server = Net.connect(this.target(), "127.0.0.1")
    const pair = [client, server] as const
    this.pairs.add(pair)
    const gone = (): void => {
      this.pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) {
      socket.setNoDelay()
      socket.on("error", () => {}).on("close", gone)
    }
    client.on("data", (chunk) => {
      const room = cutToServerAfter - this.sentToServer
      this.sentToServer += Math.min(room, chunk.length)
      if (this.toServer === "pass") server.write(chunk.subarray(0, Math.min(room, chunk.length)))
      // what was let through must arrive before the end does
      if (chunk.length >= room) server.end(() => client.destroy())
      if (this.toServer === "hold") client.pause()
    })
    server.on("data", (chunk) => {
      const room = cutToClientAfter - this.sentToClient
      this.sentToClient += Math.min(room, chunk.length)
      if (this.toClient === "pass") client.write(chunk.subarray(0, Math.min(room, chunk.length)))
      if (chunk.length >= room) client.end(() => server.destroy())
      if (this.toClient === "hold") server.pause()
    })
  }
}
