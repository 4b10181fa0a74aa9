/** Cutting a stream of DCP messages into frames, for large chunks (loopback, fast networks) and for chunks of one Ethernet segment. */
import { Framer } from "@wirewright/codec"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { chunksOf, headerSize, makeMix } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

type Sink = (bytes: Uint8Array, at: number, end: number) => void

/** Pushes all chunks; leaves nothing unfinished, as the stream ends with a frame. */
type PushAll = (chunks: ReadonlyArray<Buffer>, sink: Sink) => void

const contenderOf = (chunkSize: number, makePushAll: () => PushAll) => async (): Promise<Contender> => {
  const mix = makeMix()
  const chunks = chunksOf(mix.bytes, chunkSize)
  const pushAll = makePushAll()
  let sum = 0
  const add: Sink = (_, at, end) => {
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
      pushAll(chunks, (bytes, at, end) => frames.push(Buffer.from(bytes.subarray(at, end)).toString("base64")))
      return frames.join("\n")
    }
  }
}

const framer = (): PushAll => {
  const framer = new Framer(frameShape)
  return (chunks, sink) => {
    for (const chunk of chunks) framer.push(chunk, (reader, at, end) => sink(reader.bytes, at, end))
  }
}

const concat = (): PushAll => {
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
const concatRest = (): PushAll => {
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

const suiteOf = (name: string, chunkSize: number) => ({
  name,
  about: `cutting a DCP stream into frames, chunks of ${chunkSize} bytes`,
  baseline: "Buffer.concat by hand",
  contenders: {
    "generated": contenderOf(chunkSize, framer),
    "Buffer.concat by hand": contenderOf(chunkSize, concat),
    "concat, no slices": contenderOf(chunkSize, concatRest)
  }
})

export const suite: Suite = { ...suiteOf("frame", 64 * 1024), limit: 0.2 }
export const smallChunks: Suite = suiteOf("frame-1460", 1460)
