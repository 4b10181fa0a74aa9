/**
 * What each sub-document operation may be asked for, and the checks of a request that need no document.
 *
 * Pure. The order of the checks is the one of kv_engine daemon/subdocument_validators.cc, because a client sees which one came first.
 */
import { Status, SubdocDocFlags, SubdocOpcode, SubdocPathFlags } from "@wirewright/couchbase/gen"
import { hasBadBase64 } from "./SubDocumentBinary.ts"
import { attributeKeyOf, isVirtual, macroStatus } from "./SubDocumentAttributes.ts"
import type { Operation } from "./SubDocumentEdit.ts"
import { maxPathLength } from "./SubDocumentPath.ts"

/** One operation of a request; single-path commands have one. */
export interface Spec {
  readonly opcode: number
  readonly flags: number
  readonly path: string
  readonly value: Uint8Array
}

/** A request on parts of a document. */
export interface SubDocumentRequest {
  readonly specs: ReadonlyArray<Spec>
  readonly docFlags: number
  readonly cas: bigint
  /** The command is SubdocMultiLookup or SubdocMultiMutation. */
  readonly multi: boolean
  readonly mutates: boolean
}

/** Why a request is refused before its document is looked at; the context goes into the error's JSON. */
export interface Refusal {
  readonly status: number
  readonly context?: string
}

/** What an operation may be asked for. */
export interface Traits {
  readonly scope: "path" | "document" | "body"
  readonly operation: Operation | undefined
  readonly pathFlags: number
  readonly mandatoryPathFlags: number
  readonly docFlags: number
  readonly hasValue: boolean
  readonly mayHaveNoPath: boolean
  readonly mutates: boolean
  readonly returnsValue: boolean
}

/** Most operations in a request. */
export const maxSpecs = 16

const { binaryValue, expandMacros, mkdirP, xattrPath } = SubdocPathFlags
const { accessDeleted, add, createAsDeleted, mkdoc, replicaRead, reviveDocument } = SubdocDocFlags

const readDocFlags = accessDeleted | reviveDocument | replicaRead
const changeDocFlags = accessDeleted | reviveDocument
const createDocFlags = changeDocFlags | mkdoc | add | createAsDeleted

const traits = (given: Partial<Traits> & Pick<Traits, "docFlags">): Traits => ({
  scope: "path",
  operation: undefined,
  pathFlags: xattrPath,
  mandatoryPathFlags: 0,
  hasValue: false,
  mayHaveNoPath: false,
  mutates: false,
  returnsValue: false,
  ...given
})

const write = (operation: Operation, pathFlags: number, docFlags: number, more: Partial<Traits> = {}): Traits =>
  traits({ operation, pathFlags: pathFlags | xattrPath, docFlags, hasValue: true, mutates: true, ...more })

