/**
 * Extended attributes as sub-document operations see them: one JSON object, whose names are the attributes.
 *
 * Pure. Also the virtual attributes (`$document`, `$vbucket`, `$XTOC`), which are read only, and the macros that stand for what a mutation
 * gets when it is stored. Source: kv_engine docs/SubDocument.md and docs/Document.md.
 */
import { membersAt } from "@wirewright/codec/JsonScan"
import { encodeWith, Reader } from "@wirewright/codec"
import { encodeXattrValue, readXattrValue, Status, type Xattr } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import { crc32c } from "./Crc32c.ts"
import { bytesOf, textOf } from "./JsonText.ts"

/** A stored value taken apart. */
export interface Parts {
  readonly xattrs: ReadonlyArray<Xattr>
  readonly body: Uint8Array
}

/** What is known of a document besides its value. */
export interface Facts {
  readonly cas: bigint
  readonly seqno: bigint
  readonly revSeqno: bigint
  readonly vbucketUuid: bigint
  readonly flags: number
  readonly expiry: number
  readonly datatype: Datatype
  readonly deleted: boolean
}

/** Takes a stored value apart. All of it is there: throws `DecodeError`, never `incomplete`, for attributes that are cut off. */
export const partsOf = (value: Uint8Array, datatype: Datatype): Parts => {
  if ((datatype & Datatype.xattr) === 0) return { xattrs: [], body: value }
  const { body, pairs } = readXattrValue(new Reader(value), 0, value.length, 0)
  return { xattrs: pairs.map(({ pair }) => pair), body }
}

/** Puts attributes and a body together; without attributes the body is the value. */
export const valueOf = ({ body, xattrs }: Parts): Uint8Array =>
  xattrs.length === 0 ? body : encodeWith((writer) => encodeXattrValue(writer, { pairs: xattrs.map((pair) => ({ pair })), body }))

/** Attributes that survive the removal of their document. */
export const systemXattrs = (xattrs: ReadonlyArray<Xattr>): ReadonlyArray<Xattr> => xattrs.filter(({ key }) => key.startsWith("_"))

/** The attributes as one JSON object. */
export const attributesText = (xattrs: ReadonlyArray<Xattr>): string =>
  `{${xattrs.map(({ key, value }) => `${JSON.stringify(key)}:${value}`).join(",")}}`

/** The attributes of such an object. */
export const attributesOf = (text: string): ReadonlyArray<Xattr> =>
  membersAt(text, 0).map(({ end, name, value }) => ({ key: name!, value: text.slice(value, end) }))

/** Longest name of an attribute in bytes. */
const maxKeyLength = 15

