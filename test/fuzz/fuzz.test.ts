/**
 * A bounded run of `npm run fuzz`, and mistakes that it must find. `WIREWRIGHT_FUZZ` is the number of mutants (`full`: 2 000 000), and
 * `WIREWRIGHT_SEED` the seed; a finding names its subject and run, which `npm run fuzz` runs again alone.
 */
import { DecodeError, EncodeError } from "@wirewright/codec"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { mqtt } from "../gallery/Mqtt.ts"
import { fuzz } from "./Fuzz.ts"
import { operators } from "@wirewright/codegen/sample/Mutate"
import { galleryPackets } from "./Packets.ts"
import { attempt, type Seed, type Subject } from "./Subject.ts"
import { type Subjects, subjects } from "./Subjects.ts"

const asked = process.env["WIREWRIGHT_FUZZ"] ?? "4000"
const count = asked === "full" ? 2_000_000 : Number(asked)
const isLong = count > 10_000
const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_128)

describe(`mutants of every generated protocol (seed ${seed})`, () => {
  let found: Subjects
  beforeAll(async () => {
    found = await subjects(seed, isLong ? 200 : 40)
  })
  afterAll(() => found?.remove())

  it(`${count} are packets or typed errors, and everything agrees about them`, () => {
    const each = Math.ceil(count / found.all.length)
    const { counts, findings, operators: used } = fuzz(found.all, { seed, count: each, continuations: isLong ? 1_000 : 20 })
    expect(findings).toEqual([])
    let [packets, refused, incomplete, same] = [0, 0, 0, 0]
    for (const [name, of] of counts) {
      expect(of.mutants, name).toBe(each)
      expect(of.packets + of.refused + of.incomplete, name).toBe(each)
      // what nothing accepts, or what accepts everything, would prove nothing
      expect(Math.min(of.packets, of.refused + of.incomplete), name).toBeGreaterThan(0)
      packets += of.packets
      refused += of.refused
      incomplete += of.incomplete
      same += of.same
    }
    expect(Math.min(packets, refused, incomplete)).toBeGreaterThan(count / 10)
    expect(same).toBeGreaterThan(packets * 0.9)
    expect(new Set(used.keys())).toEqual(new Set([...Object.keys(operators), "none"]))
  }, 36_000_000)

  it("are of every protocol", () => {
    const names = found.all.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(["memcached binary", "couchbase", "dcp", "deepstream", "deepstream 7", "measured", "capture"])
    )
    const gallery = ["AMQP 0-9-1", "BSON and OP_MSG", "DNS", "Kafka", "memcached", "Modbus/TCP", "MQTT", "NATS", "PostgreSQL"]
    expect(names).toEqual(expect.arrayContaining([...gallery, "RESP2 and RESP3", "TLS", "USB descriptors", "WebSocket"]))
  })
})

/** Whether it takes all that is left: a beginning of it is a packet, or wrong for good though more makes it right; or what follows is part of it. */
const takesRest = (subject: Subject, { bytes, reading }: Seed): boolean => {
  const isOther = (one: Uint8Array): boolean => {
    const read = attempt(subject, one, reading)
    return !(read instanceof DecodeError && read.incomplete)
  }
  return !(attempt(subject, bytes, reading) instanceof DecodeError) &&
    (bytes.some((_, size) => isOther(bytes.subarray(0, size))) ||
      [...Array(256).keys()].some((byte) => !(attempt(subject, joined(bytes, Uint8Array.of(byte)), reading) instanceof DecodeError)))
}

describe("that beginnings are incomplete, and that what is wrong stays so", () => {
  let found: Subjects
  beforeAll(async () => {
    found = await subjects(seed, 40)
  })
  afterAll(() => found?.remove())

  it("is asked of all but what takes all that is left", () => {
    const spared = new Map<string, boolean>()
    let asked = 0
    for (const subject of found.all) {
      for (const one of subject.sorts.flat()) {
        if (subject.ends(one.reading)) {
          asked++
          continue
        }
        // a case that nobody knows takes what another case does not
        const others = [0, 1, 0x7a, 0xff].map((first) => ({ ...one, bytes: Uint8Array.of(first, ...one.bytes.subarray(1)) }))
        const name = `${subject.name}, ${one.reading.kind ?? "packets"}`
        spared.set(name, spared.get(name) === true || [one, ...others].some((each) => takesRest(subject, each)))
      }
    }
    expect(asked).toBeGreaterThan(1_000)
    expect(spared.size).toBeGreaterThan(20)
    expect([...spared].filter(([, takes]) => !takes).map(([name]) => name)).toEqual([])
  }, 600_000)
})

/** Whether a mistake is made with these bytes. */
const some = (bytes: Uint8Array): boolean => bytes.length % 3 === 0

const [honest] = galleryPackets(mqtt) as readonly [Subject]

const remade = (error: DecodeError, change: Partial<DecodeError>): DecodeError =>
  new DecodeError({ ...error, message: "", ...change } as DecodeError)

/** A subject that makes one mistake. */
type Plant = (subject: Subject) => Partial<Subject>

