/** Fixed-width integers and floats, variable-length integers, escaped ones, decimals, constants. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

/** Integers by their names. */
const byName = { u8: D.u8, u16: D.u16, u24: D.u24, u32: D.u32, u64: D.u64, i8: D.i8, i16: D.i16, i32: D.i32, i64: D.i64 }

const { struct } = D

const widths = [["u8", 1], ["u16", 2], ["u24", 3], ["u32", 4], ["u64", 8], ["i8", 1], ["i16", 2], ["i32", 4], ["i64", 8]] as const

/** Two's complement, most significant byte first. */
const twos = (value: bigint, size: number): string => BigInt.asUintN(8 * size, value).toString(16).padStart(2 * size, "0")
const reversed = (hex: string): string => hex.match(/../g)!.reverse().join("")

const integers = widths.flatMap(([name, size]) =>
  ["big", "little"].map((order): Entry => {
    const bits = BigInt(8 * size)
    const signed = name.startsWith("i")
    const [min, max] = signed ? [-(1n << bits - 1n), (1n << bits - 1n) - 1n] : [0n, (1n << bits) - 1n]
    const own = (value: bigint) => size === 8 ? value : Number(value)
    const hex = (value: bigint) => order === "big" ? twos(value, size) : reversed(twos(value, size))
    const sample = signed ? -2n : 0x0102_0304_0506_0708n >> 64n - bits
    return {
      name: order === "big" ? name : `${name}.le`,
      type: struct(`${name.toUpperCase()}${order}`, { n: order === "big" ? byName[name] : byName[name].le, after: D.u8 }),
      examples: [min, max, sample].map((value) => ({
        value: { n: own(value), after: 7 },
        hex: `${hex(value)}07`,
        from: "two's complement"
      })),
      refused: [
        refused({ n: own(min - 1n), after: 7 }, "Range", "n"),
        refused({ n: own(max + 1n), after: 7 }, "Range", "n"),
        refused({ n: size === 8 ? 1 : 1.5, after: 7 }, "Range", "n"),
        refused({ n: size === 8 ? "1" : "1", after: 7 }, "Range", "n"),
        refused({ after: 7 }, "Missing", "n"),
        refused({ n: null, after: 7 }, "Missing", "n")
      ]
    }
  })
)

const floats: ReadonlyArray<Entry> = [
  {
    name: "f32",
    type: struct("F32", { x: D.f32 }),
    examples: [
      { value: { x: 1 }, hex: "3f800000", from: "IEEE 754: sign 0, exponent 127" },
      { value: { x: -2.5 }, hex: "c0200000", from: "IEEE 754" },
      { value: { x: -0 }, hex: "80000000", from: "IEEE 754" },
      { value: { x: Infinity }, hex: "7f800000", from: "IEEE 754" },
      { value: { x: NaN }, hex: "7fc00000", from: "IEEE 754, the canonical quiet NaN" },
      { value: { x: 2 ** -149 }, hex: "00000001", from: "IEEE 754, the least subnormal" }
    ],
    refused: [
      refused({}, "Missing", "x"),
      refused({ x: "1" }, "Range", "x"),
      refused({ x: null }, "Missing", "x"),
      refused({ x: 1n }, "Range", "x"),
      refused({ x: 1e39 }, "Range", "x")
    ],
    lossy: "every NaN is written as the same one"
  },
  {
    name: "f32.le",
    type: struct("F32le", { x: D.f32.le }),
    lossy: "every NaN is written as the same one",
    examples: [{ value: { x: 1 }, hex: "0000803f", from: "IEEE 754" }]
  },
  {
    name: "f64",
    type: struct("F64", { x: D.f64 }),
    lossy: "every NaN is written as the same one",
    examples: [
      { value: { x: 1 }, hex: "3ff0000000000000", from: "IEEE 754: sign 0, exponent 1023" },
      { value: { x: -0 }, hex: "8000000000000000", from: "IEEE 754" },
      { value: { x: -Infinity }, hex: "fff0000000000000", from: "IEEE 754" },
      { value: { x: NaN }, hex: "7ff8000000000000", from: "IEEE 754, the canonical quiet NaN" },
      { value: { x: 0.1 }, hex: "3fb999999999999a", from: "IEEE 754, nearest to 1/10" }
    ]
  },
  {
    name: "f64.le",
    type: struct("F64le", { x: D.f64.le }),
    lossy: "every NaN is written as the same one",
    examples: [{ value: { x: 1 }, hex: "000000000000f03f", from: "IEEE 754" }]
  }
]

