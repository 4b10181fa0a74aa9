/** A capture that takes a page a while to read. */
import { TcpRecorder } from "@wirewright/capture"

/** A request or a response of SET, with a key and a value. */
const setPacket = (isRequest: boolean, opaque: number): Uint8Array => {
  const key = `user:${opaque}`
  const value = isRequest ? `{"visits":${opaque},"name":"${"x".repeat(opaque % 90)}"}` : ""
  const extras = isRequest ? 8 : 0
  const body = isRequest ? extras + key.length + value.length : 0
  const packet = Buffer.alloc(24 + body)
  packet[0] = isRequest ? 0x80 : 0x81
  packet[1] = 0x01
  packet.writeUInt16BE(isRequest ? key.length : 0, 2)
  packet[4] = extras
  packet.writeUInt32BE(body, 8)
  packet.writeUInt32BE(opaque, 12)
  if (isRequest) packet.write(key + value, 32)
  return packet
}

/** A capture of this size: ten conversations of requests and answers. */
export const captureOf = (size: number): Uint8Array => {
  const recorder = new TcpRecorder()
  const parts: Array<Uint8Array> = [...recorder.begin()]
  let length = 0
  let time = 1_700_000_000_000_000_000n
  const conversations = Array.from({ length: 10 }, (_, i) => {
    const { bytes, recorded } = recorder.open({ host: "127.0.0.1", port: 50_000 + i }, { host: "127.0.0.1", port: 11_210 }, time)
    parts.push(...bytes)
    return recorded
  })
  for (let opaque = 0; length < size; opaque++) {
    for (const isRequest of [true, false]) {
      time += 50_000n
      for (
        const part of recorder.packet(conversations[opaque % 10]!, isRequest ? "client" : "server", setPacket(isRequest, opaque), time)
      ) {
        parts.push(part)
        length += part.length
      }
    }
  }
  return Buffer.concat(parts)
}
