/**
 * One sub-document operation on a JSON text: finds the path and says what takes the place of what there.
 *
 * Texts have a character for each byte (`byteTextOf`), so that whoever has the bytes can do the same to them; path and value do, too.
 *
 * Pure. Statuses are those kv_engine gives (docs/SubDocument.md; couchbase/subjson decides between path errors). Which flags go with which
 * operation, documents and attributes are not its business.
 */
import {
  kindAt,
  membersOf,
  literalAt,
  type Scanned,
  scanningAt,
  scanOn,
  skipSpace,
  stringValue,
  walkMembers
} from "@wirewright/codec/JsonScan"
import { Status } from "@wirewright/couchbase/gen"
import { byteTextOf, bytesOf, bytesOfByteText, textOf } from "./JsonText.ts"
import { atOnce, type Sliced } from "./Slices.ts"
import { maxLevels, parsePath, type Part } from "./SubDocumentPath.ts"

/** What to do at a path. */
export type Operation =
  | "get"
  | "exists"
  | "count"
  | "dictAdd"
  | "dictUpsert"
  | "delete"
  | "replace"
  | "arrayPushLast"
  | "arrayPushFirst"
  | "arrayInsert"
  | "arrayAddUnique"
  | "counter"

/** An operation and what it needs. */
export interface Edit {
  readonly operation: Operation
  readonly path: string
  /** JSON text to put there, or the delta of a counter. */
  readonly value: string
  /** Missing parents are created. */
  readonly makeParents: boolean
}

/** A piece that takes the place of `[from, to)`. */
export interface Splice {
  readonly from: number
  readonly to: number
  readonly piece: string
}

/** What became of it: a failed one has neither splice nor value. */
export interface Edited {
  readonly status: number
  /** How it changes the text, if it does. */
  readonly splice?: Splice
  /** What the operation returns. */
  readonly value?: string
}

/** A member and its neighbours. */
interface Found {
  /** Where the member begins. */
  readonly start: number
  /** Where its value begins and ends. */
  readonly at: number
  readonly end: number
  /** Where the member before it ends; -1: there is none. */
  readonly before: number
  /** Where the member after it begins; -1: there is none. */
  readonly after: number
}

/** The deepest value a path reaches. */
interface Deepest extends Found {
  /** How many parts of the path led here. */
  readonly depth: number
}

const failed = (status: number): Edited => ({ status })

const comma = 0x2c
const quote = 0x22
const backslash = 0x5c

/** Whether the member that begins at `start` has a name. Most names are told apart by their first characters. */
const isNamed = (text: string, start: number, name: string): boolean => {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(start + 1 + i)
    if (code === backslash) return isWritten(text, start, name)
    if (code !== name.charCodeAt(i)) return false
  }
  const last = text.charCodeAt(start + 1 + name.length)
  return last === quote || last === backslash && isWritten(text, start, name)
}

/** Whether the literal at `start`, which has escapes, stands for a name. */
const isWritten = (text: string, start: number, name: string): boolean =>
  stringValue(textOf(bytesOfByteText(literalAt(text, start)))!) === textOf(bytesOfByteText(name))

/** Characters that are looked at before others may have their turn. */
const stride = 262_144

/** Walks over the members of the container at `at` until `visit` returns `true`. */
function* walk(text: string, at: number, visit: Parameters<typeof walkMembers>[2]): Sliced<void> {
  const cursor = membersOf(text, at)
  if (cursor === undefined) return
  for (let until = at + stride; !walkMembers(text, cursor, visit, until); until += stride) yield
}

/** Scans the value that begins at `at`; nothing when there is none. */
function* scan(text: string, at: number): Sliced<Scanned | undefined> {
  const scanning = scanningAt(at)
  for (;;) {
    const scanned = scanOn(text, scanning, scanning.at + stride)
    if (scanned !== "more") return scanned
    yield
  }
}

/** The member of the container at `at` that a part of a path leads to. */
function* find(text: string, at: number, part: Part): Sliced<Found | undefined> {
  const found = { start: -1, at: -1, end: -1, before: -1, after: -1 }
  let before = -1
  let index = 0
  yield* walk(text, at, ({ end, start, value }) => {
    const here = part._tag === "Name" ? isNamed(text, start, part.name) : part.index === index
    if (here || part._tag === "Index" && part.index === -1) {
      found.start = start
      found.at = value
      found.end = end
      found.before = before
    }
    before = end
    index++
    return here
  })
  if (found.start < 0) return undefined
  const next = skipSpace(text, found.end)
  if (text.charCodeAt(next) === comma) found.after = skipSpace(text, next + 1)
  return found
}

