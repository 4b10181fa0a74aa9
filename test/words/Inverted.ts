/** The example of `custom` in the reference of words: bytes whose every bit is written the other way round. */
// #region custom
import { hexOf } from "@wirewright/codec"
import type { CustomFace, ReadCustom, WriteCustom } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"

export type Inverted = Uint8Array

const inverted = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff)

export const readInverted: ReadCustom<Inverted> = (reader, at, end) => {
  reader.next = end
  return inverted(reader.slice(at, end))
}
export const writeInverted: WriteCustom<Inverted> = (writer, at, value) => {
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
