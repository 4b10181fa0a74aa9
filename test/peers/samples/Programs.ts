/** Programs that read many samples at once, and tell what they have read: by what they print, or by what they do then. */
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import type { ForeignReading, Names } from "./Compare.ts"
import type { Drawn, Known } from "./Judge.ts"

/** A program, and the samples that it is asked about. */
export interface ProgramCase extends Drawn {
  readonly title: string
  readonly program: string
  readonly isThere: () => boolean
  readonly version: () => string
  readonly read: (samples: ReadonlyArray<Sample>) => Promise<ReadonlyArray<ForeignReading>>
  readonly names: Names
  /** Packets that it only takes. */
  readonly silent?: RegExp
  readonly known: ReadonlyArray<Known>
}

/** The first value of a field whose path ends so. */
export const valueOf = ({ annotation }: Sample, name: string): unknown =>
  annotation.fields.find(({ path }) => path === name || path.endsWith(`.${name}`))?.value
