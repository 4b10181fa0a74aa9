/** Chunks of a byte stream in, packets out, in one pass: for packets whose end is known only once they are decoded. */
import { DecodeError, malformed, throwUnfinished } from "./Errors.ts"
import { Framer, type FramerOptions, measuring, more, type Unfinished, unfinishedSize } from "./Framer.ts"
import type { Reader } from "./Reader.ts"

/** What a stream of packets is decoded by: `decodeReply` of generated code, and its `replyShape`. */
export interface PacketStreamOptions<A> extends Pick<FramerOptions, "inPlace"> {
  readonly name: string
  /** Largest packet in bytes. */
  readonly maxFrame: number
  /** Decodes the packet at `at` and leaves the offset after it in `reader.next`. Throws `DecodeError`, `incomplete` when more bytes are needed. */
  readonly decode: (reader: Reader, at: number) => A
}

/**
 * Decodes a byte stream packet by packet. A packet that is not all there waits for more; then it is decoded from its beginning, but for lists
 * in it that have been read. A stream that has failed cannot be used again.
 *
 * The framer takes all whole packets of a chunk for one frame, which is read and handed out in one loop; of what crosses chunks it takes each
 * for one.
 */
export class PacketStream<A> {
  readonly #framer: Framer
  #sink: (packet: A) => void = () => {}
  /** The packet that has crossed chunks. */
  #crossed: { readonly packet: A } | undefined
  /** What was thrown by whoever got the last packet of the frame. */
  #thrown: { readonly error: unknown } | undefined

  constructor({ decode, inPlace = false, maxFrame, name }: PacketStreamOptions<A>) {
    const crossing = measuring((reader, at) => {
      this.#crossed = { packet: decode(reader, at) }
      return reader.next - at
    })
    /** What has been read of a chunk and not handed out, and where it begins: a packet, or nothing where one is not all there. */
    let ahead:
      | { readonly reader: Reader; readonly at: number; readonly packet?: A; readonly next: number; readonly least?: number }
      | undefined
    const sizeAt = (reader: Reader, at: number, end: number): number => {
      if (reader.progress !== undefined) return crossing(reader, at, end)
      const sink = this.#sink
      let next = at
      if (ahead?.reader === reader && ahead.at === at) {
        const { least = 0, packet, next: to } = ahead
        ahead = undefined
        if (to === at) return least
        next = to
        this.#hand(sink, packet as A)
      }
      while (next < end && this.#thrown === undefined) {
        const before = throwUnfinished(more)
        let packet: A
        try {
          packet = decode(reader, next)
        } catch (error) {
          const least = unfinishedSize(next)
          throwUnfinished(before)
          if (error instanceof DecodeError && error.incomplete) {
            if (next === at) return least
            ahead = { reader, at: next, next, least }
          } else if (next === at) throw error
          // what is wrong after other packets is read again, and then comes first
          return next - at
        }
        throwUnfinished(before)
        const size = reader.next - next
        if (size <= 0) {
          if (next > at) return next - at
          malformed("Length", "", "", 0, "a frame of at least 1 byte", `${size} bytes`)
        }
        if (reader.next - at > maxFrame) {
          // one that is too large is not handed out; one that makes too large a frame with those before it begins the next
          if (next === at || size > maxFrame) return next === at ? size : next - at
          ahead = { reader, at: next, packet, next: reader.next }
          return next - at
        }
        next = reader.next
        this.#hand(sink, packet)
      }
      return next - at
    }
    this.#framer = new Framer({ name, maxFrame, sizeAt }, { inPlace })
  }

  #hand(sink: (packet: A) => void, packet: A): void {
    try {
      sink(packet)
    } catch (error) {
      this.#thrown = { error }
    }
  }

  /** What is there of a packet that is not all there. */
  get unfinished(): Unfinished {
    return this.#framer
  }

  /** Bytes of an unfinished packet held back. */
  get buffered(): number {
    return this.#framer.buffered
  }

  /** Bytes copied so far, because packets crossed chunks. */
  get copied(): number {
    return this.#framer.copied
  }

  /** Hands every packet that `chunk` completes to `sink`. Throws what `Framer.push` throws. */
  push(chunk: Uint8Array, sink: (packet: A) => void): void {
    this.#sink = sink
    // of one class, whoever received it: a decoder that has seen a `Buffer`, too, takes a tenth more time
    const bytes = chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#framer.push(bytes, () => {
      const crossed = this.#crossed
      const thrown = this.#thrown
      this.#crossed = undefined
      this.#thrown = undefined
      if (crossed !== undefined) sink(crossed.packet)
      if (thrown !== undefined) throw thrown.error
    })
  }

  /** Throws `DecodeError` when the stream ended within a packet. */
  finish(): void {
    this.#framer.finish()
  }
}
