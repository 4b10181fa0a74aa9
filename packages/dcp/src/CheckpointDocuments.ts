/**
 * Checkpoints in documents of a bucket, through `KvClient`. Every write compares the CAS of the document it replaces, so that of two owners the
 * older one is always refused.
 */
import { KvClient, type KvCollection, type KvError } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type CheckpointArchive, CheckpointStore, overTexts, type TextStore } from "./CheckpointStore.ts"
import { CheckpointError } from "./DcpError.ts"
import { checkpointsPrefix } from "./OwnDocuments.ts"

/** Where the documents are. */
export interface CheckpointDocumentsOptions {
  /** Begins every key; up to 112 bytes leave room for the names of all groups. Default: `wirewright:dcp:`. */
  readonly prefix?: string
}

const failed = (key: string) => (error: KvError): CheckpointError => {
  const { _tag } = error.reason
  return _tag === "CasMismatch" || _tag === "Exists"
    ? new CheckpointError({ reason: "Fenced", message: `another consumer has written ${key}`, cause: error })
    : new CheckpointError({ reason: "Unavailable", message: `${key}: ${error.message}`, cause: error })
}

const texts = (documents: Pick<KvCollection, "get" | "insert" | "replace" | "scanKeys">, prefix: string): TextStore => {
  const keyOf = (name: string): string => `${prefix}${name}`
  return {
    names: Effect.mapBoth(Stream.runCollect(documents.scanKeys({ prefix })), {
      onFailure: failed(`${prefix}*`),
      onSuccess: (keys) => keys.map((key) => key.slice(prefix.length))
    }),
    place: keyOf,
    get: (name) =>
      Effect.mapError(documents.get(keyOf(name)), failed(keyOf(name))).pipe(
        Effect.map((found) =>
          Option.isNone(found) ? undefined : { text: new TextDecoder().decode(found.value.value), version: found.value.cas }
        )
      ),
    put: (name, text, version) => {
      const value: unknown = JSON.parse(text)
      const stored = version === undefined
        ? documents.insert(keyOf(name), value)
        : documents.replace(keyOf(name), value, { cas: version })
      return Effect.map(Effect.mapError(stored, failed(keyOf(name))), ({ cas }) => cas)
    }
  }
}

/** A store in documents of a collection. */
export const documentStore = (
  documents: Pick<KvCollection, "get" | "insert" | "replace" | "scanKeys">,
  { prefix = checkpointsPrefix }: CheckpointDocumentsOptions = {}
): CheckpointArchive => overTexts(texts(documents, prefix))

/** A store in documents of the default collection. */
export const layerDocuments = (options?: CheckpointDocumentsOptions): Layer.Layer<CheckpointStore, never, KvClient> =>
  Layer.effect(CheckpointStore, Effect.map(KvClient, (kv) => documentStore(kv, options)))
