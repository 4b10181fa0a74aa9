/** Values that are taken before chance draws any: such as another packet has in the same field, or such as programs stumble over. */
import type { Bytes } from "./Assemble.ts"

/** What content is to be. */
export type ContentKind = "text" | "json" | "bytes"

/** Gives values; nothing where chance is to draw one. */
export interface Preferred {
  /** A packet is begun; also again, when what was drawn was none. */
  begin(): void
  /** Bytes of what has no length or end of its own. `key` is what the field's options are counted under: it ends with the field's name. */
  content(key: string, kind: ContentKind, fits: (bytes: Bytes) => boolean): Bytes | undefined
  number(key: string, fits: (value: bigint) => boolean): bigint | undefined
  /** What stands in a field, taken or drawn. */
  drawn(key: string, value: Bytes | bigint): void
}
