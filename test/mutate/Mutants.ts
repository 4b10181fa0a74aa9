/**
 * The mutants of a module: every place where a condition can be negated, a comparison moved by one, a number shifted by one or a call dropped.
 *
 * All mutants of a module are in one text, each where a test of its number decides (`(M === 17 ? a >= b : a > b)`), so that the module is
 * transformed once however many there are.
 */
import { parseSync } from "vite"

/** What a mutant does. */
export type Operator =
  /** Negates it, or takes `&&` for `||`. */
  | "condition"
  /** `<` for `<=`, `>` for `>=`, and the other way round. */
  | "comparison"
  /** One more or one less than a number; `+` for `-`. */
  | "shift"
  /** Leaves out a call, an assignment, or what a call does to its argument. */
  | "drop"

/** One mutant. */
export interface Mutant {
  readonly id: number
  readonly file: string
  /** From 1. */
  readonly line: number
  /** The whole line, without spaces around it. */
  readonly text: string
  readonly operator: Operator
  /** `a > b → a >= b`. */
  readonly change: string
  /** Only where the value is a number: known when it runs. */
  readonly numeric: boolean
}

/** How the places are printed. */
export interface Print {
  /** Statements in front of the module, on its first line. */
  readonly prelude: string
  /** An expression that is true when the mutant is the one; asks for nothing else. */
  readonly chosen: (id: number) => string
  /** The expression, when its value may be a number; undefined when `chosen` decides here, too. */
  readonly value?: (id: number, expression: string) => string
}

