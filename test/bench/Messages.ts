/** The messages of the mix, as the contenders know them. */

/** What every message says in its header. */
export interface Head {
  readonly datatype: number
  readonly vbucket: number
  readonly opaque: number
  readonly cas: bigint
}

export interface Mutation extends Head {
  readonly _tag: "DcpMutation"
  readonly bySeqno: bigint
  readonly revSeqno: bigint
  readonly flags: number
  readonly expiration: number
  readonly lockTime: number
  readonly nmeta: number
  readonly nru: number
  readonly key: string
  readonly value: Uint8Array
}

export interface DeletionV1 extends Head {
  readonly _tag: "DcpDeletion"
  readonly layout: "V1"
  readonly bySeqno: bigint
  readonly revSeqno: bigint
  readonly nmeta: number
  readonly key: string
  readonly value: Uint8Array
}

export interface DeletionV2 extends Head {
  readonly _tag: "DcpDeletion"
  readonly layout: "V2"
  readonly bySeqno: bigint
  readonly revSeqno: bigint
  readonly deleteTime: number
  readonly key: string
  readonly value: Uint8Array
}

export interface SnapshotMarker extends Head {
  readonly _tag: "DcpSnapshotMarker"
  readonly layout: "V1"
  readonly startSeqno: bigint
  readonly endSeqno: bigint
  readonly flags: number
}

export type Message = Mutation | DeletionV1 | DeletionV2 | SnapshotMarker
