/** One spec mistake per rule of protocols over text, that those of this repository have none, and what is printed of extensions. */
import {
  array,
  type Command,
  custom,
  decimal,
  type Example,
  extend,
  type Fields,
  frame,
  json,
  literal,
  optional,
  packetsOf,
  protocol
} from "@wirewright/dsl"
import { bool, bytes, tokens, utf8 } from "@wirewright/dsl"
import { deepstream, deepstreamText } from "@wirewright/spec/deepstream"
import { describe, expect, it } from "vitest"
import { buildModel, type Built } from "../Build.ts"
import { checkExamples } from "../check/Examples.ts"
import { checkModel } from "../check/Model.ts"
import { checkValues } from "../check/Values.ts"
import type { Origin } from "../Origin.ts"
import { Context } from "../print/Context.ts"
import { checkText } from "./Check.ts"
import { printText } from "./index.ts"

const origin = { doc: () => undefined, family: () => "Test" } as unknown as Origin

const over = (options: Partial<Parameters<typeof frame>[1]> = {}) =>
  frame("Test", {
    over: "text",
    sections: ["line"],
    kinds: { ask: { headers: [], until: "\x1e", sender: "client" }, answer: { headers: [], until: "\x1e", sender: "server" } },
    ...options
  })
const plain = over()
const ask = packetsOf(plain, "ask")
const answer = packetsOf(plain, "answer")
const both = packetsOf(plain, "ask", "answer")

const line = (head: string, fields: Fields, ...texts: ReadonlyArray<string>) => ({
  fields: { line: tokens("\x1f", { headIs: literal(head), ...fields }) },
  examples: texts.map((text): Example => ({ origin: "made up", text: text.replaceAll("|", "\x1f").replaceAll("+", "\x1e") }))
})
const good = both("Good", line("A", { name: utf8() }, "A|x+"))
const one = (fields: Fields, ...texts: ReadonlyArray<string>) => ask("One", line("O", fields, ...texts))

const built = (commands: ReadonlyArray<Command>, of = plain): Built =>
  buildModel(protocol(of as typeof plain, { name: "test", module: "@test/gen", commands }), origin)

const rulesOf = (value: Built): ReadonlyArray<string> => {
  const structure = [...checkValues(value.protocol), ...checkModel(value), ...checkText(value)]
  return [...new Set((structure.length > 0 ? structure : [...checkExamples(value)]).map(({ rule }) => rule))]
}

const chain = (): ReadonlyArray<Built> => {
  const base = buildModel(deepstream, origin)
  return [base, buildModel(deepstreamText, origin, base.model)]
}

