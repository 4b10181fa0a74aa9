/** A connection that sends raw bytes and collects what comes back, for recordings that no client library makes and for asking a real peer. */
import { connect } from "node:net"

/** Bytes, or text that is sent as Latin-1. */
export type Sent = Uint8Array | string

/** A raw connection to a port of this machine. */
export interface Session {
  readonly send: (...parts: ReadonlyArray<Sent>) => void
  /** What came since the last read, as soon as `enough` of it is there, or the other side closes, or the time is over (5 s). */
  readonly read: (enough: (bytes: Buffer) => boolean) => Promise<Buffer>
  /** What came since the last read: something within `limit` ms (5 s by default), and then nothing for 20 ms; or the connection's end. */
  readonly answer: (limit?: number) => Promise<Buffer>
  /** Whether the other side has closed the connection. */
  readonly closed: () => boolean
  /** Says that nothing more is sent, and waits until the other side has closed, too, or the time is over (1 s). */
  readonly end: () => Promise<void>
}

const LIMIT = 5_000
const QUIET = 20

/** Bytes of text; each code unit is one byte. */
export const latin1 = (part: Sent): Buffer => typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part)

/** Connects to a port of this machine. */
export const openSession = (port: number): Promise<Session> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    socket.setNoDelay(true)
    let received = Buffer.alloc(0)
    let closed = false
    let changed = (): void => {}
    const take = (): Buffer => {
      const bytes = received
      received = Buffer.alloc(0)
      return bytes
    }
    /** Waits until `done`, or the end of the connection, or the limit. */
    const until = (done: () => boolean, limit: number): Promise<void> =>
      new Promise((settled) => {
        const stop = (): void => {
          clearTimeout(timer)
          changed = () => {}
          settled()
        }
        const timer = setTimeout(stop, limit)
        changed = () => {
          if (closed || done()) stop()
        }
        changed()
      })
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      changed()
    })
    socket.on("error", (error) => {
      closed = true
      changed()
      reject(error)
    })
    socket.on("close", () => {
      closed = true
      changed()
    })
    const session: Session = {
      send: (...parts) => {
        if (!socket.destroyed) socket.write(Buffer.concat(parts.map(latin1)))
      },
      read: async (enough) => {
        await until(() => enough(received), LIMIT)
        return take()
      },
      answer: async (limit = LIMIT) => {
        await until(() => received.length > 0, limit)
        if (received.length === 0) return take()
        for (let size = -1; size !== received.length && !closed;) {
          size = received.length
          await until(() => false, QUIET)
        }
        return take()
      },
      closed: () => closed,
      end: async () => {
        socket.end()
        await until(() => false, 1_000)
        socket.destroy()
      }
    }
    socket.once("connect", () => resolve(session))
  })

/** Sends one part after the other; waits for an answer to each. The connection ends when all are sent. */
export const converse = (...parts: ReadonlyArray<Sent>) => async (port: number): Promise<void> => {
  const session = await openSession(port)
  for (const part of parts) {
    session.send(part)
    await session.answer()
  }
  await session.end()
}
