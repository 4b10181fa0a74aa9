/**
 * The generated schemas say the same as the generated codecs: a schema takes what the decoder returns for each example, and what its
 * arbitrary makes up is written, read back and equal. Replay with WIREWRIGHT_SEED.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import type { AnyPacket } from "@wirewright/codec"
import { layoutsOf } from "@wirewright/codec/Catalog"
import * as couchbaseSchemas from "@wirewright/couchbase/gen/Schemas"
import * as dcpSchemas from "@wirewright/dcp/gen/Schemas"
import * as memcachedSchemas from "@wirewright/memcached/gen/Schemas"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll, describe, expect, it } from "vitest"
import { couchbase, dcp, memcached, type Protocol, specExamples } from "./Vectors.fixture.ts"

const seed = process.env["WIREWRIGHT_SEED"] ?? "wirewright"
const samples = 20

type Schemas = { readonly [name: string]: unknown }

/** A protocol's schemas; those of its base's packets stand with the base. */
const sets: ReadonlyArray<readonly [Protocol, Schemas]> = [[memcached, memcachedSchemas], [couchbase, couchbaseSchemas], [dcp, dcpSchemas]]

const totals = { packets: 0, samples: 0, examples: 0, withCollections: 0, layouts: new Set<string>() }
afterAll(() =>
  console.log(
    `schemas: ${totals.packets} packets, ${totals.samples} samples (${totals.withCollections} with collections, seed ${seed}), ` +
      `${totals.layouts.size} named layouts, ${totals.examples} examples`
  )
)

const schemaOf = (schemas: Schemas, tag: string): Schema.Schema<AnyPacket> => {
  const schema = [schemas, ...sets.map(([, one]) => one)].find((one) => tag in one)?.[tag]
  if (schema === undefined) throw new Error(`no schema ${tag}`)
  return schema as Schema.Schema<AnyPacket>
}

/** Codecs set what is absent to `undefined`; schemas leave it out. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([name, one]) => [name, plain(one)]))
}

/** Reserved bytes may be left out and are then zero; the decoder always tells them. */
const withReserved = ({ catalog }: Protocol, packet: AnyPacket): AnyPacket => {
  const layouts = layoutsOf(catalog.byTag(packet._tag)!)
  const layout = layouts.length === 1 ? layouts[0] : layouts.find(({ name }) => name === packet["layout"])
  const zeros = (layout?.sections ?? []).flatMap(({ fields }) => fields).flatMap(({ name, type }) =>
    type.kind !== "reserved" || type.policy !== "keep" ? [] : [[name, type.int === undefined ? new Uint8Array(type.size!) : 0] as const]
  )
  return { ...Object.fromEntries(zeros), ...plain(packet) as AnyPacket }
}

/** Records in the packet that begin with a collection id on a connection that has collections: whether each has one. */
const idsOf = (value: unknown): ReadonlyArray<boolean> => {
  if (Array.isArray(value)) return value.flatMap(idsOf)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return []
  const { key, collectionId } = value as { readonly key?: unknown; readonly collectionId?: unknown }
  return typeof key === "string" ? [collectionId !== undefined] : Object.values(value).flatMap(idsOf)
}

/** Packets with lists of documents' keys. */
const mixable = (tag: string): boolean => ["Observe", "ObserveResponse", "GetKeysResponse"].includes(tag)

/** A packet comes from one connection: either all of its keys have a collection id or none. Schemas of records cannot say so. */
const withoutMixedIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutMixedIds)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => name !== "collectionId").map(([name, one]) => [name, withoutMixedIds(one)])
  )
}

for (const [protocol, schemas] of sets) {
  describe(protocol.name, () => {
    const described = new Set(protocol.models.at(-1)!.commands.filter(({ lifecycle }) => lifecycle !== "removed").map(({ name }) => name))
    const ofPackets = Object.entries(schemas).filter(([tag]) => described.has(protocol.catalog.byTag(tag)?.command?.name ?? ""))

    for (const [name, schema] of ofPackets) {
      it(name, async () => {
        const arbitrary = Arbitrary.schema(schema as Schema.Schema<AnyPacket>)
        const packets = await Effect.runPromise(Arbitrary.sampleEffect(arbitrary, { count: samples, seed, size: 12 }))
        expect(packets.length).toBe(samples)
        totals.packets++
        for (const sample of packets) {
          const ids = new Set(mixable(sample._tag) ? idsOf(sample) : [])
          const packet = ids.size === 2 ? withoutMixedIds(sample) as AnyPacket : sample
          const bytes = encodeWith((writer) => protocol.encode(writer, packet))
          const collections = ids.size === 1 ? ids.has(true) : packet["collectionId"] !== undefined
          const decoded = protocol.decode(new Reader(bytes), 0, { collections })
          expect(plain(decoded)).toEqual(withReserved(protocol, packet))
          expect(encodeWith((writer) => protocol.encode(writer, decoded))).toEqual(bytes)
          totals.samples++
          if (collections) totals.withCollections++
          if (packet["layout"] !== undefined) totals.layouts.add(`${packet._tag}.${String(packet["layout"])}`)
        }
      })
    }

    it("there is one for every packet of the protocol", () => {
      const own = protocol.models.at(-1)!.commands.filter(({ name }) => described.has(name))
      const tags = own.flatMap((command) => {
        const request = protocol.catalog.kind(command.kinds.request)!
        const response = protocol.catalog.kind(command.kinds.response ?? "")
        return [
          protocol.catalog.packetTag({ command, kind: request, error: false }),
          ...(response === undefined
            ? []
            : command.responses.map((outcome) => protocol.catalog.packetTag({ command, kind: response, outcome, error: false })))
        ]
      })
      expect(ofPackets.map(([name]) => name).toSorted()).toEqual(tags.toSorted())
    })

    it("each takes what the decoder makes of the examples", () => {
      for (const { bytes, collections, name } of specExamples.filter((one) => one.protocol === protocol)) {
        const packet = protocol.decode(new Reader(bytes), 0, { collections })
        const result = Schema.decodeUnknownResult(schemaOf(schemas, packet._tag) as never)(packet)
        expect(result, `${name}: ${String(result)}`).toMatchObject({ _tag: "Success" })
        totals.examples++
      }
    })
  })
}
