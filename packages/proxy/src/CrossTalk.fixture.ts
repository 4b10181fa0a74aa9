/**
 * Clients of all protocols that write and read keys of their own, several requests at a time, and tell of each answer that is not theirs: every
 * value has its client and its key in it. They connect again whenever they are closed. They understand as much of the protocols as this needs.
 */
import * as Net from "node:net"
import { packet } from "../../memcached/src/RawClient.fixture.ts"

/** What was seen by all clients. */
export interface Seen {
  answers: number
  hits: number
  /** Requests that were answered with a temporary error. */
  refused: number
  /** Connections that ended while requests were under way. */
  closed: number
  /** Answers that were not theirs, in words. */
  readonly crossed: Array<string>
}

/** A protocol that a client speaks. */
export type Spoken = "text" | "meta" | "binary"

class Gone extends Error {}

/** What arrives on a connection. */
class Arriving {
  private readonly socket: Net.Socket
  private bytes = Buffer.alloc(0)
  private gone = false
  private wake = (): void => {}

  constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk])
      this.wake()
    }).on("error", () => {}).on("close", () => {
      this.gone = true
      this.wake()
    })
  }

  async take(length: number): Promise<Buffer> {
    while (this.bytes.length < length) await this.more()
    const taken = this.bytes.subarray(0, length)
    this.bytes = this.bytes.subarray(length)
    return taken
  }

  async line(): Promise<string> {
    let end = -1
    while ((end = this.bytes.indexOf("\r\n")) < 0) await this.more()
    return (await this.take(end + 2)).subarray(0, end).toString("latin1")
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  end(): void {
    this.socket.destroy()
  }

  private async more(): Promise<void> {
    if (this.gone) throw new Gone()
    await new Promise<void>((resolve) => this.wake = resolve)
  }
}

/** One request: what is sent, and how its answer is read, which says what is wrong with it. */
interface Exchange {
  readonly sent: Buffer
  readonly heard: (arriving: Arriving) => Promise<string | undefined>
}

/** A client's words for writing and reading. `owned`: what is wrong with a value for a key. */
type Words = (seen: Seen, owned: (key: string, value: string) => string | undefined) => {
  readonly set: (key: string, value: string) => Exchange
  readonly get: (key: string) => Exchange
}

const isTemporary = (line: string): boolean => line.startsWith("SERVER_ERROR ")

