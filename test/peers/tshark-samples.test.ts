/**
 * Samples of protocols in Wireshark's own dissectors, which knew these protocols before us: more than a thousand packets of each that generated
 * encoders write are read with the values that were meant, at the bytes where these stand.
 */
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import { describe, expect, it } from "vitest"
import { type Protocol, protocolTitled } from "../sample/Protocols.ts"
import { type Asked, asked } from "./samples/Asked.ts"
import type { ForeignReading } from "./samples/Compare.ts"
import { expectEnough, judge, written } from "./samples/Judge.ts"
import { meanings } from "./samples/Meanings.ts"
import { tsharkVersion } from "./Tshark.ts"
import { readWithWireshark } from "./samples/Wireshark.ts"

const fromServer = ({ catalog }: Protocol, { kind }: Sample): boolean => {
  const { answers, sender } = catalog.kind(kind) ?? {}
  return (sender ?? (answers === undefined ? "client" : "server")) === "server"
}

const readingsOf = (protocol: Protocol, ask: Asked, samples: ReadonlyArray<Sample>): ReadonlyArray<ForeignReading> =>
  readWithWireshark(
    ask,
    samples.map((sample) => ({ fromClient: !fromServer(protocol, sample), bytes: sample.bytes, ...ask.speak(sample) }))
  )

describe.each(asked.map((one) => [`${one.title}${one.kinds === undefined ? "" : ` (${one.kinds.join(", ")})`}`, one] as const))(
  "%s",
  (_, ask) => {
    it("is read by Wireshark as it was meant", () => {
      const protocol = protocolTitled(ask.title)
      const samples = written(protocol, ask)
      const readings = readingsOf(protocol, ask, samples)
      const name = ask.kinds === undefined ? "Wireshark" : `Wireshark, ${ask.kinds.join(", ")}`
      expectEnough(protocol, { name, version: tsharkVersion()! }, { ...ask, names: meanings[ask.names] }, samples, readings)
    }, 120_000)
  }
)

describe("a mistake that is planted is seen", () => {
  const ask = asked.find(({ title }) => title === "Modbus/TCP")!
  const protocol = protocolTitled(ask.title)
  const samples = written(protocol, { ...ask, draws: 200 })
  const wrongWith = (plant: (sample: Sample) => Sample): number => {
    const planted = samples.map(plant)
    return judge({ ...ask, names: meanings[ask.names] }, planted, readingsOf(protocol, ask, planted)).wrong.length
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