const varints: ReadonlyArray<Entry> = [
  {
    name: "varint, LEB128 of 32 bits",
    type: struct("Leb32", { n: D.varint(), after: D.u8 }),
    examples: [
      { value: { n: 0, after: 9 }, hex: "00 09", from: "protobuf encoding guide" },
      { value: { n: 127, after: 9 }, hex: "7f 09", from: "seven bits a byte" },
      { value: { n: 128, after: 9 }, hex: "8001 09", from: "seven bits a byte" },
      { value: { n: 150, after: 9 }, hex: "9601 09", from: "protobuf encoding guide" },
      { value: { n: 16_383, after: 9 }, hex: "ff7f 09", from: "seven bits a byte" },
      { value: { n: 0xffff_ffff, after: 9 }, hex: "ffffffff0f 09", from: "seven bits a byte" }
    ],
    wrong: [
      wrong("8000 09", "Varint", "n", 1),
      wrong("ffffffff10 09", "Varint", "n", 0),
      wrong("8080808080 01", "Varint", "n", 0)
    ],
    refused: [
      refused({ n: -1, after: 9 }, "Range", "n"),
      refused({ n: 2 ** 32, after: 9 }, "Range", "n"),
      refused({ n: 1.5, after: 9 }, "Range", "n"),
      refused({ after: 9 }, "Missing", "n"),
      refused({ n: null, after: 9 }, "Missing", "n"),
      refused({ n: "1", after: 9 }, "Range", "n")
    ]
  },
  {
    name: "varint of four bytes at most (MQTT 5, 1.5.5)",
    type: struct("LebFour", { n: D.varint({ maxBytes: 4 }), after: D.u8 }),
    examples: [
      { value: { n: 268_435_455, after: 9 }, hex: "ffffff7f 09", from: "MQTT 5, table 1-1" },
      { value: { n: 2_097_152, after: 9 }, hex: "80808001 09", from: "MQTT 5, table 1-1" }
    ],
    wrong: [wrong("80808080 01", "Varint", "n", 0)],
    refused: [refused({ n: 268_435_456, after: 9 }, "Range", "n")]
  },
  {
    name: "varint, LEB128 of 64 bits",
    type: struct("Leb64", { n: D.varint({ bits: 64 }), after: D.u8 }),
    examples: [
      { value: { n: 0n, after: 9 }, hex: "00 09", from: "seven bits a byte" },
      { value: { n: 624_485n, after: 9 }, hex: "e58e26 09", from: "DWARF 5, 7.6: 624485" },
      { value: { n: 2n ** 63n, after: 9 }, hex: "80808080808080808001 09", from: "seven bits a byte" },
      { value: { n: 2n ** 64n - 1n, after: 9 }, hex: "ffffffffffffffffff01 09", from: "protobuf encoding guide: ten bytes" }
    ],
    wrong: [
      wrong("ffffffffffffffffff02 09", "Varint", "n", 0),
      wrong("80808000 09", "Varint", "n", 3),
      wrong("8080808080808080808001", "Varint", "n", 0)
    ],
    refused: [
      refused({ n: 2n ** 64n, after: 9 }, "Range", "n"),
      refused({ n: -1n, after: 9 }, "Range", "n"),
      refused({ n: 1, after: 9 }, "Range", "n")
    ]
  },
  {
    name: "varint with zigzag, 32 bits",
    type: struct("Zig32", { n: D.varint({ zigzag: true }) }),
    examples: [
      { value: { n: 0 }, hex: "00", from: "protobuf encoding guide, sint32" },
      { value: { n: -1 }, hex: "01", from: "protobuf encoding guide, sint32" },
      { value: { n: 1 }, hex: "02", from: "protobuf encoding guide, sint32" },
      { value: { n: -2 }, hex: "03", from: "protobuf encoding guide, sint32" },
      { value: { n: 0x7fff_ffff }, hex: "feffffff0f", from: "protobuf encoding guide, sint32" },
      { value: { n: -0x8000_0000 }, hex: "ffffffff0f", from: "protobuf encoding guide, sint32" }
    ],
    refused: [refused({ n: 2 ** 31 }, "Range", "n"), refused({ n: -(2 ** 31) - 1 }, "Range", "n")]
  },
  {
    name: "varint with zigzag, 64 bits",
    type: struct("Zig64", { n: D.varint({ bits: 64, zigzag: true }) }),
    examples: [
      { value: { n: -1n }, hex: "01", from: "protobuf encoding guide, sint64" },
      { value: { n: 2n ** 63n - 1n }, hex: "feffffffffffffffff01", from: "protobuf encoding guide, sint64" },
      { value: { n: -(2n ** 63n) }, hex: "ffffffffffffffffff01", from: "protobuf encoding guide, sint64" }
    ],
    refused: [refused({ n: 2n ** 63n }, "Range", "n")]
  },
  {
    name: "varint, QUIC of 62 bits (RFC 9000, A.1)",
    type: struct("Quic64", { n: D.varint({ encoding: "quic", bits: 64 }), after: D.u8 }),
    examples: [
      { value: { n: 151_288_809_941_952_652n, after: 9 }, hex: "c2197c5eff14e88c 09", from: "RFC 9000, A.1" },
      { value: { n: 494_878_333n, after: 9 }, hex: "9d7f3e7d 09", from: "RFC 9000, A.1" },
      { value: { n: 15_293n, after: 9 }, hex: "7bbd 09", from: "RFC 9000, A.1" },
      { value: { n: 37n, after: 9 }, hex: "25 09", from: "RFC 9000, A.1" },
      { value: { n: 2n ** 62n - 1n, after: 9 }, hex: "ffffffffffffffff 09", from: "RFC 9000, 16" }
    ],
    // the longer spelling of 37, which RFC 9000 allows and which would not come back
    wrong: [wrong("4025 09", "Varint", "n", 0)],
    refused: [refused({ n: 2n ** 62n, after: 9 }, "Range", "n")]
  },
  {
    name: "varint, QUIC of 30 bits",
    type: struct("Quic32", { n: D.varint({ encoding: "quic" }), after: D.u8 }),
    examples: [
      { value: { n: 494_878_333, after: 9 }, hex: "9d7f3e7d 09", from: "RFC 9000, A.1" },
      { value: { n: 63, after: 9 }, hex: "3f 09", from: "RFC 9000, 16" },
      { value: { n: 64, after: 9 }, hex: "4040 09", from: "RFC 9000, 16" }
    ],
    wrong: [wrong("c000000040000000 09", "Varint", "n", 0)],
    refused: [refused({ n: 2 ** 30, after: 9 }, "Range", "n")]
  },
  {
    name: "varint, VLQ of 32 bits",
    type: struct("Vlq32", { n: D.varint({ encoding: "vlq" }), after: D.u8 }),
    examples: [
      { value: { n: 0x40, after: 9 }, hex: "40 09", from: "Standard MIDI Files 1.0, variable-length quantities" },
      { value: { n: 0x80, after: 9 }, hex: "8100 09", from: "Standard MIDI Files 1.0" },
      { value: { n: 0x2000, after: 9 }, hex: "c000 09", from: "Standard MIDI Files 1.0" },
      { value: { n: 0xfff_ffff, after: 9 }, hex: "ffffff7f 09", from: "Standard MIDI Files 1.0" },
      { value: { n: 0xffff_ffff, after: 9 }, hex: "8fffffff7f 09", from: "seven bits a byte" }
    ],
    wrong: [wrong("8001 09", "Varint", "n", 0), wrong("90ffffff7f 09", "Varint", "n", 0)],
    refused: [refused({ n: 2 ** 32, after: 9 }, "Range", "n")]
  },
  {
    name: "varint, VLQ of 64 bits with zigzag",
    type: struct("Vlq64", { n: D.varint({ encoding: "vlq", bits: 64, zigzag: true }), after: D.u8 }),
    examples: [
      { value: { n: -64n, after: 9 }, hex: "7f 09", from: "zigzag 127" },
      { value: { n: 64n, after: 9 }, hex: "8100 09", from: "zigzag 128" },
      { value: { n: -(2n ** 63n), after: 9 }, hex: "81ffffffffffffffff7f 09", from: "zigzag 2^64-1" }
    ]
  },
  {
    name: "uleb128 with a brand",
    type: struct("Uleb", { n: D.brand("SomeNumber", D.uleb128) }),
    examples: [{ value: { n: 300 }, hex: "ac02", from: "seven bits a byte" }]
  }
]

