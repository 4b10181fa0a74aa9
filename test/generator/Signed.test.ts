/**
 * Numbers of specs at the limits of their integers: tags of choices, constants, enumerations and bits, signed and unsigned, in both byte orders.
 * The expected bytes are two's complement, made by `DataView` and by hand.
 */
import { annotate } from "@wirewright/codec/Layout"
import { Catalog } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runGenerator } from "./Run.ts"

/** Within the test workspace, from where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-signed")
beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const head = `import * as D from "@wirewright/dsl"
const f = D.frame("Neg", { sections: ["body"], kinds: { message: { headers: [{ fields: { length: D.bodyLength(D.u16), type: D.opcode(D.u8) } }] } } })
const message = D.commandsOf(f, "message")
const struct = D.struct, choice = D.choice, tagged = D.tagged, constant = D.constant, enumeration = D.enumeration
`

const widths = [["i8", 1], ["i16", 2], ["i32", 4], ["i64", 8], ["u8", 1], ["u16", 2], ["u24", 3], ["u32", 4], ["u64", 8]] as const
/** Smallest and largest value; of 64 bits those that a tag, which is a number, can be. */
const limits = (int: string, size: number): readonly [bigint, bigint] =>
  int.startsWith("i") ? [-(2n ** BigInt(8 * size - 1)), 2n ** BigInt(8 * size - 1) - 1n] : [0n, 2n ** BigInt(8 * size) - 1n]
const safe = (value: bigint): bigint => value > 2n ** 53n ? 2n ** 53n - 1n : value < -(2n ** 53n) ? -(2n ** 53n) + 1n : value

/** An integer as bytes. */
const bytesOf = (value: bigint, size: number, little = false): string => {
  const hex = BigInt.asUintN(8 * size, value).toString(16).padStart(2 * size, "0")
  return little ? hex.match(/../g)!.reverse().join("") : hex
}

