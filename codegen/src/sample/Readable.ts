/** Samples for readers: short words, small numbers that differ from each other, one element in a list. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { Bytes } from "./Assemble.ts"
import type { PacketPlan } from "./Packets.ts"
import type { ContentKind, Preferred } from "./Preferred.ts"
import { type Sample, Sampler, type SampleOptions } from "./Sampler.ts"

const encoder = new TextEncoder()

const words = ["foo", "bar", "baz", "qux"]
const documents = ["{\"a\":1}", "[1]", "{}", "1"]
/** Longest text that a size asks for. */
const longest = 64

const bytesOf = (text: string): Bytes => [...encoder.encode(text)]

/** The beginning of a word, or a word that goes on as the alphabet does. */
const ofSize = (word: string, size: number): Bytes =>
  bytesOf(size <= word.length ? word.slice(0, size) : `${word}-${"abcdefghijklmnopqrstuvwxyz".repeat(3)}`.slice(0, size))

/** Words and numbers, one after another: readers see which is which. */
export class Readable implements Preferred {
  private texts = 0
  private numbers = 0n

  begin(): void {
    this.texts = 0
    this.numbers = 0n
  }

  content(_: string, kind: ContentKind, fits: (bytes: Bytes) => boolean): Bytes | undefined {
    if (kind === "json") return documents.map(bytesOf).find(fits)
    const word = words[this.texts++ % words.length]!
    for (const size of [3, 1, 2, ...Array.from({ length: longest - 3 }, (__, i) => i + 4)]) {
      const text = ofSize(word, size)
      if (fits(text)) return text
    }
    return undefined
  }

  number(_: string, fits: (value: bigint) => boolean): bigint | undefined {
    const value = ++this.numbers
    return fits(value) ? value : undefined
  }

  drawn(): void {
    // nothing is to be kept
  }
}

/** A sample of one plan, the same whatever was drawn before; nothing where none can be drawn. */
export const readable = (catalog: Catalog, plan: PacketPlan, options: Pick<SampleOptions, "seed" | "states"> = {}): Sample | undefined => {
  const sampler = new Sampler(catalog, { ...options, plain: true, preferred: new Readable(), plans: [plan] })
  return sampler.sample(plan, "readable") ?? new Sampler(catalog, { ...options, plain: true, plans: [plan] }).sample(plan, "least")
}
