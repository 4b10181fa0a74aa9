/** Why a WebSocket is closed: nothing, or a status and a text (RFC 6455, 5.5.1), masked like any payload. */
import { malformed } from "@wirewright/codec/Errors"
import { putText, putU16, type Reader, type Writer } from "@wirewright/codec"
import type { CustomFace } from "@wirewright/codec/Catalog"
import { decodeText, textBound } from "@wirewright/codec/Text"
import { type Masking, readPayload, writePayload } from "./Payload.ts"

/** A status, such as 1000, and what people may read. */
export type ClosePayload = { readonly status: number; readonly text: string } | null

export const readClosePayload = (reader: Reader, at: number, end: number, start: number, packet?: Masking): ClosePayload => {
  const bytes = readPayload(reader, at, end, start, packet)
  if (bytes.length === 1) malformed("Length", "ClosePayload", "", at - start, "nothing, or at least 2 bytes", "1 byte")
  return bytes.length === 0 ? null : { status: bytes[0]! * 256 + bytes[1]!, text: decodeText(bytes, 2, bytes.length) }
}
export const writeClosePayload = (writer: Writer, at: number, value: ClosePayload, start: number, packet: Masking): number => {
  if (value === null) return at
  const bytes = new Uint8Array(boundClosePayload(value))
  putU16(new DataView(bytes.buffer), 0, value?.status, "ClosePayload", "status")
  return writePayload(writer, at, bytes.subarray(0, putText(bytes, 2, value.text, "ClosePayload", "text")), start, packet)
}
export const boundClosePayload = (value: ClosePayload): number => value === null ? 0 : 2 + textBound(value?.text)
export const customClosePayload: CustomFace<ClosePayload> = {
  read: readClosePayload,
  text: (value) => value === null ? "nothing" : `${value.status} ${value.text}`,
  toJson: (value) => value,
  fromJson: (json) => json as ClosePayload
}
