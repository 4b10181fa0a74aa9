/** Prints the switch over the leading literals, and the tests that tell messages of one head apart. */
import type { MessageModel, PartModel } from "@wirewright/codec/TextModel"
import type { Module } from "../Module.ts"
import { hex, type Printing, quote, separatorLiteral } from "./Print.ts"
import { byPrecedence, fieldCounts, inner, type Known, sends, type Side } from "./Shape.ts"

/** Messages below a sequence of literals. */
interface Branch {
  readonly children: Map<string, Branch>
  readonly known: Array<Known>
}

const fields = "@wirewright/codec/TextFields"

/** Adds decodeClientMessage or decodeServerMessage. */
export const dispatch = (module: Module, printing: Printing, side: Side): void => {
  const { bases, known } = printing
  const root: Branch = { children: new Map(), known: [] }
  const heads = touched(printing)
  for (const head of heads) branchAt(root, head)
  for (const one of known) {
    const { head } = one.message
    if (!sends(side, one.message)) continue
    if (bases.length === 0 || heads.some((other) => other.join("\0") === head.join("\0"))) branchAt(root, head).known.push(one)
  }
  const [base] = bases
  const union = side === "client" ? "ClientMessage" : "ServerMessage"
  const returns = `${module.useType("./Messages.ts", union)} | ${module.useType("./Messages.ts", "UnknownMessage")}`
  const name = `decode${union}`
  const fallback = base === undefined
    ? "return unknownMessage(text, start, end)"
    : `return ${module.useAll(`${base.module}/Decode`, "base")}.${name}(text, start, end) as ${returns}`
  const body = levels(module, printing, root, 0, "start", fallback)
  module.add({
    kind: "function",
    name,
    doc: `Decodes what a ${side} sent. Throws \`DecodeError\`; its offset counts characters from \`start\`.`,
    parameters: [
      { name: "text", type: "string" },
      { name: "start", type: "number", default: "0" },
      { name: "end", type: "number", default: "text.length" }
    ],
    returns,
    body: [...body, fallback]
  })
}

/** Heads an extension has a say in: those of what it adds, replaces or removes. */
const touched = ({ model, bases }: Printing): ReadonlyArray<ReadonlyArray<string>> => {
  if (bases.length === 0) return []
  const own = new Set([...model.removes, ...model.messages.map(({ name }) => name)])
  const replaced = bases.flatMap(({ messages }) => messages).filter(({ name }) => own.has(name))
  return [...model.messages, ...replaced].map(({ head }) => head)
}

const branchAt = (root: Branch, head: ReadonlyArray<string>): Branch => {
  let branch = root
  for (const literal of head) {
    let child = branch.children.get(literal)
    if (child === undefined) {
      child = { children: new Map(), known: [] }
      branch.children.set(literal, child)
    }
    branch = child
  }
  return branch
}

/** All literals at a depth decide how they are compared: one character, up to four packed into an integer, or text. */
const literalsAt = (branch: Branch, depth: number): ReadonlyArray<string> =>
  depth === 0 ? [...branch.children.keys()] : [...branch.children.values()].flatMap((child) => literalsAt(child, depth - 1))

