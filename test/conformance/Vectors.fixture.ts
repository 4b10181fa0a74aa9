/** Test only: the recorded packets of test/fixtures, and the three generated protocols to hold them against. */
import { bytesOfDigits, Catalog, DecodeError, encodeWith, hexOf, Reader, type Writer } from "@wirewright/codec"
import type { AnyPacket } from "@wirewright/codec"
import type { Model } from "@wirewright/codec/Model"
import { models as couchbaseModels } from "@wirewright/couchbase/gen/Model"
import * as Couchbase from "@wirewright/couchbase/gen/Packets"
import { models as dcpModels } from "@wirewright/dcp/gen/Model"
import * as Dcp from "@wirewright/dcp/gen/Packets"
import { models as memcachedModels } from "@wirewright/memcached/gen/Model"
import * as Memcached from "@wirewright/memcached/gen/Packets"
import { readFileSync } from "node:fs"

/** A generated protocol, its types erased. */
export interface Protocol {
  readonly name: string
  readonly models: ReadonlyArray<Model>
  readonly catalog: Catalog
  readonly decode: (reader: Reader, at: number, states: { readonly collections: boolean }) => AnyPacket
  readonly encode: (writer: Writer, packet: AnyPacket) => void
}

const protocol = (
  name: string,
  models: ReadonlyArray<Model>,
  { decode, encode }: {
    readonly decode: (reader: Reader, at: number, states: never) => unknown
    readonly encode: (writer: Writer, packet: never) => void
  }
): Protocol => ({
  name,
  models,
  catalog: Catalog.of(models),
  decode: decode as Protocol["decode"],
  encode: encode as Protocol["encode"]
})

export const memcached = protocol("memcached", memcachedModels, Memcached)
export const couchbase = protocol("couchbase", couchbaseModels, Couchbase)
export const dcp = protocol("dcp", dcpModels, Dcp)
export const protocols = [memcached, couchbase, dcp]

/** The header and the sections as a script took them apart that knows neither the specs nor the generated code. */
export interface VectorFields {
  readonly magic: string
  readonly opcode: string
  readonly opcode_name: string
  readonly keylen: number
  readonly extlen: number
  readonly datatype: string
  readonly vbucket?: number
  readonly status?: string
  readonly bodylen: number
  readonly opaque: string
  readonly cas: string
  readonly framing_extras_len?: number
  readonly framing_extras?: ReadonlyArray<{
    readonly id: number
    readonly length: number
    readonly data: string
    readonly level?: number
    readonly timeout_ms?: number
    readonly value?: number
    readonly encoded?: number
    readonly text?: string
  }>
  readonly extras_hex?: string
  readonly extras?: { readonly [name: string]: unknown }
  readonly key?: string
  readonly key_hex?: string
  readonly value_hex?: string
  readonly value_len?: number
  readonly value_fields?: unknown
  readonly path?: string
  readonly subdoc_value?: string
  readonly xattrs?: { readonly section_len: number; readonly pairs: { readonly [name: string]: string }; readonly body_hex: string }
}

/** One entry of mcbp.json. */
export interface Vector {
  readonly name: string
  readonly kind: string
  readonly origin: string
  readonly hex: string
  readonly fields: VectorFields
  readonly problems?: ReadonlyArray<string>
  readonly doc_bug?: string
  readonly fixed_hex?: string
  readonly fixed_fields?: VectorFields
  readonly value?: string
  readonly expect?: string
  readonly micros?: number
  readonly encoded?: number
  readonly decoded?: NonNullable<VectorFields["xattrs"]>
}

/** Numbers that a double cannot hold become bigints. */
const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" && !Number.isSafeInteger(value) && context?.source !== undefined ? BigInt(context.source) : value

/** A JSON file of test/fixtures. */
export const readFixture = <A>(name: string): A =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8"), exact) as A

export const vectors = readFixture<{ readonly vectors: ReadonlyArray<Vector> }>("mcbp.json").vectors
export const packetVectors = vectors.filter(({ kind }) => kind === "packet")

/** The dialect a vector is written in. */
export const dialectOf = ({ name }: Vector): Protocol => name.startsWith("memcached-") ? memcached : dcp

/** Whether the key starts with a collection id: the vectors' script prints keys that are text, and a prefix is none. */
export const hasCollections = (fields: VectorFields): boolean => fields.key_hex !== undefined && fields.key === undefined

/** The error that the decoder throws. Anything but a `DecodeError` is passed on. */
export const refusalOf = (run: () => unknown): DecodeError | undefined => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  return undefined
}

/** Decodes a buffer that starts with a packet. */
export const decodeHex = (protocol: Protocol, hex: string, collections: boolean): AnyPacket =>
  protocol.decode(new Reader(bytesOfDigits(hex)), 0, { collections })

/** The packet's bytes. */
export const encodeHex = (protocol: Protocol, packet: AnyPacket): string => hexOf(encodeWith((writer) => protocol.encode(writer, packet)))

/** An example of a spec, with the connection states it needs. */
export interface SpecExample {
  readonly protocol: Protocol
  readonly command: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly collections: boolean
}

/** Every example of the three specs, each decoded by the protocol whose spec it stands in. */
export const specExamples: ReadonlyArray<SpecExample> = protocols.flatMap((protocol) =>
  protocol.models.at(-1)!.commands.flatMap(({ name, examples }) =>
    examples.map(({ kind, hex, states, origin }) => ({
      protocol,
      command: name,
      name: `${protocol.name} ${name} ${kind} (${origin})`,
      bytes: bytesOfDigits(hex),
      collections: states.includes("collections")
    }))
  )
)