/** The attribute a path leads into, unless its name is none. */
export const attributeKeyOf = (path: string): string | undefined => {
  const key = /^[^.[]*/.exec(path)![0]
  if (key.length === 0 || bytesOf(key).length > maxKeyLength || path.includes("\0")) return undefined
  if (/^[_$]/.test(key)) return key.length > 1 ? key : undefined
  // other punctuation and control characters at the beginning are reserved
  const first = key.charCodeAt(0)
  return first < 0x20 || first === 0x7f || /^[!-/:-@[-`{-~]/.test(key) ? undefined : key
}

/** The virtual attribute that a path leads into. */
export const virtualNameOf = (path: string): string => /^[^.[]*/.exec(path)![0]

/** Whether a path leads into a virtual attribute. */
export const isVirtual = (path: string): boolean => path.startsWith("$")

const hex = (value: bigint | number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`

/** The names of the bits of a datatype. */
export const datatypeNames = (datatype: Datatype): ReadonlyArray<string> => {
  const names = Object.entries(Datatype).filter(([, bit]) => (datatype & bit) !== 0).map(([name]) => name)
  return names.length === 0 ? ["raw"] : names
}

/** What `$document` says. */
const documentFacts = (facts: Facts, body: Uint8Array): { readonly [name: string]: unknown } => ({
  CAS: hex(facts.cas, 16),
  datatype: datatypeNames(facts.datatype),
  deleted: facts.deleted,
  exptime: facts.expiry,
  flags: facts.flags,
  // the CAS of a document is the time of its last change, in nanoseconds
  last_modified: String(facts.cas / 1_000_000_000n),
  revid: String(facts.revSeqno),
  seqno: hex(facts.seqno, 16),
  value_bytes: body.length,
  value_crc32c: hex(crc32c(body), 8),
  vbucket_uuid: hex(facts.vbucketUuid, 16)
})

/**
 * The JSON object that paths into a virtual attribute are looked up in; nothing when there is no such attribute. `now` is Unix time in
 * seconds, as kv_engine include/memcached/engine.h (`HlcTime`) has it.
 */
export const virtualText = (name: string, facts: Facts, parts: Parts, now: number): string | undefined => {
  switch (name) {
    case "$document":
      return JSON.stringify({ $document: documentFacts(facts, parts.body) })
    case "$vbucket":
      return JSON.stringify({ $vbucket: { HLC: { now: String(now), mode: "real" } } })
    case "$XTOC":
      return JSON.stringify({ $XTOC: parts.xattrs.map(({ key }) => key) })
    default:
      return undefined
  }
}

const mutationMacros = { cas: "\"${Mutation.CAS}\"", seqno: "\"${Mutation.seqno}\"", crc32c: "\"${Mutation.value_crc32c}\"" } as const
const documentMacro = /^"\$\{\$document(?:\.([A-Za-z0-9_]+))?\}"$/

/** Whether a value is a macro. */
export const macroStatus = (value: Uint8Array): number => {
  const text = textOf(value) ?? ""
  const known = Object.values<string>(mutationMacros).includes(text) || text.startsWith("\"${$document") && text.endsWith("}\"")
  return known ? Status.Success : Status.SubdocXattrUnknownMacro
}

/** What stands for the macros until the mutation is stored. */
export class Macros {
  private readonly used = new Map<keyof typeof mutationMacros, string>()
  private readonly taken: ReadonlyArray<string>

  /** `taken` are the texts in which a stand-in must not occur by accident. */
  constructor(taken: ReadonlyArray<string>) {
    this.taken = taken
  }

  /** Whether there are stand-ins. */
  get areUsed(): boolean {
    return this.used.size > 0
  }

  /** JSON text for a macro; nothing when it names no fact. */
  expand(text: string, facts: Facts, body: Uint8Array): string | undefined {
    for (const [name, macro] of Object.entries(mutationMacros) as Array<[keyof typeof mutationMacros, string]>) {
      if (text === macro) return this.standIn(name)
    }
    const found = documentMacro.exec(text)
    if (found === null) return undefined
    const all = documentFacts(facts, body)
    const fact = found[1] === undefined ? all : all[found[1]]
    return fact === undefined ? undefined : JSON.stringify(fact)
  }

  /** Puts in what the stand-ins stand for. */
  finish(text: string, cas: bigint, seqno: bigint, body: Uint8Array): string {
    let out = text
    for (const [name, standIn] of this.used) {
      // of the CAS the bytes are reversed, as its readers have come to expect
      const value = name === "cas" ? hex(reversed(cas), 16) : name === "seqno" ? hex(seqno, 16) : hex(crc32c(body), 8)
      out = out.replaceAll(standIn, `"${value}"`)
    }
    return out
  }

  private standIn(name: keyof typeof mutationMacros): string {
    const known = this.used.get(name)
    if (known !== undefined) return known
    const others = [...this.used.values()]
    for (let n = 0;; n++) {
      const candidate = `"macro-${name}-${n}"`
      if (this.taken.some((text) => text.includes(candidate)) || others.includes(candidate)) continue
      this.used.set(name, candidate)
      return candidate
    }
  }
}

const reversed = (value: bigint): bigint => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, value)
  return view.getBigUint64(0, true)
}
