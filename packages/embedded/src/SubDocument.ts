/**
 * Executes a sub-document request on a document: attributes first, then the body, all or nothing when it changes something.
 *
 * Pure: document in, results and the changed document out. It neither finds nor stores documents, and knows no packets. Source of the
 * semantics: kv_engine docs/SubDocument.md and daemon/subdocument_context.cc.
 */
import { Status, SubdocDocFlags, SubdocOpcode, SubdocPathFlags, type Xattr } from "@wirewright/couchbase/gen"
import type { Datatype } from "@wirewright/memcached"
import { bytesOf, isJson, textOf } from "./JsonText.ts"
import {
  attributesOf,
  attributesText,
  datatypeBits,
  type Facts,
  isVirtual,
  Macros,
  partsOf,
  systemXattrs,
  valueOf,
  virtualText
} from "./SubDocumentAttributes.ts"
import { binaryLiteral, binaryValue } from "./SubDocumentBinary.ts"
import { editText } from "./SubDocumentEdit.ts"
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
const utf8 = (bytes: Uint8Array): string => textOf(bytes) ?? "\ufffd"

const isXattr = ({ flags }: Spec): boolean => (flags & SubdocPathFlags.xattrPath) !== 0

/** A document while operations run over it. */
class Draft {
  xattrs: string
  body: Uint8Array
  bodyText: string | undefined
  json: boolean
  removed = false
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
    this.json = (subject.datatype & datatypeBits.json) !== 0
    this.xattrs = attributesText(parts.xattrs)
    this.macros = new Macros(this.xattrs + request.specs.filter(isXattr).map(({ value }) => utf8(value)).join(" "))
    this.makesParents = (request.docFlags & (SubdocDocFlags.mkdoc | SubdocDocFlags.add)) !== 0
  }

  execute(spec: Spec, traits: Traits): SpecResult {
    if (traits.scope === "document") return this.onDocument(spec)
    const inXattrs = isXattr(spec)
    if (!inXattrs && !this.json) return { status: Status.SubdocDocNotJson, value: empty }
    const value = this.valueText(spec, traits)
    if (value === undefined) return { status: Status.SubdocXattrUnknownVattrMacro, value: empty }
    const text = inXattrs ? this.attributeText(spec.path) : this.text()
    if (text === undefined) return { status: Status.SubdocXattrUnknownVattr, value: empty }
    const makeParents = this.makesParents || (spec.flags & SubdocPathFlags.mkdirP) !== 0
    const edited = editText(text, { operation: traits.operation!, path: spec.path, value, makeParents })
    if (edited.status !== Status.Success) return { status: edited.status, value: empty }
    if (edited.text !== undefined) {
      if (inXattrs) this.xattrs = edited.text
      else this.setBody(edited.text)
    }
    const found = this.found(spec, edited.value)
    if (found === undefined) return { status: Status.SubdocFieldNotBinaryValue, value: empty }
    if (traits.scope !== "body") return { status: Status.Success, value: found }
    this.body = found
    this.bodyText = undefined
    this.json = isJson(found)
    return { status: Status.Success, value: empty }
  }

  /** What is to be stored. `deleted` says whether the document was a tombstone and stays one. */
  change(deleted: boolean): Change {
    const { body, json, macros, removed } = this
    const xattrs = attributesOf(this.xattrs)
    const kept = removed ? systemXattrs(xattrs) : xattrs
    const datatype = (json && body.length > 0 ? datatypeBits.json : 0) | (kept.length > 0 ? datatypeBits.xattr : 0)
    const value = (cas: bigint, seqno: bigint): Uint8Array =>
      valueOf({ body, xattrs: kept.map(({ key, value: text }) => ({ key, value: macros.finish(text, cas, seqno, body) })) })
    return { value, datatype, deleted: deleted || removed }
  }

  private onDocument(spec: Spec): SpecResult {
    switch (spec.opcode) {
      case SubdocOpcode.GetDocument:
        return this.body.length === 0 ? { status: Status.SubdocPathEnoent, value: empty } : { status: Status.Success, value: this.body }
      case SubdocOpcode.SetDocument:
        this.body = spec.value
        this.json = isJson(spec.value)
        break
      default:
        this.body = empty
        this.json = false
        this.removed = true
    }
    this.bodyText = undefined
    return { status: Status.Success, value: empty }
  }

  private text(): string {
    this.bodyText ??= utf8(this.body)
    return this.bodyText
  }

  private setBody(text: string): void {
    this.bodyText = text
    this.body = bytesOf(text)
  }

  private attributeText(path: string): string | undefined {
    return isVirtual(path) ? virtualText(path, this.facts, this.original, this.now) : this.xattrs
  }

  private valueText(spec: Spec, traits: Traits): string | undefined {
    const text = utf8(spec.value)
    if ((spec.flags & SubdocPathFlags.expandMacros) !== 0) return this.macros.expand(text, this.facts, this.original.body)
    return traits.hasValue && (spec.flags & SubdocPathFlags.binaryValue) !== 0 ? binaryLiteral(spec.value) : text
  }

  private found(spec: Spec, value: string | undefined): Uint8Array | undefined {
    if (value === undefined) return empty
    const decodes = (spec.flags & SubdocPathFlags.binaryValue) !== 0
    return decodes ? binaryValue(value) : bytesOf(value)
  }
}

const failureOf = (request: SubDocumentRequest, status: number): number => request.multi ? Status.SubdocMultiPathFailure : status

/** Reads; every operation is tried. `now` is Unix time in seconds. */
export const lookUp = (request: SubDocumentRequest, subject: Subject, now: number): Execution => {
  const draft = new Draft(subject, request, now)
  const results = request.specs.map((spec) => draft.execute(spec, traitsOf(spec.opcode)!))
  const failed = results.find(({ status }) => status !== Status.Success)
  return { status: failed === undefined ? Status.Success : failureOf(request, failed.status), results }
}

/** Changes; the first failure ends it, and then nothing is to be stored. `now` is Unix time in seconds. */
export const mutate = (request: SubDocumentRequest, subject: Subject, now: number): Execution => {
  const draft = new Draft(subject, request, now)
  const results: Array<SpecResult> = []
  for (const spec of request.specs) {
    const result = draft.execute(spec, traitsOf(spec.opcode)!)
    results.push(result)
    if (result.status !== Status.Success) return { status: failureOf(request, result.status), results }
  }
  const revives = (request.docFlags & SubdocDocFlags.reviveDocument) !== 0
  const change = draft.change(subject.deleted && !revives)
  if (change.deleted && draft.body.length > 0) return { status: Status.SubdocDeletedDocumentCantHaveValue, results }
  return { status: Status.Success, results, change }
}

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
  const datatype = body === "" ? 0 : datatypeBits.json
  return { value: bytesOf(body), datatype, deleted, cas: 0n, seqno: 0n, revSeqno: 0n, vbucketUuid, flags: 0, expiry: 0 }
}
