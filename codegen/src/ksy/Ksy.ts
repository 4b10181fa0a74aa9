/** Kaitai Struct's format descriptions (ksy) of a protocol. */
import type { Catalog } from "@wirewright/codec/Catalog"

/** A description of one kind of packets. */
export interface Ksy {
  readonly file: string
  readonly text: string
  /** What it cannot say. */
  readonly unsaid: ReadonlyArray<string>
}

/** One description for each kind of packets. */
export const ksyOf = (_catalog: Catalog): ReadonlyArray<Ksy> => []