const table: { readonly [opcode: number]: Traits | undefined } = {
  [SubdocOpcode.GetDocument]: traits({
    scope: "document",
    pathFlags: 0,
    docFlags: readDocFlags,
    mayHaveNoPath: true,
    returnsValue: true
  }),
  [SubdocOpcode.SetDocument]: traits({
    scope: "document",
    pathFlags: 0,
    docFlags: mkdoc | add,
    hasValue: true,
    mayHaveNoPath: true,
    mutates: true
  }),
  [SubdocOpcode.DeleteDocument]: traits({
    scope: "document",
    pathFlags: 0,
    docFlags: changeDocFlags,
    mayHaveNoPath: true,
    mutates: true
  }),
  [SubdocOpcode.SubdocGet]: traits({
    operation: "get",
    pathFlags: xattrPath | binaryValue,
    docFlags: readDocFlags,
    returnsValue: true
  }),
  [SubdocOpcode.SubdocExists]: traits({ operation: "exists", docFlags: readDocFlags }),
  [SubdocOpcode.SubdocGetCount]: traits({ operation: "count", docFlags: readDocFlags, mayHaveNoPath: true, returnsValue: true }),
  [SubdocOpcode.SubdocDictAdd]: write("dictAdd", mkdirP | expandMacros | binaryValue, createDocFlags),
  [SubdocOpcode.SubdocDictUpsert]: write("dictUpsert", mkdirP | expandMacros | binaryValue, createDocFlags),
  [SubdocOpcode.SubdocDelete]: write("delete", 0, changeDocFlags, { hasValue: false }),
  [SubdocOpcode.SubdocReplace]: write("replace", expandMacros | binaryValue, changeDocFlags | add),
  [SubdocOpcode.SubdocArrayPushLast]: write("arrayPushLast", mkdirP | expandMacros, createDocFlags, { mayHaveNoPath: true }),
  [SubdocOpcode.SubdocArrayPushFirst]: write("arrayPushFirst", mkdirP | expandMacros, createDocFlags, { mayHaveNoPath: true }),
  [SubdocOpcode.SubdocArrayInsert]: write("arrayInsert", expandMacros, changeDocFlags | add | createAsDeleted),
  [SubdocOpcode.SubdocArrayAddUnique]: write("arrayAddUnique", mkdirP, createDocFlags, { mayHaveNoPath: true }),
  [SubdocOpcode.SubdocCounter]: write("counter", mkdirP, createDocFlags, { returnsValue: true }),
  [SubdocOpcode.SubdocReplaceBodyWithXattr]: traits({
    scope: "body",
    operation: "get",
    pathFlags: xattrPath | binaryValue,
    mandatoryPathFlags: xattrPath,
    docFlags: changeDocFlags,
    mutates: true
  })
}

/** Traits of an operation, unless there is no such operation. */
export const traitsOf = (opcode: number): Traits | undefined => table[opcode]

const refuse = (status: number, context?: string): Refusal => context === undefined ? { status } : { status, context }

const docFlagsRefusal = ({ cas, docFlags, specs, multi }: SubDocumentRequest): Refusal | undefined => {
  // several operations may make a tombstone with whatever they do; whether that is one turns out in the end
  if (!multi && (docFlags & createAsDeleted) !== 0) {
    if ((docFlags & (add | mkdoc)) === 0) return refuse(Status.Einval, "CreateAsDeleted requires Mkdoc or Add")
    if (specs.some(({ flags }) => (flags & xattrPath) === 0)) return refuse(Status.Einval, "CreateAsDeleted does not support body path")
  }
  if ((docFlags & add) !== 0 && cas !== 0n) return refuse(Status.Einval, "Request with add flag must have CAS 0")
  if ((docFlags & (add | mkdoc)) === (add | mkdoc)) return refuse(Status.Einval, "Request must not contain both add and mkdoc flags")
  if (multi && (docFlags & reviveDocument) !== 0) {
    if ((docFlags & accessDeleted) === 0) return refuse(Status.Einval, "ReviveDocument can't be used without AccessDeleted")
    if ((docFlags & createAsDeleted) !== 0) return refuse(Status.Einval, "ReviveDocument can't be used with CreateAsDeleted")
  }
  return undefined
}

const attributeRefusal = (spec: Spec, mutates: boolean, xattrs: boolean): Refusal | undefined => {
  const { flags, path } = spec
  if ((flags & xattrPath) === 0) {
    if ((flags & expandMacros) !== 0) {
      return refuse(Status.SubdocXattrInvalidFlagCombo, "EXPAND_MACROS flag requires XATTR flag to be set")
    }
    if ((flags & binaryValue) !== 0) {
      return refuse(Status.SubdocXattrInvalidFlagCombo, "BINARY_VALUE flag requires XATTR flag to be set")
    }
    return undefined
  }
  if ((flags & (binaryValue | expandMacros)) === (binaryValue | expandMacros)) {
    return refuse(Status.SubdocXattrInvalidFlagCombo, "BINARY_VALUE can't be used together with EXPAND_MACROS")
  }
  if (!xattrs) return refuse(Status.NotSupported, "Connection not XATTR enabled")
  if (attributeKeyOf(path) === undefined) return refuse(Status.XattrEinval, "Request XATTR key invalid")
  if (mutates && isVirtual(path)) return refuse(Status.SubdocXattrCantModifyVattr)
  if (hasBadBase64(spec.value)) return refuse(Status.XattrEinval, "Incorrectly encoded binary value")
  if ((flags & expandMacros) === 0) return undefined
  const status = macroStatus(spec.value)
  return status === Status.Success ? undefined : refuse(status)
}