const escapes: ReadonlyArray<Entry> = [
  {
    name: "escaped, WebSocket (RFC 6455, 5.2)",
    type: struct("WsLength", { n: D.escaped(D.u8, { max: 125, 126: D.u16, 127: D.u64 }), after: D.u8 }),
    examples: [
      { value: { n: 0n, after: 9 }, hex: "00 09", from: "RFC 6455, 5.2" },
      { value: { n: 125n, after: 9 }, hex: "7d 09", from: "RFC 6455, 5.2" },
      { value: { n: 126n, after: 9 }, hex: "7e007e 09", from: "RFC 6455, 5.2" },
      { value: { n: 256n, after: 9 }, hex: "7e0100 09", from: "RFC 6455, 5.7" },
      { value: { n: 65_535n, after: 9 }, hex: "7effff 09", from: "RFC 6455, 5.2" },
      { value: { n: 65_536n, after: 9 }, hex: "7f0000000000010000 09", from: "RFC 6455, 5.7" },
      { value: { n: 2n ** 64n - 1n, after: 9 }, hex: "7fffffffffffffffff 09", from: "all bits" }
    ],
    wrong: [
      wrong("7e007d 09", "Varint", "n", 1),
      wrong("7f000000000000ffff 09", "Varint", "n", 1),
      wrong("80 09", "UnknownValue", "n", 0)
    ],
    refused: [
      refused({ n: -1n, after: 9 }, "Range", "n"),
      refused({ n: 2n ** 64n, after: 9 }, "Range", "n"),
      refused({ n: 5, after: 9 }, "Range", "n"),
      refused({ after: 9 }, "Missing", "n")
    ]
  },
  {
    name: "escaped, MySQL's length-encoded integer",
    type: struct("Lenenc", { n: D.escaped(D.u8, { max: 250, 252: D.u16.le, 253: D.u24.le, 254: D.u64.le }), after: D.u8 }),
    examples: [
      { value: { n: 250n, after: 9 }, hex: "fa 09", from: "MySQL internals, Protocol::LengthEncodedInteger" },
      { value: { n: 251n, after: 9 }, hex: "fcfb00 09", from: "MySQL internals" },
      { value: { n: 65_536n, after: 9 }, hex: "fd000001 09", from: "MySQL internals" },
      { value: { n: 16_777_216n, after: 9 }, hex: "fe0000000100000000 09", from: "MySQL internals" }
    ],
    // 0xfb stands for NULL and 0xff for an error
    wrong: [wrong("fb 09", "UnknownValue", "n", 0), wrong("ff 09", "UnknownValue", "n", 0), wrong("fcfa00 09", "Varint", "n", 1)]
  },
  {
    name: "escaped of numbers (BER's definite lengths up to 65 535, X.690, 8.1.3)",
    type: struct("BerLength", { n: D.escaped(D.u8, { max: 127, 0x81: D.u8, 0x82: D.u16 }), after: D.u8 }),
    examples: [
      { value: { n: 38, after: 9 }, hex: "26 09", from: "X.690, 8.1.3.4: L = 38" },
      { value: { n: 201, after: 9 }, hex: "81c9 09", from: "X.690, 8.1.3.5: L = 201" },
      { value: { n: 0x1234, after: 9 }, hex: "821234 09", from: "X.690, 8.1.3.5" }
    ],
    wrong: [wrong("8126 09", "Varint", "n", 1), wrong("80 09", "UnknownValue", "n", 0)],
    refused: [refused({ n: 65_536, after: 9 }, "Range", "n"), refused({ n: 1.5, after: 9 }, "Range", "n")]
  }
]