const text: Words = (seen, owned) => ({
  set: (key, value) => ({
    sent: Buffer.from(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`, "latin1"),
    heard: async (arriving) => {
      const line = await arriving.line()
      if (isTemporary(line)) seen.refused++
      else if (line !== "STORED") return `set was answered ${line}`
      return undefined
    }
  }),
  get: (key) => ({
    sent: Buffer.from(`get ${key}\r\n`, "latin1"),
    heard: async (arriving) => {
      const line = await arriving.line()
      if (line === "END") return undefined
      if (isTemporary(line)) return void seen.refused++
      const [, named, length] = /^VALUE (\S+) 0 (\d+)$/.exec(line) ?? []
      if (named !== key) return `get ${key} was answered ${line}`
      const value = (await arriving.take(Number(length) + 2)).subarray(0, -2).toString("latin1")
      const end = await arriving.line()
      seen.hits++
      return end === "END" ? owned(key, value) : `get ${key} ended with ${end}`
    }
  })
})

let opaque = 0

const meta: Words = (seen, owned) => ({
  set: (key, value) => {
    const number = ++opaque
    return {
      sent: Buffer.from(`ms ${key} ${value.length} O${number}\r\n${value}\r\n`, "latin1"),
      heard: async (arriving) => {
        const line = await arriving.line()
        if (isTemporary(line)) seen.refused++
        else if (line !== `HD O${number}`) return `ms O${number} was answered ${line}`
        return undefined
      }
    }
  },
  get: (key) => {
    const number = ++opaque
    return {
      sent: Buffer.from(`mg ${key} v k O${number}\r\n`, "latin1"),
      heard: async (arriving) => {
        const line = await arriving.line()
        if (line === `EN k${key} O${number}`) return undefined
        if (isTemporary(line)) return void seen.refused++
        const [, length, named, own] = /^VA (\d+) k(\S+) O(\d+)$/.exec(line) ?? []
        if (named !== key || own !== String(number)) return `mg ${key} O${number} was answered ${line}`
        seen.hits++
        return owned(key, (await arriving.take(Number(length) + 2)).subarray(0, -2).toString("latin1"))
      }
    }
  }
})

const headerSize = 24

const answered = async (arriving: Arriving, number: number): Promise<{ readonly status: number; readonly body: Buffer } | string> => {
  const header = await arriving.take(headerSize)
  const body = await arriving.take(header.readUInt32BE(8))
  const own = header.readUInt32BE(12)
  return own === number ? { status: header.readUInt16BE(6), body } : `opaque ${number} was answered with ${own}`
}

const [success, missing, temporary] = [0, 1, 0x86]

const binary: Words = (seen, owned) => ({
  set: (key, value) => {
    const number = ++opaque
    return {
      sent: packet(0x01, { key, value, extras: "0000000000000000", opaque: number }),
      heard: async (arriving) => {
        const answer = await answered(arriving, number)
        if (typeof answer === "string") return answer
        if (answer.status === temporary) seen.refused++
        else if (answer.status !== success) return `SET was answered with status ${answer.status}`
        return undefined
      }
    }
  },
  get: (key) => {
    const number = ++opaque
    return {
      sent: packet(0x0c, { key, opaque: number }),
      heard: async (arriving) => {
        const answer = await answered(arriving, number)
        if (typeof answer === "string") return answer
        if (answer.status === temporary) return void seen.refused++
        if (answer.status === missing) return undefined
        const named = answer.body.subarray(4, 4 + key.length).toString("latin1")
        if (answer.status !== success || named !== key) return `GETK ${key} was answered with status ${answer.status}, ${named}`
        seen.hits++
        return owned(key, answer.body.subarray(4 + key.length).toString("latin1"))
      }
    }
  }
})

const words = { text, meta, binary }
const protocols: ReadonlyArray<Spoken> = ["text", "meta", "binary"]

const connected = (port: number): Promise<Arriving> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(new Arriving(socket)))
    socket.once("error", reject)
  })

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** One client, until it is over. */
const client = async (id: number, port: number, seen: Seen, over: () => boolean): Promise<void> => {
  const spoken = protocols[id % protocols.length]!
  /** What was last written to each of its keys. */
  const written = new Map<string, number>()
  const { get, set } = words[spoken](seen, (key, value) => {
    const [owner, named, turn] = value.split("|")
    return owner === `client-${id}` && named === key && Number(turn) <= written.get(key)!
      ? undefined
      : `${key} of client ${id} holds ${value}`
  })
  for (let turn = 1; !over();) {
    const arriving = await connected(port).catch(() => undefined)
    if (arriving === undefined) {
      await pause(50)
      continue
    }
    try {
      while (!over()) {
        const exchanges = Array.from({ length: 1 + turn % 7 }, (): Exchange => {
          const key = `key-${id}-${turn % 11}`
          if (turn++ % 3 !== 0) return get(key)
          written.set(key, turn)
          return set(key, `client-${id}|${key}|${turn}|${"x".repeat(turn % 500)}`)
        })
        arriving.send(Buffer.concat(exchanges.map(({ sent }) => sent)))
        for (const { heard } of exchanges) {
          const wrong = await heard(arriving)
          seen.answers++
          if (wrong !== undefined) {
            seen.crossed.push(`${spoken}: ${wrong}`)
            return arriving.end()
          }
        }
      }
    } catch (error) {
      if (!(error instanceof Gone)) throw error
      seen.closed++
    } finally {
      arriving.end()
    }
  }
}

/** Nothing was seen yet. */
export const nothingSeen = (): Seen => ({ answers: 0, hits: 0, refused: 0, closed: 0, crossed: [] })

/** Lets clients of all protocols, in turn, work at a port until it is over. */
export const crossTalk = async (port: number, clients: number, seen: Seen, over: () => boolean): Promise<void> => {
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id, port, seen, over)))
}
