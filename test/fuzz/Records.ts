/**
 * Records to be changed: of `types()` (capture files, every word's table entries, random specs), and those that lie within packets, which
 * have decoders of their own.
 */
import type { AnyPacket } from "@wirewright/codec"
import { type Catalog, type Customs, layoutsOf } from "@wirewright/codec/Catalog"
import { hexdump } from "@wirewright/codec/Hexdump"
import { jsonOf } from "@wirewright/codec"
import type { FieldModel, Model, TypeModel } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { flatFields } from "@wirewright/codec/words/Word"
import * as Capture from "@wirewright/capture/gen"
import { models as captureModels } from "@wirewright/capture/gen/Model"
import { DecodeError, EncodeError } from "@wirewright/codec"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { groups, states } from "../words/Groups.ts"
import { bytesOf, Generated, type Surroundings } from "../words/Harness.ts"
import { RandomSpec } from "../words/RandomSpec.ts"
import { type Reading, type Seed, Sorts, type Subject, valuesDiffer } from "./Subject.ts"

const around = ({ littleEndian, states }: Reading): Surroundings => ({
  ...(littleEndian === undefined ? {} : { littleEndian }),
  ...(states === undefined ? {} : { states })
})

/** Records of generated code; `reading.kind` is the name of the record. `isExact`: the interpreter has no other values than the decoder. */
export const recordsOf = (
  name: string,
  generated: Generated,
  sorts: ReadonlyArray<ReadonlyArray<Seed>>,
  { isExact = false, spellings }: { readonly isExact?: boolean; readonly spellings?: string | undefined } = {}
): Subject => {
  const { catalog } = generated
  const ends = new Map<string, boolean>()
  const read: Subject["read"] = (bytes, reading) => ({
    value: generated.read(reading.kind!, bytes, around(reading)),
    end: bytes.length
  })
  const look: Subject["look"] = (bytes, reading) => ({
    ...generated.look(reading.kind!, bytes, around(reading)),
    packet: reading.kind!,
    length: bytes.length
  })
  return {
    name,
    sorts,
    read,
    write: (value, reading) => generated.encode(reading.kind!, value, around(reading)),
    look,
    viaJson: (value, _, { kind }) => {
      const type = generated.typeOf(kind!)
      return catalog.fromJson(type, JSON.parse(jsonOf(catalog.toJson(type, value, "named"))!), kind!, "")
    },
    difference: (bytes, { value }, look, reading) =>
      isExact ? generated.difference(reading.kind!, bytes, around(reading)) : valuesDiffer(value, look),
    dump: (bytes, reading) => {
      const { error, fields } = look(bytes, reading)
      const of = { packet: reading.kind!, kind: "", frame: name, at: 0, length: bytes.length, fields }
      return hexdump(error === undefined ? of : { ...of, error }, bytes, { color: false })
    },
    ends: ({ kind }) => {
      const known = ends.get(kind!)
      if (known !== undefined) return known
      const found = generated.ends(kind!)
      ends.set(kind!, found)
      return found
    },
    ...(spellings === undefined ? {} : { spellings })
  }
}

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)))

/** Records of capture files. */
export const captureRecords = (): Subject => {
  const generated = Generated.from(Capture, captureModels)
  const sorts = new Sorts()
  const add = (kind: string, bytes: Uint8Array, littleEndian: boolean): void => sorts.add(kind, { bytes, reading: { kind, littleEndian } })
  for (const file of ["00-base.pcap", "02-modified-magic.pcap", "07-nflog.pcap"]) {
    const bytes = fixture(`captures-faults/${file}`)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const little = bytes[0] !== 0xa1
    add("PcapHeader", bytes.slice(0, 24), little)
    const isModified = view.getUint32(0, little) === 0xa1b2_cd34
    for (let at = 24, n = 0; at + 24 <= bytes.length && n < 40; n++) {
      const size = (isModified ? 24 : 16) + view.getUint32(at + 8, little)
      add(isModified ? "PcapModifiedRecord" : "PcapRecord", bytes.slice(at, at + size), little)
      at += size
    }
  }
  const bodies: { readonly [type: number]: string } = {
    0x0a0d_0d0a: "PcapngSection",
    1: "PcapngInterface",
    2: "PcapngObsoletePacket",
    3: "PcapngSimplePacket",
    6: "PcapngEnhancedPacket"
  }
  for (
    const bytes of [
      new Uint8Array(gunzipSync(fixture("captures/couchbase-6.0-session.pcapng.gz"))),
      fixture("captures-faults/editcap-nanoseconds.pcapng"),
      fixture("captures-faults/c03-custom-block-frame-numbers.pcapng")
    ]
  ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0, n = 0; at + 12 <= bytes.length && n < 60; n++) {
      const [type, total] = [view.getUint32(at, true), view.getUint32(at + 4, true)]
      add("PcapngBlockHead", bytes.slice(at, at + 8), true)
      const body = bytes.slice(at + 8, at + total - 4)
      const kind = bodies[type]
      if (kind !== undefined) add(kind, body, true)
      // an enhanced packet begins as an obsolete one does, but for the number of its interface
      if (kind === "PcapngEnhancedPacket") add("PcapngObsoletePacket", body, true)
      if (kind === "PcapngEnhancedPacket") add("PcapngSimplePacket", body.slice(16), true)
      const options = kind === "PcapngInterface" ? body.slice(8) : kind === "PcapngSection" ? body.slice(16) : new Uint8Array(0)
      if (options.length >= 4) add("PcapngOption", options.slice(0, 4 + options[2]! + 256 * options[3]!), true)
      at += total
    }
  }
  return recordsOf("capture", generated, sorts.all, { spellings: "bytes that are reserved and ignored are written as zeros" })
}

