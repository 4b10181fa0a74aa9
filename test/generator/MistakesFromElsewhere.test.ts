/**
 * What newcomers write who know Kaitai Struct, Construct, binrw or C: each is found once, at its line (the last but one of the file, or the
 * first that is wrong), with a hint that names the word it is here.
 */
import { wordNamed } from "@wirewright/codegen/check/Meant"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { runCalls } from "./Run.ts"

/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-elsewhere")

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const I =
  `import { array, ascii, bit, bitOf, bits, bodyLength, bytes, choice, commandsOf, constant, counted, cstring, decimal, enumeration, extend, f32, flags, frame, lengthOf, literal, magic, opcode, optional, packetsOf, prefixed, protocol, slice, struct, tagged, tokens, types, u16, u32, u64, u8, utf8, varint } from "@wirewright/dsl"`
const T = (s: string) => `${I}\nexport const x = types({ name: "t", module: "./g", types: [\n${s}\n] })\n`
const F =
  `const f = frame("F", { sections: ["body"], kinds: { m: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })\nconst packet = packetsOf(f, "m")\n`
const P = (s: string) => `${I}\n${F}export const x = protocol(f, { name: "p", module: "./g", commands: [\n${s}\n] })\n`

const mistakes: ReadonlyArray<readonly [what: string, spec: string, rule: string, says: RegExp]> = [
  ["syntax error", `${I}\nexport const x = types({ name: "t", module: "./g" types: [] })\n`, "WW003", /no TypeScript/],
  [
    "not imported",
    `import { types, struct } from "@wirewright/dsl"\nexport const x = types({ name: "t", module: "./g", types: [struct("S", { a: u8 })] })\n`,
    "WW003",
    /import \{ u8 \} from "@wirewright\/dsl"/
  ],
  [
    "kaitai name import",
    `import { types, struct, u2le } from "@wirewright/dsl"\nexport const x = types({ name: "t", module: "./g", types: [struct("S", { a: u2le })] })\n`,
    "WW003",
    /u16\.le/
  ],
  ["u8()", T(`struct("S", { a: u8() })`), "WW003", /write u8, without brackets/],
  ["string type", T(`struct("S", { a: "u16" })`), "WW010", /write u16, without quotes/],
  ["nested object instead of struct", T(`struct("S", { pos: { x: u8, y: u8 } })`), "WW010", /struct\("Name"/],
  ["array of fields (kaitai seq)", T(`struct("S", [{ id: "a", type: u8 }])`), "WW012", /types by name/],
  ["struct without name", T(`struct({ a: u8 })`), "WW012", /name goes first/],
  ["u16le typo", T(`struct("S", { a: u16.LE })`), "WW010", /u16\.le/],
  ["array size option", T(`struct("S", { a: array(u8, { size: 4 }) })`), "WW011", /counted\(/],
  ["array count", T(`struct("S", { n: u8, a: array(u8, { count: "n" }) })`), "WW011", /countOf\(/],
  ["bytes length", T(`struct("S", { n: u8, a: bytes({ length: "n" }) })`), "WW011", /lengthOf\(/],
  ["size names sibling", T(`struct("S", { n: u8, a: bytes({ size: "n" }) })`), "WW012", /lengthOf\(/],
  ["lengthOf swapped", T(`struct("S", { n: lengthOf("a", u8), a: bytes() })`), "WW012", /lengthOf\(u16, "a"\)/],
  ["prefixed swapped", T(`struct("S", { a: prefixed(utf8(), u8) })`), "WW012", /prefixed\(u16, utf8\(\)\)/],
  ["choice array cases", T(`struct("S", { c: choice("C", u8, [tagged(1, { a: u8 })]) })`), "WW012", /tagged\(1/],
  ["choice cases structs", T(`struct("S", { c: choice("C", u8, { A: struct("A", { a: u8 }) }) })`), "WW012", /tagged\(1/],
  ["choice numeric keys", T(`struct("S", { c: choice("C", u8, { 1: { a: u8 } }) })`), "WW012", /tagged\(1/],
  ["choice by string", T(`struct("S", { t: u8, c: choice("C", "t", { A: tagged(1, { a: u8 }) }) })`), "WW010", /by\("/],
  [
    "optional if function",
    T(`struct("S", { t: u8, a: optional(u8, { if: (p: any) => p.t === 1 }) })`),
    "WW010",
    /bitOf\(…\) or valueOf\(…\)/
  ],
  ["enumeration array", T(`struct("S", { e: enumeration("E", u8, ["a", "b"]) })`), "WW012", /\{ get: 1/],
  ["enumeration reversed", T(`struct("S", { e: enumeration("E", u8, { 1: "get", 2: "set" }) })`), "WW012", /\{ get: 1/],
  ["flags numbers", T(`struct("S", { e: flags("E", u8, { a: 1, b: 2 }) })`), "WW012", /bit\(0\)/],
  ["constant without int", T(`struct("S", { e: constant(5) })`), "WW012", /constant\(u8, 5\)/],
  ["literal array", T(`struct("S", { e: literal([0x50, 0x4b]) })`), "WW204", /constant\(u16/],
  ["bits widths numbers", T(`struct("S", { b: bits(u8, { a: 4, b: 4 }) })`), "WW012", /slice\(7, 4\)/],
  ["varint('leb128')", T(`struct("S", { b: varint("leb128") })`), "WW012", /encoding: …/],
  ["tokens missing until", T(`struct("S", { line: tokens({ a: utf8() }) })`), "WW012", /tokens\(" "/],
  ["packet misspelt fields", P(`packet("A", { opcode: 1, field: { a: u8 } })`), "WW011", /write fields/],
  [
    "commands object",
    `${I}\n${F}export const x = protocol(f, { name: "p", module: "./g", commands: { A: packet("A", { opcode: 1, fields: {} }) } })\n`,
    "WW012",
    /array/
  ],
  ["missing module", `${I}\n${F}export const x = protocol(f, { name: "p", commands: [] })\n`, "WW012", /\.\/src\/gen/],
  [
    "headers object",
    `${I}\nconst f = frame("F", { sections: ["body"], kinds: { m: { headers: { length: bodyLength(u16), type: opcode(u8) } } } })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [] })\n`,
    "WW012",
    /\[\{ fields/
  ],
  [
    "header without fields",
    `${I}\nconst f = frame("F", { sections: ["body"], kinds: { m: { headers: [{ length: bodyLength(u16), type: opcode(u8) }] } } })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [] })\n`,
    "WW012",
    /\[\{ fields/
  ],
  [
    "header not in kinds",
    `${I}\nconst f = frame("F", { sections: ["body"], headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [] })\n`,
    "WW012",
    /kinds: \{/
  ],
  [
    "no sections",
    `${I}\nconst f = frame("F", { kinds: { m: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [] })\n`,
    "WW012",
    /\["body"\]/
  ],
  [
    "packet of other frame",
    `${I}\n${F}const g = frame("G", { sections: ["body"], kinds: { other: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [packetsOf(g, "other")("A", { opcode: 1, fields: {} })] })\n`,
    "WW106",
    /it has m/
  ],
  [
    "extend own frame kind",
    `${I}\n${F}const base = protocol(f, { name: "b", module: "./b", commands: [] })\nexport const x = extend(base, { name: "p", module: "./g", commands: [packetsOf(f, "m")("A", { opcode: 1, fields: {} })], remove: ["B"] })\n`,
    "WW011",
    /write removes/
  ],
  [
    "until + trailer",
    `${
      I.replace("choice,", "checksum, choice,")
    }\nconst f = frame("F", { sections: ["body"], kinds: { m: { headers: [{ fields: {} }], until: "\\n", trailer: { e: literal("!") } } } })\nexport const x = protocol(f, { name: "p", module: "./g", commands: [] })\n`,
    "WW164",
    /bodyLength/
  ]
]

it("are found, each once, at its line, with the word that was meant", () => {
  mistakes.forEach(([, spec], i) => Fs.writeFileSync(Path.join(work, `s${i}.ts`), spec))
  const outcomes = runCalls(mistakes.map((_, i) => ["check", { cwd: work, targets: [{ spec: `s${i}.ts`, out: "gen" }] }]))
  for (const [i, [what, spec, rule, says]] of mistakes.entries()) {
    const outcome = outcomes[i]!
    if (typeof outcome === "string") throw new Error(`${what}: ${outcome}`)
    // imports, frames and packets stand above what is wrong, or are it
    const lines = spec.split("\n")
    const at = lines.findIndex((line) =>
      /u2le|headers: \{|headers: \[\{ length|"F", \{ (sections: \["body"\], headers|kinds)|until: /.test(line)
    )
    const line = at >= 0 ? at + 1 : lines.findIndex((one) => one.startsWith("export const x")) + (/\[$/m.test(spec) ? 2 : 1)
    expect(`${what}: ${outcome.findings.map((one) => `${one.rule} at ${one.line}`).join(", ")}`).toBe(`${what}: ${rule} at ${line}`)
    expect(`${outcome.findings[0]!.message} ${outcome.findings[0]!.hint}`, what).toMatch(says)
  }
})

it("kinds, cases and fields may be called like words", () => {
  const spec = `${I}
const f = frame("F", { sections: ["body"], kinds: { frame: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8) } }] } } })
const valueOf = choice("C", u8, { struct: tagged(1, { flags: u8 }), bits: tagged(2, { frame: u8 }) })
export const x = protocol(f, { name: "p", module: "./g", commands: [packetsOf(f, "frame")("A", { opcode: 1, fields: { choice: valueOf, constant: u8 } })] })
`
  Fs.writeFileSync(Path.join(work, "names.ts"), spec)
  const [outcome] = runCalls([["check", { cwd: work, targets: [{ spec: "names.ts", out: "gen" }] }]])
  expect(typeof outcome === "string" ? outcome : outcome?.findings).toEqual([])
})

it.each([
  ["u2le", "u16.le"],
  ["s4be", "i32"],
  ["f8", "f64"],
  ["Int16ul", "u16.le"],
  ["Int32sb", "i32"],
  ["uint8_t", "u8"],
  ["int64", "i64"],
  ["u16le", "u16.le"],
  ["strz", "cstring"],
  ["lenghtOf", "lengthOf"],
  ["frobnicate", undefined]
])("%s is called %s", (name, word) => {
  expect(wordNamed(name)).toBe(word)
})
