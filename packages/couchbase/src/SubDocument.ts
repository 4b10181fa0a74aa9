/**
 * Operations on parts of a document: what `lookupIn` and `mutateIn` take, as specs of the protocol, and their limits.
 *
 * Pure. Servers want operations on extended attributes before those on the body, and answer by position; `ordered` puts them in that order
 * and remembers where each came from. Source: couchbase/kv_engine docs/SubDocument.md.
 */
import { stringify } from "@wirewright/codec/JsonPrint"
import * as Result from "effect/Result"
import { SubdocDocFlags, SubdocOpcode, SubdocPathFlags, violationsOfSubdocDocFlags, violationsOfSubdocPathFlags } from "./gen/Types.ts"

/** Most operations of one request. */
export const maxSpecs = 16

/** How a path is read. */
export interface LookupPathOptions {
  /** The path leads into the extended attributes. */
  readonly xattr?: boolean
  /** The attribute's value is binary. */
  readonly binary?: boolean
}

/** How a path is written. */
export interface MutatePathOptions extends LookupPathOptions {
  /** Missing parents of the path are made. */
  readonly createPath?: boolean
  /** Macros such as `${Mutation.CAS}` in the value are replaced by what they stand for; needs `xattr`. */
  readonly expandMacros?: boolean
}

/** One read. */
export interface LookupSpec {
  readonly _tag: "LookupSpec"
  readonly opcode: number
  readonly flags: number
  readonly path: string
}

/** One write. */
export interface MutateSpec {
  readonly _tag: "MutateSpec"
  readonly opcode: number
  readonly flags: number
  readonly path: string
  readonly value: Uint8Array
  /** Why the value cannot be sent. */
  readonly problem?: string
}

/** How the document is treated. */
export interface DocumentFlags {
  /** Makes the document when it is missing (`upsert`), or makes it and fails when it is there (`insert`); otherwise it must be there. */
  readonly store?: "upsert" | "insert" | "replace"
  /** Deleted documents are accessible, too. */
  readonly accessDeleted?: boolean
  /** The document is made deleted; needs `store`. */
  readonly createAsDeleted?: boolean
  /** A deleted document comes back to life; needs `accessDeleted`. */
  readonly reviveDocument?: boolean
  /** The first replica answers instead of the active copy. */
  readonly replicaRead?: boolean
}

const utf8 = new TextEncoder()

const pathFlags = (options: MutatePathOptions = {}): number =>
  (options.createPath === true ? SubdocPathFlags.mkdirP : 0)
  | (options.xattr === true ? SubdocPathFlags.xattrPath : 0)
  | (options.expandMacros === true ? SubdocPathFlags.expandMacros : 0)
  | (options.binary === true ? SubdocPathFlags.binaryValue : 0)

/** The byte of flags of a request; absent when it says nothing. */
export const documentFlags = (options: DocumentFlags): number | undefined => {
  const flags = (options.store === "upsert" ? SubdocDocFlags.mkdoc : 0)
    | (options.store === "insert" ? SubdocDocFlags.add : 0)
    | (options.accessDeleted === true ? SubdocDocFlags.accessDeleted : 0)
    | (options.createAsDeleted === true ? SubdocDocFlags.createAsDeleted : 0)
    | (options.reviveDocument === true ? SubdocDocFlags.reviveDocument : 0)
    | (options.replicaRead === true ? SubdocDocFlags.replicaRead : 0)
  return flags === 0 ? undefined : flags
}

const lookup = (opcode: number, path: string, options?: LookupPathOptions): LookupSpec => ({
  _tag: "LookupSpec",
  opcode,
  flags: pathFlags(options),
  path
})

const raw = (opcode: number, path: string, value: Uint8Array, options?: MutatePathOptions, problem?: string): MutateSpec => ({
  _tag: "MutateSpec",
  opcode,
  flags: pathFlags(options),
  path,
  value,
  ...(problem === undefined ? {} : { problem })
})

const nothing = new Uint8Array(0)

const written = (value: unknown): { readonly bytes: Uint8Array; readonly problem?: string } => {
  if (value instanceof Uint8Array) return { bytes: value }
  try {
    const text = stringify(value)
    return text === undefined ? { bytes: nothing, problem: "the value has no JSON" } : { bytes: utf8.encode(text) }
  } catch (error) {
    return { bytes: nothing, problem: `the value has no JSON: ${(error as Error).message}` }
  }
}

const mutate = (opcode: number, path: string, value: unknown, options?: MutatePathOptions): MutateSpec => {
  const { bytes, problem } = written(value)
  return raw(opcode, path, bytes, options, problem)
}

/** Several values for an array: JSON with commas and without the brackets. */
const several = (opcode: number, path: string, values: ReadonlyArray<unknown>, options?: MutatePathOptions): MutateSpec => {
  const { bytes, problem } = written(values)
  return raw(opcode, path, bytes.slice(1, -1), options, values.length === 0 ? "no values for the array" : problem)
}

