/** Cutting a stream of DCP messages into frames, for large chunks (loopback, fast networks) and for chunks of one Ethernet segment. */
import { Framer, type Reader } from "@wirewright/codec"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { chunksOf, headerSize, makeMix } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

/** `source` is what the contender hands out frames in. */
type Sink<Source> = (source: Source, at: number, end: number) => void

/** Pushes all chunks; leaves nothing unfinished, as the stream ends with a frame. */
type PushAll<Source, Chunk> = (chunks: ReadonlyArray<Chunk>, sink: Sink<Source>) => void

/** Cuts a stream into what a socket hands out. */
type Cut<Chunk> = (bytes: Buffer, size: number) => ReadonlyArray<Chunk>

/** As our transport reads: one after the other into a slab. */
const inSlab: Cut<Uint8Array> = (bytes, size) => {
  const slab = new Uint8Array(bytes)
  return Array.from({ length: Math.ceil(slab.length / size) }, (_, i) => slab.subarray(i * size, (i + 1) * size))
}

const contenderOf = <Source, Chunk>(
  chunkSize: number,
  cut: Cut<Chunk>,
  bytesOf: (source: Source) => Uint8Array,
  pushAll: PushAll<Source, Chunk>
) =>
async (): Promise<Contender> => {
  const mix = makeMix()
  const chunks = cut(mix.bytes, chunkSize)
  let sum = 0
  const add: Sink<Source> = (_, at, end) => {
    sum += end - at
  }
  return {
    messages: mix.messages.length,
    pass: () => {
      sum = 0
      pushAll(chunks, add)
      return sum
    },
    check: () => {
      const frames: Array<string> = []
      pushAll(chunks, (source, at, end) => frames.push(Buffer.from(bytesOf(source).subarray(at, end)).toString("base64")))
      return frames.join("\n")
    }
  }
}

const framer = (inPlace: boolean): PushAll<Reader, Uint8Array> => {
  const framer = new Framer(frameShape, { inPlace })
  return (chunks, sink) => {
    for (const chunk of chunks) framer.push(chunk, sink)
  }
}

const concat = (): PushAll<Uint8Array, Buffer> => {
  let pending: Buffer = Buffer.alloc(0)
  return (chunks, sink) => {
    for (const chunk of chunks) {
      pending = Buffer.concat([pending, chunk])
      let at = 0
      while (pending.length - at >= headerSize) {
        const size = headerSize + pending.readUInt32BE(at + 8)
        if (pending.length - at < size) break
        const frame = pending.subarray(at, at + size)
        sink(frame, 0, size)
        at += size
      }
      pending = pending.subarray(at)
    }
  }
}

/** Concatenates only when something is left over, which most hand-written code does not. */
const concatRest = (): PushAll<Uint8Array, Buffer> => {
  let pending: Buffer | undefined
  return (chunks, sink) => {
    for (const chunk of chunks) {
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      let at = 0
      while (bytes.length - at >= headerSize) {
        const size = headerSize + bytes.readUInt32BE(at + 8)
        if (bytes.length - at < size) break
        sink(bytes, at, at + size)
        at += size
      }
      pending = at === bytes.length ? undefined : bytes.subarray(at)
    }
  }
}

const itself = (bytes: Uint8Array): Uint8Array => bytes

const suiteOf = (name: string, chunkSize: number) => ({
  name,
  about: `cutting a DCP stream into frames, chunks of ${chunkSize} bytes`,
  baseline: "Buffer.concat by hand",
  contenders: {
    "generated": contenderOf(chunkSize, inSlab, (reader: Reader) => reader.bytes, framer(true)),
    "generated, copied": contenderOf(chunkSize, chunksOf, (reader: Reader) => reader.bytes, framer(false)),
    "Buffer.concat by hand": contenderOf(chunkSize, chunksOf, itself, concat()),
    "concat, no slices": contenderOf(chunkSize, chunksOf, itself, concatRest())
  }
})

export const suite: Suite = { ...suiteOf("frame", 64 * 1024), limit: 0.1 }
export const smallChunks: Suite = { ...suiteOf("frame-1460", 1460), limit: 0.3 }
