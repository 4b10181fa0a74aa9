/** Objects of JSON, and the error for JSON that does not fit a type. */
import { unencodable } from "./Errors.ts"
import { jsonOf } from "./JsonPrint.ts"

/** An object whose properties are looked at by name. */
export type JsonObject = Record<string, unknown>

/** A plain object, neither null nor an array nor bytes. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const describe = (value: unknown): string => value === undefined ? "nothing" : (jsonOf(value, 60) ?? String(value)).slice(0, 60)

/** Throws: the JSON does not fit. */
export const unfit = (packet: string, path: string, expected: string, got: unknown): never =>
  unencodable(got === undefined ? "Missing" : "UnknownValue", packet, path, expected, describe(got))
