/**
 * Executes a sub-document request on a document: attributes first, then the body, all or nothing when it changes something.
 *
 * Pure: document in, results and the changed document out. It neither finds nor stores documents, and knows no packets. Source of the
 * semantics: kv_engine docs/SubDocument.md and daemon/subdocument_context.cc.
 */
import { Status, SubdocDocFlags, SubdocOpcode, SubdocPathFlags, type Xattr } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import { isUtf8 } from "node:buffer"
import { bytesOf, bytesOfByteText, byteTextOf, isJsonSteps, textOf, writeByteText } from "./JsonText.ts"
import {
  attributesOf,
  attributesText,
  type Facts,
  isVirtual,
  Macros,
  partsOf,
  systemXattrs,
  valueOf,
  virtualNameOf,
  virtualText
} from "./SubDocumentAttributes.ts"
import { binaryLiteral, binaryValue } from "./SubDocumentBinary.ts"
import { atOnce, type Sliced } from "./Slices.ts"
import { editSteps, type Known, type Splice, spliced } from "./SubDocumentEdit.ts"
import { rootFor } from "./SubDocumentPath.ts"
import { type Spec, type SubDocumentRequest, type Traits, traitsOf } from "./SubDocumentTraits.ts"

/** The document a request is executed on. */
export interface Subject extends Facts {
  readonly value: Uint8Array
}

/** What became of one operation. */
export interface SpecResult {
  readonly status: number
  readonly value: Uint8Array
}

/** How the document is to be stored. Its value may hold its own CAS and seqno, hence a function of them. */
export interface Change {
  readonly value: (cas: bigint, seqno: bigint) => Uint8Array
  readonly datatype: Datatype
  /** The document is, or becomes, a tombstone. */
  readonly deleted: boolean
}

/** What became of a request. */
export interface Execution {
  /** Success, the failure of the only operation, or that not every operation succeeded. */
  readonly status: number
  /** One for each operation that was tried. */
  readonly results: ReadonlyArray<SpecResult>
  /** Absent when nothing is to be stored. */
  readonly change?: Change
}

const empty = new Uint8Array(0)
/** The text of UTF-8, a character for each byte; of anything else a text that is no JSON. */
const jsonText = (bytes: Uint8Array): string => isUtf8(bytes) ? byteTextOf(bytes) : "?"
/** The same of a text. */
const asByteText = (text: string): string => byteTextOf(bytesOf(text))

const isXattr = ({ flags }: Spec): boolean => (flags & SubdocPathFlags.xattrPath) !== 0

/** A text that operations run over, with a character for each byte, and what is known of it. */
interface Text {
  readonly text: string
  readonly known: Known
}

/** A document while operations run over it. */
class Draft {
  json: boolean
  removed = false
  body: Uint8Array
  private xattrs: Text
  private bodyText: string | undefined
  private bodyKnown: Known = "json"
  /** What was asked of virtual attributes. */
  private readonly virtual = new Map<string, string | undefined>()
  private readonly facts: Facts
  private readonly original: { readonly xattrs: ReadonlyArray<Xattr>; readonly body: Uint8Array }
  private readonly makesParents: boolean
  private readonly macros: Macros
  private readonly now: number

  constructor(subject: Subject, request: SubDocumentRequest, now: number) {
    const parts = partsOf(subject.value, subject.datatype)
    this.facts = subject
    this.original = parts
    this.now = now
    this.body = parts.body
    this.json = (subject.datatype & Datatype.json) !== 0
    this.xattrs = { text: asByteText(attributesText(parts.xattrs)), known: "nothing" }
    this.macros = new Macros([this.xattrs.text, ...request.specs.filter(isXattr).map(({ value }) => byteTextOf(value))])
    this.makesParents = (request.docFlags & (SubdocDocFlags.mkdoc | SubdocDocFlags.add)) !== 0
  }

  *execute(spec: Spec, traits: Traits): Sliced<SpecResult> {
    if (traits.scope === "document") return yield* this.onDocument(spec)
    const inXattrs = isXattr(spec)
    if (!inXattrs && !this.json) return { status: Status.SubdocDocNotJson, value: empty }
    const value = this.valueText(spec, traits)
    if (value === undefined) return { status: Status.SubdocXattrUnknownVattrMacro, value: empty }
    const text = inXattrs ? this.attributeText(spec.path) : this.text()
    if (text === undefined) return { status: Status.SubdocXattrUnknownVattr, value: empty }
    yield
    const makeParents = this.makesParents || (spec.flags & SubdocPathFlags.mkdirP) !== 0
    const edit = { operation: traits.operation!, path: asByteText(spec.path), value, makeParents }
    const edited = yield* editSteps(text.text, edit, text.known)
    if (edited.status !== Status.Success) return { status: edited.status, value: empty }
    yield
    if (!isVirtual(spec.path) || !inXattrs) {
      const { splice } = edited
      if (inXattrs) this.xattrs = { text: splice === undefined ? text.text : spliced(text.text, splice), known: "all" }
      else {
        this.bodyKnown = "all"
        if (splice !== undefined) this.cut(splice)
      }
      yield
    }
    const found = this.found(spec, edited.value)
    if (found === undefined) return { status: Status.SubdocFieldNotBinaryValue, value: empty }
    if (traits.scope !== "body") return { status: Status.Success, value: found }
    yield* this.setBody(found)
    return { status: Status.Success, value: empty }
  }

