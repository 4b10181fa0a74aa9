/**
 * Paths into JSON, as deepstream's servers read them: `pets.0.name`, `pets[0].name`.
 *
 * A path is split at its dots, spaces around a part are dropped, and empty parts too. What stands in brackets is a number. Servers take any
 * path and store whatever comes of it, and some of it their own JSON does not have, such as `-1` of an array; such paths are refused here.
 * `test/fixtures/deepstream-paths` has what servers were seen to make of each.
 *
 * Data is never changed in place: writing returns new objects along the path, frozen, and the old ones where nothing changed.
 */
import { type Json, sameJson } from "./Json.ts"

/** How far after the end of an array an index may lie: a path must not make an array that is only holes. */
const maxGap = 1024

/** A text names a member or an element, a number an element or a member; what a number comes first in is made an array. */
export type Step = string | number

/** The steps of a path, of which servers take every one. Numbers may be negative, fractions, or NaN. */
export const stepsOf = (path: string): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  for (const part of path.split(".")) {
    const trimmed = part.trim()
    if (trimmed === "") continue
    const [name, ...indexes] = trimmed.split(/[[\]]/)
    steps.push(name!)
    for (const index of indexes) if (index !== "") steps.push(Number(index))
  }
  return steps
}

/** The steps of a path that can be written. Throws a `RangeError` for one that servers would store where it cannot be found again. */
const writableSteps = (path: string): ReadonlyArray<Step> => {
  const steps = stepsOf(path)
  if (steps.length === 0) throw new RangeError(`${JSON.stringify(path)} is no path`)
  for (const step of steps) {
    if (step === "") throw new RangeError(`${JSON.stringify(path)}: a name has to stand before the bracket`)
    if (step === "__proto__") throw new RangeError(`${JSON.stringify(path)}: servers do not keep __proto__`)
    if (typeof step === "number" && !(Number.isSafeInteger(step) && step >= 0)) {
      throw new RangeError(`${JSON.stringify(path)}: what is in brackets must be an index`)
    }
  }
  return steps
}

const own = (value: unknown, step: Step): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, step) ? (value as Record<Step, unknown>)[step] : undefined

/** What is at the path; undefined when nothing is. */
export const getPath = (data: unknown, path: string | undefined): unknown => {
  let value = data
  if (path !== undefined) {
    for (const step of stepsOf(path)) {
      value = Array.isArray(value) && step === "length"
        ? undefined
        : own(value, step)
    }
  }
  return value
}

/** Whether the path leads through null, which servers cannot follow: 3.2 ends. A whole record can be written instead. */
export const leadsThroughNull = (data: unknown, path: string): boolean => {
  let value = data
  for (const step of stepsOf(path)) {
    if (value === null) return true
    value = own(value, step)
  }
  return false
}

const indexIn = (array: ReadonlyArray<unknown>, step: Step, end: number): number => {
  const index = typeof step === "number" ? step : /^(?:0|[1-9]\d{0,15})$/.test(step) ? Number(step) : NaN
  if (!(index < end)) throw new RangeError(`${step} is no place in an array of ${array.length}`)
  return index
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** What takes the place of what is at a step, which is an object or an array; `after` is what comes next, when something does. */
const copyFor = (value: unknown, step: Step): Array<unknown> | Record<string, unknown> =>
  Array.isArray(value) ? [...value] : isObject(value) ? { ...value } as Record<string, unknown> : typeof step === "number" ? [] : {}

/**
 * What a server makes of a patch: undefined removes, of an array's element null is left; objects and arrays on the way are made, in place of
 * anything else that is there. Throws a `RangeError` for a path whose outcome is not the same on all servers, or not in their JSON.
 */
export const applyPath = (data: unknown, path: string, value: unknown): Json => {
  const steps = writableSteps(path)
  const root = copyFor(data, steps[0]!)
  let node: Array<unknown> | Record<string, unknown> = root
  const copies: Array<object> = [root]
  for (let at = 0; at < steps.length - 1; at++) {
    const step = steps[at]!
    const inner = copyFor(own(node, step), steps[at + 1]!)
    place(node, step, inner)
    copies.push(inner)
    node = inner
  }
  const last = steps.at(-1)!
  if (value !== undefined) place(node, last, value)
  else if (Array.isArray(node)) node[indexIn(node, last, node.length)] = null
  else delete node[last]
  for (const copy of copies) Object.freeze(copy)
  return root as Json
}

const place = (node: Array<unknown> | Record<string, unknown>, step: Step, value: unknown): void => {
  if (!Array.isArray(node)) {
    node[step] = value
    return
  }
  const index = indexIn(node, step, node.length + maxGap + 1)
  // JSON has no holes
  while (node.length < index) node.push(null)
  node[index] = value
}

/**
 * The data with `value` at the path. The same data comes back when nothing changes, as when undefined removes what is not there. Throws a
 * `RangeError` for a path that servers do not keep, and for an index far after an array's end.
 */
export const setPath = (data: Json, path: string | undefined, value: Json | undefined): Json => {
  if (path === undefined) return value!
  writableSteps(path)
  return sameJson(getPath(data, path), value) ? data : applyPath(data, path, value)
}
