/**
 * What a node must have granted before a request may be sent to it: features of HELLO, or capabilities of its bucket.
 *
 * Pure. A node that gets what it does not know calls that a malformed packet, and many a version then closes the connection: that of all callers
 * requests are lost with it. Sources: kv_engine include/mcbp/protocol/feature.h, docs/BinaryProtocol.md and docs/SubDocument.md.
 */
import type { RequestFrame } from "@wirewright/memcached/gen/Types"
import type { Bootstrapped } from "./Bootstrap.ts"
import { HelloFeature, SubdocDocFlags, SubdocOpcode, SubdocPathFlags } from "./gen/Types.ts"

/** A feature of HELLO by number, or a capability of the bucket by name. */
export type Need = number | string

/** What every node has. */
export const noNeeds: ReadonlyArray<Need> = []

/** `reviveDocument` has no feature of HELLO. */
const revival = "subdoc.ReviveDocument"

const ofFrame: { readonly [Tag in RequestFrame["_tag"]]?: HelloFeature } = {
  Durability: HelloFeature.SyncReplication,
  PreserveTtl: HelloFeature.PreserveTtl
}

/** What framing extras need: the packet that carries them, and what each of them asks for. */
export const needsOfFraming = (framing: ReadonlyArray<RequestFrame> | undefined): ReadonlyArray<Need> =>
  framing === undefined || framing.length === 0
    ? noNeeds
    : [...framing.flatMap(({ _tag }) => ofFrame[_tag] ?? []), HelloFeature.AltRequestSupport]

/** One operation on a path. */
interface PathSpec {
  readonly opcode: number
  readonly flags: number
  readonly path: string
  readonly value?: Uint8Array
}

/** Virtual attributes older than the feature. */
const firstVirtual: ReadonlySet<string> = new Set(["$document", "$XTOC"])

const text = new TextDecoder()

const needsOfPath = ({ flags, opcode, path, value }: PathSpec, needs: Set<Need>): void => {
  if ((flags & SubdocPathFlags.xattrPath) !== 0) needs.add(HelloFeature.Xattr)
  const attribute = path.split(/[.[]/, 1)[0]!
  if ((flags & SubdocPathFlags.xattrPath) !== 0 && attribute.startsWith("$") && !firstVirtual.has(attribute)) needs.add(HelloFeature.VAttr)
  if ((flags & SubdocPathFlags.binaryValue) !== 0) needs.add(HelloFeature.SubdocBinaryXattr)
  if (opcode === SubdocOpcode.SubdocReplaceBodyWithXattr) needs.add(HelloFeature.SubdocReplaceBodyWithXattr)
  const macro = (flags & SubdocPathFlags.expandMacros) !== 0 && value !== undefined && text.decode(value.subarray(0, 13))
  if (macro === "\"${$document.") needs.add(HelloFeature.SubdocDocumentMacroSupport)
}

const ofDocumentFlags: ReadonlyArray<readonly [flags: number, need: Need]> = [
  [SubdocDocFlags.createAsDeleted, HelloFeature.SubdocCreateAsDeleted],
  [SubdocDocFlags.reviveDocument, revival],
  [SubdocDocFlags.replicaRead, HelloFeature.SubdocReplicaRead],
  [SubdocDocFlags.replicaRead | SubdocDocFlags.accessDeleted, HelloFeature.SubdocAllowReplicaReadOnDeletedDocs]
]

/** What operations on parts of a document need. */
export const needsOfPaths = (
  specs: ReadonlyArray<PathSpec>,
  docFlags: number | undefined,
  framing?: ReadonlyArray<RequestFrame>
): ReadonlyArray<Need> => {
  const needs = new Set(needsOfFraming(framing))
  for (const spec of specs) needsOfPath(spec, needs)
  if (docFlags !== undefined) {
    for (const [flags, need] of ofDocumentFlags) if ((docFlags & flags) === flags) needs.add(need)
  }
  return needs.size === 0 ? noNeeds : [...needs]
}

const nameOf = (feature: number): string => Object.entries(HelloFeature).find(([, code]) => code === feature)?.[0] ?? String(feature)

/** The first of the needs that the connection's node has not granted, by name. */
export const missingFeature = (needs: ReadonlyArray<Need>, { clusterMap, features }: Bootstrapped): string | undefined => {
  for (const need of needs) {
    if (typeof need === "number" ? !features.has(need) : clusterMap?.capabilities.has(need) !== true) {
      return typeof need === "number" ? nameOf(need) : need
    }
  }
  return undefined
}