const decimals: ReadonlyArray<Entry> = [
  {
    name: "decimal until",
    type: struct("Decimal32", { n: D.decimal({ until: "\r\n" }), after: D.u8 }),
    examples: [
      { value: { n: 0, after: 9 }, hex: "30 0d0a 09", from: "ASCII" },
      { value: { n: 1024, after: 9 }, hex: "31303234 0d0a 09", from: "ASCII" },
      { value: { n: 99_999, after: 9 }, hex: "3939393939 0d0a 09", from: "ASCII" },
      { value: { n: 100_000, after: 9 }, hex: "313030303030 0d0a 09", from: "ASCII" },
      { value: { n: 4_294_967_295, after: 9 }, hex: "34323934393637323935 0d0a 09", from: "ASCII" }
    ],
    wrong: [
      wrong("0d0a 09", "Syntax", "n", 0),
      wrong("3030 0d0a 09", "Syntax", "n", 0),
      wrong("3037 0d0a 09", "Syntax", "n", 0),
      wrong("2b37 0d0a 09", "Syntax", "n", 0),
      wrong("2d37 0d0a 09", "Limit", "n", 0),
      wrong("3741 0d0a 09", "Syntax", "n", 0),
      wrong("34323934393637323936 0d0a 09", "Limit", "n", 0)
    ],
    refused: [
      refused({ n: -1, after: 9 }, "Range", "n"),
      refused({ n: 2 ** 32, after: 9 }, "Range", "n"),
      refused({ n: 0.5, after: 9 }, "Range", "n"),
      refused({ after: 9 }, "Missing", "n")
    ]
  },
  {
    name: "decimal, signed and of 64 bits, until one byte",
    type: struct("Decimal64", { n: D.decimal({ bits: 64, signed: true, until: ";" }), after: D.u8 }),
    examples: [
      { value: { n: 0n, after: 9 }, hex: "30 3b 09", from: "ASCII" },
      { value: { n: -7n, after: 9 }, hex: "2d37 3b 09", from: "ASCII" },
      { value: { n: -(2n ** 63n), after: 9 }, hex: "2d39323233333732303336383534373735383038 3b 09", from: "ASCII" },
      { value: { n: 2n ** 63n - 1n, after: 9 }, hex: "39323233333732303336383534373735383037 3b 09", from: "ASCII" }
    ],
    wrong: [
      wrong("2d30 3b 09", "Syntax", "n", 0),
      wrong("2d 3b 09", "Syntax", "n", 0),
      wrong("39323233333732303336383534373735383038 3b 09", "Limit", "n", 0)
    ],
    refused: [refused({ n: 2n ** 63n, after: 9 }, "Range", "n")]
  },
  {
    name: "decimal, signed, that takes what is left",
    type: struct("DecimalRest", { n: D.decimal({ signed: true }) }),
    examples: [{ value: { n: -2_147_483_648 }, hex: "2d32313437343833363438", from: "ASCII" }, {
      value: { n: 5 },
      hex: "35",
      from: "ASCII"
    }],
    wrong: [wrong("2d32313437343833363439", "Limit", "n", 0)]
  }
]

