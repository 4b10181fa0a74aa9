/** Spelling of names in generated code, and sizes of integers. */
import type { IntName } from "@wirewright/codec/Model"
import { pascal } from "@wirewright/codec/TypeText"
import type { Module } from "./Module.ts"

/** `uint8` … width of an integer in bytes. */
export const intSize = (int: IntName): number => int === "u24" ? 3 : Number(int.slice(1)) / 8

/** `count` to `Count`. */
export const capital = (name: string): string => `${name[0]!.toUpperCase()}${name.slice(1)}`

/** A literal of text. */
export const quote = (text: string): string => JSON.stringify(text)

/** How many bytes or elements an expression has; none where it has no value, which the writer of the value refuses. */
export const lengthOf = (module: Module, value: string): string => `${module.use("@wirewright/codec", "lengthOf")}(${value})`

export { pascal }

/** Generated modules that are not named after a spec file. */
const moduleNames = new Set(["frame", "types", "packets", "states", "tables", "schemas", "model", "index", "examples"])

/** Name of the module for the commands of a spec file. */
export const familyName = (file: string): string => {
  const name = pascal(file)
  return /^\d/.test(name) ? `Commands${name}` : moduleNames.has(name.toLowerCase()) ? `${name}Commands` : name
}

/** `DcpStreamRequest` to `DCP_STREAM_REQUEST`. */
export const upperSnake = (name: string): string => name.replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3_$2$4").toUpperCase()

/** A number as protocol literal. */
export const hex = (value: number, digits = 2): string => `${value < 0 ? "-" : ""}0x${Math.abs(value).toString(16).padStart(digits, "0")}`

/** A value of an integer as generated code compares it: those of 64 bits are bigints. */
export const integerLiteral = (int: IntName, value: number | string, text: (value: number) => string = hex): string =>
  intSize(int) === 8 ? `${value}n` : text(Number(value))

const reservedWords = new Set(
  ("arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in " +
    "instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield")
    .split(" ")
)

/** Names that generated functions use themselves. */
const ours = new Set([
  "reader",
  "writer",
  "view",
  "bytes",
  "at",
  "end",
  "start",
  "states",
  "packet",
  "position",
  "limit",
  "littleEndian",
  "framing"
])

/** Name of a local variable for a field. */
export const local = (field: string): string =>
  reservedWords.has(field) || ours.has(field) || /Start$/.test(field) ? `${field}Value` : field

/** Whether a name can be a property or type name without quotes. */
export const isIdentifier = (name: string): boolean => /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name)

/** Whether a name can be that of a field: an identifier that objects do not have anyway. */
export const isPropertyName = (name: string): boolean => isIdentifier(name) && !(name in {})

/** Whether a name can be that of a file everywhere, without separators and without the names that Windows keeps for devices. */
export const isFileName = (name: string): boolean => /^[A-Za-z][\w-]*$/.test(name) && !/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(name)
