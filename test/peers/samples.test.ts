/**
 * Samples in parsers of others from npm: more than a thousand packets of each protocol that generated encoders write are read with the values
 * that were meant.
 */
import { describe, expect, it } from "vitest"
import { protocolTitled } from "../sample/Protocols.ts"
import { installed, library } from "./gallery/Recording.ts"
import { expectEnough, judge, written } from "./samples/Judge.ts"
import { natsClient } from "./samples/Nats.ts"
import { cases, type ParserCase, readingOf } from "./samples/Parsers.ts"

const readings = (one: ParserCase, samples: ReturnType<typeof written>) => samples.map((sample) => readingOf(one.read(sample), one.nameOf))

describe.each([...cases, natsClient].map((one) => [one.title, one] as const))("%s", (title, one) => {
  it.skipIf(!installed(one.library))("is read by a parser from npm as it was meant", () => {
    const protocol = protocolTitled(title)
    const samples = written(protocol, one)
    const [name, version] = library(one.library).split(" ")
    expectEnough(protocol, { name: name!, version: version! }, one, samples, readings(one, samples))
  })
})

it.skipIf(!installed("mqtt-packet"))("a mistake that is planted is seen", () => {
  const one = cases.find(({ library }) => library === "mqtt-packet")!
  const samples = written(protocolTitled(one.title), { ...one, draws: 300 }).filter(({ tag }) =>
    tag === "Puback" || tag === "Pubrec" || tag === "Unsuback"
  )
  const wrong = (plant: (bytes: Uint8Array) => Uint8Array): number => {
    const planted = samples.map((sample) => ({ ...sample, bytes: plant(sample.bytes) }))
    return judge(one, planted, readings(one, planted)).wrong.length
  }
  expect(samples.length).toBeGreaterThan(5)
  expect(wrong((bytes) => bytes)).toBe(0)
  // the packet identifier, little-endian
  expect(wrong((bytes) => Uint8Array.from(bytes, (byte, i) => i === 2 ? bytes[3]! : i === 3 ? bytes[2]! : byte))).toBeGreaterThan(3)
})