function* locate(
  text: string,
  root: { readonly start: number; readonly end: number },
  path: ReadonlyArray<Part>
): Sliced<Deepest | "Mismatch"> {
  let place: Deepest = { depth: 0, start: root.start, at: root.start, end: root.end, before: -1, after: -1 }
  for (const part of path) {
    const kind = kindAt(text, place.at)
    if (kind !== (part._tag === "Name" ? "object" : "array")) return "Mismatch"
    const member = yield* find(text, place.at, part)
    if (member === undefined) return place
    place = { depth: place.depth + 1, ...member }
  }
  return place
}

function* lengthAt(text: string, at: number): Sliced<number> {
  let length = 0
  yield* walk(text, at, () => {
    length++
    return false
  })
  return length
}

const splice = (from: number, to: number, piece: string): Edited => ({ status: Status.Success, splice: { from, to, piece } })

/** Puts a piece in front of the bracket that ends the container at `place`. */
const appendTo = (text: string, place: Deepest, piece: string): Edited => {
  const close = place.end - 1
  const empty = skipSpace(text, place.at + 1) === close
  return splice(close, close, empty ? piece : `,${piece}`)
}

const quoted = (part: Part & { readonly _tag: "Name" }): string => `"${part.literal}":`

/** Adds what is missing of the path to the object at `place`, with `piece` at its end. */
const makeWay = (text: string, place: Deepest, path: ReadonlyArray<Part>, piece: string): Edited => {
  let made = piece
  for (let i = path.length - 1; i >= place.depth; i--) {
    const part = path[i]!
    if (part._tag === "Index") return failed(Status.SubdocPathEnoent)
    made = quoted(part) + made
    if (i > place.depth) made = `{${made}}`
  }
  return appendTo(text, place, made)
}

/** Whether `value` can stand where it is to be put: one value, or several for an array, nested at most `levels` deep. */
function* valueStatus(value: string, levels: number, several: boolean): Sliced<number> {
  const text = several ? `[${value}]` : value
  const scanned = yield* scan(text, skipSpace(text, 0))
  // within the brackets of the list there must be something
  if (scanned === undefined || skipSpace(text, scanned.end) < text.length || several && value.trim() === "") {
    return Status.SubdocValueCantinsert
  }
  return scanned.depth - (several ? 1 : 0) > levels ? Status.SubdocValueEtoodeep : Status.Success
}

const store = (text: string, place: Deepest, path: ReadonlyArray<Part>, edit: Edit): Edited => {
  const { operation, value } = edit
  const last = path.at(-1)!
  if (operation !== "replace" && last._tag === "Index") return failed(Status.SubdocPathEinval)
  if (place.depth === path.length) {
    return operation === "dictAdd" ? failed(Status.SubdocPathEexists) : splice(place.at, place.end, value)
  }
  const parentThere = place.depth === path.length - 1
  if (operation === "replace" || !parentThere && !edit.makeParents) return failed(Status.SubdocPathEnoent)
  return makeWay(text, place, path, value)
}

const remove = (text: string, place: Deepest, path: ReadonlyArray<Part>): Edited => {
  if (place.depth < path.length) return failed(Status.SubdocPathEnoent)
  const { before, after, end, start } = place
  if (after >= 0) return splice(start, after, "")
  return splice(before >= 0 ? before : start, end, "")
}

function* push(text: string, place: Deepest, path: ReadonlyArray<Part>, edit: Edit): Sliced<Edited> {
  if (place.depth < path.length) {
    return edit.makeParents ? makeWay(text, place, path, `[${edit.value}]`) : failed(Status.SubdocPathEnoent)
  }
  if (kindAt(text, place.at) !== "array") return failed(Status.SubdocPathMismatch)
  if (edit.operation === "arrayPushFirst") {
    const first = skipSpace(text, place.at + 1)
    return first === place.end - 1 ? appendTo(text, place, edit.value) : splice(first, first, `${edit.value},`)
  }
  if (edit.operation === "arrayAddUnique") {
    const wanted = edit.value.trim()
    let status: number = Status.Success
    yield* walk(text, place.at, ({ end, value }) => {
      const kind = kindAt(text, value)
      if (kind === "object" || kind === "array") status = Status.SubdocPathMismatch
      else if (end - value === wanted.length && text.startsWith(wanted, value)) status = Status.SubdocPathEexists
      return status !== Status.Success
    })
    if (status !== Status.Success) return failed(status)
  }
  return appendTo(text, place, edit.value)
}

