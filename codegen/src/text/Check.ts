/** What is wrong with the spec of a text protocol. Rules WW3xx. */
import type { MessageModel, TextModel } from "@wirewright/codec/TextModel"
import type { Message, TextProtocol } from "@wirewright/dsl"
import type { Complaint } from "../Finding.ts"
import { buildText } from "./Build.ts"
import { byPrecedence, effective, hides, matches, sends, sides } from "./Shape.ts"

const finding = (rule: string, value: object, path: ReadonlyArray<string>, message: string, hint: string): Complaint => ({
  rule,
  value,
  path,
  message,
  hint
})

const identifier = /^[A-Za-z][A-Za-z0-9_]*$/

/** All findings of a protocol. Its bases are checked on their own. */
export const checkText = (protocol: TextProtocol): ReadonlyArray<Complaint> => {
  const structure = [
    ...checkProtocol(protocol),
    ...protocol.messages.flatMap((message) => [...checkMessage(message, protocol)]),
    ...checkNames(protocol)
  ]
  if (structure.length > 0) return structure
  const bases: Array<TextModel> = []
  for (let base = protocol.base; base !== undefined; base = base.base) bases.push(buildText(base, () => undefined))
  const model = buildText(protocol, () => undefined)
  return [...checkReachable(protocol, model, bases), ...checkExamples(protocol, model, bases)]
}

function* checkProtocol(protocol: TextProtocol): Iterable<Complaint> {
  for (const name of ["fieldSeparator", "messageSeparator"] as const) {
    const unit = protocol[name]
    if (!Number.isInteger(unit) || unit < 0 || unit > 0x7f) {
      yield finding("WW301", protocol, [name], `${name} ${unit} is no ASCII character`, "give a code from 0 to 0x7f")
    }
  }
  if (protocol.fieldSeparator === protocol.messageSeparator) {
    yield finding("WW301", protocol, ["messageSeparator"], "fields and messages have the same separator", "give two different characters")
  }
  if (
    protocol.head.length === 0 || !protocol.head.every((name) => identifier.test(name) && name !== "fields") ||
    new Set(protocol.head).size < protocol.head.length
  ) {
    yield finding("WW302", protocol, ["head"], "the leading literals need names", `such as head: ["topic", "action"]`)
  }
  if (!(protocol.minMessage >= 1 && protocol.minMessage <= protocol.maxMessage)) {
    yield finding("WW303", protocol, ["maxMessage"], "the limits contradict each other", "1 <= minMessage <= maxMessage")
  }
  const base = new Set(baseNames(protocol))
  for (const [index, name] of (protocol.removes ?? []).entries()) {
    if (!base.has(name)) yield finding("WW304", protocol, ["removes", `${index}`], `the base has no message ${name}`, "remove the name")
  }
}

const baseNames = (protocol: TextProtocol): ReadonlyArray<string> => {
  const names: Array<string> = []
  for (let base = protocol.base; base !== undefined; base = base.base) names.push(...base.messages.map(({ name }) => name))
  return names
}

function* checkNames(protocol: TextProtocol): Iterable<Complaint> {
  const seen = new Set<string>()
  for (const message of protocol.messages) {
    if (seen.has(message.name)) yield finding("WW305", message, [], `two messages are called ${message.name}`, "rename one of them")
    if (protocol.removes?.includes(message.name) === true) {
      yield finding(
        "WW305",
        message,
        [],
        `${message.name} is removed and replaced at once`,
        "a message replaces its namesake without being removed"
      )
    }
    seen.add(message.name)
  }
}

