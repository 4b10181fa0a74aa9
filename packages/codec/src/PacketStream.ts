/** Chunks of a byte stream in, packets out, in one pass: for packets whose end is known only once they are decoded. */
import { Framer, measuring } from "./Framer.ts"
import type { Reader } from "./Reader.ts"

/** What a stream of packets is decoded by: `decodeReply` of generated code, and its `replyShape`. */
export interface PacketStreamOptions<A> {
  readonly name: string
  /** Largest packet in bytes. */
  readonly maxFrame: number
  /** Decodes the packet at `at` and leaves the offset after it in `reader.next`. Throws `DecodeError`, `incomplete` when more bytes are needed. */
  readonly decode: (reader: Reader, at: number) => A
}

/** Decodes a byte stream packet by packet. A packet that is not all there waits for more; then it is decoded from its beginning. */
export class PacketStream<A> {
  readonly #framer: Framer
  #packet: A | undefined

  constructor({ decode, maxFrame, name }: PacketStreamOptions<A>) {
    const sizeAt = measuring((reader, at) => {
      this.#packet = decode(reader, at)
      return reader.next - at
    })
    this.#framer = new Framer({ name, maxFrame, sizeAt })
  }

  /** Bytes of an unfinished packet held back. */
  get buffered(): number {
    return this.#framer.buffered
  }

  /** Hands every packet that `chunk` completes to `sink`. Throws what `Framer.push` throws. */
  push(chunk: Uint8Array, sink: (packet: A) => void): void {
    this.#framer.push(chunk, () => sink(this.#packet as A))
  }

  /** Throws `DecodeError` when the stream ended within a packet. */
  finish(): void {
    this.#framer.finish()
  }
}
