/** What the printers of text protocols share. */
import type { TextModel } from "@wirewright/codec/TextModel"
import type { Module } from "../Module.ts"
import { effective, type Known } from "./Shape.ts"

/** A protocol on its way to TypeScript. */
export interface Printing {
  readonly model: TextModel
  /** Nearest first. */
  readonly bases: ReadonlyArray<TextModel>
  /** All messages, the base's included, in the model's order. */
  readonly known: ReadonlyArray<Known>
}

/** Prepares a protocol for the printers. */
export const printing = (model: TextModel, bases: ReadonlyArray<TextModel>): Printing => ({ model, bases, known: effective(model, bases) })

/** A string literal with its control characters escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** A number as generated code writes character codes. */
export const hex = (value: number): string => `0x${value.toString(16)}`

/** The literal of a separator. */
export const separatorLiteral = (unit: number): string => `"\\x${unit.toString(16).padStart(2, "0")}"`

/** A separator inside a template literal. */
export const separatorEscape = (unit: number): string => `\\x${unit.toString(16).padStart(2, "0")}`

/** Imports a message's type from where it is described. */
export const typeOf = (module: Module, { message, from }: Known): string =>
  module.useType(from === undefined ? "./Messages.ts" : `${from.module}/Messages`, message.name)