function* insert(text: string, place: Deepest, path: ReadonlyArray<Part>, value: string): Sliced<Edited> {
  const last = path.at(-1) as Part & { readonly _tag: "Index" }
  if (place.depth === path.length) return splice(place.at, place.at, `${value},`)
  const appends = place.depth === path.length - 1 && (yield* lengthAt(text, place.at)) === last.index
  return appends ? appendTo(text, place, value) : failed(Status.SubdocPathEnoent)
}

const smallest = -(2n ** 63n)
const largest = 2n ** 63n - 1n

const isInt64 = (value: bigint): boolean => value >= smallest && value <= largest

/** The number that digits stand for. How many there are comes first: what BigInt makes of a text costs more than its length. */
const int64 = (digits: string): bigint | undefined => {
  const value = /^-?0*[0-9]{1,19}$/.test(digits) ? BigInt(digits) : undefined
  return value !== undefined && isInt64(value) ? value : undefined
}

const count = (text: string, place: Deepest, path: ReadonlyArray<Part>, edit: Edit): Edited => {
  const delta = BigInt(edit.value)
  if (place.depth < path.length) {
    if (!edit.makeParents && place.depth < path.length - 1) return failed(Status.SubdocPathEnoent)
    if (kindAt(text, place.at) !== "object") return failed(Status.SubdocPathEnoent)
    const made = path.at(-1)!._tag === "Index" ? failed(Status.SubdocPathEinval) : makeWay(text, place, path, String(delta))
    return made.status === Status.Success ? { ...made, value: String(delta) } : made
  }
  const found = text.slice(place.at, place.end)
  if (!/^-?[0-9]+$/.test(found)) return failed(Status.SubdocPathMismatch)
  const before = int64(found)
  if (before === undefined) return failed(Status.SubdocNumErange)
  const sum = before + delta
  if (!isInt64(sum)) return failed(Status.SubdocValueCantinsert)
  return { ...splice(place.at, place.end, String(sum)), value: String(sum) }
}

function* read(text: string, place: Deepest, path: ReadonlyArray<Part>, operation: Operation): Sliced<Edited> {
  if (place.depth < path.length) return failed(Status.SubdocPathEnoent)
  if (operation === "exists") return { status: Status.Success }
  if (operation === "get") return { status: Status.Success, value: text.slice(place.at, place.end) }
  const kind = kindAt(text, place.at)
  if (kind !== "object" && kind !== "array") return failed(Status.SubdocPathMismatch)
  return { status: Status.Success, value: String(yield* lengthAt(text, place.at)) }
}

const isDelta = (value: string): boolean => /^-?[1-9][0-9]{0,18}$/.test(value) && int64(value) !== undefined

/** What is wrong with the value or the path alone, before the document is looked at. */
function* problemOf(edit: Edit, path: ReadonlyArray<Part>): Sliced<number> {
  const { operation, value } = edit
  switch (operation) {
    case "get":
    case "exists":
    case "count":
      return Status.Success
    case "delete":
      return path.length === 0 ? Status.SubdocValueCantinsert : Status.Success
    case "dictAdd":
    case "dictUpsert":
    case "replace":
      return path.length === 0 ? Status.SubdocValueCantinsert : yield* valueStatus(value, maxLevels - path.length, false)
    case "arrayPushFirst":
      if (path.length === maxLevels - 1) return Status.SubdocPathE2big
      return yield* valueStatus(value, maxLevels - 1 - path.length, true)
    case "arrayPushLast":
      return yield* valueStatus(value, maxLevels - 1 - path.length, true)
    case "arrayAddUnique": {
      const kind = kindAt(value, skipSpace(value, 0))
      const primitive = kind !== "object" && kind !== "array"
      return primitive ? yield* valueStatus(value, maxLevels - 1 - path.length, false) : Status.SubdocValueCantinsert
    }
    case "arrayInsert": {
      const last = path.at(-1)
      const bad = yield* valueStatus(value, maxLevels - path.length, true)
      if (bad !== Status.Success) return bad
      return last?._tag === "Index" && last.index >= 0 ? Status.Success : Status.SubdocPathEinval
    }
    case "counter":
      return isDelta(value) ? Status.Success : Status.SubdocDeltaEinval
  }
}

