/** Packets to be changed: of every generated protocol of this repository. Seeds are recordings of others, and the examples of the specs. */
import { annotate, bytesOfDigits, Catalog, DecodeError, type FrameShape, hexOf, jsonOf, Reader, Writer } from "@wirewright/codec"
import type { Customs } from "@wirewright/codec/Catalog"
import { hexdump } from "@wirewright/codec/Hexdump"
import { type AnyPacket, packetFromJson, packetToJson } from "@wirewright/codec/Json"
import type { Model } from "@wirewright/codec/Model"
import { decodeText, encodeText, textBound } from "@wirewright/codec/Text"
import * as Couchbase from "@wirewright/couchbase/gen"
import { models as couchbaseModels } from "@wirewright/couchbase/gen/Model"
import * as Dcp from "@wirewright/dcp/gen"
import { models as dcpModels } from "@wirewright/dcp/gen/Model"
import * as Deepstream from "@wirewright/deepstream/gen"
import { customs as deepstreamCustoms, models as deepstreamModels } from "@wirewright/deepstream/gen/Model"
import * as Deepstream7 from "@wirewright/deepstream/gen7"
import { models as deepstream7Models } from "@wirewright/deepstream/gen7/Model"
import * as Memcached from "@wirewright/memcached/gen"
import { models as memcachedModels } from "@wirewright/memcached/gen/Model"
import { GeneratedAdapter, TextAdapter } from "@wirewright/inspector/reading"
import * as Measured from "../../packages/examples/src/gen/index.ts"
import { models as measuredModels } from "../../packages/examples/src/gen/Model.ts"
import { readRecording, recordings } from "../conformance/recordings.fixture.ts"
import { type Gallery, Recorded } from "../gallery/Conversations.ts"
import { recordsWithin } from "./Records.ts"
import { type Reading, Sorts, type Subject, valuesDiffer } from "./Subject.ts"

type Decode = (reader: Reader, at: number, states: object) => AnyPacket
type Encode = (writer: Writer, packet: AnyPacket, states: object) => void

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

const lookAt = (catalog: Catalog, bytes: Uint8Array, { kind, states = {} }: Reading) =>
  annotate(catalog, bytes, {
    states: new Map(Object.entries(states).filter(([, value]) => value !== false).map(([name, value]) => [name, Number(value)])),
    ...(kind === undefined ? {} : { kind })
  })

/** A writer whose room is not zeros: what an encoder does not write must not be found as it was. */
const writing = (encode: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer(1_024)
  writer.bytes.fill(0xa5)
  try {
    encode(writer)
  } catch (error) {
    if (writer.length !== 0) throw new Error(`an encoder that throws leaves ${writer.length} bytes`, { cause: error })
    throw error
  }
  return writer.take()
}

interface Binary {
  readonly name: string
  readonly generated: object
  readonly models: ReadonlyArray<Model>
  readonly customs?: Customs
  readonly sorts: Sorts
  readonly spellings?: string
  readonly dump?: Subject["dump"]
}

/** Packets in bytes. */
const binary = ({ customs, dump, generated, models, name, sorts, spellings }: Binary): Subject => {
  const catalog = Catalog.of(models, customs)
  const functions = generated as { readonly [name: string]: unknown }
  const hasFixedHeaders = catalog.frame.kinds[0]!.run === undefined
  const shapeOf = ({ kind }: Reading) => functions[kind === undefined ? "frameShape" : `${kind}Shape`] as FrameShape | undefined
  const all = (reading: Reading): object => ({ ...functions["noStates"] as object | undefined, ...reading.states })
  return {
    name,
    sorts: sorts.all,
    read: (bytes, reading) => {
      const reader = new Reader(bytes)
      const decode = functions[reading.kind === undefined ? "decode" : `decode${capital(reading.kind)}`] as Decode
      const value = decode(reader, 0, all(reading))
      // decoders of fixed headers leave it to the framer where the packet ends
      return { value, end: hasFixedHeaders ? shapeOf(reading)!.sizeAt(reader, 0, bytes.length) : reader.next }
    },
    write: (value, reading) => writing((writer) => (functions["encode"] as Encode)(writer, value as AnyPacket, all(reading))),
    look: (bytes, reading) => lookAt(catalog, bytes, reading),
    isRaw: (value, { packet }) => {
      const meaning = catalog.byTag((value as AnyPacket)._tag)
      return meaning?.command === undefined && catalog.commandNamed(packet)?.lifecycle === "removed"
    },
    viaJson: (value, length) => packetFromJson(catalog, JSON.parse(jsonOf(packetToJson(catalog, value as AnyPacket, length))!)),
    difference: (_bytes, { value }, look) => valuesDiffer(value, look),
    sizeAt: (bytes, reading) => shapeOf(reading)?.sizeAt(new Reader(bytes), 0, bytes.length),
    dump: dump ?? ((bytes, reading) => hexdump(lookAt(catalog, bytes, reading), bytes, { color: false })),
    ends: ({ kind }) => (kind === undefined ? catalog.frame.kinds[0] : catalog.kind(kind))?.run?.end !== "datagram",
    ...(spellings === undefined ? {} : { spellings })
  }
}

