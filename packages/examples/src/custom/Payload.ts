/** What a WebSocket frame carries, masked with the frame's key where it has one (RFC 6455, 5.3). */
import { hexOf, lengthOf, putBytes, type Reader, type Writer } from "@wirewright/codec"
import type { CustomFace } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"

/** What of a frame says how it is masked. */
export interface Masking {
  readonly maskingKey?: number | undefined
  readonly [field: string]: unknown
}
/** Bytes as they were before they were masked. */
export type Payload = Uint8Array

const masked = (bytes: Uint8Array, { maskingKey }: Masking): Uint8Array =>
  maskingKey === undefined ? bytes : bytes.map((byte, i) => byte ^ maskingKey >>> 24 - i % 4 * 8 & 0xff)

export const readPayload = (
  reader: Reader,
  at: number,
  end: number,
  _start: number,
  packet: Masking = {}
): Payload => {
  reader.next = end
  return masked(reader.slice(at, end), packet)
}
export const writePayload = (
  writer: Writer,
  at: number,
  value: Payload,
  _start: number,
  packet: Masking
): number => putBytes(writer.bytes, at, ArrayBuffer.isView(value) ? masked(value, packet) : value, "", "")
export const boundPayload: (value: Payload) => number = lengthOf
export const customPayload: CustomFace<Payload> = {
  read: readPayload,
  text: hexOf,
  toJson: (value) => ({ hex: hexOf(value) }),
  fromJson: (json) => typeof (json as { hex?: unknown }).hex === "string" ? bytesOfHex((json as { hex: string }).hex) : undefined
}
