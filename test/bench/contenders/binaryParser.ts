/** binary-parser, as its documentation composes parsers: a header, then a choice by opcode and length of the extras. It only reads. */
import { load } from "./External.ts"

interface Parser {
  endianness(order: "big"): Parser
  uint8(name: string, options?: { readonly assert: number }): Parser
  uint16(name: string): Parser
  uint32(name: string): Parser
  uint64(name: string): Parser
  choice(name: string, options: { readonly tag: (this: Sections) => number; readonly choices: Readonly<Record<number, Parser>> }): Parser
  string(name: string, options: { readonly length: string; readonly encoding: "utf8" }): Parser
  buffer(name: string, options: { readonly length: (this: Sections) => number }): Parser
  parse(bytes: Uint8Array): Packet
}

interface Sections {
  readonly opcode: number
  readonly keyLength: number
  readonly extrasLength: number
  readonly bodyLength: number
}

export interface Packet extends Sections {
  readonly extras: { readonly bySeqno: bigint; readonly endSeqno: bigint }
  readonly key: string
  readonly value: Uint8Array
}

/** Returns what parses a frame. */
export const makeDecode = async (): Promise<(frame: Uint8Array) => Packet> => {
  const { Parser } = await load<{ readonly Parser: new() => Parser }>("binary-parser")
  const begin = (): Parser => new Parser().endianness("big")
  const marker = begin().uint64("startSeqno").uint64("endSeqno").uint32("flags")
  const mutation = begin().uint64("bySeqno").uint64("revSeqno").uint32("flags").uint32("expiration").uint32("lockTime").uint16("nmeta")
    .uint8("nru")
  const deletionV1 = begin().uint64("bySeqno").uint64("revSeqno").uint16("nmeta")
  const deletionV2 = begin().uint64("bySeqno").uint64("revSeqno").uint32("deleteTime").uint8("unused")
  const packet = begin()
    .uint8("magic", { assert: 0x80 })
    .uint8("opcode")
    .uint16("keyLength")
    .uint8("extrasLength")
    .uint8("datatype")
    .uint16("vbucket")
    .uint32("bodyLength")
    .uint32("opaque")
    .uint64("cas")
    .choice("extras", {
      tag() {
        return this.opcode * 256 + this.extrasLength
      },
      choices: { 0x5614: marker, 0x571f: mutation, 0x5812: deletionV1, 0x5815: deletionV2 }
    })
    .string("key", { length: "keyLength", encoding: "utf8" })
    .buffer("value", {
      length() {
        return this.bodyLength - this.extrasLength - this.keyLength
      }
    })
  return (frame) => packet.parse(frame)
}
