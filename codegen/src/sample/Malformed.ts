/**
 * Bytes that are no packet, each with the reason: samples that were changed at their structure (`Mutate`), and cut short at every place. Of
 * each objection that a decoder can have, the shortest bytes that were found are kept.
 */
import type { DecodeError } from "@wirewright/codec/Errors"
import { annotate } from "@wirewright/codec/Layout"
import { type Below, random } from "@wirewright/codec/Random"
import { changed, joined, mended } from "./Mutate.ts"
import type { Sample, Sampler } from "./Sampler.ts"

/** Bytes that are no packet. */
export interface Malformed {
  /** `_tag` of the packet that they were made of. */
  readonly tag: string
  readonly kind: string
  readonly bytes: Uint8Array
  readonly states: ReadonlyMap<string, number>
  readonly error: DecodeError
}

/** What is tried. */
export interface MalformedOptions {
  readonly seed?: number
  /** Tag of a packet, or name of a command. Default: all */
  readonly packet?: string
  /** Packets of each sort that are changed. Default: 8 */
  readonly seeds?: number
  /** Changes of each. Default: 120 */
  readonly changes?: number
}

/** What makes one objection differ from another: elements of a list are alike. */
export const objectionOf = ({ packet, path, reason }: Pick<DecodeError, "packet" | "path" | "reason">): string =>
  `${packet}.${path.replaceAll(/\d+/g, "#")} ${reason}`

class Search {
  private readonly sampler: Sampler
  private readonly found = new Map<string, Malformed>()

  constructor(sampler: Sampler) {
    this.sampler = sampler
  }

  private look(bytes: Uint8Array, { kind, states, tag }: Sample) {
    const annotation = annotate(this.sampler.catalog, bytes, { kind, states })
    const { error, packet } = annotation
    // what servers no longer execute is handed out as it stands
    if (error !== undefined && this.sampler.catalog.commandNamed(packet)?.lifecycle !== "removed") {
      const key = objectionOf(error)
      const known = this.found.get(key)
      if (known === undefined || bytes.length < known.bytes.length) this.found.set(key, { tag, kind, bytes, states, error })
    }
    return annotation
  }

  /** Every beginning, and every byte as some others. */
  plainly(sample: Sample): void {
    const { bytes } = sample
    const step = Math.max(1, Math.floor(bytes.length / 48))
    for (let size = 0; size < bytes.length; size += step) this.look(bytes.slice(0, size), sample)
    for (let at = 0; at < bytes.length; at += step) {
      for (const value of [0, 0xff, bytes[at]! ^ 1, bytes[at]! + 1 & 0xff, bytes[at]! ^ 0x80]) this.look(bytes.with(at, value), sample)
    }
    this.look(joined(bytes, Uint8Array.of(0)), sample)
  }

  /** Changes at the structure, checksums mended half of the time. */
  byChance(below: Below, sample: Sample, other: Sample, changes: number): void {
    const one = { bytes: sample.bytes, fields: sample.annotation.fields }
    for (let i = 0; i < changes; i++) {
      const [, bytes] = changed(below, one, { bytes: other.bytes, fields: other.annotation.fields })
      const { error, fields } = this.look(bytes, sample)
      if (error?.reason === "Checksum") { for (const right of mended({ bytes, fields }, error)) this.look(right, sample) }
    }
  }

  get all(): ReadonlyArray<Malformed> {
    return [...this.found.entries()].sort(([a], [b]) => a < b ? -1 : 1).map(([, one]) => one)
  }
}

/** Bytes that are no packets of a protocol, one for each objection that was met. */
export const malformed = (sampler: Sampler, options: MalformedOptions = {}): ReadonlyArray<Malformed> => {
  const { changes = 120, packet, seeds = 8 } = options
  const below = random(options.seed ?? 1)
  const search = new Search(sampler)
  const { stackTraceLimit } = Error
  // nobody looks at the stacks of errors that are looked for
  Error.stackTraceLimit = 0
  try {
    for (const plan of sampler.plans) {
      const { meaning, tag } = plan
      if (packet !== undefined && tag !== packet && meaning.command?.name !== packet) continue
      const some: Array<Sample> = []
      for (const sample of sampler.covering(plan)) {
        if (sample.bytes.length <= 2_000) some.push(sample)
        if (some.length >= seeds) break
      }
      for (const sample of some) {
        search.plainly(sample)
        search.byChance(below, sample, some[below(some.length)]!, changes)
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return search.all
}