/** What is known of a text before an operation: nothing, that it is JSON, or that it is no deeper than allowed, too. */
export type Known = "nothing" | "json" | "all"

/** How deep a text nests that is JSON. */
function* depthOf(text: string): Sliced<number> {
  let rest = stride
  let depth = 0
  let deepest = 0
  for (let i = 0; i < text.length; i++) {
    if (i > rest) {
      yield
      rest = i + stride
    }
    const code = text.charCodeAt(i)
    if (code === quote) {
      if (depth >= deepest) deepest = depth + 1
      do {
        i = text.indexOf("\"", i + 1)
      } while (isEscaped(text, i))
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > deepest) deepest = depth
    } else if (code === 0x5d || code === 0x7d) depth--
    // the level of scalars counts, unless there are none
    else if (depth >= deepest && code > 0x20 && code !== comma) deepest = depth + 1
  }
  return deepest
}

/** Whether a backslash stands for the character after it. */
const isEscaped = (text: string, at: number): boolean => {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++
  return backslashes % 2 === 1
}

/** Where the value of a text begins and ends. Only what is not known to be JSON no deeper than allowed is looked at from end to end. */
function* rootOf(text: string, known: Known): Sliced<{ readonly start: number; readonly end: number } | number> {
  const start = skipSpace(text, 0)
  if (known === "nothing") {
    const root = yield* scan(text, start)
    if (root === undefined || skipSpace(text, root.end) < text.length) return Status.SubdocDocNotJson
    return root.depth > maxLevels ? Status.SubdocDocE2deep : { start, end: root.end }
  }
  if (known === "json" && (yield* depthOf(text)) > maxLevels) return Status.SubdocDocE2deep
  let end = text.length
  while (end > start && skipSpace(text, end - 1) >= end) end--
  return { start, end }
}

/** Executes one operation on a JSON text. All is known of it when an operation was successful on it before, or has made it. */
export function* editSteps(text: string, edit: Edit, known: Known = "nothing"): Sliced<Edited> {
  const path = parsePath(edit.path)
  if (typeof path === "string") return failed(path === "TooDeep" ? Status.SubdocPathE2big : Status.SubdocPathEinval)
  const problem = yield* problemOf(edit, path)
  if (problem !== Status.Success) return failed(problem)
  const root = yield* rootOf(text, known)
  if (typeof root === "number") return failed(root)
  yield
  const place = yield* locate(text, root, path)
  if (place === "Mismatch") return failed(Status.SubdocPathMismatch)
  switch (edit.operation) {
    case "get":
    case "exists":
    case "count":
      return yield* read(text, place, path, edit.operation)
    case "dictAdd":
    case "dictUpsert":
    case "replace":
      return store(text, place, path, edit)
    case "delete":
      return remove(text, place, path)
    case "arrayPushLast":
    case "arrayPushFirst":
    case "arrayAddUnique":
      return yield* push(text, place, path, edit)
    case "arrayInsert":
      return yield* insert(text, place, path, edit.value)
    case "counter":
      return count(text, place, path, edit)
  }
}

/** The text after a splice. */
export const spliced = (text: string, { from, piece, to }: Splice): string => text.slice(0, from) + piece + text.slice(to)

/** The same all at once, on texts as they are read. Returns the text afterwards, too, when the operation changes it. */
export const editText = (text: string, edit: Edit): { readonly status: number; readonly text?: string; readonly value?: string } => {
  const bytes = (part: string): string => byteTextOf(bytesOf(part))
  const read = (part: string): string => textOf(bytesOfByteText(part))!
  const before = bytes(text)
  const { splice: change, status, value } = atOnce(editSteps(before, { ...edit, path: bytes(edit.path), value: bytes(edit.value) }))
  return {
    status,
    ...change === undefined ? {} : { text: read(spliced(before, change)) },
    ...value === undefined ? {} : { value: read(value) }
  }
}