const levels = (module: Module, printing: Printing, root: Branch, depth: number, at: string, fallback: string): ReadonlyArray<string> => {
  const { model } = printing
  const literals = literalsAt(root, depth)
  const ascii = literals.every((literal) => /^[\0-\x7f]{1,4}$/.test(literal))
  const single = ascii && literals.every((literal) => literal.length === 1)
  const [end, key, last] = [`head${depth}End`, `head${depth}`, depth === model.head.length - 1]
  const unit = hex(model.fieldSeparator)
  const lines: Array<string> = []
  if (single) {
    lines.push(`const ${end} = ${at} + 1`)
    lines.push(`if (${end} > end || (${end} < end && text.charCodeAt(${end}) !== ${unit})) ${fallback}`)
    lines.push(`const ${key} = text.charCodeAt(${at})`)
  } else if (ascii) {
    lines.push(`let ${end} = ${at}`, `let ${key} = 1`)
    lines.push(`for (; ${end} < end; ${end}++) {`)
    lines.push(`  const unit = text.charCodeAt(${end})`)
    lines.push(`  if (unit === ${unit}) break`)
    lines.push(`  if (unit > 0x7f || ${end} - ${at.includes("+") ? `(${at})` : at} > 3) ${fallback}`)
    lines.push(`  ${key} = ${key} << 7 | unit`)
    lines.push("}")
  } else {
    lines.push(`const ${end} = ${module.use(fields, "fieldEnd")}(text, ${separatorLiteral(model.fieldSeparator)}, ${at}, end)`)
    lines.push(`const ${key} = text.slice(${at}, ${end})`)
  }
  if (!last) {
    lines.push(`if (${end} >= end) ${fallback}`)
    lines.push(...levels(module, printing, root, depth + 1, `${end} + 1`, fallback))
    return lines
  }
  const caseOf = (literal: string, level: number): string => {
    const all = literalsAt(root, level)
    if (!all.every((one) => /^[\0-\x7f]{1,4}$/.test(one))) return `case ${quote(literal)}:`
    const value = all.every((one) => one.length === 1)
      ? literal.charCodeAt(0)
      : [...literal].reduce((packed, character) => packed << 7 | character.charCodeAt(0), 1)
    return `case ${hex(value)}: // ${literal.replace(/[^ -~]/g, "?")}`
  }
  const switches = (branch: Branch, level: number, indent: string): ReadonlyArray<string> => [
    `${indent}switch (head${level}) {`,
    ...[...branch.children].flatMap(([literal, child]) => [
      `${indent}  ${caseOf(literal, level)}`,
      ...(level === depth
        ? group(module, printing, child.known, `${end} + 1`).map((line) => `${indent}    ${line}`)
        : [...switches(child, level + 1, `${indent}    `), `${indent}    break`])
    ]),
    `${indent}}`
  ]
  return [...lines, ...switches(root, 0, "")]
}

/** Messages of one head: those with tests first, the last one reports what is wrong. */
const group = (module: Module, { model, bases }: Printing, known: ReadonlyArray<Known>, at: string): ReadonlyArray<string> => {
  const separator = separatorLiteral(model.fieldSeparator)
  const sorted = [...known].sort((a, b) => byPrecedence(a.message, b.message))
  const reader = ({ message, from }: Known) => {
    const name = `read${message.name}`
    return `return ${from === undefined ? name : module.use(`${from.module}/Decode`, name)}(text, start, ${at}, end)`
  }
  const last = sorted.at(-1)
  const root = bases.at(-1)
  if (last === undefined) {
    return root === undefined ? ["break"] : [`return ${module.use(`${root.module}/Decode`, "unknownMessage")}(text, start, end)`]
  }
  if (sorted.length === 1) return [reader(last)]
  return [
    "{",
    `  const count = ${module.use(fields, "countFields")}(text, ${separator}, ${at}, end)`,
    ...sorted.slice(0, -1).map((one) => `  if (${tests(module, one.message, separator, at).join(" && ")}) ${reader(one)}`),
    `  ${reader(last)}`,
    "}"
  ]
}

const tests = (module: Module, message: MessageModel, separator: string, at: string): ReadonlyArray<string> => {
  const { min, max } = fieldCounts(message)
  const count = min === max ? [`count === ${min}`] : [`count >= ${min}`, ...(max === Infinity ? [] : [`count <= ${max}`])]
  const place = `(text, ${separator}, ${at}, end, `
  return [
    ...count,
    ...message.fields.flatMap(({ type }, index) => {
      const test = testOf(module, inner(type), place, index)
      return test === undefined ? [] : type.kind === "optionalPart" ? [`(count <= ${index} || ${test})`] : [test]
    })
  ]
}

const testOf = (module: Module, part: PartModel, place: string, index: number): string | undefined => {
  switch (part.kind) {
    case "literal":
      return `${module.use(fields, "isLiteral")}${place}${index}, ${quote(part.value)})`
    case "integer":
      return `${module.use(fields, "isInteger")}${place}${index})`
    case "truth":
      return `${module.use(fields, "isTruth")}${place}${index})`
    case "typed":
      return `${module.use(fields, "isTyped")}${place}${index})`
    case "jsonText":
      return `${module.use(fields, "isJson")}${place}${index})`
    default:
      return undefined
  }
}
