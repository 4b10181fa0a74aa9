/** Values with one mistake of type each: what plain JavaScript lets through, and encoders must not. */
import { DecodeError, EncodeError } from "@wirewright/codec"
import { isDeepStrictEqual } from "node:util"
import { plain } from "./Harness.ts"

/** Values of all types, one of which a field has by mistake; bits may be told by true and false, and what is undefined may be left out. */
const strange: ReadonlyArray<unknown> = [
  null,
  "12",
  "12345678901",
  5,
  1.5,
  -1,
  NaN,
  5n,
  Uint8Array.of(1, 2),
  [],
  [5],
  {},
  { length: 5n },
  { _tag: "None" }
]

/** An array, bytes or null: unlike a record, whose other fields nobody looks at. */
const isList = (value: unknown): boolean => value === null || Array.isArray(value) || value instanceof Uint8Array

/** Whether what was read is what was written, but for what may be left out, for true as 1, and for records none of whose fields is there. */
const isSame = (read: unknown, written: unknown): boolean => {
  if (isDeepStrictEqual(plain(read), {})) return typeof written === "object" && !isList(written)
  if (typeof written !== "object" || written === null || written instanceof Uint8Array) {
    return isDeepStrictEqual(plain(read), plain(written)) || written === undefined || written === true && read === 1
  }
  return typeof read === "object" && read !== null && Array.isArray(read) === Array.isArray(written) &&
    [...new Set([...Object.keys(read), ...Object.keys(written)])].every((name) =>
      isSame((read as Record<string, unknown>)[name], (written as Record<string, unknown>)[name])
    )
}

/** Values that differ from `value` in one place, which has another type. */
const strangers = function*(value: unknown, path = ""): Generator<readonly [path: string, value: unknown]> {
  if (path !== "") {
    for (const one of strange) if (typeof one !== typeof value || isList(one) || isList(value)) yield [path, one]
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return
  if (Array.isArray(value)) {
    for (const [at, other] of value.length > 0 ? strangers(value[0], `${path}[0]`) : []) yield [at, [other, ...value.slice(1)]]
    return
  }
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue
    for (const [at, other] of strangers(field, path === "" ? name : `${path}.${name}`)) yield [at, { ...value, [name]: other }]
  }
}

/**
 * What is wrong with an encoder that is given `value` with one mistake of type: that it throws another error than its own, or that what it writes is
 * read as something else. `back` writes and reads again, and throws what they throw.
 */
export const unrefused = (
  value: unknown,
  back: (other: unknown) => unknown,
  options: { readonly mayBeUnread?: boolean; readonly isLeftOut?: (path: string, other: unknown) => boolean } = {}
): ReadonlyArray<string> =>
  [...strangers(value)].flatMap(([path, other]) => {
    if (options.isLeftOut?.(path, other) === true) return []
    const at = `${JSON.stringify(plain(other))} at ${path}`
    try {
      const read = back(other)
      return isSame(read, other) ? [] : [`${at} is read as ${JSON.stringify(plain(read))}`]
    } catch (error) {
      return error instanceof EncodeError || options.mayBeUnread === true && error instanceof DecodeError ? [] : [`${at}: ${String(error)}`]
    }
  })
