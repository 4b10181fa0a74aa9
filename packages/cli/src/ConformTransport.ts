/** Connections to a server as `conform` plays conversations over them: TCP, UDP, and WebSocket for protocols over text. */
import * as Dgram from "node:dgram"
import * as Net from "node:net"

/** Where a server is. */
export type Target =
  | { readonly over: "tcp" | "udp"; readonly host: string; readonly port: number }
  | { readonly over: "websocket"; readonly url: string }

/** What is heard of a connection. */
export interface Heard {
  readonly data: (bytes: Uint8Array) => void
  /** The server ended the connection, or it broke. */
  readonly end: () => void
}

/** A connection. */
export interface Link {
  readonly send: (bytes: Uint8Array) => void
  readonly close: () => void
}

/** Connects within so many milliseconds. Rejects with the reason when that cannot be. */
export const connect = (target: Target, heard: Heard, timeout: number): Promise<Link> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error("no connection in the time")), timeout)
    let drop = (): void => {}
    const fail = (error: Error): void => {
      clearTimeout(timer)
      drop()
      reject(error)
    }
    const done = (link: Link): void => {
      clearTimeout(timer)
      resolve(link)
    }
    if (target.over === "websocket") {
      const socket = new WebSocket(target.url)
      drop = () => socket.close()
      socket.binaryType = "arraybuffer"
      socket.addEventListener("error", () => fail(new Error("no WebSocket connection")))
      socket.addEventListener("close", () => heard.end())
      socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
        heard.data(typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data as ArrayBuffer))
      })
      const send = (bytes: Uint8Array): void => {
        if (socket.readyState === WebSocket.OPEN) socket.send(new TextDecoder().decode(bytes))
      }
      socket.addEventListener("open", () => done({ send, close: () => socket.close() }))
    } else if (target.over === "tcp") {
      const socket = Net.connect({ host: target.host, port: target.port, noDelay: true })
      drop = () => socket.destroy()
      socket.on("error", fail).on("data", heard.data).on("close", heard.end).on("end", () => socket.end())
      socket.once("connect", () => done({ send: (bytes) => void socket.write(bytes), close: () => socket.destroy() }))
    } else if (target.over === "udp") {
      const socket = Dgram.createSocket(Net.isIPv6(target.host) ? "udp6" : "udp4")
      const close = (): void => {
        try {
          socket.close()
        } catch {
          // it is closed
        }
      }
      drop = close
      socket.on("error", (error) => {
        heard.end()
        fail(error)
      }).on("message", heard.data)
      socket.connect(target.port, target.host, () => done({ send: (bytes) => socket.send(bytes), close }))
    }
  })
