/** Sees what goes over connections, frame by frame: for captures and for looking on. */
import { encodeWith, type Writer } from "@wirewright/codec"

/** Sees the frames of connections as they lie in buffers: they are good only during the call. `C`: what is known of a connection. */
export interface Tap<C = { readonly address: string }> {
  /** A frame that arrived. */
  readonly received?: (frame: Uint8Array, connection: C) => void
  /** What is sent: a frame, or several that were appended together. */
  readonly sent?: (frames: Uint8Array, connection: C) => void
}

/** What is appended. */
interface Writable {
  write(writer: Writer): void
}

/** Appends what `packets` write, and shows it. Throws `EncodeError`, and then appends nothing. */
export const writeSeen = (writer: Writer, packets: Writable, seen: (bytes: Uint8Array) => void): void => {
  const bytes = encodeWith((writer) => packets.write(writer))
  const at = writer.need(bytes.length)
  writer.bytes.set(bytes, at)
  writer.position = at + bytes.length
  seen(bytes)
}
