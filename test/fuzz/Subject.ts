/** What is changed and read: packets or records of one generated protocol, where all of them are read and written through one interface. */
import { DecodeError } from "@wirewright/codec"
import type { FieldSpan } from "@wirewright/codec/Layout"
import type { Reading as GalleryReading } from "../gallery/Conversations.ts"
import { leaves, plain } from "../words/Harness.ts"

/** How bytes are to be read. */
export interface Reading extends GalleryReading {
  /** Byte order of a record whose surroundings say it. */
  readonly littleEndian?: boolean
}

/** Bytes that are right, to be changed. */
export interface Seed {
  readonly bytes: Uint8Array
  readonly reading: Reading
}

/** What was read, and how many bytes it took. */
export interface Read {
  readonly value: unknown
  readonly end: number
}

/** What the interpreter says about bytes. */
export interface Look {
  /** Name of the command. */
  readonly packet: string
  readonly fields: ReadonlyArray<FieldSpan>
  /** Bytes of the packet. */
  readonly length: number
  readonly error?: DecodeError
}

/** A generated protocol. Functions throw `DecodeError` or `EncodeError`; anything else is a finding. */
export interface Subject {
  readonly name: string
  /** Bytes that are right, by sorts of packets, each of which is changed as often as the others. */
  readonly sorts: ReadonlyArray<ReadonlyArray<Seed>>
  readonly read: (bytes: Uint8Array, reading: Reading) => Read
  readonly write: (value: unknown, reading: Reading) => Uint8Array
  readonly look: (bytes: Uint8Array, reading: Reading) => Look
  /** The value once it has been JSON. */
  readonly viaJson: (value: unknown, length: number, reading: Reading) => unknown
  /** Whether the packet is handed out raw though the interpreter knows fields of it: servers no longer execute it. */
  readonly isRaw?: (value: unknown, look: Look) => boolean
  /** Where interpreter and decoder do not have the same values; nothing when they have. */
  readonly difference: (bytes: Uint8Array, read: Read, look: Look, reading: Reading) => string | undefined
  /** Bytes of the packet as a framer tells them. Nothing when it cannot tell, 0 when it waits for more. */
  readonly sizeAt?: (bytes: Uint8Array, reading: Reading) => number | undefined
  /** What people are shown. */
  readonly dump: (bytes: Uint8Array, reading: Reading) => string
  /**
   * Whether the bytes themselves tell where they end, so that every beginning of them is incomplete, and what follows changes nothing. The
   * model says so, for no subject by name: records whose type ends itself (`endsItself`), packets that are no datagrams.
   */
  readonly ends: (reading: Reading) => boolean
  /** Bytes that are added to these when they lack the end that they are read with. Default: none */
  readonly added?: (bytes: Uint8Array) => number
  /** Why a value may be written otherwise than it came, so long as it is read the same. */
  readonly spellings?: string
}

/** What reading gives: a value, or a typed error. Anything else is thrown. */
export const attempt = (subject: Subject, bytes: Uint8Array, reading: Reading): Read | DecodeError => {
  try {
    return subject.read(bytes, reading)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** Values as text, so that they can be compared. */
const spelled = (value: unknown): string => JSON.stringify(plain(value))

/** The part of a value at a path such as `a.b[0]`, of which the value itself stands at `from`. */
const partOf = (value: unknown, path: string): unknown =>
  [...path.matchAll(/[^.[\]]+/g)].reduce<unknown>(
    (one, [name]) => typeof one === "object" && one !== null ? one[name as never] : undefined,
    value
  )

/** Every value that was read is one that the interpreter has found at its place; nothing when it is so. */
export const valuesDiffer = (value: unknown, { fields }: Look): string | undefined => {
  const found = new Map<string, Array<unknown>>()
  for (const { path, value } of fields) found.set(path, [...found.get(path) ?? [], value])
  for (const [path, one] of leaves(value)) {
    // of what only code can say, the interpreter has the whole
    const outer = found.has(path)
      ? path
      : [...path.matchAll(/[.[]/g)].map(({ index }) => path.slice(0, index)).findLast((begin) => found.has(begin))
    const others = outer === undefined ? undefined : found.get(outer)!.map((other) => partOf(other, path.slice(outer.length)))
    if (others === undefined) {
      // a mark that is not there has no place; nor have a list without elements and a section without bytes, a layout's name, a tag that stands in a sibling
      if (
        one === false || Array.isArray(one) || one instanceof Uint8Array && one.length === 0 || path === "layout" || /(^|\.)tag$/.test(path)
      ) continue
      return `${path} is ${spelled(one)}, which the interpreter does not have`
    }
    if (!others.some((other) => spelled(other) === spelled(one))) {
      return `${path} is ${spelled(one)}, for the interpreter ${others.map(spelled).join(", ")}`
    }
  }
  return undefined
}

/** Seeds by sort; each is there once, and of one sort no more than `most`. */
export class Sorts {
  private readonly bySort = new Map<string, Array<Seed>>()
  private readonly known = new Set<string>()

  /** Adds one. */
  add(sort: string, seed: Seed, most = 40): void {
    const key = `${sort} ${JSON.stringify(seed.reading)} ${Buffer.from(seed.bytes).toString("hex")}`
    if (seed.bytes.length > 2_000 || this.known.has(key)) return
    this.known.add(key)
    const sorts = `${sort} ${JSON.stringify(seed.reading)}`
    const of = this.bySort.get(sorts)
    if (of === undefined) this.bySort.set(sorts, [seed])
    else if (of.length < most) of.push(seed)
  }

  get all(): ReadonlyArray<ReadonlyArray<Seed>> {
    return [...this.bySort.values()]
  }
}
