/** The example of `custom` in the reference of words: bytes whose every bit is written the other way round. */
// #region custom
import { hexOf, type Reader, type Writer } from "@wirewright/codec"
import type { CustomFace } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"

export type Inverted = Uint8Array

const inverted = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff)

export const readInverted = (reader: Reader, at: number, end: number): Inverted => {
  reader.next = end
  return inverted(reader.slice(at, end))
}
export const writeInverted = (writer: Writer, at: number, value: Inverted): number => {
  writer.bytes.set(inverted(value), at)
  return at + value.length
}
export const boundInverted = (value: Inverted): number => value.length
export const customInverted: CustomFace<Inverted> = {
  read: readInverted,
  text: hexOf,
  toJson: hexOf,
  fromJson: (json) => typeof json === "string" ? bytesOfHex(json) : undefined
}
// #endregion
