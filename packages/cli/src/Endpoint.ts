/** Addresses of servers, as `--server` and captures spell them. Pure. */
import { isIP } from "node:net"
import { refuse } from "./Failure.ts"

/** A server: a port of any host, or of one. */
export interface Endpoint {
  /** `127.0.0.1`, `[::1]`. */
  readonly host?: string
  readonly port: number
}

/** `HOST:PORT`; refuses anything else. */
export const endpoint = (text: string): Endpoint => {
  const [, host = "", port = ""] = /^(\[[0-9a-f:.]+\]|[^:\s]+):(\d{1,5})$/i.exec(text) ?? []
  if (isIP(host.replace(/^\[|\]$/g, "")) === 0 || Number(port) > 65_535) {
    refuse(`--server ${text}: expected an address and a port as the capture has them, such as 127.0.0.1:5432 or [::1]:5432`)
  }
  return { host: host.toLowerCase(), port: Number(port) }
}

/** Whether `address:port` is one of these servers. */
export const isAmong = (servers: ReadonlyArray<Endpoint>, address: string): boolean => {
  const at = address.lastIndexOf(":")
  const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))]
  return servers.some((one) => one.port === port && (one.host === undefined || one.host === host))
}
