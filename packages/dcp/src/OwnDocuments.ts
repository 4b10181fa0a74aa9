/**
 * Documents that consumers and clusters keep in a bucket: checkpoints, runners and locks. They are nobody's changes. If they were, saving a checkpoint
 * in the bucket that is followed would be a change, whose processing is saved, without end; and so it would with two groups.
 */
import { runnersPrefix } from "@wirewright/couchbase/internal"

/** What the keys of checkpoints begin with, unless another prefix is given. */
export const checkpointsPrefix = "wirewright:dcp:"

const prefixes = [checkpointsPrefix, runnersPrefix]
const bytesOf = prefixes.map((prefix) => new TextEncoder().encode(prefix))
const [first] = bytesOf[0]!

/** Whether a key is that of such a document, by default. */
export const isOwnKey = (key: string): boolean => prefixes.some((prefix) => key.startsWith(prefix))

/** The same of a key in bytes. */
export const isOwnKeyAt = (bytes: Uint8Array, from: number, end: number): boolean =>
  bytes[from] === first &&
  bytesOf.some((prefix) => from + prefix.length <= end && prefix.every((byte, index) => bytes[from + index] === byte))
