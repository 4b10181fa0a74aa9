/**
 * What the generator knows of a word: its TypeScript type, how it is read and written, and the room it needs.
 *
 * Each word of the grammar stands in one file here, and in one of `codec/src/words`, which knows its sizes and runs the same reading for
 * tools. A printer appends statements to the function that is being generated and returns expressions.
 */
import type { TypeModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import type { Context } from "../print/Context.ts"
import type { FieldReader } from "../print/Decode.ts"
import type { FieldWriter } from "../print/Encode.ts"

/** A value that is being read or written. */
export interface Named {
  /** Name of the field, for local names. */
  readonly name: string
  /** Path in errors; within an element it counts from there. */
  readonly path: string
  readonly doc?: string | undefined
}

/** Room that a value needs at most: a number of bytes, and expressions. */
export interface Bound {
  readonly fixed: number
  readonly terms: ReadonlyArray<string>
}

/** One word. */
export interface Word<T extends TypeModel = TypeModel> {
  /** The TypeScript type, as mentioned in `module`. */
  readonly text: (context: Context, module: Module, type: T) => string
  /**
   * Reads a value at the reader's position, not beyond the expression `end`, and moves the position after it. A value of fixed size has been
   * checked to be there. Returns the value's expression, or nothing when packets carry none.
   */
  readonly read: (reader: FieldReader, type: T, field: Named, end: string) => string | undefined
  /** Writes the value of the expression at the writer's position. */
  readonly write: (writer: FieldWriter, type: T, field: Named, value: string) => void
  /** The model of what a spec says, for words that are not the model's in everything. `hex`: digits of a text or byte. */
  readonly build?: (type: never, hex: (text: string | number) => string) => T
  /** Default: the fixed size. */
  readonly bound?: (context: Context, module: Module, type: T, value: string) => Bound
}
