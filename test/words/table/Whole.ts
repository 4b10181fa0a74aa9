/** Alignment, checksums. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const digits = "313233343536373839"
const check = Uint8Array.from(Buffer.from("123456789"))

/** Check values of "123456789" as the catalogue of parametrised CRC algorithms has them, and as the documents define the others. */
const algorithms = [
  ["crc32", D.u32, "cbf43926", "CRC-32/ISO-HDLC"],
  ["crc32c", D.u32, "e3069283", "CRC-32/ISCSI"],
  ["crc16-modbus", D.u16, "4b37", "CRC-16/MODBUS"],
  ["crc16-ccitt", D.u16, "29b1", "CRC-16/IBM-3740"],
  ["adler32", D.u32, "091e01de", "RFC 1950, 8.2: 1 + the digits' sum 477 is 0x1de"],
  // 3132 + 3334 + 3536 + 3738 + 3900 = 0x109d4 → 0x09d5, complement 0xf62a
  ["internet", D.u16, "f62a", "RFC 1071"],
  // 0x31 + … + 0x39 = 477 = 0x1dd
  ["sum8", D.u8, "dd", "477 modulo 256"],
  ["xor8", D.u8, "31", "the digits 1 to 9 by exclusive or"]
] as const

/** Entries of alignment and checksums. */
export const whole: ReadonlyArray<Entry> = [
  {
    name: "align",
    type: struct("Align", { a: D.u8, pad: D.align(4), n: D.u16, s: D.cstring(), pad2: D.align(8), last: D.u8 }),
    examples: [
      { value: { a: 1, n: 2, s: "x", last: 9 }, hex: "01 000000 0002 7800 09" },
      { value: { a: 1, n: 2, s: "xy", last: 9 }, hex: "01 000000 0002 787900 00000000000000 09" }
    ],
    wrong: [wrong("01 000100 0002 7800 09", "Reserved", "pad", 2)]
  },
  {
    name: "align within a record counts from the record",
    type: struct("AlignNested", { first: D.u8, inner: struct("AlignInner", { a: D.u8, pad: D.align(4), n: D.u8 }) }),
    examples: [{ value: { first: 1, inner: { a: 2, n: 3 } }, hex: "01 02 000000 03" }]
  },
  {
    name: "align over bytes that are ignored",
    type: struct("AlignIgnored", { a: D.u8, pad: D.align(4, "ignore"), n: D.u8 }),
    examples: [{ value: { a: 1, n: 2 }, hex: "01 000000 02" }],
    alike: ["01 202020 02", "01 000001 02"],
    lossy: "what is ignored is written as zeros"
  },
  {
    name: "checksum that is combined with a constant (STUN's FINGERPRINT)",
    type: struct("SumXor", {
      data: D.bytes({ size: 9 }),
      sum: D.checksum("crc32", D.u32, { over: ["data"], xor: 0x5354554e }),
      before: D.checksum("xor8", D.u8, { over: ["n"], xor: 0xff }),
      n: D.u8,
      little: D.checksum("adler32", D.u32.le, { over: ["data", "sum"], xor: 0xffff_ffff }),
      after: D.u8
    }),
    // 0xcbf43926 XOR 0x5354554e; 1 XOR 0xff; Adler-32 of digits and CRC as Python's zlib has it, XOR 0xffffffff
    examples: [{ value: { data: check, n: 1, after: 9 }, hex: `${digits} 98a06c68 fe 01 15fce9e9 09` }],
    wrong: [wrong(`${digits} cbf43926 fe 01 15fce9e9 09`, "Checksum", "sum", 9)]
  },
  ...algorithms.map(([name, of, hex, from]): Entry => ({
    name: `checksum ${name}`,
    type: struct(`Sum${name.replaceAll("-", "")}`, {
      before: D.u8,
      data: D.bytes({ size: 9 }),
      sum: D.checksum(name, of, { over: ["data"] }),
      after: D.u8
    }),
    examples: [{ value: { before: 7, data: check, after: 8 }, hex: `07 ${digits} ${hex} 08`, from }],
    wrong: [wrong(`07 ${digits.replace("31", "32")} ${hex} 08`, "Checksum", "sum", 10)]
  })),
  {
    name: "checksum over several fields, little-endian",
    type: struct("SumSeveral", {
      n: D.u8,
      text: D.cstring(),
      rest: D.prefixed(D.u8, D.bytes()),
      sum: D.checksum("crc16-modbus", D.u16.le, { over: ["n", "text", "rest"] })
    }),
    // 123456789: n = "1", text = "2345678" would need its NUL; so other bytes, whose sum is that of nothing
    examples: [],
    wrong: [wrong("01 00 00 0000", "Checksum", "sum", 3)]
  },
  {
    name: "checksum in front of what it covers",
    type: struct("SumFirst", { sum: D.checksum("crc32", D.u32, { over: ["data"] }), data: D.bytes({ size: 9 }), after: D.u8 }),
    examples: [{ value: { data: check, after: 8 }, hex: `cbf43926 ${digits} 08`, from: "CRC-32/ISO-HDLC" }],
    wrong: [wrong(`cbf43927 ${digits} 08`, "Checksum", "sum", 0)]
  },
  {
    name: "checksum in the middle of what it covers, taken as zeros (ICMP echo, RFC 792)",
    type: struct("SumWithin", {
      type: D.u8,
      code: D.u8,
      sum: D.checksum("internet", D.u16, { over: ["type", "code", "id", "sequence", "data"] }),
      id: D.u16,
      sequence: D.u16,
      data: D.prefixed(D.u8, D.bytes()),
      after: D.u8
    }),
    // 0800 + 0001 + 0002 + 0161 → 0964, complement f69b
    examples: [{
      value: { type: 8, code: 0, id: 1, sequence: 2, data: b(0x61), after: 9 },
      hex: "08 00 f69b 0001 0002 0161 09",
      from: "RFC 1071"
    }],
    wrong: [wrong("08 00 f69c 0001 0002 0161 09", "Checksum", "sum", 2)]
  },
  {
    name: "checksum over optional fields, before bytes that take what is left",
    type: struct("SumOptional", {
      bits: D.bits(D.u8, { has: D.slice(0) }),
      sum: D.checksum("sum8", D.u8, { over: ["bits", "more", "rest"] }),
      more: D.optional(D.u16, { if: D.bitOf("has") }),
      rest: D.bytes()
    }),
    examples: [{ value: { rest: b(1, 2) }, hex: "00 03 0102" }, { value: { more: 0x0304, rest: b() }, hex: "01 08 0304" }]
  },
  {
    name: "checksum over variable bytes that take what is left",
    type: struct("SumRest", { data: D.bytes(), sum: D.checksum("xor8", D.u8, { over: ["data"] }) }),
    examples: [{ value: { data: b(1, 2, 4) }, hex: "010204 07" }, { value: { data: b() }, hex: "00" }],
    refused: []
  },
  {
    name: "checksum in front of a record that takes what is left",
    type: struct("SumBefore", {
      sum: D.checksum("sum8", D.u8, { over: ["kind", "data"] }),
      kind: D.u8,
      data: D.choice("SumBeforeData", D.by("kind"), {
        Bytes: D.tagged(1, { bytes: D.bytes() }),
        Texts: D.tagged(2, { texts: D.array(D.cstring()) })
      })
    }),
    examples: [
      { value: { data: { _tag: "Bytes", bytes: b(1, 2, 4) } }, hex: "08 01 010204" },
      { value: { data: { _tag: "Texts", texts: ["a", ""] } }, hex: "63 02 6100 00" }
    ],
    wrong: []
  }
]
void refused
