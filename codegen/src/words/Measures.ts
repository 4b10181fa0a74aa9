/** Prints what numbers mean as lengths and counts of siblings; in bits, too. */
import type { BitFieldModel, IntModel, LengthModel, MeasureModel } from "@wirewright/codec/Model"
import { hex, lengthOf } from "../Names.ts"
import type { FieldReader, Known } from "../print/Decode.ts"
import type { FieldWriter } from "../print/Encode.ts"

/** What a number means as a length, and the statement that checks it where it is there. */
export interface Meant extends Known {
  readonly check?: string
}

/** What a number means as a length. */
export const meantBy = (
  reader: FieldReader,
  { absent, plus = 0, unit = 1 }: LengthModel,
  raw: string,
  signed: boolean,
  path: string,
  at: string
): Meant => {
  const present = absent === undefined ? undefined : `${raw} !== ${absent}`
  const check = plus > 0 || signed
    ? `${reader.use("expectMeant")}(${raw}, ${plus}, ${reader.where(path)}, ${reader.offset(at)})`
    : undefined
  const own = plus === 0 ? raw : `(${raw} ${plus < 0 ? "+" : "-"} ${Math.abs(plus)})`
  const value = unit === 1 ? own : `(${own} * ${unit})`
  return { value, ...(present === undefined ? {} : { present }), ...(check === undefined ? {} : { check }) }
}

/** What a number means, with its check printed. */
export const checked = (reader: FieldReader, { check, ...known }: Meant): Known => {
  if (check !== undefined) reader.lines.push(known.present === undefined ? check : `if (${known.present}) ${check}`)
  return known
}

/** The number that stands for a length. */
export const spelled = (length: string, { plus = 0 }: LengthModel): string =>
  plus === 0 ? length : `${/^[\w.]+$/.test(length) ? length : `(${length})`} ${plus < 0 ? "-" : "+"} ${Math.abs(plus)}`

/** Keeps the length of siblings, or compares it with what another field says. */
export const keepLength = (reader: FieldReader, target: string | ReadonlyArray<string>, known: Known, path: string, at: string): void => {
  const key = typeof target === "string" ? target : target.join(" ")
  const before = reader.scope.lengths.get(key)
  if (before === undefined) reader.scope.lengths.set(key, known)
  else reader.lines.push(`${reader.use("expectSame")}(${known.value}, ${before.value}, ${reader.where(path)}, ${reader.offset(at)})`)
}

/** What a length or count in bits says, whose number is `raw`. */
export const readMeasure = (reader: FieldReader, measures: MeasureModel, raw: string, path: string, at: string): void => {
  const known = checked(reader, meantBy(reader, measures, raw, false, path, at))
  reader.numbers.set(path, known.value)
  if (measures.counts === "bytes") keepLength(reader, measures.target, known, path, at)
  else reader.scope.counts.set(String(measures.target), known)
}

/** The number of a count in bits; one of a length is filled in, and zero until then. */
export const writeMeasure = (
  writer: FieldWriter,
  holder: string,
  measures: MeasureModel,
  one: BitFieldModel,
  of: IntModel,
  at: string
): string => {
  if (measures.counts === "bytes") {
    writer.slot(holder, measures, { at, int: of.int, order: of.order, bits: { high: one.high, low: one.low } })
    return "0"
  }
  const target = String(measures.target)
  const value = writer.value(target)
  const count = spelled(lengthOf(writer.module, value), measures)
  const number = measures.absent === undefined ? count : `${value} === null ? ${measures.absent} : ${count}`
  return `${writer.use("checkBits")}(${number}, ${hex(2 ** (one.high - one.low + 1) - 1)}, ${writer.where(target)})`
}