function* checkMessage(message: Message, protocol: TextProtocol): Iterable<Complaint> {
  const separators = [protocol.fieldSeparator, protocol.messageSeparator].map((unit) => String.fromCharCode(unit))
  const unusable = (text: string) => text === "" || separators.some((separator) => text.includes(separator))
  if (!/^[A-Z][A-Za-z0-9]*$/.test(message.name) || ["UnknownMessage", "Message", "ClientMessage", "ServerMessage"].includes(message.name)) {
    yield finding("WW306", message, [], `${message.name} cannot be the name of a type`, "use a PascalCase name of its own")
  }
  if (message.head.length !== protocol.head.length) {
    yield finding(
      "WW307",
      message,
      ["head"],
      `${message.name} starts with ${message.head.length} literals`,
      `give ${protocol.head.join(", ")}`
    )
  }
  for (const literal of message.head) {
    if (unusable(literal)) {
      yield finding("WW308", message, ["head"], `${JSON.stringify(literal)} is empty or holds a separator`, "separators end a field")
    }
  }
  const fields = Object.entries(message.fields)
  for (const [index, [name, part]] of fields.entries()) {
    const path = ["fields", name]
    if (!identifier.test(name)) {
      yield finding("WW306", message, path, `${name} cannot be the name of a property`, "use letters and digits; _tag is taken")
    }
    const inner = part.kind === "optionalPart" ? part.of : part
    if (part.kind === "literal" && unusable(part.value)) {
      yield finding("WW308", message, path, `${JSON.stringify(part.value)} is empty or holds a separator`, "separators end a field")
    }
    if (part.kind === "optionalPart" && (inner.kind === "optionalPart" || inner.kind === "restParts" || inner.kind === "literal")) {
      yield finding(
        "WW309",
        message,
        path,
        `${name}: ${inner.kind} cannot be optional`,
        "only text, numbers, truth values, JSON and typed values can"
      )
    }
    const next = fields[index + 1]
    if (part.kind === "optionalPart" && next !== undefined && next[1].kind !== "optionalPart") {
      yield finding("WW310", message, path, `${name} is optional but ${next[0]} after it is not`, "optional fields stand at the end")
    }
    if (part.kind === "restParts" && next !== undefined) {
      yield finding("WW311", message, path, `${next[0]} stands after the rest`, "the rest is the last field")
    }
    const max = inner.kind === "restParts" ? inner.of.max : "max" in inner ? inner.max : undefined
    if (max !== undefined && !(Number.isInteger(max) && max > 0)) {
      yield finding("WW303", message, path, `${name} may have ${max} characters`, "give a positive integer")
    }
  }
}

function* checkReachable(protocol: TextProtocol, model: TextModel, bases: ReadonlyArray<TextModel>): Iterable<Complaint> {
  const known = effective(model, bases)
  for (const message of model.messages) {
    const hider = sides.filter((side) => sends(side, message)).map((side) =>
      known.map((one) => one.message).find((other) =>
        other !== message && sends(side, other) && sameHead(other, message) && byPrecedence(other, message) < 0 && hides(other, message)
      )
    )
    const [first] = hider
    if (first === undefined || hider.includes(undefined)) continue
    yield finding(
      "WW313",
      specOf(protocol, message),
      ["fields"],
      `${message.name} cannot be told from ${first.name}`,
      "give one of them a literal, a different number of fields or another sender"
    )
  }
}

const specOf = (protocol: TextProtocol, message: MessageModel): Message => protocol.messages.find(({ name }) => name === message.name)!

const sameHead = (a: MessageModel, b: MessageModel): boolean => a.head.every((literal, index) => literal === b.head[index])

function* checkExamples(protocol: TextProtocol, model: TextModel, bases: ReadonlyArray<TextModel>): Iterable<Complaint> {
  const known = effective(model, bases).map(({ message }) => message).sort(byPrecedence)
  const [field, end] = [String.fromCharCode(model.fieldSeparator), String.fromCharCode(model.messageSeparator)]
  for (const message of model.messages) {
    if (message.examples.length === 0) {
      yield finding(
        "WW312",
        specOf(protocol, message),
        [],
        `${message.name} has no example`,
        "add one from a document or a peer; never print it with our own encoder"
      )
    }
    for (const [index, example] of message.examples.entries()) {
      const bad = (why: string, hint: string) =>
        finding("WW314", specOf(protocol, message), ["examples", `${index}`], `example ${why}`, hint)
      if (example.text.indexOf(end) !== example.text.length - 1) {
        yield bad("is not one message", "end it with one +, and use + nowhere else")
        continue
      }
      const fields = example.text.slice(0, -1).split(field)
      const head = fields.slice(0, model.head.length)
      const rest = fields.slice(model.head.length)
      for (const side of sides.filter((one) => sends(one, message))) {
        const group = known.filter((other) => sends(side, other) && sameHead(other, { ...message, head }))
        const found = group.find((other) => matches(other, rest))
        if (found?.name !== message.name && !(group.length === 1 && group[0] === message && looselyMatches(message, rest))) {
          yield bad(
            `is ${found === undefined ? "no known message" : found.name} when the ${side} sends it`,
            `${message.name} has ${message.fields.length} fields`
          )
        }
      }
      for (const name of Object.keys(example.fields ?? {})) {
        if (!message.fields.some((one) => one.name === name && one.type.kind !== "literal")) {
          yield bad(`expects a field ${name} that ${message.name} does not have`, "literals are no fields of the decoded message")
        }
      }
    }
  }
}

/** A message alone under its head takes any text for JSON. */
const looselyMatches = (message: MessageModel, fields: ReadonlyArray<string>): boolean =>
  matches({
    ...message,
    fields: message.fields.map((field) => field.type.kind === "jsonText" ? { ...field, type: { kind: "text" } } : field)
  }, fields)
