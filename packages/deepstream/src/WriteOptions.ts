/** What a write of a record can be told, and what it then succeeds with. */
import type { WriteOutcome } from "./PendingWrites.ts"

/** Options of a write. */
export interface WriteOptions {
  /**
   * Waits for what becomes of it, and succeeds with that: `stored`, or `merged` when the server refused it because another client wrote at
   * the same time, and stored what the merge made of both. Fails with `WriteLost` when the merge kept the other's data, with `VersionExists`
   * when there is no merge, with `MessageDenied`, `WriteFailed` or `RecordDeleted`; what became of it is unknown after `AckTimeout` and
   * `OutcomeUnknown`; and it may come later after `WriteUnconfirmed`, at once when there is no connection. Whatever it fails with, `get` then
   * has what is true as far as it is known. Default: a write is done when it is applied here and on its way.
   */
  readonly acknowledge?: boolean
}

/** What a write succeeds with: its outcome when that was asked for. */
export type Written<O extends WriteOptions | undefined> = O extends { readonly acknowledge: true } ? WriteOutcome
  : O extends { readonly acknowledge: boolean } ? WriteOutcome | undefined
  : void
