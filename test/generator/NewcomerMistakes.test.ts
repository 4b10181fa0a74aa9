/**
 * Mistakes of newcomers: each is found at its line, with a hint that names the right word; what is no mistake any more does at run time what
 * was meant. Bytes are written by hand.
 */
import { examplePreamble } from "@wirewright/codegen/check/Codes"
import { encodeWith, Reader } from "@wirewright/codec"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { reportsOf, runCalls } from "./Run.ts"

const fixtures = Path.join(import.meta.dirname, "fixtures/mistakes")
/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-newcomers")

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

/** What is found, by the name of a file: codes with their lines, and what the hint or message must say. */
const expected: { readonly [file: string]: readonly [found: string, says: RegExp] } = {
  "01typo": ["WW122 6", /name one of: text/],
  "02bit8": ["WW130 6", /0…7/],
  "03dupopcode": ["WW102 6", /one opcode, one command/],
  "04dupname": ["WW103 6", /rename/],
  "05opcodebig": ["WW101 6", /0xff/],
  "06numeric": ["WW120 6", /beginning with a letter/],
  "07after": ["WW124 6", /in front/],
  "08twoopen": ["WW125 6", /lengthOf/],
  "10samename": ["WW110 6", /another name/],
  "11const300": ["WW130 6", /0…255/],
  "13noexport": ["WW001 6", /export const x/],
  "14recursive": ["WW002 6", /lazy\(\(\) => V\)/],
  "15b_utf8of10": ["WW012 6", /utf8\(\{ size: …/],
  "15utf8of10": ["WW012 6", /utf8\(\{ size: …/],
  "16countbytes": ["WW123 6", /count an array/],
  "17duptag": ["WW112 6", /another tag/],
  "18b_uncalled": ["WW010 6", /utf8\(\)/],
  "18uncalled": ["WW010 6", /utf8\(\)/],
  "19nested": ["WW122 6", /name one of: inner/],
  "20b_optmid": ["WW126 6", /requires/],
  "20optmid": ["WW190 6", /bitOf/],
  "21b_byteorderLE": ["WW012 6", /"little"/],
  "21byteorderLE": ["WW012 6", /"little"/],
  "22magicmissing": ["WW157 6", /magic\(u8\)/],
  "25noopcode": ["WW109 8", /opcode\(u8\)/],
  "26example": ["WW171 6", /correct the bytes/],
  "27examplehex": ["WW170 6", /two hex digits/],
  "28nosection": ["WW155 6", /the sections are body/],
  "29twosections": ["WW190 7", /bytes 61: \{ k: "", b: "a" \} and \{ k: "a", b: "" \}/],
  // two mistakes in one line
  "30enumdup": ["WW112 6, WW130 6", /another value/],
  "33negopcode": ["WW101 6", /0xff/],
  "34fracmax": ["WW133 6", /whole number/],
  "35max>len": ["WW123 6", /measure bytes/],
  "36unsignedmagic": ["WW130 6", /0…65535/],
  "37lowercasestruct": ["WW104 6", /Member/],
  "38enumfield_named_tag": ["WW121 6", /another name/],
  "39cmdCollidesType": ["WW114 6", /MemberCommand/],
  "40kindCollides": ["WW114 6", /MessageCommand/],
  "41enumCollides": ["WW114 6", /Message is the name of an enumeration and of the kind .* such as MessageCode/],
  "42answerUnsent": ["WW168 6", /say of Data that its `sender` is "server"/]
}

describe("the mistakes of newcomers", () => {
  // no mistakes any more: elements that end themselves, a packet that ends itself, 64-bit lengths, and names that were taken by ours
  const fine = ["09arrutf8", "12nolength", "23length64", "24bodylen64", "31kindpacket", "32structText"]

  it("are found, each at its line, with a hint that names the right word", () => {
    const files = Fs.readdirSync(fixtures).filter((file) => file.endsWith(".ts")).map((file) => file.replace(/\.ts$/, "")).sort()
    expect(files.filter((file) => !fine.includes(file))).toEqual(Object.keys(expected).sort())
    const outcomes = runCalls(files.map((file) => ["check", { cwd: fixtures, targets: [{ spec: `${file}.ts`, out: "gen" }] }]))
    for (const [i, file] of files.entries()) {
      const outcome = outcomes[i]!
      if (typeof outcome === "string") throw new Error(`${file}: ${outcome}`)
      const found = outcome.findings.map(({ line, rule }) => `${rule} ${line}`).join(", ")
      expect(`${file}: ${found}`).toBe(`${file}: ${fine.includes(file) ? "" : expected[file]![0]}`)
      if (!fine.includes(file)) {
        expect(outcome.findings.map(({ hint, message }) => `${message} ${hint}`).join(" "), file).toMatch(expected[file]![1])
      }
    }
  })

  it("or are none any more, and do what was meant", async () => {
    const command = `commands: [commandsOf(g, "m")("A", { opcode: 1, request: { body: { a: u16 } } })]`
    for (const file of fine) {
      const text = Fs.readFileSync(Path.join(fixtures, `${file}.ts`), "utf8")
      Fs.writeFileSync(Path.join(work, `${file}.ts`), file === "24bodylen64" ? text.replace("commands: []", command) : text)
    }
    for (const report of reportsOf(fine.map((file) => ["generate", { cwd: work, targets: [{ spec: `${file}.ts`, out: file }] }]))) {
      expect(report.findings).toEqual([])
    }
    const load = (file: string) =>
      import(Path.join(work, file, "index.ts")) as Promise<{ readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown }>
    const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
    const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
    for (
      const [file, name, value, hex] of [
        ["09arrutf8", "S", { list: ["a", "", "bc"] }, "03610000626300"],
        ["23length64", "S", { a: Uint8Array.of(1, 2) }, "00000000000000020102"],
        ["32structText", "Text", { a: "x" }, "0178"]
      ] as const
    ) {
      const gen = await load(file)
      expect(hexOf(encodeWith((writer) => gen[`encode${name}`]!(writer, value))), file).toBe(hex)
      expect(gen[`decode${name}`]!(bytesOf(hex)), file).toEqual(value)
    }
    for (const [file, hex] of [["12nolength", "01"], ["31kindpacket", "000001"]] as const) {
      const gen = await load(file)
      expect(hexOf(encodeWith((writer) => gen["encodeA"]!(writer, {}))), file).toBe(hex)
      expect(gen["decode"]!(new Reader(bytesOf(hex))), file).toMatchObject({ _tag: "A" })
    }
    const wide = await load("24bodylen64")
    expect(hexOf(encodeWith((writer) => wide["encodeA"]!(writer, { a: 0x102 })))).toBe("0000000000000002010102")
    expect(wide["decode"]!(new Reader(bytesOf("0000000000000002010102")))).toMatchObject({ _tag: "A", a: 0x102 })
  })
})

const framed = (kind: string): string =>
  `protocol(frame("G", { sections: ["body"], kinds: { m: { ${kind} } } }), { name: "p", module: "./g", commands: [] })`

/** Mistakes of the same kinds in newer words; the first line that says `export` has it. */
const planted: ReadonlyArray<readonly [what: string, spec: string, rule: string, says: RegExp]> = [
  ["a misspelt option", `T(struct("S", { a: varint({ bit: 64 }) }))`, "WW011", /write bits/],
  ["an option of another word", `T(struct("S", { a: prefixed(u8, utf8(), { max: 5 }) }))`, "WW011", /plus, absent|trailer/],
  ["an encoding that is none", `T(struct("S", { a: varint({ encoding: "leb" }) }))`, "WW012", /"leb128"/],
  ["a word of words without its call", `T(struct("S", { list: counted(u8, cstring) }))`, "WW010", /cstring\(\)/],
  ["a name of every object", `T(struct("S", { ["constructor"]: u8 }))`, "WW120", /no name that every object has/],
  ["what an object inherits from", `T(struct("S", { __proto__: u8, a: u8 } as any))`, "WW120", /another name/],
  [
    "a header field that is no word",
    `protocol(frame("G", { sections: ["body"], kinds: { m: kind({ length: bodyLength, type: opcode(u8) }) } }), { name: "p", module: "./g", commands: [] })`,
    "WW010",
    /bodyLength\(\)/
  ],
  ["two terminators in a fixed size", `T(struct("S", { name: utf8({ size: 16, until: 0 }) }))`, "WW205", /keep `size`/],
  ["an empty end", `T(struct("S", { name: utf8({ until: "" }) }))`, "WW204", /\\r\\n/],
  ["an end of nine bytes", `T(struct("S", { name: utf8({ until: "--the-end" }) }))`, "WW204", /one to eight/],
  [
    "two lists in one line",
    `T(struct("S", { line: tokens(" ", { a: array(utf8()), b: array(utf8()) }, { until: "\\r\\n" }) }))`,
    "WW190",
    /keep one/
  ],
  [
    "an optional token before a list",
    `T(struct("S", { line: tokens(" ", { verb: literal("get"), a: optional(utf8()), b: array(utf8()) }, { until: "\\r\\n" }) }))`,
    "WW190",
    /keep one|require/
  ],
  [
    "an empty list of tokens",
    `T(struct("S", { line: tokens(" ", { names: array(utf8()) }, { until: "\\r\\n" }) }))`,
    "WW190",
    /put a token in front/
  ],
  ["optional text that may be empty", `T(struct("S", { a: u8, note: optional(utf8()) }))`, "WW190", /drop `optional`/],
  ["optional text with a length", `T(struct("S", { n: lengthOf(u8, "note"), note: optional(utf8()), a: u8 }))`, "WW190", /absent/],
  [
    "a length of two fields of which neither ends",
    `T(struct("S", { n: lengthOf(u16, ["a", "b"]), a: utf8(), b: utf8() }))`,
    "WW190",
    /lengthOf or prefixed/
  ],
  [
    "packets without an opcode that look alike",
    `protocol(frame("G", { sections: ["body"], kinds: { m: { until: "\\n", headers: [{ fields: {} }] } } }), { name: "p", module: "./g", commands: ["A", "B"].map((name) => commandsOf(frame("G", { sections: ["body"], kinds: { m: { until: "\\n", headers: [{ fields: {} }] } } }), "m")(name, { request: { body: { text: utf8() } } })) })`,
    "WW190",
    /literal or constant/
  ],
  ["a length that is null and real", `T(struct("S", { a: counted(varint(), u8, { absent: 0 }) }))`, "WW221", /plus: 1/],
  ["a choice by what stands after it", `T(struct("S", { c: choice("C", by("t"), { A: tagged(1, {}) }), t: u8 }))`, "WW232", /in front/],
  ["tags that their sibling never has", `T(struct("S", { t: u8, c: choice("C", by("t"), { A: tagged(300, {}) }) }))`, "WW232", /0…255/],
  [
    "a flag of other flags",
    `T(flags("Other", u8, { will: bit(2) }), struct("S", { fl: flags("F", u8, { a: bit(0) }), w: optional(u16, { if: bitOf("fl", "will") }) }))`,
    "WW230",
    /name one of: a/
  ],
  [
    "a presence bit that stands after a field of some versions",
    `T(struct("S", { v: u8, a: when("v", optional(u8, { if: bitOf("has") }), { from: 2 }), b: bits(u8, { has: slice(0) }) }))`,
    "WW230",
    /put has in front/
  ],
  [
    "a presence bit for what stands there in the other versions alone",
    `T(struct("S", { v: u8, b: bits(u8, { has: slice(0) }), a: when("v", u16, { from: 2, else: optional(u8, { if: bitOf("has") }) }) }))`,
    "WW230",
    /the same bit on both sides/
  ],
  ["a constant at the end that may be missing", `T(struct("S", { a: u8, c: optional(constant(u8, 5)) }))`, "WW235", /literal/],
  [
    "a constant with a flag of its own",
    `T(struct("S", { f: flags("F", u8, { a: bit(0) }), c: optional(constant(u8, 5), { if: bitOf("f", "a") }) }))`,
    "WW235",
    /literal/
  ],
  [
    "a length in some states of what is there in all",
    `protocol(frame("G", { sections: ["body"], states: { on: "On." }, kinds: { m: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } }), { name: "p", module: "./g", commands: [], types: [struct("S", { n: when("on", lengthOf(u8, "a")), a: bytes(), b: u8 })] })`,
    "WW235",
    /when\("on", …\) for a, too/
  ],
  [
    "a checksum behind the body over a name of nothing",
    framed(
      `trailer: { sum: checksum("crc32", u32, { over: ["bdy"] }) }, headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }]`
    ),
    "WW240",
    /name one of: length, type, body/
  ],
  [
    "a checksum with a gap behind the body",
    framed(
      `trailer: { sum: checksum("crc32", u32, { over: ["length", "body"] }) }, headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }]`
    ),
    "WW240",
    /without gaps/
  ],
  [
    "a checksum in the header over a name of nothing",
    framed(`headers: [{ fields: { length: bodyLength(u16), type: opcode(u8), sum: checksum("crc32", u32, { over: ["payload"] }) } }]`),
    "WW240",
    /name one of: length, type, body/
  ],
  [
    "a value behind the body",
    framed(`trailer: { status: u16 }, headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }]`),
    "WW164",
    /field of the packets/
  ],
  [
    "two checksums over each other",
    `T(struct("S", { a: checksum("sum8", u8, { over: ["b", "d"] }), b: checksum("sum8", u8, { over: ["a", "d"] }), d: u8 }))`,
    "WW240",
    /computed after/
  ],
  ["a slice of more than a number holds", `T(struct("S", { b: bits(u64, { a: slice(53, 0) }) }))`, "WW212", /two slices/],
  ["versions of elements", `T(struct("S", { n: u8, b: counted(u8, when("n", u8, { from: 2, else: u16 })) }))`, "WW216", /when\(…, array/],
  [
    "versions of what has a length",
    `T(struct("S", { n: u8, b: prefixed(u8, when("n", u8, { from: 2, else: u16 })) }))`,
    "WW216",
    /prefixed/
  ],
  ["bits in a version", `T(struct("S", { n: u8, b: when("n", bits(u8, { a: slice(1) }), { from: 2, else: u8 }) }))`, "WW215", /struct/],
  [
    "bits of another version",
    `T(struct("S", { n: u8, b: when("n", u8, { from: 2, else: bits(u8, { a: slice(1) }) }) }))`,
    "WW215",
    /struct/
  ],
  ["bits that may be missing", `T(struct("S", { n: u8, b: optional(bits(u8, { a: slice(1) })) }))`, "WW215", /struct/],
  ["bits in a list", `T(struct("S", { n: u8, b: counted(u8, bits(u8, { a: slice(1) })) }))`, "WW215", /struct/],
  [
    "a length less than nothing",
    `T(struct("S", { n: lengthOf(u8, "b", { plus: -1 }), b: bytes() }))`,
    "WW222",
    /at least 0, or .* min of 1/
  ],
  [
    "a length in bits, of a number",
    `T(struct("S", { b: bits(u8, { n: lengthOf(u8, "a") }), a: bytes() }))`,
    "WW010",
    /lengthOf\(slice\(3, 0\), "a"\)/
  ],
  ["a length of a slice, in no bits", `T(struct("S", { n: lengthOf(slice(3, 0), "a"), a: bytes() }))`, "WW010", /bits\(u8, \{ n: lengthOf/],
  [
    "a count of a slice with a value",
    `T(struct("S", { b: bits(u8, { n: countOf(slice(3, 0, { value: 1 }), "a") }), a: array(u8) }))`,
    "WW012",
    /leave them out/
  ],
  [
    "a length in bits of what is not there",
    `T(struct("S", { b: bits(u8, { n: lengthOf(slice(3, 0), "c") }), a: bytes() }))`,
    "WW122",
    /name one of: a/
  ],
  [
    "a length in bits after what it measures",
    `T(struct("S", { a: bytes({ max: 3 }), b: bits(u8, { n: lengthOf(slice(3, 0), "a") }) }))`,
    "WW124",
    /in front/
  ],
  ["a count in bits of text", `T(struct("S", { b: bits(u8, { n: countOf(slice(3, 0), "a") }), a: utf8() }))`, "WW123", /array/],
  [
    "a null in bits that does not fit",
    `T(struct("S", { b: bits(u8, { n: lengthOf(slice(3, 0), "a", { absent: 16 }) }), a: bytes() }))`,
    "WW220",
    /0…15/
  ],
  [
    "more in bits than they hold",
    `T(struct("S", { b: bits(u8, { n: lengthOf(slice(1, 0), "a", { plus: 4 }) }), a: bytes() }))`,
    "WW222",
    /wider/
  ],
  ["a length in units of nothing", `T(struct("S", { n: lengthOf(u8, "a", { unit: 0 }), a: bytes() }))`, "WW012", /whole number of bytes/],
  [
    "a length in units that do not divide",
    `T(struct("S", { n: lengthOf(u8, "a", { unit: 4 }), a: struct("F", { x: u16 }) }))`,
    "WW222",
    /divide/
  ],
  ["a count in units", `T(struct("S", { n: countOf(u8, "a", { unit: 4 }), a: array(u8) }))`, "WW011", /countOf has no|it has/],
  [
    "a checksum with more bits to combine than it has",
    `T(struct("S", { a: u8, sum: checksum("xor8", u8, { over: ["a"], xor: 256 }) }))`,
    "WW241",
    /1…255/
  ],
  [
    "a checksum combined with a text",
    `T(struct("S", { a: u8, sum: checksum("xor8", u8, { over: ["a"], xor: "1" as never }) }))`,
    "WW012",
    /whole number/
  ],
  [
    "answers of which one does not say whether it is the last",
    `(() => { const g = frame("G", { sections: ["body"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } }); const m = packetsOf(g, "m"); return protocol(g, { name: "p", module: "./gen", commands: [m("A", { opcode: 1, answeredBy: ["B", "C"], last: { more: 0 }, fields: {} }), m("B", { opcode: 2, sender: "server", fields: { more: u8 } }), m("C", { opcode: 3, sender: "server", fields: { n: u8 } })] }) })()`,
    "WW169",
    /no number of C/
  ],
  [
    "answers of which one says it in another type",
    `(() => { const g = frame("G", { sections: ["body"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } }); const m = packetsOf(g, "m"); return protocol(g, { name: "p", module: "./gen", commands: [m("A", { opcode: 1, answeredBy: ["B", "C"], last: { more: 0 }, fields: {} }), m("B", { opcode: 2, sender: "server", fields: { more: u8 } }), m("C", { opcode: 3, sender: "server", fields: { more: utf8() } })] }) })()`,
    "WW169",
    /no number of C/
  ],
  [
    "answers whose end is a number of 64 bits",
    `(() => { const g = frame("G", { sections: ["body"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } }); const m = packetsOf(g, "m"); return protocol(g, { name: "p", module: "./gen", commands: [m("A", { opcode: 1, answeredBy: ["B", "C"], last: { more: 0 }, fields: {} }), m("B", { opcode: 2, sender: "server", fields: { more: u8 } }), m("C", { opcode: 3, sender: "server", fields: { more: u64 } })] }) })()`,
    "WW169",
    /no number of C/
  ],
  [
    "there by the value of a length",
    `T(struct("S", { n: lengthOf(u8, "d"), d: bytes(), x: optional(u8, { if: valueOf("n", [2]) }) }))`,
    "WW231",
    /derived/
  ],
  [
    "there by the value of a count in bits",
    `T(struct("S", { b: bits(u8, { n: countOf(slice(3, 0), "d") }), d: array(u8), x: optional(u8, { if: valueOf("n", [2]) }) }))`,
    "WW231",
    /derived/
  ],
  [
    "of a version that is a length",
    `T(struct("S", { n: lengthOf(u8, "d"), d: bytes(), x: when("n", u8, { from: 2 }) }))`,
    "WW233",
    /derived/
  ],
  ["a record without end", `T(struct("V", { a: u8, list: prefixed(u8, lazy(() => 0)) }))`, "WW010", /struct or a choice|the record/],
  [
    "counted elements of which an unknown one has no end",
    `T(struct("S", { list: counted(u8, choice("C", u8, { A: tagged(1, { n: u8 }) }, { unknown: "keep" })) }))`,
    "WW131",
    /prefixed\(u16/
  ],
  ["counted elements without bytes", `T(struct("S", { list: counted(u32, struct("E", {})) }))`, "WW131", /a length/],
  ["elements without end within a length", `T(struct("S", { list: prefixed(u8, array(utf8())) }))`, "WW131", /a length/],
  ["a constant too large within a length", `T(struct("S", { a: prefixed(u8, constant(u8, 300)) }))`, "WW130", /0…255/],
  ["half a byte within a length", `T(struct("S", { a: prefixed(u8, utf8({ max: 1.5 })) }))`, "WW133", /whole number/],
  [
    "a float in another order",
    `T(struct("S", { p: struct("Point", { x: f32, y: f32 }) }, { byteOrder: "little" }))`,
    "WW270",
    /byteOrder: "little"/
  ]
]

describe("planted mistakes in the new words", () => {
  it("are found, each once and with the right word", () => {
    for (const [i, [, spec]] of planted.entries()) {
      Fs.writeFileSync(Path.join(work, `planted${i}.ts`), `${examplePreamble}export const x = ${spec}\n`)
    }
    const outcomes = runCalls(planted.map((_, i) => ["check", { cwd: work, targets: [{ spec: `planted${i}.ts`, out: "gen" }] }]))
    const line = examplePreamble.split("\n").length
    for (const [i, [what, , rule, says]] of planted.entries()) {
      const outcome = outcomes[i]!
      if (typeof outcome === "string") throw new Error(`${what}: ${outcome}`)
      expect(`${what}: ${outcome.findings.map((one) => `${one.rule} at ${one.line}`).join(", ")}`).toBe(`${what}: ${rule} at ${line}`)
      expect(`${outcome.findings[0]!.message} ${outcome.findings[0]!.hint}`, what).toMatch(says)
    }
  })
})
