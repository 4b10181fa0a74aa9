/** One spec mistake per rule, and that the protocols of this repository have none. */
import { extendText, type Message, message, part, textProtocol, type TextProtocolOptions } from "@wirewright/dsl"
import { deepstream, deepstreamText } from "@wirewright/spec/deepstream"
import { describe, expect, it } from "vitest"
import { buildText, checkText, printText } from "./index.ts"

const good = message("Good", { head: ["A", "B"], fields: { name: part.text }, examples: [{ origin: "made up", text: "A|B|x+" }] })

const protocol = (messages: ReadonlyArray<Message>, options: Partial<TextProtocolOptions> = {}) =>
  textProtocol({
    name: "test",
    module: "@test/gen",
    fieldSeparator: 0x1f,
    messageSeparator: 0x1e,
    head: ["topic", "action"],
    messages: [good, ...messages],
    ...options
  })

const rules = (
  messages: ReadonlyArray<Message>,
  options?: Partial<TextProtocolOptions>
) => [...new Set(checkText(protocol(messages, options)).map(({ rule }) => rule))]

const one = (fields: Message["fields"], ...texts: ReadonlyArray<string>) =>
  message("One", { head: ["O", "N"], fields, examples: texts.map((text) => ({ origin: "made up", text })) })

const name = "x"

describe("findings", () => {
  it("none", () => {
    expect(rules([])).toEqual([])
    expect(checkText(deepstream)).toEqual([])
    expect(checkText(deepstreamText)).toEqual([])
  })

  it.each<[string, ReadonlyArray<Message>, Partial<TextProtocolOptions>?]>([
    ["WW301", [], { fieldSeparator: 0x1e }],
    ["WW301", [], { fieldSeparator: 300 }],
    ["WW302", [], { head: ["topic", "topic"] }],
    ["WW302", [], { head: ["topic", "fields"] }],
    ["WW303", [], { minMessage: 0 }],
    ["WW303", [one({ name: part.bounded(part.text, 0) }, "O|N|x+")]],
    ["WW304", [], { removes: ["Nothing"] }],
    ["WW305", [good]],
    ["WW306", [message("not a type", { head: ["O", "N"], fields: {}, examples: [{ origin: name, text: "O|N+" }] })]],
    ["WW306", [one({ _tag: part.text }, "O|N|x+")]],
    ["WW307", [message("Long", { head: ["O", "N", "E"], fields: {}, examples: [{ origin: name, text: "O|N|E+" }] })]],
    ["WW308", [message("Cut", { head: ["O", "N\x1f"], fields: {}, examples: [{ origin: name, text: "O|N|+" }] })]],
    ["WW308", [one({ code: part.literal("a\x1eb") }, "O|N|a+")]],
    ["WW309", [one({ a: part.optional(part.rest()) }, "O|N+")]],
    ["WW310", [one({ a: part.optional(part.text), b: part.text }, "O|N|a|b+")]],
    ["WW311", [one({ a: part.rest(), b: part.text }, "O|N|a|b+")]],
    ["WW312", [one({ a: part.text })]],
    ["WW313", [
      one({ a: part.text, b: part.text }, "O|N|a|b+"),
      message("Two", { head: ["O", "N"], fields: { c: part.text, d: part.text }, examples: [] })
    ]],
    ["WW314", [one({ a: part.text }, "O|N|a|b+")]],
    ["WW314", [one({ a: part.integer }, "O|N|a+")]],
    ["WW314", [one({ a: part.text }, "O|N|a")]],
    ["WW314", [one({ a: part.text }, "A|B|a+")]],
    ["WW314", [
      message("One", { head: ["O", "N"], fields: { a: part.text }, examples: [{ origin: name, text: "O|N|a+", fields: { b: 1 } }] })
    ]]
  ])("%s", (rule, messages, options) => {
    expect(rules(messages, options)).toContain(rule)
  })

  it("WW313: the same layout from different senders is no ambiguity", () => {
    const two = (sender: "client" | "server") =>
      message(sender === "client" ? "Ask" : "Answer", {
        head: ["O", "N"],
        sender,
        fields: { a: part.text },
        examples: [{ origin: name, text: "O|N|x+" }]
      })
    expect(rules([two("client"), two("server")])).toEqual([])
  })
})

describe("printing", () => {
  it("does not depend on the order of the spec", () => {
    const plan = (messages: ReadonlyArray<Message>) =>
      printText(buildText(protocol(messages), () => undefined), [], "none").map(({ declarations }) => declarations)
    const [first, second] = [
      one({ a: part.text }, "O|N|a+"),
      message("Two", { head: ["O", "P"], fields: {}, examples: [{ origin: name, text: "O|P+" }] })
    ]
    expect(plan([first, second])).toEqual(plan([second, first]))
  })

  it("an extension of an extension hands on to its base", () => {
    const base = protocol([])
    const middle = extendText(base, { name: "middle", module: "@test/middle", messages: [one({ a: part.text }, "O|N|a+")] })
    const top = extendText(middle, { name: "top", module: "@test/top", messages: [], removes: ["Good"] })
    expect(checkText(top)).toEqual([])
    const [own, ...bases] = [top, middle, base].map((each) => buildText(each, () => undefined))
    const [messages, decode] = printText(own!, bases, "none")
    expect(messages!.imports.map(({ from }) => from)).toEqual(["@test/middle/Messages"])
    const text = JSON.stringify(decode!.declarations)
    expect(text).toContain("base.decodeClientMessage")
    expect(text).toContain("return unknownMessage(text, start, end)")
  })
})