describe("findings", () => {
  it("none", () => {
    expect(rulesOf(built([good]))).toEqual([])
    expect(chain().map(rulesOf)).toEqual([[], []])
  })

  it.each<[string, Built]>([
    [
      "WW301",
      built([good], over({ kinds: { ask: { headers: [], until: "\x1f", sender: "client" }, answer: { headers: [], until: "\x1f" } } }))
    ],
    [
      "WW301",
      built([good], over({ kinds: { ask: { headers: [], until: "\r\n", sender: "client" }, answer: { headers: [], until: "\r\n" } } }))
    ],
    [
      "WW301",
      built([good], over({ kinds: { ask: { headers: [], until: "\x1e", sender: "client" }, answer: { headers: [], until: "\x1d" } } }))
    ],
    ["WW301", built([good, ask("Other", { fields: { line: tokens("\x1c", { headIs: literal("B"), name: utf8() }) } })])],
    ["WW302", built([ask("Two", { fields: { a: tokens("\x1f", { headIs: literal("B") }), b: utf8() } })])],
    ["WW302", built([ask("Twice", { fields: { a: tokens("\x1f", { headIs: literal("B") }, { until: "\n" }) } })])],
    ["WW303", built([good], over({ minFrame: 0 }))],
    ["WW303", built([good], over({ minFrame: 9, maxFrame: 9 }))],
    ["WW303", built([one({ name: utf8({ max: 0 }) })])],
    ["WW306", built([one({ data: bytes() })])],
    ["WW306", built([one({ number: decimal({ bits: 64 }) })])],
    ["WW306", built([one({ numbers: array(decimal()) })])],
    ["WW308", built([one({ code: literal("a\x1eb") })])],
    ["WW308", built([one({ flag: bool("\x1f", "F") })])],
    ["WW309", built([one({ code: optional(literal("x")) })])],
    ["WW309", built([ask("Bare", { fields: { line: tokens("\x1f", { first: optional(utf8()) }) } })])],
    ["WW310", built([one({ a: optional(utf8()), b: utf8() })])],
    ["WW311", built([one({ a: array(utf8()), b: utf8() })])],
    ["WW313", built([one({ a: utf8(), b: utf8() }), ask("Two", line("O", { c: utf8(), d: utf8() }))])],
    ["WW313", built([one({ a: json() }), ask("Two", line("O", { c: literal("{}") })), ask("Zero", line("O", { c: json() }))])],
    ["WW171", built([one({ a: utf8() }, "O|a|b+")])],
    ["WW171", built([one({ a: decimal() }, "O|a+")])],
    ["WW171", built([one({ a: utf8() }, "O|a")])],
    ["WW171", built([one({ a: bool("T", "F") }, "O|N+")])],
    ["WW172", built([good, one({ a: utf8() }, "A|a+")])],
    ["WW106", built([packetsOf(plain, "ask", "nothing" as "answer")("One", line("O", {}))])],
    ["WW208", built([one({ a: bool("T", "TF") })])]
  ])("%s", (rule, value) => {
    expect(rulesOf(value)).toContain(rule)
  })

  it("WW313: the same layout of different kinds is no ambiguity", () => {
    expect(rulesOf(built([ask("Ask", line("O", { a: utf8() }, "O|x+")), answer("Answer", line("O", { a: utf8() }))]))).toEqual([])
  })

  it("WW313: what a custom field takes nobody knows", () => {
    const typed = custom("Typed", { module: "./Typed.ts", minimum: 1, ends: false })
    expect(rulesOf(built([one({ a: typed }), ask("Two", line("O", { a: utf8() }))]))).toEqual([])
    expect(rulesOf(built([one({ a: utf8() }), ask("Two", line("O", { a: utf8() }))]))).toEqual(["WW313"])
  })

  it("WW181: what is removed is the base's, and does not come back", () => {
    const base = protocol(plain, { name: "base", module: "@test/base", commands: [good] })
    const built = buildModel(base, origin)
    const extended = (removes: ReadonlyArray<string>, commands: ReadonlyArray<Command> = []) =>
      rulesOf(buildModel(extend(base, { name: "more", module: "@test/more", commands, removes }), origin, built.model))
    expect(extended(["Good"])).toEqual([])
    expect(extended(["Bad"])).toEqual(["WW181"])
    expect(extended(["Good", "Good"])).toEqual(["WW181"])
    expect(extended(["Good"], [good])).toEqual(["WW181"])
  })
})

describe("printing", () => {
  it("does not depend on the order of the spec", () => {
    const print = (commands: ReadonlyArray<Command>) =>
      printText(new Context(built([good, ...commands]).model, ".ts")).map(({ declarations }) => declarations)
    const [first, second] = [one({ a: utf8() }), ask("Two", line("P", {}))]
    expect(print([first, second])).toEqual(print([second, first]))
  })

  it("an extension of an extension hands on to its base, and reads what was removed as what takes the rest", () => {
    const rest = both("Rest", { fields: { line: tokens("\x1f", { head: utf8(), more: array(utf8()) }) } })
    const base = protocol(plain, { name: "base", module: "@test/base", commands: [good, rest] })
    const middle = extend(base, { name: "middle", module: "@test/middle", commands: [one({ a: utf8() })] })
    const top = extend(middle, { name: "top", module: "@test/top", commands: [], removes: ["Good"] })
    const models = [buildModel(base, origin).model]
    models.push(buildModel(middle, origin, models[0]).model)
    const all = buildModel(top, origin, models[1])
    expect(rulesOf(all)).toEqual([])
    const [messages, decode] = printText(new Context(all.model, ".ts"))
    expect(messages!.imports.map(({ from }) => from)).toEqual(["@test/base/Messages", "@test/middle/Messages"])
    const text = JSON.stringify(decode!.declarations)
    expect(text).toContain("base.decodeAsk")
    expect(text).toContain("readRest(text, start, start, end)")
    expect(text).not.toContain("readGood")
  })
})