const fixed: ReadonlyArray<Entry> = [
  {
    name: "constant",
    type: struct("Constants", {
      version: D.constant(D.u8, 5),
      magic: D.constant(D.u32, 0xdead_beef),
      wide: D.constant(D.i64.le, -2n),
      n: D.u8
    }),
    examples: [{ value: { n: 1 }, hex: "05 deadbeef feffffffffffffff 01", from: "two's complement" }],
    wrong: [
      wrong("04 deadbeef feffffffffffffff 01", "Constant", "version", 0),
      wrong("05 deadbeee feffffffffffffff 01", "Constant", "magic", 1)
    ]
  },
  {
    name: "enumeration and flags",
    type: struct("Named", {
      colour: D.enumeration("Colour", D.u16, D.numbered(1, "Red", "Green", 0x100, "Blue"), { unknown: "error" }),
      any: D.enumeration("Sound", D.u8, { Low: 1 }),
      rights: D.flags("Rights", D.u8, { Read: D.bit(0), Write: D.bit(7) }, { unknown: "error" }),
      more: D.flags("More", D.u32, { Last: D.bit(31) })
    }),
    examples: [
      { value: { colour: 2, any: 200, rights: 0x81, more: 0x8000_0001 }, hex: "0002 c8 81 80000001", from: "big-endian" },
      { value: { colour: 0x100, any: 1, rights: 0, more: 0 }, hex: "0100 01 00 00000000", from: "big-endian" }
    ],
    wrong: [
      wrong("0003 c8 81 80000001", "UnknownValue", "colour", 0),
      wrong("0000 c8 81 80000001", "UnknownValue", "colour", 0),
      wrong("0002 c8 02 80000001", "UnknownValue", "rights", 3)
    ],
    refused: [
      refused({ colour: 3, any: 1, rights: 0, more: 0 }, "UnknownValue", "colour"),
      refused({ colour: 1, any: 256, rights: 0, more: 0 }, "Range", "any"),
      refused({ colour: 1, any: 1, rights: 2, more: 0 }, "UnknownValue", "rights"),
      refused({ colour: 1, any: 1, rights: 0, more: 2 ** 32 }, "Range", "more"),
      refused({ any: 1, rights: 0, more: 0 }, "Missing", "colour"),
      refused({ colour: 1, any: 1, more: 0 }, "Missing", "rights")
    ]
  }
]

/** Entries of numbers. */
export const numbers: ReadonlyArray<Entry> = [...integers, ...floats, ...varints, ...escapes, ...decimals, ...fixed]
