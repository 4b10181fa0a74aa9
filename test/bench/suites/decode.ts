/** Decoding DCP messages, key and value read. */
import { Reader } from "@wirewright/codec"
import { decodeRequest } from "@wirewright/dcp/gen/Packets"
import * as binaryParser from "../contenders/binaryParser.ts"
import * as buffer from "../contenders/buffer.ts"
import * as dataView from "../contenders/dataView.ts"
import * as kaitai from "../contenders/kaitai.ts"
import * as protobuf from "../contenders/protobuf.ts"
import * as typedBinary from "../contenders/typedBinary.ts"
import { Digest, keepLatest, makeMix, type Mix } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

interface Decoder<Packet> {
  readonly mix: Mix
  /** What a pass begins with, as once for each buffer received. */
  readonly begin?: () => void
  readonly decode: (index: number) => Packet
  readonly isMarker: (packet: Packet) => boolean
  readonly seqnoOf: (packet: Packet) => bigint | number
  readonly markerSeqnoOf: (packet: Packet) => bigint | number
  readonly sections: (packet: Packet) => { readonly key: string; readonly value: Uint8Array }
}

const none = new Uint8Array(0)

const contenderOf = <Packet>({ mix, begin, decode, isMarker, seqnoOf, markerSeqnoOf, sections }: Decoder<Packet>): Contender => {
  const keep = keepLatest()
  const messages = mix.messages.length
  return {
    messages,
    pass: () => {
      begin?.()
      let sum = 0
      for (let i = 0; i < messages; i++) {
        const packet = decode(i)
        if (!isMarker(packet)) {
          const { key, value } = sections(packet)
          sum += key.length + value.length
        }
        keep(i, packet)
      }
      return sum
    },
    check: () => {
      begin?.()
      const digest = new Digest()
      for (let i = 0; i < messages; i++) {
        const packet = decode(i)
        if (isMarker(packet)) digest.add(markerSeqnoOf(packet), "", none)
        else digest.add(seqnoOf(packet), sections(packet).key, sections(packet).value)
      }
      return digest.text
    }
  }
}

/** For decoders whose packets are the mix's messages. */
const plain = {
  isMarker: (packet: { readonly _tag: string }) => packet._tag === "DcpSnapshotMarker",
  seqnoOf: (packet: object) => (packet as { readonly bySeqno: bigint }).bySeqno,
  markerSeqnoOf: (packet: object) => (packet as { readonly endSeqno: bigint }).endSeqno,
  sections: (packet: object) => packet as { readonly key: string; readonly value: Uint8Array }
}

/** What the libraries make that keep the extras in an object of their own. */
interface WithExtras {
  readonly opcode: number
  readonly extras: { readonly bySeqno: bigint | number; readonly endSeqno: bigint | number }
  readonly key: string
  readonly value: Uint8Array
}

/** For these libraries. */
const withExtras = {
  isMarker: (packet: WithExtras) => packet.opcode === 0x56,
  seqnoOf: (packet: WithExtras) => packet.extras.bySeqno,
  markerSeqnoOf: (packet: WithExtras) => packet.extras.endSeqno,
  sections: (packet: WithExtras) => packet
}

const join = (high: number | undefined, low: number | undefined): bigint => BigInt(high!) << 32n | BigInt(low!)

export const suite: Suite = {
  name: "decode",
  about: "DCP messages, key and value read",
  baseline: "Buffer by hand",
  limit: 0.6,
  contenders: {
    "generated": async () => {
      const mix = makeMix()
      let reader = new Reader(mix.bytes)
      return contenderOf({
        ...plain,
        mix,
        begin: () => {
          reader = new Reader(mix.bytes)
        },
        decode: (index) => decodeRequest(reader, mix.offsets[index]!)
      })
    },
    "Buffer by hand": async () => {
      const mix = makeMix()
      return contenderOf({ ...plain, mix, decode: (index) => buffer.decode(mix.bytes, mix.offsets[index]!) })
    },
    "DataView by hand": async () => {
      const mix = makeMix()
      const { buffer: store, byteOffset, length } = mix.bytes
      let view = new DataView(store, byteOffset, length)
      return contenderOf({
        ...plain,
        mix,
        begin: () => {
          view = new DataView(store, byteOffset, length)
        },
        decode: (index) => dataView.decode(mix.bytes, view, mix.offsets[index]!)
      })
    },
    "kaitai-struct": async () => {
      const mix = makeMix()
      const decode = await kaitai.makeDecode(mix.bytes)
      return contenderOf({ ...withExtras, mix, decode: (index) => decode(mix.offsets[index]!) })
    },
    "binary-parser": async () => {
      const mix = makeMix()
      const decode = await binaryParser.makeDecode()
      return contenderOf({
        ...withExtras,
        mix,
        decode: (index) => decode(mix.bytes.subarray(mix.offsets[index]!, mix.offsets[index + 1]!))
      })
    },
    "typed-binary": async () => {
      const mix = makeMix()
      const decode = await typedBinary.makeDecode(mix.bytes)
      return contenderOf({
        mix,
        decode: (index) => decode(mix.offsets[index]!),
        isMarker: (packet) => packet.header["opcode"] === 0x56,
        seqnoOf: ({ extras }) => join(extras["seqnoHigh"], extras["seqnoLow"]),
        markerSeqnoOf: ({ extras }) => join(extras["endHigh"], extras["endLow"]),
        sections: (packet) => packet
      })
    },
    "protobuf-es": async () => {
      const mix = makeMix()
      const [encode, decode] = await Promise.all([protobuf.makeEncode(), protobuf.makeDecode()])
      const encoded = mix.messages.map(encode)
      return contenderOf({
        mix,
        decode: (index) => decode(encoded[index]!),
        isMarker: ({ body }) => body.case === "marker",
        seqnoOf: ({ body }) => body.value.bySeqno,
        markerSeqnoOf: ({ body }) => body.value.endSeqno,
        sections: ({ body }) => body.value
      })
    }
  }
}
