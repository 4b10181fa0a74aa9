/**
 * Paths into JSON, as deepstream writes them: `pets.0.name`, `pets[0].name`.
 *
 * Data is never changed in place: writing returns new objects along the path, and the old ones where nothing changed.
 */

/** JSON. */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json | undefined }

/** How far behind the end of an array an index may lie: a path must not make an array that is only holes. */
const maxGap = 1024

/**
 * The steps of a path. A number in brackets makes an array where nothing is, a number behind a dot an object, as deepstream's servers do;
 * either finds an element of an array.
 */
export const stepsOf = (path: string): ReadonlyArray<string | number> => {
  const steps: Array<string | number> = []
  for (const part of path.split(".")) {
    const [name, ...indexes] = part.trim().split(/[[\]]/)
    if (name !== "" && name !== undefined) steps.push(name)
    for (const index of indexes) if (index !== "") steps.push(/^(?:0|[1-9]\d{0,8})$/.test(index) ? Number(index) : index)
  }
  return steps
}

const own = (value: unknown, step: string | number): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined

/** What is at the path; undefined when nothing is. */
export const getPath = (data: unknown, path: string | undefined): unknown => {
  let value = data
  if (path !== undefined) { for (const step of stepsOf(path)) value = own(value, step) }
  return value
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const setStep = (data: unknown, steps: ReadonlyArray<string | number>, at: number, value: unknown): unknown => {
  if (at === steps.length) return value
  const step = steps[at]!
  const after = setStep(own(data, step), steps, at + 1, value)
  if (after === undefined && !(isObject(data) && Object.hasOwn(data, step))) return data
  if (Array.isArray(data) || !isObject(data) && typeof step === "number") {
    const copy: Array<unknown> = Array.isArray(data) ? [...data] : []
    const index = Number(step)
    if (!Number.isInteger(index) || index < 0 || index > copy.length + maxGap) {
      throw new RangeError(`${step} is no place in an array of ${copy.length}`)
    }
    while (copy.length < index) copy.push(null)
    // JSON has no holes
    copy[index] = after ?? null
    return copy
  }
  const copy: Record<string, unknown> = { ...data as object }
  if (after === undefined) delete copy[step]
  else if (step === "__proto__") Object.defineProperty(copy, step, { value: after, enumerable: true, configurable: true, writable: true })
  else copy[step] = after
  return copy
}

/**
 * The data with `value` at the path. Undefined removes what is there; objects and arrays on the way are made when they are missing; the
 * same data comes back when nothing changes. Throws a `RangeError` for a path without steps, and for an index far behind an array's end.
 */
export const setPath = (data: unknown, path: string | undefined, value: unknown): unknown => {
  if (path === undefined) return value
  const steps = stepsOf(path)
  if (steps.length === 0) throw new RangeError(`${JSON.stringify(path)} is no path`)
  if (value !== undefined && sameJson(getPath(data, path), value)) return data
  return setStep(data, steps, 0, value)
}

/** Whether two values are the same JSON. */
export const sameJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  for (const key of keys) {
    if (!Object.hasOwn(right, key)) return false
    if (!sameJson((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key])) return false
  }
  return true
}