/** Generates a protocol's code and gives what encodes its packets' bodies, and what reads them. */
const generated = async (name: string, spec: string) => {
  const file = Path.join(work, `${name}.spec.ts`)
  Fs.writeFileSync(file, head + spec)
  const report = runGenerator({ cwd: work, targets: [{ spec: `${name}.spec.ts`, out: name }] })
  expect(report.findings).toEqual([])
  const [{ Reader, Writer }, gen] = await Promise.all([
    import("@wirewright/codec"),
    import(Path.join(work, name, "index.ts")) as Promise<{ readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown }>
  ])
  const schemas = await import(Path.join(work, name, "Schemas.ts")) as { readonly [name: string]: unknown }
  const model = JSON.parse(Fs.readFileSync(Path.join(work, name, `${name}.model.json`), "utf8")) as Model
  return { Reader, Writer, gen, schemas, catalog: Catalog.of([model]) }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

describe("tags", () => {
  it("of every width, at both limits and ±1 of zero: written, read, described, and unknown ones kept", async () => {
    const chosen = widths.map(([int, size]) => {
      const [min, max] = limits(int, size).map(safe) as [bigint, bigint]
      const tags = int.startsWith("i") ? [min, -1n, 0n, 1n, max] : [0n, 1n, max]
      return { int, size, tags }
    })
    const spec = chosen.map(({ int, tags }) =>
      `const ${int} = choice("${int.toUpperCase()}c", D.${int}, { ${
        tags.map((tag, i) => `C${i}: tagged(${tag}, { a: D.u8 })`).join(", ")
      } }, { unknown: "keep" })`
    ).join("\n")
    const { Reader, Writer, catalog, gen, schemas } = await generated(
      "tags",
      `${spec}
export const p = D.protocol(f, { name: "tags", module: "./tags", commands: [${
        chosen.map(({ int }, i) => `message("M${int.toUpperCase()}", { opcode: ${i}, request: { body: { signed: ${int} } } })`).join(", ")
      }] })`
    )
    const { Schema } = await import("effect")
    for (const [opcode, { int, size, tags }] of chosen.entries()) {
      const encodeName = `encodeM${int.toUpperCase()}`
      for (const [i, tag] of tags.entries()) {
        const writer = new Writer(64)
        gen[encodeName]!(writer, { signed: { _tag: `C${i}`, a: 7 } })
        const body = `${bytesOf(tag, size)}07`
        const frame = bytesOf(BigInt(size + 1), 2) + bytesOf(BigInt(opcode), 1) + body
        expect(hexOf(writer.take()), `${int} ${tag}`).toBe(frame)
        const bytes = Buffer.from(frame, "hex")
        expect(gen["decodeMessage"]!(new Reader(bytes), 0)).toMatchObject({ signed: { _tag: `C${i}`, a: 7 } })
        expect(annotate(catalog, bytes).error).toBeUndefined()
      }
      const unknown = 5n
      const frame = bytesOf(BigInt(size + 1), 2) + bytesOf(BigInt(opcode), 1) + `${bytesOf(unknown, size)}07`
      const packet = gen["decodeMessage"]!(new Reader(Buffer.from(frame, "hex")), 0) as { readonly signed: object }
      expect(packet.signed).toMatchObject({ _tag: "Unknown", tag: size === 8 ? unknown : Number(unknown) })
      expect(Schema.is(schemas[`${int.toUpperCase()}c`] as never)(packet.signed)).toBe(true)
      const writer = new Writer(64)
      gen[encodeName]!(writer, { signed: packet.signed })
      expect(hexOf(writer.take())).toBe(frame)
    }
  })
})

describe("constants, enumerations and tags in records", () => {
  it("at the limits, in both byte orders: written, read, described, and refused when they differ", async () => {
    const ints = widths.filter(([int]) => int !== "u24")
    const values = (int: string, size: number) => {
      const [min, max] = limits(int, size)
      return int.startsWith("i") ? [min, -1n, max] : [min, max]
    }
    const all = ints.flatMap(([int, size]) =>
      values(int, size).flatMap((value, i) =>
        ["big", "little"].map((order) => ({ int, size, value, order, name: `${order === "big" ? "B" : "L"}${int.toUpperCase()}x${i}` }))
      )
    )
    const literal = (value: bigint, size: number) => size === 8 ? `${value}n` : String(value)
    const inner = `choice("Inner", D.i16, { Minus: tagged(-2, { a: D.u16 }) }, { byteOrder: "big" })`
    const { Reader, Writer, catalog, gen } = await generated(
      "constants",
      `const inner = ${inner}
${
        all.map(({ int, name, order, size, value }) => {
          const named = size === 8
            ? "D.u8"
            : `enumeration("${name}E", D.${int}, { Low: ${values(int, size)[0]}, High: ${values(int, size).at(-1)} }, { unknown: "error" })`
          return `const ${name} = struct("${name}", { c: constant(D.${int}, ${
            literal(value, size)
          }), e: ${named}, t: inner }, { byteOrder: "${order}" })`
        }).join("\n")
      }
export const p = D.protocol(f, { name: "constants", module: "./constants", commands: [${
        all.map(({ name }, i) => `message("M${name}", { opcode: ${i}, request: { body: { r: ${name} } } })`).join(", ")
      }] })`
    )
    for (const [opcode, { int, name, order, size, value }] of all.entries()) {
      const e = size === 8 ? 1n : values(int, size)[0]!
      // the choice says its own order
      const body = bytesOf(value, size, order === "little") + bytesOf(e, size === 8 ? 1 : size, order === "little") + "fffe0102"
      const frame = bytesOf(BigInt(body.length / 2), 2) + bytesOf(BigInt(opcode), 1) + body
      const writer = new Writer(64)
      gen[`encodeM${name}`]!(writer, { r: { e: Number(e), t: { _tag: "Minus", a: 0x102 } } })
      expect(hexOf(writer.take()), name).toBe(frame)
      const bytes = Buffer.from(frame, "hex")
      expect(gen["decodeMessage"]!(new Reader(bytes), 0), name).toMatchObject({ r: { e: Number(e), t: { _tag: "Minus", a: 0x102 } } })
      expect(annotate(catalog, bytes).error, name).toBeUndefined()
      bytes[3]! ^= 0x01
      expect(() => gen["decodeMessage"]!(new Reader(bytes), 0), name).toThrow(
        new RegExp(`\\.c at byte 3: expected ${value < 0n ? "-" : ""}0x0*${(value < 0n ? -value : value).toString(16)}, got -?0x`)
      )
    }
  })

  it("that choose a layout, at −1", async () => {
    const { Reader, Writer, catalog, gen } = await generated(
      "layouts",
      `export const p = D.protocol(f, { name: "layouts", module: "./layouts", commands: [message("One", { opcode: 1, request: D.layouts({
  Minus: { body: { c: constant(D.i16, -1), a: D.u8 } }, Wide: { body: { c: constant(D.i16, -32768), b: D.u8 } }
}) })] })`
    )
    for (const [layout, body, field] of [["Minus", "ffff07", "a"], ["Wide", "800007", "b"]] as const) {
      const writer = new Writer(64)
      gen["encodeOne"]!(writer, { layout, [field]: 7 })
      expect(hexOf(writer.take())).toBe(`000301${body}`)
      const bytes = Buffer.from(`000301${body}`, "hex")
      expect(gen["decodeMessage"]!(new Reader(bytes), 0)).toMatchObject({ layout, [field]: 7 })
      expect(annotate(catalog, bytes).error).toBeUndefined()
    }
  })
})

describe("numbers that do not fit", () => {
  /** Rules that are broken, by the line of a spec. */
  const rules = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
    const names = lines.map((_, i) => `t${i}`)
    const file = `${head.trim().split("\n").length}`
    const text = [
      ...lines.map((line, i) => `const t${i} = ${line}`),
      `export const p = D.types({ name: "p", module: "p", types: [${names.join(", ")}] })`
    ]
    Fs.writeFileSync(Path.join(work, "bad.spec.ts"), head + text.join("\n"))
    const { findings } = runGenerator({ cwd: work, targets: [{ spec: "bad.spec.ts", out: "bad" }], dryRun: true })
    return lines.map((_, i) => findings.filter(({ line }) => line === i + 1 + Number(file)).map(({ rule }) => rule).join(" "))
  }

  it("are found at ±1 of the limits of every width, and nothing else is", () => {
    const cases = widths.flatMap(([int, size]) => {
      const [min, max] = limits(int, size)
      const n = size === 8 ? "n" : ""
      const constants = [[min - 1n, "WW130"], [min, ""], [max, ""], [max + 1n, "WW130"]].map(([value, rule], i) =>
        [`struct("${int.toUpperCase()}c${i}", { c: constant(D.${int}, ${value}${n}) })`, rule] as const
      )
      const [low, high] = [safe(min), safe(max)]
      const tags = [[low - 1n, "WW130"], [low, ""], [high, ""], [high + 1n, "WW130"]].map(([value, rule], i) =>
        [`choice("${int.toUpperCase()}t${i}", D.${int}, { A: tagged(${value}, { a: D.u8 }) })`, rule] as const
      )
      const enums = size === 8
        ? []
        : [[min - 1n, "WW130"], [min, ""], [max, ""], [max + 1n, "WW130"]].map(([value, rule], i) =>
          [`enumeration("${int.toUpperCase()}e${i}", D.${int}, { A: ${value} })`, rule] as const
        )
      return [...constants, ...tags, ...enums]
    })
    const odd = [
      [`struct("Odd1", { c: constant(D.u8, 1.5) })`, "WW130"],
      [`struct("Odd2", { c: constant(D.u8, NaN) })`, "WW130"],
      [`choice("Odd3", D.u8, { A: tagged(0.5, { a: D.u8 }) })`, "WW130"],
      [`enumeration("Odd4", D.i8, { A: -1, B: -1 })`, "WW112"],
      [`enumeration("Odd5", D.i64 as never, { A: -1 })`, "WW135"],
      [`D.flags("Odd6", D.i8 as never, { A: D.bit(7) } as never)`, "WW135"],
      [`D.flags("Odd7", D.u64 as never, { A: D.bit(1) } as never)`, "WW135"],
      [`D.flags("Odd8", D.u32, { A: D.bit(31) })`, ""],
      [`D.flags("Odd9", D.u32, { A: D.bit(32) } as never)`, "WW130"],
      [`D.flags("Odd10", D.u8, { A: D.bit(-1) } as never)`, "WW130"]
    ] as const
    const all = [...cases, ...odd]
    expect(rules(all.map(([line]) => line))).toEqual(all.map(([, rule]) => rule))
  })
})
