/** Addresses of servers, as `--server` spells them. Pure. */
import type { Endpoint } from "@wirewright/inspector/reading"
import { isIP } from "node:net"
import { refuse } from "./Failure.ts"

/** `HOST:PORT`; refuses anything else. */
export const endpoint = (text: string): Endpoint => {
  const [, host = "", port = ""] = /^(\[[0-9a-f:.]+\]|[^:\s]+):(\d{1,5})$/i.exec(text) ?? []
  if (isIP(host.replace(/^\[|\]$/g, "")) === 0 || Number(port) > 65_535) {
    refuse(`--server ${text}: expected an address and a port as the capture has them, such as 127.0.0.1:5432 or [::1]:5432`)
  }
  return { host: host.toLowerCase(), port: Number(port) }
}