/** A module with its mutants in it. */
export interface Mutated {
  readonly mutants: ReadonlyArray<Mutant>
  readonly print: (how: Print) => string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface Alternative {
  readonly id: number
  readonly text: string
  readonly numeric: boolean
}

const negated: { readonly [operator: string]: string } = {
  "===": "!==",
  "!==": "===",
  "<": ">=",
  ">=": "<",
  ">": "<=",
  "<=": ">"
}
const moved: { readonly [operator: string]: string } = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" }
const turned: { readonly [operator: string]: string } = { "+": "-", "-": "+", "++": "--", "--": "++", "+=": "-=", "-=": "+=" }
/** Calls that hand on what they are called on. */
const handsOn = new Set(["filter", "reverse", "slice", "sort", "toReversed", "toSorted"])
/** Calls that hand on their first argument. */
const wraps = new Set(["Effect.ignore", "Effect.timeoutOption"])

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && typeof (value as Node).type === "string"
const runs = new Set(["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"])
const typesOnly = new Set(["typeAnnotation", "returnType", "typeParameters", "typeArguments", "superTypeArguments", "implements"])

/** The parts of a node that run. */
const children = (node: Node): ReadonlyArray<Node> =>
  Object.entries(node).flatMap(([key, value]) => {
    if (typesOnly.has(key) || (key === "key" && node["computed"] !== true)) return []
    return (Array.isArray(value) ? value : [value]).filter((one): one is Node =>
      isNode(one) && (!one.type.startsWith("TS") || runs.has(one.type)) && !one.type.startsWith("Import") && one.type !== "Super"
    )
  })

/** Without parentheses and types. */
const bare = (node: Node): Node => node.type === "ParenthesizedExpression" || runs.has(node.type) ? bare(node["expression"] as Node) : node

const negatesItself = (node: Node): boolean => {
  const { operator, type } = bare(node)
  return type === "BinaryExpression" && negated[operator as string] !== undefined
    || type === "UnaryExpression" && operator === "!"
    || type === "Literal"
}

/** Finds the mutants of a module; their numbers begin with `first`. */
export const mutate = (file: string, source: string, first: number): Mutated => {
  const { errors, program } = parseSync(file, source, { lang: "ts", sourceType: "module" })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  const lines = source.split("\n")
  const starts = [0]
  for (const line of lines) starts.push(starts.at(-1)! + line.length + 1)
  const mutants: Array<Mutant> = []
  const alternatives = new Map<Node, Array<Alternative>>()
  const dropped = new Map<Node, number>()

  const sourceOf = ({ end, start }: Node): string => source.slice(start, end)
  const short = (text: string): string => {
    const flat = text.replace(/\s+/g, " ")
    return flat.length > 100 ? `${flat.slice(0, 97)}...` : flat
  }
  const record = (node: Node, operator: Operator, to: string, numeric = false): number => {
    const id = first + mutants.length
    const line = starts.findLastIndex((start) => start <= node.start) + 1
    const change = `${short(sourceOf(node))} → ${short(to)}`
    mutants.push({ id, file, line, text: lines[line - 1]!.trim(), operator, change, numeric })
    return id
  }
  const add = (node: Node, operator: Operator, text: string, numeric = false): void => {
    const id = record(node, operator, numeric ? `${sourceOf(node)} + 1` : text, numeric)
    alternatives.set(node, [...alternatives.get(node) ?? [], { id, text, numeric }])
  }

  const condition = (node: Node | null | undefined): void => {
    if (node === null || node === undefined || negatesItself(node)) return
    add(node, "condition", `!(${sourceOf(node)})`)
  }
  /** A value that may be a number. */
  const value = (node: Node | null | undefined): void => {
    if (node === null || node === undefined) return
    const { name, type } = bare(node)
    if (type !== "MemberExpression" && (type !== "Identifier" || name === "undefined")) return
    add(node, "shift", `MUTANT_SHIFT(${sourceOf(node)})`, true)
  }
  const dropsResult = (node: Node | null | undefined): void => {
    if (node === null || node === undefined) return
    const { argument, type } = bare(node)
    const call = type === "YieldExpression" ? bare(argument as Node) : bare(node)
    if (call.type === "CallExpression") add(node, "drop", "undefined")
  }
  const replaced = (node: Node, operator: string, by: string): string => {
    const [left, right] = [node["left"] as Node, node["right"] as Node]
    const between = source.slice(left.end, right.start)
    return sourceOf(left) + between.replace(operator, by) + sourceOf(right)
  }

  const visit = (node: Node): void => {
    const operator = node["operator"] as string
    switch (node.type) {
      case "IfStatement":
      case "WhileStatement":
      case "DoWhileStatement":
      case "ForStatement":
        condition(node["test"] as Node | null)
        break
      case "ConditionalExpression":
        condition(node["test"] as Node)
        value(node["consequent"] as Node)
        value(node["alternate"] as Node)
        break
      case "SwitchCase":
        if (node["test"] !== null) add(node["test"] as Node, "condition", "Symbol()")
        break
      case "LogicalExpression":
        if (operator === "??") add(node, "condition", sourceOf(node["right"] as Node))
        else {
          add(node, "condition", replaced(node, operator, operator === "&&" ? "||" : "&&"))
          for (const side of [node["left"], node["right"]]) if (bare(side as Node).type !== "LogicalExpression") condition(side as Node)
        }
        break
      case "UnaryExpression":
        if (operator === "!") add(node, "condition", sourceOf(node["argument"] as Node))
        break
      case "BinaryExpression":
        if (negated[operator] !== undefined) add(node, "condition", replaced(node, operator, negated[operator]))
        else if (operator === "in" || operator === "instanceof") add(node, "condition", `!(${sourceOf(node)})`)
        if (moved[operator] !== undefined) add(node, "comparison", replaced(node, operator, moved[operator]))
        if (turned[operator] !== undefined) add(node, "shift", replaced(node, operator, turned[operator]))
        break
      case "UpdateExpression":
        add(node, "shift", sourceOf(node).replace(operator, turned[operator]!))
        break
      case "AssignmentExpression":
        if (turned[operator] !== undefined) add(node, "shift", replaced(node, operator, turned[operator]))
        if (operator === "=") value(node["right"] as Node)
        break
      case "VariableDeclarator":
        value(node["init"] as Node | null)
        break
      case "ObjectExpression":
        for (const property of node["properties"] as ReadonlyArray<Node>) {
          if (property.type === "Property" && property["shorthand"] !== true) value(property["value"] as Node)
        }
        break
      case "NewExpression":
      case "CallExpression": {
        const args = node["arguments"] as ReadonlyArray<Node>
        for (const arg of args) value(arg)
        const callee = bare(node["callee"] as Node)
        const name = callee.type === "MemberExpression" ? (callee["property"] as Node)["name"] as string : ""
        if (handsOn.has(name)) add(node, "drop", sourceOf(callee["object"] as Node))
        else if (sourceOf(callee) === "Math.max" || sourceOf(callee) === "Math.min") {
          for (const arg of args) add(node, "drop", sourceOf(arg))
        } else if (wraps.has(sourceOf(callee))) add(node, "drop", sourceOf(args[0]!))
        break
      }
      case "ReturnStatement":
        value(node["argument"] as Node | null)
        dropsResult(node["argument"] as Node | null)
        break
      case "ArrowFunctionExpression":
        if ((node["body"] as Node).type !== "BlockStatement") {
          value(node["body"] as Node)
          dropsResult(node["body"] as Node)
        }
        break
      case "Literal": {
        const raw = node["raw"] as string
        if (typeof node["value"] === "boolean") add(node, "condition", String(!node["value"]))
        else if (typeof node["value"] === "number" || node["bigint"] !== undefined) {
          add(node, "shift", `(${raw} + ${raw.endsWith("n") ? "1n" : "1"})`)
          if (!/^0n?$/.test(raw)) add(node, "shift", `(${raw} - ${raw.endsWith("n") ? "1n" : "1"})`)
        }
        break
      }
      case "ExpressionStatement": {
        const expression = bare(node["expression"] as Node)
        const { callee, type } = expression
        if (type === "Literal" || (callee as Node | undefined)?.type === "Super") break
        dropped.set(node, record(node, "drop", ""))
        break
      }
    }
    for (const child of children(node)) visit(child)
  }
  const root = program as unknown as Node
  visit(root)

  const print = (how: Print): string => {
    const inner = (node: Node): string => {
      let text = ""
      let at = node.start
      for (const child of children(node).toSorted((a, b) => a.start - b.start)) {
        // `{ a }`: key and value are one
        if (child.start < at || node["shorthand"] === true && child.type === "Identifier") continue
        text += source.slice(at, child.start) + outer(child)
        at = child.end
      }
      return text + source.slice(at, node.end)
    }
    const outer = (node: Node): string => {
      let text = inner(node)
      for (const { id, numeric, text: other } of alternatives.get(node) ?? []) {
        text = numeric && how.value !== undefined ? how.value(id, text) : `(${how.chosen(id)} ? (${other}) : (${text}))`
      }
      const drop = dropped.get(node)
      return drop === undefined ? text : `{ if (!${how.chosen(drop)}) { ${text} } }`
    }
    return how.prelude + source.slice(0, root.start) + outer(root) + source.slice(root.end)
  }
  return { mutants, print }
}
