/**
 * Samples of protocols in Wireshark's own dissectors, which knew these protocols before us: more than a thousand packets of each that generated
 * encoders write are read with the values that were meant, at the bytes where these stand.
 */
import { annotate } from "@wirewright/codec/Layout"
import { DecodeError } from "@wirewright/codec/Errors"
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import { describe, expect, it } from "vitest"
import { decoded, encoded, type Protocol, protocolTitled } from "../sample/Protocols.ts"
import { type Asked, asked } from "./samples/Asked.ts"
import { compare, type ForeignReading, type Names } from "./samples/Compare.ts"
import { meanings } from "./samples/Meanings.ts"
import { readWithWireshark } from "./samples/Wireshark.ts"

/** Samples of each protocol that are read as meant. */
const enough = 1_000
/** Samples that are drawn at most to have so many. */
const most = 4_000

/** Samples as the generated encoder writes what the generated decoder made of them. */
const written = (protocol: Protocol, ask: Asked): ReadonlyArray<Sample> => {
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

const fromServer = ({ catalog }: Protocol, { kind }: Sample): boolean => {
  const { answers, sender } = catalog.kind(kind) ?? {}
  return (sender ?? (answers === undefined ? "client" : "server")) === "server"
}

const readingsOf = (protocol: Protocol, ask: Asked, samples: ReadonlyArray<Sample>): ReadonlyArray<ForeignReading> =>
  readWithWireshark(
    ask,
    samples.map((sample) => ({ fromClient: !fromServer(protocol, sample), bytes: sample.bytes, ...ask.speak(sample) }))
  )

/** What became of samples. */
const judge = (ask: Asked, samples: ReadonlyArray<Sample>, readings: ReadonlyArray<ForeignReading>) => {
  const names: Names = meanings[ask.names]
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
    const { differences, same } = compare(sample.annotation.fields, reading, names)
    if (refused.length > 0) wrong.push(`${refused.join(", ")}: ${where}`)
    else if (same === 0) wrong.push(`nothing is read: ${where}`)
    else if (differences.length > 0) wrong.push(`${differences.join("; ")}: ${where}`)
    else {
      right++
      values += same
    }
  }
  return { right, values, apart, wrong }
}

describe.each(asked.map((one) => [`${one.title}${one.kinds === undefined ? "" : ` (${one.kinds.join(", ")})`}`, one] as const))(
  "%s",
  (title, ask) => {
    it("is read by Wireshark as it was meant", () => {
      const protocol = protocolTitled(ask.title)
      const samples = written(protocol, ask)
      const readings = readingsOf(protocol, ask, samples)
      const { apart, right, values, wrong } = judge(ask, samples, readings)
      const reasons = [...apart].map(([reason, count]) => `${count} apart (${reason})`)
      console.log(
        `${title}: ${samples.length} samples, ${right} with ${values} values read as meant, ${wrong.length} not; ${reasons.join(", ")}`
      )
      expect(wrong.slice(0, 5)).toEqual([])
      expect(right).toBeGreaterThanOrEqual(enough)
      for (const { percent, reason } of ask.known) {
        expect(apart.get(reason) ?? 0, reason).toBeLessThanOrEqual(samples.length * percent / 100)
      }
    }, 120_000)
  }
)

describe("a mistake that is planted is seen", () => {
  const ask = asked.find(({ title }) => title === "Modbus/TCP")!
  const protocol = protocolTitled(ask.title)
  const samples = written(protocol, { ...ask, draws: 200 })
  const wrongWith = (plant: (sample: Sample) => Sample): number => {
    const planted = samples.map(plant)
    return judge(ask, planted, readingsOf(protocol, ask, planted)).wrong.length
  }
  /** Bytes in which two pieces of the same size have traded places. */
  const traded = (bytes: Uint8Array, a: number, b: number, size: number): Uint8Array => {
    const out = Uint8Array.from(bytes)
    out.set(bytes.subarray(a, a + size), b)
    out.set(bytes.subarray(b, b + size), a)
    return out
  }
  const place = ({ annotation }: Sample, path: string): number | undefined => annotation.fields.find((one) => one.path === path)?.offset

  it("none without", () => expect(wrongWith((sample) => sample)).toBe(0))

  it("the order of bytes", () => expect(wrongWith((sample) => ({ ...sample, bytes: traded(sample.bytes, 0, 1, 1) }))).toBeGreaterThan(30))

  it("the order of fields", () =>
    expect(wrongWith((sample) => {
      const [address, quantity] = [place(sample, "address"), place(sample, "quantity")]
      return address === undefined || quantity === undefined ? sample : { ...sample, bytes: traded(sample.bytes, address, quantity, 2) }
    })).toBeGreaterThan(2))

  it("an offset", () =>
    expect(wrongWith((sample) => {
      const { annotation, bytes } = sample
      const at = place(sample, "address")
      if (at === undefined || bytes.length < at + 4) return sample
      // what follows stands a byte later than it is meant to
      const moved = Uint8Array.from([...bytes.subarray(0, at), 0, ...bytes.subarray(at, -1)])
      return { ...sample, bytes: moved, annotation }
    })).toBeGreaterThan(10))
})
