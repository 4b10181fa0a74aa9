/** Test only: every generated protocol of this repository, with its models. */
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import { DecodeError } from "@wirewright/codec/Errors"
import type { AnyPacket } from "@wirewright/codec/Json"
import type { Model } from "@wirewright/codec/Model"
import { Reader } from "@wirewright/codec/Reader"
import { decodeText, encodeText, textBound } from "@wirewright/codec/Text"
import { Writer } from "@wirewright/codec/Writer"
import { generatedProtocol } from "../../packages/cli/src/Protocols.ts"
import { all } from "../gallery/All.ts"

/** A protocol with its generated code. */
export interface Protocol {
  readonly title: string
  readonly catalog: Catalog
  readonly models: ReadonlyArray<Model>
  readonly generated: { readonly [name: string]: unknown }
  /** What is read may be spelled in several ways. */
  readonly spellings: boolean
}

const own = (title: string, generated: object, models: ReadonlyArray<Model>, customs?: Customs): Protocol => ({
  title,
  catalog: Catalog.of(models, customs),
  models,
  generated: generated as Protocol["generated"],
  spellings: false
})

const folders = ["deepstream/src/gen7", "memcached/src/datagram", "examples/src/gen"].map((path) =>
  new URL(`../../packages/${path}`, import.meta.url).pathname
)

/** All of them. */
export const protocols: ReadonlyArray<Protocol> = [
  ...await Promise.all(["memcached", "couchbase", "dcp", "deepstream", ...folders].map(async (name) => {
    const { codecs, customs, models } = await generatedProtocol(name)
    return own(`package ${models.at(-1)!.name}`, codecs, models, customs)
  })),
  ...all.map(({ customs, generated, models, spellings, title }) => ({
    ...own(title, generated, models, customs),
    spellings: spellings === true
  }))
]

/** The protocol with a title. */
export const protocolTitled = (title: string): Protocol => protocols.find((one) => one.title === title)!

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

const statesOf = ({ catalog, generated }: Protocol, states: ReadonlyMap<string, number>): object => ({
  ...generated["noStates"] as object | undefined,
  ...Object.fromEntries([...states].map(([name, value]) => {
    const isNumbered = catalog.states.find((one) => one.name === name)?.numbered === true
    return [name, isNumbered ? value : value !== 0]
  }))
})

/** What the generated decoder makes of bytes. */
export const decoded = (
  protocol: Protocol,
  bytes: Uint8Array,
  kind: string,
  states: ReadonlyMap<string, number>
): AnyPacket | DecodeError => {
  const { catalog, generated } = protocol
  const decode = generated[`decode${capital(kind)}`] ?? generated["decode"]
  try {
    if (catalog.frame.over === "text") return (decode as (text: string) => AnyPacket)(decodeText(bytes, 0, bytes.length - 1))
    return (decode as (reader: Reader, at: number, states: object) => AnyPacket)(new Reader(bytes), 0, statesOf(protocol, states))
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** The bytes of a packet. */
export const encoded = (protocol: Protocol, packet: AnyPacket, states: ReadonlyMap<string, number>): Uint8Array => {
  const { catalog, generated } = protocol
  if (catalog.frame.over === "text") {
    const text = (generated["encode"] as (packet: AnyPacket) => string)(packet)
    const bytes = new Uint8Array(textBound(text))
    return bytes.slice(0, encodeText(bytes, 0, text))
  }
  const writer = new Writer()
  ;(generated["encode"] as (writer: Writer, packet: AnyPacket, states: object) => void)(writer, packet, statesOf(protocol, states))
  return writer.take()
}
