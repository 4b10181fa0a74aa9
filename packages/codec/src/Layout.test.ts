/** Proves that every packet of the test protocol is taken apart completely, and that whatever is wrong is said with its place. */
import { describe, expect, it } from "vitest"
import { badFrames, goodFrames } from "./Frames.fixture.ts"
import { bytesOfHex, hexOf } from "./Hex.ts"
import { hexdump } from "./Hexdump.ts"
import { annotate, type Annotation } from "./Layout.ts"
import { possibleSizes } from "./LayoutSizes.ts"
import type { FieldModel } from "./Model.ts"
import { random } from "./Random.fixture.ts"
import { testCatalog } from "./testModel.fixture.ts"

const of = (hex: string, options = {}): Annotation => annotate(testCatalog, bytesOfHex(hex), options)
const text = ({ fields }: Annotation, path: string): string | undefined => fields.find((field) => field.path === path)?.text
const paths = ({ fields }: Annotation): ReadonlyArray<string> =>
  fields.filter(({ section }) => section !== "header").map(({ path }) => path)

/** Spans follow each other without gap or overlap. */
const tiled = ({ fields }: Annotation): number => fields.reduce((at, { offset, length }) => offset === at ? at + length : Number.NaN, 0)

describe("annotate", () => {
  it.each(Object.entries(goodFrames))("takes %s apart", (name, hex) => {
    const states = new Set<string>()
    const annotation = of(hex, { states })
    expect(annotation.error, name).toBeUndefined()
    expect(tiled(annotation)).toBe(hex.length / 2)
    expect(annotation.length).toBe(hex.length / 2)
  })

  it.each(Object.entries(badFrames))("says what is wrong with %s", (_, { hex, reason, path, offset, incomplete }) => {
    const annotation = of(hex)
    expect(annotation.error).toMatchObject({ reason, path, offset, incomplete: incomplete ?? false })
    expect(tiled(annotation)).toBeLessThanOrEqual(hex.length / 2)
  })

  it.each(Object.entries({ ...goodFrames, ...Object.fromEntries(Object.entries(badFrames).map(([name, { hex }]) => [name, hex])) }))(
    "places what is wrong with beginnings of %s within the bytes there are",
    (_, hex) => {
      for (let size = 0; size < hex.length / 2; size++) {
        const { error } = of(hex.slice(0, 2 * size))
        if (error !== undefined) expect(error.offset, `${size} bytes`).toBeLessThanOrEqual(size)
      }
    }
  )

  it("says that no layout has a section's length though the packet ends before it", () => {
    // extras of 30 bytes, where layouts have 1 or 20
    const header = "805600001e000000 0000001e 00000000 0000000000000000".replaceAll(" ", "")
    const objection = (bytes: number): object => of(header + "00".repeat(bytes)).error!
    const wrong = { reason: "Length", path: "extras", expected: "1 or 20 bytes", got: "30 bytes", incomplete: false }
    expect(objection(0)).toMatchObject({ ...wrong, offset: 24 })
    expect(objection(19)).toMatchObject({ ...wrong, offset: 43 })
    expect(objection(20)).toMatchObject({ ...wrong, offset: 44 })
    expect(objection(30)).toMatchObject({ ...wrong, offset: 44 })
  })

  it("names the header's values", () => {
    const annotation = of(goodFrames.hit)
    expect(annotation).toMatchObject({ packet: "Get", kind: "response", status: "Success", frame: "Mcbp", at: 0, length: 33 })
    expect(text(annotation, "magic")).toBe("response (0x81)")
    expect(text(annotation, "opcode")).toBe("GET (0x00)")
    expect(text(annotation, "datatype")).toBe("json, 0x04")
    expect(text(annotation, "status")).toBe("Success (0x0000)")
    expect(annotation.fields.find(({ path }) => path === "cas")).toMatchObject({
      value: 255n,
      type: "u64 Cas",
      section: "header",
      offset: 16,
      length: 8
    })
    expect(annotation.fields[0]!.doc).toBe("Kind of packet.")
  })

  it("chooses layouts by length, then by constants, then the one without", () => {
    const { markerV1, markerV20, markerV22, eventBegin, eventOther, eventOtherLength } = goodFrames
    expect([markerV1, markerV20, markerV22].map((hex) => of(hex).layout)).toEqual(["V1", "V2_0", "V2_2"])
    expect([eventBegin, eventOther, eventOtherLength].map((hex) => of(hex).layout)).toEqual(["Begin", "Other", "Other"])
    expect(text(of(goodFrames.markerV1), "flags")).toBe("{memory, disk, top}")
  })

  it("takes the extension's command for a replaced opcode", () => {
    expect(of(goodFrames.replaced).packet).toBe("Ioctl")
  })

  it("shows unknown packets and undescribed responses raw", () => {
    expect(of(goodFrames.unknownRequest)).toMatchObject({ packet: "Unknown", kind: "request" })
    expect(paths(of(goodFrames.unknownRequest))).toEqual(["extras", "key", "value"])
    expect(of(goodFrames.miss)).toMatchObject({ packet: "Get", status: "KeyEnoent" })
    expect(text(of(goodFrames.miss), "value")).toBe("9 bytes \"Not found\"")
    expect(of(goodFrames.missInBytes).status).toBe("0x1234")
  })

  it("reads fields of a connection state only while it is on", () => {
    const set = "8001000308000000000000 0b 00000000 0000000000000000 0000000000000000 08 6162".replaceAll(" ", "")
    expect(paths(of(set))).toEqual(["flags", "expiration", "key", "value"])
    expect(paths(of(set, { states: new Set(["collections"]) }))).toEqual(["flags", "expiration", "collectionId", "key", "value"])
  })

  it("reads framing extras with escapes and unknown ids", () => {
    const annotation = of(goodFrames.framing)
    expect(text(annotation, "framing[0].level")).toBe("Majority (1)")
    expect(text(annotation, "framing[0].timeout")).toBe("255")
    expect(text(annotation, "framing[2].user")).toBe("\"bo\\x80\"")
    expect(text(annotation, "framing[3].frame")).toBe("Unknown (25), 2 bytes")
  })

  it("reads lengths, counts, choices, byte orders and optional fields", () => {
    const parts = of(goodFrames.parts)
    const values = Object.fromEntries(parts.fields.map(({ path, value }) => [path, value instanceof Uint8Array ? hexOf(value) : value]))
    expect(values).toMatchObject({
      "name": "ab",
      "shapes[0].x": -1,
      "shapes[1].name": "cd",
      "little.wide": 0x030201,
      "little.negative": -2,
      "rest": "aabb",
      "tail": 0x7f
    })
    expect(paths(of(goodFrames.partsOptionals)).slice(0, 4)).toEqual(["nameLength", "count", "first", "second"])
  })

  it("takes the packet at an offset and ignores what follows", () => {
    const bytes = bytesOfHex(`ffff${goodFrames.get}ffff`)
    expect(annotate(testCatalog, bytes, { at: 2 })).toMatchObject({ at: 2, length: 29, packet: "Get" })
    expect(annotate(testCatalog, bytes, { at: 2 }).error).toBeUndefined()
    expect(annotate(testCatalog, bytes, { at: 99 }).error?.incomplete).toBe(true)
  })

  it("calls every beginning of a packet incomplete", () => {
    for (const [name, hex] of Object.entries(goodFrames)) {
      for (let size = 0; size < hex.length / 2; size++) {
        const { error } = of(hex.slice(0, size * 2))
        expect(error, `${name}, ${size} bytes`).toMatchObject({ incomplete: true, reason: "Incomplete" })
      }
    }
  })

  it("never throws, reads outside or loses its place, whatever the bytes", () => {
    const seed = 11
    const next = random(seed)
    const frames = Object.values(goodFrames).map(bytesOfHex)
    for (let round = 0; round < 5000; round++) {
      const bytes = frames[next(frames.length)]!.slice()
      for (let flips = 1 + next(4); flips > 0; flips--) bytes[next(bytes.length)] = next(256)
      const annotation = annotate(testCatalog, bytes, { states: new Set(next(2) === 0 ? [] : ["collections"]) })
      const end = tiled(annotation)
      const where = `seed ${seed}, round ${round}, ${hexOf(bytes)}`
      expect(end <= bytes.length, where).toBe(true)
      if (annotation.error === undefined) expect(end, where).toBe(annotation.length)
      expect(hexdump(annotation, bytes).split("\n").length, where).toBeGreaterThan(2)
    }
  })
})

describe("sizes of layouts", () => {
  const part: FieldModel = { name: "part", type: { kind: "reserved", size: 2, policy: "keep" } }
  const length = (more: object): FieldModel => ({
    name: "length",
    type: { kind: "lengthOf", of: { kind: "int", int: "u8" }, target: "part", ...more }
  })

  it("are known where a length measures what always has one size, and vary where it may say that there is none", () => {
    expect(possibleSizes(testCatalog, [length({}), part])).toEqual([3])
    expect(possibleSizes(testCatalog, [length({ plus: 1, absent: 0 }), part])).toBeUndefined()
  })
})