  /** What is to be stored. `deleted` says whether the document was a tombstone and stays one. */
  *change(deleted: boolean): Sliced<Change> {
    const { body, json, macros, removed } = this
    const text = textOf(bytesOfByteText(this.xattrs.text))!
    yield
    const xattrs = attributesOf(text)
    yield
    const kept = removed ? systemXattrs(xattrs) : xattrs
    const datatype = (json && body.length > 0 ? Datatype.json : 0) | (kept.length > 0 ? Datatype.xattr : 0)
    const value = (cas: bigint, seqno: bigint): Uint8Array =>
      valueOf({ body, xattrs: kept.map(({ key, value: text }) => ({ key, value: macros.finish(text, cas, seqno, body) })) })
    // without macros it is the same whenever it is asked for
    const made = macros.areUsed ? undefined : value(0n, 0n)
    return { value: made === undefined ? value : () => made, datatype, deleted: deleted || removed }
  }

  private *onDocument(spec: Spec): Sliced<SpecResult> {
    switch (spec.opcode) {
      case SubdocOpcode.GetDocument:
        return this.body.length === 0 ? { status: Status.SubdocPathEnoent, value: empty } : { status: Status.Success, value: this.body }
      case SubdocOpcode.SetDocument:
        yield* this.setBody(spec.value)
        break
      default:
        yield* this.setBody(empty)
        this.removed = true
    }
    return { status: Status.Success, value: empty }
  }

  private text(): Text {
    // it has the datatype of JSON, or this is not reached
    this.bodyText ??= jsonText(this.body)
    return { text: this.bodyText, known: this.bodyKnown }
  }

  /** Bytes are put together, as a text of 20 MiB that is made of several takes ten times as long to be made one. */
  private cut({ from, piece, to }: Splice): void {
    const { body } = this
    const cut = new Uint8Array(body.length - (to - from) + piece.length)
    cut.set(body.subarray(0, from))
    writeByteText(cut, from, piece)
    cut.set(body.subarray(to), from + piece.length)
    this.body = cut
    this.bodyText = undefined
  }

  private *setBody(bytes: Uint8Array): Sliced<void> {
    this.body = bytes
    this.bodyText = undefined
    this.bodyKnown = "json"
    this.json = yield* isJsonSteps(bytes)
  }

  private attributeText(path: string): Text | undefined {
    if (!isVirtual(path)) return this.xattrs
    const name = virtualNameOf(path)
    if (!this.virtual.has(name)) this.virtual.set(name, virtualText(name, this.facts, this.original, this.now))
    const text = this.virtual.get(name)
    return text === undefined ? undefined : { text: asByteText(text), known: "all" }
  }

  private valueText(spec: Spec, traits: Traits): string | undefined {
    const text = jsonText(spec.value)
    if ((spec.flags & SubdocPathFlags.expandMacros) !== 0) return this.macros.expand(text, this.facts, this.original.body)
    return traits.hasValue && (spec.flags & SubdocPathFlags.binaryValue) !== 0 ? binaryLiteral(spec.value) : text
  }

  private found(spec: Spec, value: string | undefined): Uint8Array | undefined {
    if (value === undefined) return empty
    const decodes = (spec.flags & SubdocPathFlags.binaryValue) !== 0
    return decodes ? binaryValue(value) : bytesOfByteText(value)
  }
}

const failureOf = (request: SubDocumentRequest, status: number): number => request.multi ? Status.SubdocMultiPathFailure : status

/** Reads; every operation is tried. `now` is Unix time in seconds. */
export function* lookUpSteps(request: SubDocumentRequest, subject: Subject, now: number): Sliced<Execution> {
  const draft = new Draft(subject, request, now)
  const results: Array<SpecResult> = []
  for (const spec of request.specs) results.push(yield* draft.execute(spec, traitsOf(spec.opcode)!))
  const failed = results.find(({ status }) => status !== Status.Success)
  return { status: failed === undefined ? Status.Success : failureOf(request, failed.status), results }
}

/** Changes; the first failure ends it, and then nothing is to be stored. `now` is Unix time in seconds. */
export function* mutateSteps(request: SubDocumentRequest, subject: Subject, now: number): Sliced<Execution> {
  const draft = new Draft(subject, request, now)
  const results: Array<SpecResult> = []
  for (const spec of request.specs) {
    const result = yield* draft.execute(spec, traitsOf(spec.opcode)!)
    results.push(result)
    if (result.status !== Status.Success) return { status: failureOf(request, result.status), results }
    yield
  }
  const revives = (request.docFlags & SubdocDocFlags.reviveDocument) !== 0
  const change = yield* draft.change(subject.deleted && !revives)
  yield
  if (change.deleted && draft.body.length > 0) return { status: Status.SubdocDeletedDocumentCantHaveValue, results }
  return { status: Status.Success, results, change }
}

/** `lookUpSteps`, all at once. */
export const lookUp = (request: SubDocumentRequest, subject: Subject, now: number): Execution => atOnce(lookUpSteps(request, subject, now))

/** `mutateSteps`, all at once. */
export const mutate = (request: SubDocumentRequest, subject: Subject, now: number): Execution => atOnce(mutateSteps(request, subject, now))

const pushes: ReadonlyArray<number> = [
  SubdocOpcode.SubdocArrayPushLast,
  SubdocOpcode.SubdocArrayPushFirst,
  SubdocOpcode.SubdocArrayAddUnique
]

/** The document that is made where there is none: an object or an array, by where the first path leads. */
export const blank = (request: SubDocumentRequest, vbucketUuid: bigint): Subject => {
  const deleted = (request.docFlags & SubdocDocFlags.createAsDeleted) !== 0
  let body = ""
  for (const { opcode, path } of deleted ? [] : request.specs) {
    if (body === "" && traitsOf(opcode)!.scope === "path") body = rootFor(path, pushes.includes(opcode)) ?? ""
  }
  const datatype = body === "" ? 0 : Datatype.json
  return { value: bytesOf(body), datatype, deleted, cas: 0n, seqno: 0n, revSeqno: 0n, vbucketUuid, flags: 0, expiry: 0 }
}
