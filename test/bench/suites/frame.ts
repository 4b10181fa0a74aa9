/** Cutting a stream of DCP messages into frames, for large chunks (loopback, fast networks) and for chunks of one Ethernet segment. */
import { Framer, type Reader } from "@wirewright/codec"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { chunksOf, headerSize, makeMix } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

/** `source` is what the contender hands out frames in. */
type Sink<Source> = (source: Source, at: number, end: number) => void

/** Pushes all chunks; leaves nothing unfinished, as the stream ends with a frame. */
type PushAll<Source> = (chunks: ReadonlyArray<Buffer>, sink: Sink<Source>) => void

const contenderOf =
  <Source>(chunkSize: number, bytesOf: (source: Source) => Uint8Array, pushAll: PushAll<Source>) => async (): Promise<Contender> => {
    const mix = makeMix()
    const chunks = chunksOf(mix.bytes, chunkSize)
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

const framer = (): PushAll<Reader> => {
  const framer = new Framer(frameShape)
  return (chunks, sink) => {
    for (const chunk of chunks) framer.push(chunk, sink)
  }
}

const concat = (): PushAll<Uint8Array> => {
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
const concatRest = (): PushAll<Uint8Array> => {
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
    "generated": contenderOf(chunkSize, (reader: Reader) => reader.bytes, framer()),
    "Buffer.concat by hand": contenderOf(chunkSize, itself, concat()),
    "concat, no slices": contenderOf(chunkSize, itself, concatRest())
  }
})

export const suite: Suite = { ...suiteOf("frame", 64 * 1024), limit: 0.2 }
export const smallChunks: Suite = suiteOf("frame-1460", 1460)
