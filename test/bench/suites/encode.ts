/** Encoding DCP messages. */
import { PooledWriter, type Writer } from "@wirewright/codec"
import { encodeDcpDeletion, encodeDcpMutation } from "@wirewright/dcp/gen/Mutation"
import { encodeDcpSnapshotMarker } from "@wirewright/dcp/gen/Snapshot"
import * as buffer from "../contenders/buffer.ts"
import * as dataView from "../contenders/dataView.ts"
import * as protobuf from "../contenders/protobuf.ts"
import * as typedBinary from "../contenders/typedBinary.ts"
import type { Message } from "../Messages.ts"
import { Digest, keepLatest, makeMix, type Mix } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

const digestOf = (messages: Iterable<Message>): string => {
  const digest = new Digest()
  for (const message of messages) {
    if (message._tag === "DcpSnapshotMarker") digest.add(message.endSeqno, "", new Uint8Array(0))
    else digest.add(message.bySeqno, message.key, message.value)
  }
  return digest.text
}

/** What DCP encoders are checked by: the same bytes, which the baseline can decode. */
const checkBytes = (mix: Mix, bytes: Buffer): string => {
  if (!bytes.equals(mix.bytes)) return `other bytes, ${bytes.length} instead of ${mix.bytes.length}`
  return digestOf(mix.offsets.slice(0, -1).map((at) => buffer.decode(bytes, at)))
}

const contenderOf = (mix: Mix, encode: (message: Message) => Uint8Array, check: () => string): Contender => {
  const { messages } = mix
  const keep = keepLatest()
  return {
    messages: messages.length,
    pass: () => {
      let sum = 0
      for (let i = 0; i < messages.length; i++) {
        const bytes = encode(messages[i]!)
        sum += bytes.length
        keep(i, bytes)
      }
      return sum
    },
    check
  }
}

const dcp = (encode: (message: Message) => Uint8Array): Contender => {
  const mix = makeMix()
  return contenderOf(mix, encode, () => checkBytes(mix, Buffer.concat(mix.messages.map(encode))))
}

/** How much is appended before it is taken for sending. */
const takeSize = 64 * 1024

const write = (writer: Writer, message: Message): void => {
  switch (message._tag) {
    case "DcpMutation":
      return encodeDcpMutation(writer, message)
    case "DcpDeletion":
      return encodeDcpDeletion(writer, message)
    case "DcpSnapshotMarker":
      return encodeDcpSnapshotMarker(writer, message)
  }
}

export const suite: Suite = {
  name: "encode",
  about: "DCP messages; generated: into the pooled writer, taken and given back once per 64 KiB",
  baseline: "Buffer by hand",
  limit: 0.25,
  contenders: {
    "generated": async () => {
      const mix = makeMix()
      const { messages } = mix
      const writer = new PooledWriter()
      let last: Uint8Array | undefined
      // as a socket does: segments are written, and given back once they have left
      const send = (onTaken: (bytes: Uint8Array) => void): number => {
        let sum = 0
        for (const segment of writer.takeSegments()) {
          sum += segment.length
          onTaken(segment)
          writer.release(segment)
        }
        return sum
      }
      const encodeAll = (onTaken: (bytes: Uint8Array) => void): number => {
        let sum = 0
        for (let i = 0; i < messages.length; i++) {
          write(writer, messages[i]!)
          if (writer.length >= takeSize) sum += send(onTaken)
        }
        return sum + send(onTaken)
      }
      return {
        messages: messages.length,
        pass: () => encodeAll((segment) => last = segment) + (last?.length ?? 0),
        check: () => {
          const taken: Array<Uint8Array> = []
          encodeAll((segment) => taken.push(segment.slice()))
          return checkBytes(mix, Buffer.concat(taken))
        }
      }
    },
    "Buffer by hand": async () => dcp(buffer.encode),
    "DataView by hand": async () => dcp(dataView.encode),
    "typed-binary": async () => dcp(await typedBinary.makeEncode()),
    "protobuf-es": async () => {
      const mix = makeMix()
      const [encode, decode] = await Promise.all([protobuf.makeEncode(), protobuf.makeDecode()])
      return contenderOf(mix, encode, () => {
        const digest = new Digest()
        for (const message of mix.messages) {
          const { body } = decode(encode(message))
          if (body.case === "marker") digest.add(body.value.endSeqno, "", new Uint8Array(0))
          else digest.add(body.value.bySeqno, body.value.key, body.value.value)
        }
        return digest.text
      })
    }
  }
}