const plants: ReadonlyArray<readonly [what: string, said: RegExp, plant: Plant]> = [
  ["a decoder that throws something else", /^untyped: TypeError/, ({ read }) => ({
    read: (bytes, reading) => {
      if (some(bytes)) throw new TypeError("planted")
      return read(bytes, reading)
    }
  })],
  ["a decoder that does not end", /^does not end/, ({ read }) => ({
    read: (bytes, reading) => {
      for (; some(bytes););
      return read(bytes, reading)
    }
  })],
  ["an encoder that writes other bytes", /^written as/, ({ write }) => ({
    write: (value, reading) => {
      const bytes = write(value, reading)
      bytes[bytes.length - 1]! ^= 1
      return bytes
    }
  })],
  ["an encoder that refuses what was read", /^what was read is not written/, ({ write }) => ({
    write: (value, reading) => {
      if (some(write(value, reading))) throw new EncodeError({ reason: "Range", packet: "P", path: "", expected: "", got: "" })
      return write(value, reading)
    }
  })],
  ["an encoder that writes more than one packet", /bytes written, \d+ are read/, ({ write }) => ({
    write: (value, reading) => {
      const bytes = write(value, reading)
      return some(bytes) ? Uint8Array.of(...bytes, 0) : bytes
    }
  })],
  ["an encoder that writes a byte more, which the decoder leaves out", /^written as/, ({ read, write }) => ({
    read: (bytes, reading) => {
      const { end, value } = read(bytes, reading)
      return { value, end: bytes[end] === 0xee ? end + 1 : end }
    },
    write: (value, reading) => Uint8Array.of(...write(value, reading), 0xee)
  })],
  ["an interpreter that objects beyond the bytes", /^the interpreter objects/, ({ look }) => ({
    look: (bytes, reading) => {
      const { error, ...rest } = look(bytes, reading)
      return error === undefined ? rest : { ...rest, error: remade(error, { offset: bytes.length + 1 }) }
    }
  })],
  ["an interpreter that shows a byte that is not there", /^the interpreter shows/, ({ look }) => ({
    look: (bytes, reading) => {
      const { fields, ...rest } = look(bytes, reading)
      return { ...rest, fields: fields.map((field) => ({ ...field, offset: bytes.length, length: 1 })) }
    }
  })],
  ["values that differ from time to time", /^what is written is read otherwise/, ({ read }) => {
    let times = 0
    return {
      read: (bytes, reading) => {
        const { end, value } = read(bytes, reading)
        return { end, value: { ...value as object, times: times++ } }
      }
    }
  }],
  ["JSON that loses something", /^its JSON is written as|^untyped/, ({ viaJson }) => ({
    viaJson: (value, length, reading) => ({ ...viaJson(value, length, reading) as object, dup: 1 })
  })],
  ["an interpreter that accepts more", /^the interpreter accepts/, ({ look }) => ({
    look: (bytes, reading) => {
      const { error: _, ...rest } = look(bytes, reading)
      return rest
    }
  })],
  ["an interpreter that accepts less", /^the interpreter refuses/, ({ look, read }) => ({
    look: (bytes, reading) => {
      try {
        read(Uint8Array.of(1), reading)
      } catch (error) {
        return { ...look(bytes, reading), error: error as DecodeError }
      }
      return look(bytes, reading)
    }
  })],
  ["an interpreter that waits where all is wrong", /^the interpreter waits/, ({ look }) => ({
    look: (bytes, reading) => {
      const { error, ...rest } = look(bytes, reading)
      return error === undefined ? rest : { ...rest, error: remade(error, { incomplete: true }) }
    }
  })],
  ["an interpreter that sees other values", /^other values/, ({ look }) => ({
    look: (bytes, reading) => {
      const { fields, ...rest } = look(bytes, reading)
      return { ...rest, fields: fields.map((field) => field.path === "type" ? { ...field, value: 99 } : field) }
    }
  })],
  ["an interpreter that sees another size", /for the interpreter/, ({ look }) => ({
    look: (bytes, reading) => ({ ...look(bytes, reading), length: 1 })
  })],
  ["an interpreter that looks beyond the bytes", /^the interpreter shows/, ({ look }) => ({
    look: (bytes, reading) => {
      const { fields, ...rest } = look(bytes, reading)
      return { ...rest, fields: fields.map((field) => ({ ...field, length: field.length + 0.5 })) }
    }
  })],
  ["a framer that tells another size", /for the framer/, () => ({ sizeAt: () => 0 })],
  ["a dump that holds what a terminal acts on", /^the dump/, () => ({ dump: () => "\x1b[31m" })],
  ["a decoder that takes a part for the whole", /^the first \d+ bytes/, ({ read }) => ({
    read: (bytes, reading) => {
      const whole = read(joined(bytes, new Uint8Array(40)), reading)
      return { ...whole, end: Math.min(bytes.length, whole.end) }
    }
  })],
  ["an error that is final though more would help", /with more a packet/, ({ read }) => ({
    read: (bytes, reading) => {
      try {
        return read(bytes, reading)
      } catch (error) {
        throw error instanceof DecodeError && error.incomplete ? remade(error, { incomplete: false }) : error
      }
    }
  })]
]

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

describe("a planted mistake is found", () => {
  it("and none where there is none", () => {
    expect(fuzz([honest], { seed, count: 200, continuations: 20 }).findings).toEqual([])
  })

  it.each(plants)("%s", (_, said, plant) => {
    const { findings } = fuzz([{ ...honest, ...plant(honest) }], { seed, count: 200, continuations: 20, patience: 300 })
    expect(findings.map(({ what }) => what)).toContainEqual(expect.stringMatching(said))
  })

  it("a finding is found again by its number alone", () => {
    const wrong = [{ ...honest, ...plants[0]![2](honest) }]
    const [first] = fuzz(wrong, { seed, count: 200, continuations: 20 }).findings
    const again = fuzz(wrong, { seed, count: 1, from: first!.run }).findings
    expect(again.map(({ hex, run }) => [run, hex])).toEqual([[first!.run, first!.hex]])
  })
})
