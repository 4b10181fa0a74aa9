/** What a careful program without a library does: one socket, headers read by hand, key and value handed to a callback. The yardsticks. */
import { encodeWith, type Writer } from "@wirewright/codec"
import { encodeDcpControl, encodeDcpOpen, encodeDcpStreamRequest, encodeHello, encodeSelectBucket, HelloFeature } from "@wirewright/dcp/gen"
import * as Net from "node:net"

/** Receives a change. */
export type OnChange = (seqno: bigint, key: string, value: Uint8Array) => void

const begin = (vbuckets: number): ReadonlyArray<Uint8Array> => {
  const packet = (write: (writer: Writer) => void): Uint8Array => encodeWith(write)
  return [
    packet((writer) =>
      encodeHello(writer, { agent: "hand", features: [HelloFeature.Xerror, HelloFeature.SelectBucket, HelloFeature.Collections] })
    ),
    packet((writer) => encodeSelectBucket(writer, { bucket: "default" })),
    packet((writer) => encodeDcpOpen(writer, { connectionName: "hand", flags: 1, reservedSeqno: 0, options: "" })),
    packet((writer) => encodeDcpControl(writer, { key: "enable_noop", value: "true" })),
    ...Array.from({ length: vbuckets }, (_, vbucket) =>
      packet((writer) =>
        encodeDcpStreamRequest(writer, {
          vbucket,
          opaque: 1000 + vbucket,
          flags: 0,
          startSeqno: 0n,
          endSeqno: 0xffff_ffff_ffff_ffffn,
          vbucketUuid: 0n,
          snapStartSeqno: 0n,
          snapEndSeqno: 0n,
          filter: ""
        })
      ))
  ]
}

/** Reads one frame: a mutation goes to the callback. */
const frame = (bytes: Buffer, at: number, end: number, onChange: OnChange): void => {
  if (bytes[at] !== 0x80 || bytes[at + 1] !== 0x57) return
  const keyLength = bytes.readUInt16BE(at + 2)
  const keyStart = at + 24 + bytes[at + 4]!
  let key = keyStart
  while (bytes[key]! >= 0x80) key++
  key++
  onChange(bytes.readBigUInt64BE(at + 24), bytes.toString("utf8", key, keyStart + keyLength), bytes.subarray(keyStart + keyLength, end))
}

/** `onread` with one buffer; what is left of a frame is kept and put together. */
export const raw = (port: number, vbuckets: number, onChange: OnChange): Net.Socket => {
  let kept: Buffer | undefined
  const take = (chunk: Buffer): void => {
    let bytes = chunk
    if (kept !== undefined) {
      bytes = Buffer.concat([kept, chunk])
      kept = undefined
    }
    let at = 0
    while (at + 24 <= bytes.length) {
      const end = at + 24 + bytes.readUInt32BE(at + 8)
      if (end > bytes.length) break
      frame(bytes, at, end, onChange)
      at = end
    }
    if (at < bytes.length) kept = Buffer.from(bytes.subarray(at))
  }
  const socket = Net.connect({
    host: "127.0.0.1",
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(64 * 1024),
      callback: (length, buffer) => {
        take((buffer as Buffer).subarray(0, length))
        return true
      }
    }
  })
  for (const packet of begin(vbuckets)) socket.write(packet)
  return socket
}

/** `'data'` events and `Buffer.concat` of whatever is there, as most programs do. */
export const concat = (port: number, vbuckets: number, onChange: OnChange): Net.Socket => {
  let buffer = Buffer.alloc(0)
  const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    while (buffer.length >= 24) {
      const end = 24 + buffer.readUInt32BE(8)
      if (end > buffer.length) break
      frame(Buffer.from(buffer.subarray(0, end)), 0, end, onChange)
      buffer = buffer.subarray(end)
    }
  })
  for (const packet of begin(vbuckets)) socket.write(packet)
  return socket
}