/** Every word's entries of the table in `test/words`, by group. `remove` what was generated. */
export const wordRecords = async (): Promise<{ readonly subjects: ReadonlyArray<Subject>; readonly remove: () => void }> => {
  const subjects: Array<Subject> = []
  const all: Array<Generated> = []
  for (const [group, entries] of Object.entries(groups)) {
    const generated = await Generated.of(`fuzz${process.pid}-${group}`, entries.map(({ type }) => type), { states })
    all.push(generated)
    for (const lossy of [false, true]) {
      const sorts = new Sorts()
      for (const { examples, lossy: why, type } of entries) {
        if ((why !== undefined) !== lossy) continue
        for (const { hex, littleEndian, states } of examples) {
          const reading = {
            kind: type.name,
            ...(littleEndian === undefined ? {} : { littleEndian }),
            ...(states === undefined ? {} : { states })
          }
          sorts.add(type.name, { bytes: bytesOf(hex), reading })
        }
      }
      if (sorts.all.length === 0) continue
      subjects.push(
        recordsOf(`words: ${group}${lossy ? ", lossy" : ""}`, generated, sorts.all, {
          isExact: true,
          spellings: lossy ? "the table says so" : undefined
        })
      )
    }
  }
  return { subjects, remove: () => all.forEach((one) => one.remove()) }
}

/** Random specs, and values of them that were encoded. */
export const randomRecords = async (seed: number, specs: number): Promise<{ readonly subject: Subject; readonly remove: () => void }> => {
  const next = random(seed)
  const made = Array.from({ length: specs }, (_, i) => new RandomSpec(next, `F${i}`).struct(3, i % 3 === 0))
  const generated = await Generated.of(`fuzz${process.pid}-random`, made.map(({ type }) => type))
  const sorts = new Sorts()
  for (const { type, value } of made) {
    for (let n = 0; n < 6; n++) sorts.add(type.name, { bytes: generated.encode(type.name, value()), reading: { kind: type.name } })
  }
  return { subject: recordsOf(`random specs ${seed}`, generated, sorts.all, { isExact: true }), remove: () => generated.remove() }
}

type Found = (ref: string, value: object) => void

/** Calls `found` with every record within a value. */
const within = (catalog: Catalog, type: TypeModel, value: unknown, found: Found): void => {
  if (value === undefined || value === null) return
  switch (type.kind) {
    case "struct":
    case "choice": {
      const of = catalog.type(type.ref)
      found(type.ref, value)
      const fields = of.kind === "struct"
        ? of.fields
        : of.kind === "choice"
        ? of.cases.find(({ name }) => name === value["_tag" as never])?.fields
        : []
      return withinFields(catalog, fields ?? [], value, found)
    }
    case "array":
    case "counted": {
      if (Array.isArray(value)) { for (const one of value) within(catalog, type.of, one, found) }
      return
    }
    case "optional":
    case "prefixed":
      return within(catalog, type.of, value, found)
    case "when": {
      within(catalog, type.of, value, found)
      if (type.else !== undefined) within(catalog, type.else, value, found)
    }
  }
}

const withinFields = (catalog: Catalog, fields: ReadonlyArray<FieldModel>, value: object, found: Found): void => {
  for (const { name, type } of flatFields(fields)) within(catalog, type, value[name as never], found)
}

/** Records within packets that were read; nothing when there are none. */
export const recordsWithin = (
  name: string,
  gen: object,
  models: ReadonlyArray<Model>,
  packets: Iterable<{ readonly packet: AnyPacket; readonly reading: Reading }>,
  customs: Customs = {},
  spellings?: string
): Subject | undefined => {
  const generated = Generated.from(gen, models, customs)
  const { catalog } = generated
  const sorts = new Sorts()
  for (const { packet, reading } of packets) {
    const meaning = catalog.byTag(packet._tag)
    if (meaning === undefined) continue
    const { noStates } = gen as { readonly noStates?: object }
    const of: Reading = noStates === undefined ? {} : { states: { ...noStates, ...reading.states } }
    const found: Found = (ref, value) => {
      if (!(`decode${ref}` in gen) || !(`encode${ref}` in gen)) return
      try {
        const bytes = generated.encode(ref, value, around(of))
        generated.read(ref, bytes, around(of))
        sorts.add(ref, { bytes, reading: { ...of, kind: ref } }, 20)
      } catch (error) {
        // what only its packet lets be read, such as a pointer to another place of it
        if (!(error instanceof DecodeError) && !(error instanceof EncodeError)) throw error
      }
    }
    for (const layout of layoutsOf(meaning)) for (const { fields } of layout.sections) withinFields(catalog, fields, packet, found)
  }
  return sorts.all.length === 0 ? undefined : recordsOf(`${name}: records`, generated, sorts.all, { spellings })
}
