/**
 * JSON as records hold it: checked when it is given, and frozen, so that what is handed out cannot change what is inside.
 *
 * Nothing here recurses: servers and callers may nest as deep as they like.
 */

/** JSON. */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json | undefined }

/** Most elements of an array: a longer one cannot be part of any message. */
const maxElements = 16 * 1024 * 1024

const put = (target: object, key: string, value: unknown): void => {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else (target as Record<string, unknown>)[key] = value
}

/** Whether the text has no half of a surrogate pair, which UTF-8 does not have. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

const checkText = (text: string): string => {
  if (!isWellFormed(text)) throw new TypeError("a text has half of a surrogate pair, which UTF-8 does not have")
  return text
}

/** A value that holds no others; undefined when it may hold some. Throws for what JSON does not have. */
const plainOf = (value: unknown): string | number | boolean | null | undefined => {
  switch (typeof value) {
    case "string":
      return checkText(value)
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} is no JSON`)
      // there is no -0 in what servers give back
      return value + 0
    case "boolean":
      return value
    case "object":
      if (value === null) return null
      return undefined
    default:
      throw new TypeError(`a ${typeof value} is no JSON`)
  }
}

const replaced = (value: unknown, key: string): unknown => {
  const own = value as { readonly toJSON?: unknown } | null | undefined
  return typeof own === "object" && own !== null && typeof own.toJSON === "function" ? own.toJSON(key) : value
}

const emptyLike = (value: object): object => {
  if (Array.isArray(value)) {
    if (value.length > maxElements) throw new TypeError(`an array of ${value.length} elements`)
    return []
  }
  const kind = Object.prototype.toString.call(value)
  if (kind !== "[object Object]") throw new TypeError(`${kind.slice(1, -1)} is no JSON`)
  return {}
}

/**
 * The value as JSON that no other code holds, frozen. As in `JSON.stringify`, `toJSON` is asked, undefined members are left out, and undefined
 * elements are null. Throws a `TypeError` for what would be lost or changed: numbers that are not finite, bigints, functions, symbols, text
 * that is not well-formed, cycles, and objects that are neither plain nor arrays, such as maps.
 */
export const jsonOf = (given: unknown): Json => {
  const root: { value?: Json } = {}
  // what is inside what, to tell a cycle from something that occurs twice
  const open = new Set<object>()
  const work: Array<
    { readonly into: object; readonly key: string; readonly value: unknown } | { readonly close: object; readonly made: object }
  > = [
    { into: root, key: "value", value: given }
  ]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if ("close" in next) {
      open.delete(next.close)
      Object.freeze(next.made)
      continue
    }
    const value = replaced(next.value, next.key)
    const isElement = Array.isArray(next.into)
    if (value === undefined) {
      if (next.into === root) throw new TypeError("undefined is no JSON")
      if (isElement) put(next.into, next.key, null)
      continue
    }
    const plain = plainOf(value)
    if (plain !== undefined) {
      put(next.into, next.key, plain)
      continue
    }
    const source = value as object
    if (open.has(source)) throw new TypeError("it contains itself")
    const made = emptyLike(source)
    put(next.into, next.key, made)
    open.add(source)
    work.push({ close: source, made })
    // from the last to the first, because the last is taken first
    if (Array.isArray(source)) {
      ;(made as Array<unknown>).length = source.length
      for (let index = source.length - 1; index >= 0; index--) work.push({ into: made, key: `${index}`, value: source[index] as unknown })
    } else {
      const keys = Object.keys(source)
      for (let at = keys.length - 1; at >= 0; at--) {
        const key = checkText(keys[at]!)
        work.push({ into: made, key, value: (source as Record<string, unknown>)[key] })
      }
    }
  }
  return root.value!
}

/** Freezes what was parsed, and everything in it. */
export const freezeJson = <A>(parsed: A): A => {
  const work: Array<unknown> = [parsed]
  while (work.length > 0) {
    const next = work.pop()
    if (typeof next !== "object" || next === null) continue
    Object.freeze(next)
    for (const inner of Array.isArray(next) ? next : Object.values(next)) if (typeof inner === "object" && inner !== null) work.push(inner)
  }
  return parsed
}

/** Whether two values are the same JSON. */
export const sameJson = (left: unknown, right: unknown): boolean => {
  const work: Array<unknown> = [left, right]
  while (work.length > 0) {
    const one = work.pop()
    const other = work.pop()
    if (one === other) continue
    if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false
    if (Array.isArray(one) !== Array.isArray(other)) return false
    const keys = Object.keys(one)
    if (keys.length !== Object.keys(other).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(other, key)) return false
      work.push((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key])
    }
  }
  return true
}