const valueRefusal = ({ hasValue }: Traits, value: Uint8Array): Refusal | undefined =>
  hasValue === value.length > 0
    ? undefined
    : refuse(Status.Einval, hasValue ? "Request must include value" : "Request must not include value")

const specRefusal = (spec: Spec, request: SubDocumentRequest, xattrs: boolean): Refusal | undefined => {
  const { flags, opcode, path, value } = spec
  const own = table[opcode]
  if (own === undefined) return refuse(Status.SubdocInvalidCombo, "Subdoc and MCBP command must not both be invalid")
  if (own.mutates !== request.mutates) {
    return refuse(Status.SubdocInvalidCombo, "Mutation opcodes only permitted for mutation commands")
  }
  // single paths say first what is missing
  const incomplete = request.multi ? undefined : valueRefusal(own, value)
  if (incomplete !== undefined) return incomplete
  if ((flags & ~own.pathFlags) !== 0) return refuse(Status.Einval, "Request flags invalid")
  if ((flags & own.mandatoryPathFlags) !== own.mandatoryPathFlags) return refuse(Status.Einval, "Request missing mandatory flags")
  if ((request.docFlags & ~own.docFlags) !== 0) return refuse(Status.Einval, "Request document flags invalid")
  if (path.length > maxPathLength) return refuse(Status.Einval, "Request path length exceeds maximum")
  if (own.scope === "document" && path.length > 0) {
    return refuse(Status.Einval, "Request must not include path for wholedoc operations")
  }
  const bad = attributeRefusal(spec, request.mutates, xattrs)
  if (bad !== undefined) return bad
  if (path.length === 0 && !own.mayHaveNoPath) return refuse(Status.Einval, "Request must include path")
  return request.multi ? valueRefusal(own, value) : undefined
}

const orderRefusal = (specs: ReadonlyArray<Spec>, index: number): Refusal | undefined => {
  const isXattr = (spec: Spec | undefined): boolean => spec !== undefined && (spec.flags & xattrPath) !== 0
  const spec = specs[index]!
  const bodyBefore = index > 0 && !isXattr(specs[index - 1])
  if (bodyBefore && isXattr(spec)) return refuse(Status.SubdocInvalidXattrOrder)
  // removal of the document tolerates no other operation on the body, before or after it
  const removes = ({ opcode }: Spec): boolean => opcode === SubdocOpcode.DeleteDocument
  const alone = removes(spec) && bodyBefore || index > 0 && removes(specs[index - 1]!)
  return alone ? refuse(Status.SubdocInvalidCombo, "Request contains an invalid combination of commands") : undefined
}

/** Why a request is refused, if it is. `xattrs` says whether the connection negotiated extended attributes. */
export const refusalOf = (request: SubDocumentRequest, xattrs: boolean): Refusal | undefined => {
  const { multi, specs } = request
  const bad = docFlagsRefusal(request)
  if (bad !== undefined) return bad
  for (let index = 0; index < specs.length && index < maxSpecs; index++) {
    const refused = specRefusal(specs[index]!, request, xattrs) ?? (multi ? orderRefusal(specs, index) : undefined)
    if (refused !== undefined) return refused
  }
  if (specs.length === 0) return refuse(Status.SubdocInvalidCombo, "Request must contain at least one path")
  if (specs.length > maxSpecs) return refuse(Status.SubdocInvalidCombo, `Request must contain at most ${maxSpecs} paths`)
  return undefined
}
