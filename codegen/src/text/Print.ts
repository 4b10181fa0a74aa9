/** What the printers of protocols over text share. */
import { textOfHex } from "@wirewright/codec/Hex"
import { isOfKind } from "@wirewright/codec/Catalog"
import { headDepth, headOfLine, type Line, lineOf } from "@wirewright/codec/Lines"
import type { CommandModel, KindModel, Model } from "@wirewright/codec/Model"
import { baseOf } from "../Build.ts"
import type { Module } from "../Module.ts"
import type { Context } from "../print/Context.ts"

/** A packet, and the protocol that describes it. */
export interface Known extends Line {
  readonly command: CommandModel
  /** Undefined for the protocol itself. */
  readonly from: Model | undefined
  /** The literals that tell it from most others; none of packets that take what is left. */
  readonly head: ReadonlyArray<string>
}

/** A protocol on its way to TypeScript. */
export interface Printing {
  readonly context: Context
  readonly model: Model
  /** Nearest first. */
  readonly bases: ReadonlyArray<Model>
  /** All packets, the base's included, by head and name. */
  readonly known: ReadonlyArray<Known>
  /** What this protocol adds or replaces. */
  readonly own: ReadonlyArray<Known>
  /** How many leading literals are a head. */
  readonly depth: number
  readonly separator: string
  readonly terminator: string
}

const basesOf = (model: Model): ReadonlyArray<Model> => {
  const base = baseOf(model)
  return base === undefined ? [] : [base, ...basesOf(base)]
}

/** The packets of a protocol that are lines, its bases' included. */
export const linesOf = (model: Model): ReadonlyArray<Omit<Known, "head">> => {
  const known = new Map<string, Omit<Known, "head">>()
  for (const one of [...basesOf(model).toReversed(), model]) {
    for (const command of one.commands) {
      const line = lineOf(command)
      known.delete(command.name)
      if (command.lifecycle === "removed" || line === undefined) continue
      known.set(command.name, { ...line, command, from: one === model ? undefined : one })
    }
  }
  return [...known.values()]
}

/** Prepares a protocol for the printers. */
export const printing = (context: Context): Printing => {
  const { model } = context
  const lines = linesOf(model)
  const depth = headDepth(lines)
  const key = (one: Known): string => `${one.head.join("\0")}\0\0${one.name}`
  const known = lines.map((line): Known => {
    const head = headOfLine(line)
    return { ...line, head: head.length === 0 ? [] : head.slice(0, depth) }
  }).sort((a, b) => key(a) < key(b) ? -1 : 1)
  return {
    context,
    model,
    bases: basesOf(model),
    known,
    own: known.filter(({ from }) => from === undefined),
    depth,
    separator: lines[0]?.separator ?? "\0",
    terminator: textOfHex(model.frame.kinds[0]?.run?.until ?? "00")
  }
}

/** Whether packets of a kind may be this one. */
export const isOf = (kind: KindModel, { command }: Known): boolean => isOfKind(command, kind.name)

/** A string literal with its control characters escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** A number as generated code writes character codes. */
export const hex = (value: number): string => `0x${value.toString(16)}`

/** A separator inside a template literal. */
export const separatorEscape = (separator: string): string => `\\x${separator.charCodeAt(0).toString(16).padStart(2, "0")}`

/** The literal of a separator. */
export const separatorLiteral = (separator: string): string => `"${separatorEscape(separator)}"`

/** Imports a packet's type from where it is described. */
export const typeOf = (module: Module, { context }: Printing, { from, name }: Known): string =>
  module.useType(from === undefined ? context.local("Messages") : `${from.module}/Messages`, name)
