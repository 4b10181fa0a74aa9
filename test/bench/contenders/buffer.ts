/** What a competent programmer writes with `Buffer`'s methods: the baseline of decode and encode. */
import type { Message } from "../Messages.ts"

/** Decodes the frame at `at`. The value is a view into the buffer. */
export const decode = (buffer: Buffer, at: number): Message => {
  if (buffer.length - at < 24) throw new Error("incomplete header")
  if (buffer.readUInt8(at) !== 0x80) throw new Error("not a request")
  const extrasStart = at + 24
  const extrasLength = buffer.readUInt8(at + 4)
  const keyStart = extrasStart + extrasLength
  const valueStart = keyStart + buffer.readUInt16BE(at + 2)
  const end = extrasStart + buffer.readUInt32BE(at + 8)
  if (end > buffer.length || valueStart > end) throw new Error("wrong lengths")
  const datatype = buffer.readUInt8(at + 5)
  const vbucket = buffer.readUInt16BE(at + 6)
  const opaque = buffer.readUInt32BE(at + 12)
  const cas = buffer.readBigUInt64BE(at + 16)
  switch (buffer.readUInt8(at + 1)) {
    case 0x56:
      if (extrasLength !== 20) throw new Error("wrong extras")
      return {
        _tag: "DcpSnapshotMarker",
        datatype,
        vbucket,
        opaque,
        cas,
        layout: "V1",
        startSeqno: buffer.readBigUInt64BE(extrasStart),
        endSeqno: buffer.readBigUInt64BE(extrasStart + 8),
        flags: buffer.readUInt32BE(extrasStart + 16)
      }
    case 0x57:
      if (extrasLength !== 31) throw new Error("wrong extras")
      return {
        _tag: "DcpMutation",
        datatype,
        vbucket,
        opaque,
        cas,
        bySeqno: buffer.readBigUInt64BE(extrasStart),
        revSeqno: buffer.readBigUInt64BE(extrasStart + 8),
        flags: buffer.readUInt32BE(extrasStart + 16),
        expiration: buffer.readUInt32BE(extrasStart + 20),
        lockTime: buffer.readUInt32BE(extrasStart + 24),
        nmeta: buffer.readUInt16BE(extrasStart + 28),
        nru: buffer.readUInt8(extrasStart + 30),
        key: buffer.toString("utf8", keyStart, valueStart),
        value: buffer.subarray(valueStart, end)
      }
    case 0x58:
      if (extrasLength === 18) {
        return {
          _tag: "DcpDeletion",
          datatype,
          vbucket,
          opaque,
          cas,
          layout: "V1",
          bySeqno: buffer.readBigUInt64BE(extrasStart),
          revSeqno: buffer.readBigUInt64BE(extrasStart + 8),
          nmeta: buffer.readUInt16BE(extrasStart + 16),
          key: buffer.toString("utf8", keyStart, valueStart),
          value: buffer.subarray(valueStart, end)
        }
      }
      if (extrasLength !== 21) throw new Error("wrong extras")
      return {
        _tag: "DcpDeletion",
        datatype,
        vbucket,
        opaque,
        cas,
        layout: "V2",
        bySeqno: buffer.readBigUInt64BE(extrasStart),
        revSeqno: buffer.readBigUInt64BE(extrasStart + 8),
        deleteTime: buffer.readUInt32BE(extrasStart + 16),
        key: buffer.toString("utf8", keyStart, valueStart),
        value: buffer.subarray(valueStart, end)
      }
    default:
      throw new Error("unknown opcode")
  }
}

/** A new frame with its header written. */
const frame = (message: Message, opcode: number, extrasLength: number, keyLength: number, valueLength: number): Buffer => {
  const body = extrasLength + keyLength + valueLength
  const buffer = Buffer.allocUnsafe(24 + body)
  buffer.writeUInt8(0x80, 0)
  buffer.writeUInt8(opcode, 1)
  buffer.writeUInt16BE(keyLength, 2)
  buffer.writeUInt8(extrasLength, 4)
  buffer.writeUInt8(message.datatype, 5)
  buffer.writeUInt16BE(message.vbucket, 6)
  buffer.writeUInt32BE(body, 8)
  buffer.writeUInt32BE(message.opaque, 12)
  buffer.writeBigUInt64BE(message.cas, 16)
  return buffer
}

/** Encodes a message into a buffer of its own. */
export const encode = (message: Message): Buffer => {
  switch (message._tag) {
    case "DcpSnapshotMarker": {
      const buffer = frame(message, 0x56, 20, 0, 0)
      buffer.writeBigUInt64BE(message.startSeqno, 24)
      buffer.writeBigUInt64BE(message.endSeqno, 32)
      buffer.writeUInt32BE(message.flags, 40)
      return buffer
    }
    case "DcpMutation": {
      const keyLength = Buffer.byteLength(message.key)
      const buffer = frame(message, 0x57, 31, keyLength, message.value.length)
      buffer.writeBigUInt64BE(message.bySeqno, 24)
      buffer.writeBigUInt64BE(message.revSeqno, 32)
      buffer.writeUInt32BE(message.flags, 40)
      buffer.writeUInt32BE(message.expiration, 44)
      buffer.writeUInt32BE(message.lockTime, 48)
      buffer.writeUInt16BE(message.nmeta, 52)
      buffer.writeUInt8(message.nru, 54)
      buffer.write(message.key, 55)
      buffer.set(message.value, 55 + keyLength)
      return buffer
    }
    case "DcpDeletion": {
      const keyLength = Buffer.byteLength(message.key)
      const extrasLength = message.layout === "V1" ? 18 : 21
      const buffer = frame(message, 0x58, extrasLength, keyLength, message.value.length)
      buffer.writeBigUInt64BE(message.bySeqno, 24)
      buffer.writeBigUInt64BE(message.revSeqno, 32)
      if (message.layout === "V1") buffer.writeUInt16BE(message.nmeta, 40)
      else {
        buffer.writeUInt32BE(message.deleteTime, 40)
        buffer.writeUInt8(0, 44)
      }
      buffer.write(message.key, 24 + extrasLength)
      buffer.set(message.value, 24 + extrasLength + keyLength)
      return buffer
    }
  }
}
