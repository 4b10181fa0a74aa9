/** The error for JSON that does not fit a type. */
import { unencodable } from "./Errors.ts"
import { jsonOf } from "./JsonPrint.ts"

const describe = (value: unknown): string => value === undefined ? "nothing" : (jsonOf(value, 60) ?? String(value)).slice(0, 60)

/** Throws: the JSON does not fit. */
export const unfit = (packet: string, path: string, expected: string, got: unknown): never =>
  unencodable(got === undefined ? "Missing" : "UnknownValue", packet, path, expected, describe(got))
