/** A server over links in memory that plays what a test says, text by text, and what came of a request of a client. */
import * as Exit from "effect/Exit"
import { type Duplex, duplexPair } from "node:stream"
import type { MemcachedError } from "./KvError.ts"

/** Bytes as characters. */
export const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")

/** Where to connect to a server that is handed what arrives; connections count from 0. */
export const played = (play: (text: string, peer: Duplex, connection: number) => void) => {
  let connections = 0
  return {
    host: "memory",
    port: 0,
    dial: () => {
      const [own, peer] = duplexPair()
      const connection = connections++
      peer.on("data", (chunk: Uint8Array) => play(latin1(chunk), peer, connection))
      peer.on("error", () => {})
      return own
    }
  }
}

/** The error that a request failed with. */
export const failure = <A>(exit: Exit.Exit<A, MemcachedError>): MemcachedError => {
  const reason = Exit.isFailure(exit) ? exit.cause.reasons[0]! : undefined
  if (reason?._tag !== "Fail") throw new Error(`no failure but ${exit}`)
  return reason.error
}