/** Packets of the gallery as others recorded them, and the records within these. */
export const galleryPackets = (gallery: Gallery): ReadonlyArray<Subject> => {
  const recorded = new Recorded(gallery)
  const sorts = new Sorts()
  for (const { bytes, one } of recorded.packets) sorts.add(one.packet._tag, { bytes: bytes.slice(), reading: one.reading })
  const { customs, generated, models, title } = gallery
  const spellings = gallery.spellings === true ? "names point back, or do not" : undefined
  const optional = { ...(customs === undefined ? {} : { customs }), ...(spellings === undefined ? {} : { spellings }) }
  const packets = recorded.packets.filter(({ bytes }) => bytes.length <= 2_000).map(({ one }) => ({
    packet: one.packet,
    reading: one.reading
  }))
  const records = recordsWithin(title, generated, models, packets, customs, spellings)
  return [binary({ name: title, generated, models, sorts, ...optional }), ...records === undefined ? [] : [records]]
}

/** Packets of the examples of a spec's chain of models. */
const examplesOf = (models: ReadonlyArray<Model>): ReadonlyArray<{ readonly bytes: Uint8Array; readonly on: ReadonlyArray<string> }> =>
  models.flatMap(({ commands }) =>
    commands.flatMap(({ examples }) => examples.map(({ hex, states }) => ({ bytes: bytesOfDigits(hex), on: states })))
  )

const kv = (
  name: string,
  generated: object,
  models: ReadonlyArray<Model>,
  recorded: ReadonlyArray<{ readonly bytes: Uint8Array; readonly states: object }>
): ReadonlyArray<Subject> => {
  const sorts = new Sorts()
  const packets: Array<{ packet: AnyPacket; reading: Reading }> = []
  const known = models.at(-1)!.states.map(({ name }) => name)
  const all = [
    ...examplesOf(models).map(({ bytes, on }) => ({
      bytes,
      states: Object.fromEntries(known.map((state) => [state, on.includes(state)]))
    })),
    ...recorded.map(({ bytes, states }) => ({
      bytes,
      states: Object.fromEntries(known.map((state) => [state, states[state as never] === true]))
    }))
  ]
  const decode = (generated as { readonly decode: Decode }).decode
  for (const { bytes, states } of all) {
    const reading: Reading = { states }
    let packet
    try {
      packet = decode(new Reader(bytes), 0, states)
    } catch (error) {
      // an extension replaces some packets of its base
      if (!(error instanceof DecodeError)) throw error
      continue
    }
    sorts.add(packet._tag, { bytes, reading })
    packets.push({ packet, reading })
  }
  const adapter = new GeneratedAdapter({ codecs: generated as { readonly [name: string]: unknown }, models })
  const dump: Subject["dump"] = (bytes, { states }) => adapter.dump(bytes, 0, adapter.begin({ ...states }), false)
  const records = recordsWithin(name, generated, models, packets)
  return [binary({ name, generated, models, sorts, dump }), ...records === undefined ? [] : [records]]
}

const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(textBound(text))
  return bytes.slice(0, encodeText(bytes, 0, text))
}

const end = 0x1e

/** Messages in text, each with its end. What follows the end is no part of it; where there is none, the end of all is one. */
const deepstream = (name: string, generated: object, models: ReadonlyArray<Model>): Subject => {
  const catalog = Catalog.of(models, deepstreamCustoms)
  const functions = generated as { readonly [name: string]: unknown }
  const adapter = new TextAdapter({ codecs: functions, models, customs: deepstreamCustoms })
  const sorts = new Sorts()
  for (const { commands } of models) {
    for (const { examples, kinds, name } of commands) {
      for (const kind of [kinds.request, ...kinds.also ?? []]) {
        for (const { hex } of examples) sorts.add(name, { bytes: bytesOfDigits(hex), reading: { kind } })
      }
    }
  }
  const message = (bytes: Uint8Array): Uint8Array => {
    const at = bytes.indexOf(end)
    return at === -1 ? Uint8Array.of(...bytes, end) : bytes.subarray(0, at + 1)
  }
  return {
    name,
    sorts: sorts.all,
    read: (bytes, { kind }) => {
      const whole = message(bytes)
      const decode = functions[`decode${capital(kind!)}`] as (text: string) => AnyPacket
      return { value: decode(decodeText(whole, 0, whole.length - 1)), end: whole.length }
    },
    write: (value) => bytesOf((functions["encode"] as (packet: unknown) => string)(value)),
    look: (bytes, reading) => lookAt(catalog, message(bytes), reading),
    viaJson: (value, length) => packetFromJson(catalog, JSON.parse(jsonOf(packetToJson(catalog, value as AnyPacket, length))!)),
    difference: (_bytes, { value }, look) => valuesDiffer(value, look),
    dump: (bytes) => adapter.dump(bytes, 0, adapter.begin(), false),
    ends: () => false,
    added: (bytes) => bytes.includes(end) ? 0 : 1
  }
}

/** Packets of the protocols that packages are made of. */
export const ownPackets = (): ReadonlyArray<Subject> => {
  const recorded = recordings.flatMap((recording) => readRecording(recording).packets)
    .filter(({ bytes, packet }) => packet !== undefined && bytes.length <= 2_000)
  const unique = [...new Map(recorded.map((one) => [hexOf(one.bytes), one])).values()]
  return [
    ...kv("memcached binary", Memcached, memcachedModels, []),
    ...kv("couchbase", Couchbase, couchbaseModels, unique.filter(({ packet }) => !packet!._tag.startsWith("Dcp"))),
    ...kv("dcp", Dcp, dcpModels, unique.filter(({ packet }) => packet!._tag.startsWith("Dcp"))),
    ...kv("measured", Measured, measuredModels, []),
    deepstream("deepstream", Deepstream, deepstreamModels),
    deepstream("deepstream 7", Deepstream7, deepstream7Models)
  ]
}
