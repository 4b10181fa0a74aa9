/** A client for tests of the node: sends one packet, or bytes, and returns what came back, decoded with the codecs of the client's side. */
import { encodeWith, Framer, Reader, type Writer } from "@wirewright/codec"
import {
  decode,
  encodeHello,
  encodeSaslAuth,
  encodeSelectBucket,
  frameShape,
  HelloFeature as F,
  type Packet,
  statusTable
} from "@wirewright/dcp/gen"
import { connect, type Socket } from "node:net"

/** Features of a client that knows everything. */
export const everything: ReadonlyArray<number> = [
  F.Xattr,
  F.Xerror,
  F.SelectBucket,
  F.Json,
  F.MutationSeqno,
  F.AltRequestSupport,
  F.Collections
]

/** A connection to the node. */
export class TestClient {
  private readonly socket: Socket
  private readonly framer = new Framer(frameShape)
  private readonly received: Array<Uint8Array> = []
  private wake: (() => void) | undefined
  private collections = false
  closed = false

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true })
    this.socket.on("error", () => {})
    this.socket.on("data", (chunk) => {
      this.framer.push(chunk, (reader, at, end) => this.received.push(reader.bytes.slice(at, end)))
      this.wake?.()
    })
    this.socket.on("close", () => {
      this.closed = true
      this.wake?.()
    })
  }

  /** Connects, negotiates and selects. */
  static async ready(port: number, features: ReadonlyArray<number> = everything, bucket = "default"): Promise<TestClient> {
    const client = new TestClient(port)
    if (features.length > 0) await client.hello(features)
    await client.ask((writer) => encodeSelectBucket(writer, { bucket }))
    return client
  }

  async hello(features: ReadonlyArray<number>): Promise<Packet> {
    const answer = await this.ask((writer) => encodeHello(writer, { agent: "test", features }))
    this.collections = answer._tag === "HelloResponse" && answer.features.includes(F.Collections)
    return answer
  }

  /** Signs in with PLAIN. */
  signIn(user: string, password: string): Promise<Packet> {
    return this.ask((writer) => encodeSaslAuth(writer, { mechanism: "PLAIN", clientData: Buffer.from(`\0${user}\0${password}`) }))
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next packet. */
  async next(): Promise<Packet> {
    while (this.received.length === 0) {
      if (this.closed) throw new Error("the node closed the connection")
      await new Promise<void>((resolve) => this.wake = resolve)
    }
    return decode(new Reader(this.received.shift()!), 0, { collections: this.collections })
  }

  ask(write: (writer: Writer) => void): Promise<Packet> {
    this.send(encodeWith(write))
    return this.next()
  }

  /** The name of the status of the answer. */
  async status(write: (writer: Writer) => void): Promise<string> {
    return nameOf(await this.ask(write))
  }

  async end(): Promise<void> {
    this.socket.destroy()
    while (!this.closed) await new Promise<void>((resolve) => this.wake = resolve)
  }
}

/** The name of a response's status. */
export const nameOf = (packet: Packet): string =>
  "status" in packet ? statusTable[packet.status]?.name ?? String(packet.status) : packet._tag
