/** Producers that lie: what a node plays in a stream that no node may play, see `Played`. */
import type { Played } from "./Played.ts"
import { frame } from "./Played.ts"

const hex = (number: number, bytes: number): string => number.toString(16).padStart(bytes * 2, "0")

/** Items `1…count` with values of `size` bytes in one snapshot, whatever the window. */
export const flood = (stream: Played, count: number, size: number): void => {
  stream.ok().marker(0, count)
  for (let seqno = 1; seqno <= count; seqno++) stream.item(seqno, { size })
}

/** Begin or end of an out-of-order snapshot. */
export const outOfOrder = (stream: Played, what: "begin" | "end"): Played =>
  stream.bytes(frame(stream, 0x65, hex(what === "begin" ? 1 : 2, 4), ""))

/** NOOPs without end, to a client of which the node reads nothing any more; as fast as the client takes them, until it is gone. */
export const deafNoops = (stream: Played): void => {
  const { transport } = stream.connection.client as unknown as {
    readonly transport: { pause(): void; readonly waiting: number; readonly closed: unknown }
  }
  let many = ""
  for (let i = 0; i < 5_000; i++) many += `805c${"00".repeat(10)}${hex(i, 4)}${"00".repeat(8)}`
  const timer = setInterval(() => {
    if (transport.closed !== undefined) return clearInterval(timer)
    transport.pause()
    if (transport.waiting < many.length) stream.bytes(many)
  }, 1)
}
