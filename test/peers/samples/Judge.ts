/** Draws samples, has generated code write them, and judges what others read in them. */
import { annotate } from "@wirewright/codec/Layout"
import { DecodeError } from "@wirewright/codec/Errors"
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import { expect } from "vitest"
import { decoded, encoded, type Protocol } from "../../sample/Protocols.ts"
import type { Known } from "./Asked.ts"
import { compare, type ForeignReading, type Names } from "./Compare.ts"

/** What samples are drawn. */
export interface Drawn {
  /** States that samples are drawn in, one after the other. */
  readonly states?: ReadonlyArray<Readonly<Record<string, number>>>
  /** Kinds of packets. Default: all */
  readonly kinds?: ReadonlyArray<string>
  /** Default: 1,400 */
  readonly draws?: number
}

/** What is known of a reader. */
export interface Judging {
  readonly names: Names
  readonly known: ReadonlyArray<Known>
  readonly remarks?: RegExp
  /** Packets that may say nothing, as null and empty lists do. */
  readonly silent?: RegExp
}

/** Samples of each protocol that are read as meant. */
const enough = 1_000
/** Samples that are drawn at most to have so many. */
const most = 4_000

/** Samples as the generated encoder writes what the generated decoder made of them. */
export const written = (protocol: Protocol, ask: Drawn): ReadonlyArray<Sample> => {
  const samplers = (ask.states ?? [undefined]).map((states) =>
    new Sampler(protocol.catalog, { seed: 7, plain: true, ...(states === undefined ? {} : { states: new Map(Object.entries(states)) }) })
      .all({ count: most })
  )
  const out: Array<Sample> = []
  for (let drawn = 0; drawn < most && out.length < (ask.draws ?? 1_400); drawn++) {
    const { value: sample } = samplers[drawn % samplers.length]!.next() as { readonly value: Sample | undefined }
    if (sample === undefined || ask.kinds?.includes(sample.kind) === false) continue
    const packet = decoded(protocol, sample.bytes, sample.kind, sample.states)
    if (packet instanceof DecodeError) throw packet
    const bytes = encoded(protocol, packet, sample.states)
    out.push({ ...sample, bytes, annotation: annotate(protocol.catalog, bytes, { kind: sample.kind, states: sample.states }) })
  }
  return out
}

/** What became of samples. */
export const judge = (ask: Judging, samples: ReadonlyArray<Sample>, readings: ReadonlyArray<ForeignReading>) => {
  const apart = new Map<string, number>()
  const wrong: Array<string> = []
  let [right, values] = [0, 0]
  for (const [i, sample] of samples.entries()) {
    const reading = readings[i]!
    const where = `${sample.tag} ${Buffer.from(sample.bytes).toString("hex")}`
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
      right++
      values += same
    }
  }
  return { right, values, apart, wrong }
}

/** Says how it went; at least a thousand samples must have been read as they were meant, and no more apart than is known. */
export const expectEnough = (
  title: string,
  ask: Judging,
  samples: ReadonlyArray<Sample>,
  readings: ReadonlyArray<ForeignReading>
): void => {
  const { apart, right, values, wrong } = judge(ask, samples, readings)
  const reasons = [...apart].map(([reason, count]) => `${count} apart (${reason})`)
  console.log(
    `${title}: ${samples.length} samples, ${right} with ${values} values read as meant, ${wrong.length} not; ${reasons.join(", ")}`
  )
  expect(wrong.slice(0, 5)).toEqual([])
  expect(right).toBeGreaterThanOrEqual(enough)
  for (const { percent, reason } of ask.known) expect(apart.get(reason) ?? 0, reason).toBeLessThanOrEqual(samples.length * percent / 100)
}