/** Reads for `lookupIn`. */
export const LookupIn = {
  /** What is at a path. */
  get: (path: string, options?: LookupPathOptions) => lookup(SubdocOpcode.SubdocGet, path, options),
  /** Whether there is anything at a path. */
  exists: (path: string, options?: LookupPathOptions) => lookup(SubdocOpcode.SubdocExists, path, options),
  /** How many elements or names there are at a path. */
  count: (path: string, options?: LookupPathOptions) => lookup(SubdocOpcode.SubdocGetCount, path, options),
  /** The whole document. */
  document: () => lookup(SubdocOpcode.GetDocument, "")
} as const

/** Writes for `mutateIn`. Values are written as JSON; bytes are taken to be JSON already. */
export const MutateIn = {
  /** Sets a name of an object. */
  upsert: (path: string, value: unknown, options?: MutatePathOptions) => mutate(SubdocOpcode.SubdocDictUpsert, path, value, options),
  /** Adds a name to an object; it must not be there. */
  insert: (path: string, value: unknown, options?: MutatePathOptions) => mutate(SubdocOpcode.SubdocDictAdd, path, value, options),
  /** Replaces what is at a path. */
  replace: (path: string, value: unknown, options?: MutatePathOptions) => mutate(SubdocOpcode.SubdocReplace, path, value, options),
  /** Removes what is at a path. */
  remove: (path: string, options?: LookupPathOptions) => raw(SubdocOpcode.SubdocDelete, path, nothing, options),
  /** Adds values at the end of an array. */
  arrayAppend: (path: string, values: ReadonlyArray<unknown>, options?: MutatePathOptions) =>
    several(SubdocOpcode.SubdocArrayPushLast, path, values, options),
  /** Adds values at the beginning of an array. */
  arrayPrepend: (path: string, values: ReadonlyArray<unknown>, options?: MutatePathOptions) =>
    several(SubdocOpcode.SubdocArrayPushFirst, path, values, options),
  /** Adds values to an array before the index the path ends with. */
  arrayInsert: (path: string, values: ReadonlyArray<unknown>, options?: MutatePathOptions) =>
    several(SubdocOpcode.SubdocArrayInsert, path, values, options),
  /** Adds a value to an array that does not have it. */
  arrayAddUnique: (path: string, value: unknown, options?: MutatePathOptions) =>
    mutate(SubdocOpcode.SubdocArrayAddUnique, path, value, options),
  /** Adds to a number; what it is then is in the result. */
  counter: (path: string, delta: bigint | number, options?: MutatePathOptions) =>
    raw(
      SubdocOpcode.SubdocCounter,
      path,
      utf8.encode(delta.toString()),
      options,
      /^-?[1-9]\d*$/.test(delta.toString()) ? undefined : "a delta is a whole number other than 0"
    ),
  /** Stores the whole document. */
  setDocument: (value: unknown) => mutate(SubdocOpcode.SetDocument, "", value),
  /** Removes the whole document. */
  removeDocument: () => raw(SubdocOpcode.DeleteDocument, "", nothing),
  /** Replaces the body by an extended attribute. */
  replaceBodyWithXattr: (path: string) => raw(SubdocOpcode.SubdocReplaceBodyWithXattr, path, nothing, { xattr: true })
} as const

/** Specs in the order servers want, and for each where it stood. */
export interface Ordered<Spec> {
  readonly specs: ReadonlyArray<Spec>
  readonly positions: ReadonlyArray<number>
}

/** Checks specs and puts those on extended attributes first; otherwise their order is kept. */
export const ordered = <Spec extends LookupSpec | MutateSpec>(specs: ReadonlyArray<Spec>): Result.Result<Ordered<Spec>, string> => {
  if (specs.length === 0) return Result.fail("no operations")
  if (specs.length > maxSpecs) return Result.fail(`${specs.length} operations, more than ${maxSpecs}`)
  for (const [position, spec] of specs.entries()) {
    const [violation] = violationsOfSubdocPathFlags(spec.flags)
    if (violation !== undefined) return Result.fail(`operation ${position}: ${violation}`)
    if (spec._tag === "MutateSpec" && spec.problem !== undefined) return Result.fail(`operation ${position}: ${spec.problem}`)
  }
  const rank = (position: number): number => (specs[position]!.flags & SubdocPathFlags.xattrPath) === 0 ? 1 : 0
  const positions = specs.map((_, position) => position).sort((left, right) => rank(left) - rank(right) || left - right)
  return Result.succeed({ specs: positions.map((position) => specs[position]!), positions })
}

/** What breaks the rules of document flags, in words. */
export const flagsProblem = (flags: number | undefined): string | undefined =>
  flags === undefined ? undefined : violationsOfSubdocDocFlags(flags)[0]
