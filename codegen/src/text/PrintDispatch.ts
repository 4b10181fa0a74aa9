/** Prints the switch over the leading literals, and the tests that tell packets of one head apart. */
import { textOfHex } from "@wirewright/codec/Hex"
import { byPrecedence, headOfLine, lineOf, tokenCounts, tokenOf } from "@wirewright/codec/Lines"
import type { KindModel, TypeModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { kindName } from "../print/Context.ts"
import { hex, isOf, type Known, type Printing, quote, separatorLiteral } from "./Print.ts"

/** Packets below a sequence of literals. */
interface Branch {
  readonly children: Map<string, Branch>
  readonly known: Array<Known>
}

const fields = "@wirewright/codec/TextFields"

/** Adds the decoder of a kind. */
export const dispatch = (module: Module, printing: Printing, kind: KindModel): void => {
  const { bases: [base], context, known } = printing
  const root: Branch = { children: new Map(), known: [] }
  const heads = touched(printing)
  for (const head of heads) branchAt(root, head)
  for (const one of known) {
    if (!isOf(kind, one) || one.head.length === 0) continue
    if (base === undefined || heads.some((other) => other.join("\0") === one.head.join("\0"))) branchAt(root, one.head).known.push(one)
  }
  const union = kindName(kind.name)
  const returns = module.useType(context.local("Messages"), union)
  const name = `decode${union}`
  const others = known.filter((one) => isOf(kind, one) && one.head.length === 0)
  const inherits = base !== undefined && others.every(({ from }) => from !== undefined)
  // what takes what is left is read from the beginning; several of these are told apart as those of one head
  const left = others.length === 0
    ? [`return ${module.use(fields, "noPacket")}("${union}", text, start, end)`]
    : group(module, printing, others, "start")
  const fallback = inherits
    ? `return ${module.useAll(`${base.module}/Decode`, "base")}.${name}(text, start, end) as ${returns}`
    : left.length === 1
    ? left[0]!
    : `return left${union}(text, start, end)`
  if (!inherits && left.length > 1) {
    const parameters = ["text", "start", "end"].map((one) => ({ name: one, type: one === "text" ? "string" : "number" }))
    module.add({ kind: "function", name: `left${union}`, internal: true, parameters, returns, body: left })
  }
  const body = root.children.size === 0 ? [] : levels(module, printing, root, 0, "start", fallback, left)
  module.add({
    kind: "function",
    name,
    doc:
      `Decodes ${
        kind.sender === undefined ? `a packet of kind ${kind.name}` : `what a ${kind.sender} sent`
      }. Throws \`DecodeError\`; its ` +
      "offset counts characters from `start`.",
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
const touched = ({ bases, depth, model }: Printing): ReadonlyArray<ReadonlyArray<string>> => {
  if (bases.length === 0) return []
  const own = new Set(model.commands.map(({ name }) => name))
  return [model, ...bases].flatMap(({ commands }) => commands).filter(({ name }) => own.has(name)).flatMap((command) => {
    const line = lineOf(command)
    const head = line === undefined ? [] : headOfLine(line)
    return head.length === 0 ? [] : [head.slice(0, depth)]
  })
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

const levels = (
  module: Module,
  printing: Printing,
  root: Branch,
  depth: number,
  at: string,
  fallback: string,
  left: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const { depth: most, separator } = printing
  const literals = literalsAt(root, depth)
  const ascii = literals.every((literal) => /^[\0-\x7f]{1,4}$/.test(literal))
  const single = ascii && literals.every((literal) => literal.length === 1)
  const [end, key, last] = [`head${depth}End`, `head${depth}`, depth === most - 1]
  const unit = hex(separator.charCodeAt(0))
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
    lines.push(`const ${end} = ${module.use(fields, "fieldEnd")}(text, ${separatorLiteral(separator)}, ${at}, end)`)
    lines.push(`const ${key} = text.slice(${at}, ${end})`)
  }
  if (!last) {
    lines.push(`if (${end} >= end) ${fallback}`)
    lines.push(...levels(module, printing, root, depth + 1, `${end} + 1`, fallback, left))
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
        ? (child.known.length === 0 ? (printing.bases.length === 0 ? ["break"] : left) : group(module, printing, child.known, `${end} + 1`))
          .map((line) => `${indent}    ${line}`)
        : [...switches(child, level + 1, `${indent}    `), `${indent}    break`])
    ]),
    `${indent}}`
  ]
  return [...lines, ...switches(root, 0, "")]
}

/** Packets of one head: those with tests first, the last one reports what is wrong. */
const group = (module: Module, printing: Printing, known: ReadonlyArray<Known>, at: string): ReadonlyArray<string> => {
  const separator = separatorLiteral(printing.separator)
  const sorted = [...known].sort(byPrecedence)
  const reader = ({ from, name }: Known) => {
    const read = `read${name}`
    return `return ${from === undefined ? read : module.use(`${from.module}/Decode`, read)}(text, start, ${at}, end)`
  }
  const last = sorted.at(-1)!
  if (sorted.length === 1) return [reader(last)]
  return [
    "{",
    `  const count = ${module.use(fields, "countFields")}(text, ${separator}, ${at}, end)`,
    ...sorted.slice(0, -1).map((one) => `  if (${tests(module, one, separator, at).join(" && ")}) ${reader(one)}`),
    `  ${reader(last)}`,
    "}"
  ]
}

const tests = (module: Module, one: Known, separator: string, at: string): ReadonlyArray<string> => {
  const content = one.fields.slice(one.head.length)
  const { max, min } = tokenCounts(content)
  const count = min === max ? [`count === ${min}`] : [`count >= ${min}`, ...(max === Infinity ? [] : [`count <= ${max}`])]
  const place = `(text, ${separator}, ${at}, end, `
  return [
    ...count,
    ...content.flatMap(({ type }, index) => {
      const test = testOf(module, tokenOf(type), place, index)
      return test === undefined ? [] : type.kind === "optional" ? [`(count <= ${index} || ${test})`] : [test]
    })
  ]
}

const testOf = (module: Module, type: TypeModel, place: string, index: number): string | undefined => {
  const test = (name: string, ...more: ReadonlyArray<string>): string =>
    `${module.use(fields, name)}${place}${[index, ...more].join(", ")})`
  switch (type.kind) {
    case "literal":
      return test("isLiteral", quote(textOfHex(type.hex)))
    case "decimal":
      return test("isInteger")
    case "bool":
      return test("isTruth", quote(textOfHex(type.true)), quote(textOfHex(type.false)))
    case "custom":
      return test("isCustom", module.use(type.module, `is${type.name}`))
    case "json":
      return test("isJson")
    default:
      return undefined
  }
}
