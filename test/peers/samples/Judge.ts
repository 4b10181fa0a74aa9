/** Draws samples, has generated code write them, and judges what others read in them. */
import { annotate } from "@wirewright/codec/Layout"
import { DecodeError } from "@wirewright/codec/Errors"
import type { AnyPacket } from "@wirewright/codec/Json"
import { packetPlans } from "@wirewright/codegen/sample/Packets"
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import { expect } from "vitest"
import { decoded, encoded, type Protocol } from "../../sample/Protocols.ts"
import { compare, type ForeignReading, type Names } from "./Compare.ts"
import { isUpdate, ledger, write } from "./Ledger.ts"

/** Why a sample is not compared. */
export interface Known {
  readonly reason: string
  readonly is: (sample: Sample, reading: ForeignReading) => boolean
}

/** Who reads. */
export interface Reader {
  readonly name: string
  readonly version: string
}

/** What samples are drawn. */
export interface Drawn {
  /** States that samples are drawn in, one after the other. */
  readonly states?: ReadonlyArray<Readonly<Record<string, number>>>
  /** Kinds of packets. Default: all */
  readonly kinds?: ReadonlyArray<string>
  /** Packets. Default: all */
  readonly tags?: RegExp
  /** Default: 1,400 */
  readonly draws?: number
  /** What is written in place of a packet, where its readers have rules of their own for a value. */
  readonly as?: (packet: AnyPacket, index: number) => AnyPacket
}

/** What is known of a reader. */
export interface Judging {
  readonly tags?: RegExp
  readonly names: Names
  readonly known: ReadonlyArray<Known>
  readonly remarks?: RegExp
  /** Packets that may say nothing, as null and empty lists do. */
  readonly silent?: RegExp
}

/** Samples of each protocol that are read as meant. */
const enough = 1_000
/** Samples that are drawn at most to have so many. */
const most = 12_000

/** Samples as the generated encoder writes what the generated decoder made of them; none comes twice. */
export const written = (protocol: Protocol, ask: Drawn): ReadonlyArray<Sample> => {
  const samplers = (ask.states ?? [undefined]).map((states) =>
    new Sampler(protocol.catalog, { seed: 7, plain: true, ...(states === undefined ? {} : { states: new Map(Object.entries(states)) }) })
      .all({ count: most })
  )
  const out: Array<Sample> = []
  const known = new Set<string>()
  for (let drawn = 0; drawn < most && out.length < (ask.draws ?? 1_400); drawn++) {
    const { value: sample } = samplers[drawn % samplers.length]!.next() as { readonly value: Sample | undefined }
    if (sample === undefined || ask.kinds?.includes(sample.kind) === false || ask.tags?.test(sample.tag) === false) continue
    const packet = decoded(protocol, sample.bytes, sample.kind, sample.states)
    if (packet instanceof DecodeError) throw packet
    const bytes = encoded(protocol, ask.as?.(packet, out.length) ?? packet, sample.states)
    const key = `${sample.kind} ${Buffer.from(bytes).toString("latin1")} ${[...sample.states].join()}`
    if (known.has(key)) continue
    known.add(key)
    out.push({ ...sample, bytes, annotation: annotate(protocol.catalog, bytes, { kind: sample.kind, states: sample.states }) })
  }
  return out
}

/** What became of samples. */
export const judge = (ask: Judging, samples: ReadonlyArray<Sample>, readings: ReadonlyArray<ForeignReading>) => {
  const apart = new Map<string, number>()
  const wrong: Array<string> = []
  const right: Array<Sample> = []
  let values = 0
  for (const [i, sample] of samples.entries()) {
    const reading = readings[i]!
    const where = `${sample.tag} ${[...sample.states].join(" ")} ${Buffer.from(sample.bytes).toString("hex")}`
    const known = ask.known.find(({ is }) => is(sample, reading))
    if (known !== undefined) {
      apart.set(known.reason, (apart.get(known.reason) ?? 0) + 1)
      continue
    }
    const refused = reading.refused.filter((one) => ask.remarks?.test(one) !== true)
    const { differences, same } = compare(sample.annotation.fields, reading, ask.names)
    if (refused.length > 0) wrong.push(`${refused.join(", ")}: ${where}`)
    else if (differences.length > 0) wrong.push(`${differences.join("; ")}: ${where}`)
    else if (same === 0 && ask.silent?.test(sample.tag) !== true) wrong.push(`nothing is read: ${where}`)
    else {
      right.push(sample)
      values += same
    }
  }
  return { right, values, apart, wrong }
}

/** Says how it went; at least a thousand samples must have been read as they were meant, and exactly those that `read.json` knows. */
export const expectEnough = (
  { catalog }: Protocol,
  reader: Reader,
  ask: Judging & { readonly enough?: number },
  samples: ReadonlyArray<Sample>,
  readings: ReadonlyArray<ForeignReading>
): void => {
  const { apart, right, values, wrong } = judge(ask, samples, readings)
  const kinds = [...new Set(right.map(({ kind }) => kind))].toSorted()
  const read = new Set(right.map(({ tag }) => tag))
  const asked = new Set(samples.map(({ kind }) => kind))
  const tags = packetPlans(catalog).flatMap(({ meaning, tag }) =>
    asked.has(meaning.kind.name) && ask.tags?.test(tag) !== false ? [tag] : []
  )
  const seen = {
    version: reader.version,
    kinds,
    samples: samples.length,
    right: right.length,
    values,
    apart: Object.fromEntries([...apart].toSorted(([a], [b]) => a < b ? -1 : 1)),
    never: [...new Set(tags)].filter((tag) => !read.has(tag)).toSorted()
  }
  const reasons = [...apart].map(([reason, count]) => `${count} apart (${reason})`)
  console.log(
    `${catalog.name}, ${reader.name} ${reader.version}: ${samples.length} samples, ${right.length} with ${values} values read as meant, ` +
      `${wrong.length} not; ${reasons.join(", ")}`
  )
  expect(wrong.slice(0, 5)).toEqual([])
  expect(right.length).toBeGreaterThanOrEqual(ask.enough ?? enough)
  if (isUpdate) write(catalog.name, reader.name, seen)
  const known = ledger()[catalog.name]?.[reader.name]
  expect(known, "UPDATE_READERS=1 writes what was seen").toBeDefined()
  if (known?.version === seen.version) expect(seen).toEqual(known)
}

/** Samples with one letter of one text exchanged for another, of which readers must not say that they are as meant. */
export const spoilt = (samples: ReadonlyArray<Sample>): ReadonlyArray<Sample> =>
  samples.flatMap((sample) => {
    const field = sample.annotation.fields.find(({ length, type, value }) => length > 2 && type === "utf8" && typeof value === "string")
    if (field === undefined) return []
    const bytes = Uint8Array.from(sample.bytes)
    // some show text in small letters
    bytes[field.offset + 1] = (bytes[field.offset + 1]! | 0x20) === 0x61 ? 0x62 : 0x61
    return [{ ...sample, bytes }]
  })
