/** Binary protocols for the command: the generated module decodes and encodes, the model says what things are called. */
import { annotate } from "@wirewright/codec/Layout"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { Catalog } from "@wirewright/codec/Catalog"
import { Framer, type HeaderShape } from "@wirewright/codec/Framer"
import { hexdump } from "@wirewright/codec/Hexdump"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import type { HeaderFieldModel, HeaderModel, KindModel, Model } from "@wirewright/codec/Model"
import { Reader } from "@wirewright/codec/Reader"
import { encodeWith, type Writer } from "@wirewright/codec/Writer"
import type { Cutter, DecodedPacket, Direction, Facts, PacketSink, ProtocolAdapter, States } from "./ProtocolAdapter.ts"

/** What the generator makes of a binary protocol; the part used here. */
export interface GeneratedProtocol {
  readonly decode: (reader: Reader, at: number, states?: States) => object
  readonly encode: (writer: Writer, packet: never) => void
  readonly frameShape: HeaderShape
  readonly models: ReadonlyArray<Model>
}

/** Commands whose value is a password or could be one: SASL_AUTH and SASL_STEP. */
const secretOpcodes: ReadonlySet<number> = new Set([0x21, 0x22])
const mask = 0x2a
const helloCommand = "Hello"
const collectionsFeature = 0x12

/** All bits of the datatype that are in use: JSON, Snappy, extended attributes. */
const knownDatatypes = 0x07

const widths: { readonly [name: string]: number } = { u8: 1, u16: 2, u24: 3, u32: 4, i8: 1, i16: 2, i32: 4 }

interface Head {
  readonly kind: KindModel
  readonly header: HeaderModel
  readonly opcode: number
}

/** A binary protocol. */
export class BinaryAdapter implements ProtocolAdapter {
  readonly name: string
  readonly ports: ReadonlySet<number> = new Set([11_210, 11_207, 11_209, 11_211])
  readonly plausibleHead: number
  private readonly generated: GeneratedProtocol
  private readonly catalog: Catalog

  constructor(name: string, generated: GeneratedProtocol) {
    this.name = name
    this.generated = generated
    this.catalog = Catalog.of(generated.models)
    this.plausibleHead = generated.frameShape.headerSize
  }

  parse(text: string): Uint8Array {
    return bytesOfHex(text)
  }

  states(collections: boolean): States {
    return Object.fromEntries(this.catalog.states.map(({ name }) => [name, name === "collections" && collections]))
  }

  cutter(): Cutter {
    const framer = new Framer(this.generated.frameShape)
    return {
      get offset() {
        return framer.offset
      },
      get buffered() {
        return framer.buffered
      },
      get lacking() {
        return framer.lacking
      },
      push: (chunk: Uint8Array, sink: PacketSink) => framer.push(chunk, (reader, at, end) => sink(reader.bytes, at, end)),
      finish: () => framer.finish()
    }
  }

  plausibleSize(bytes: Uint8Array, at: number): number | undefined {
    const head = this.headAt(bytes, at)
    if (head === undefined || at + head.header.size > bytes.length || this.catalog.command(head.kind.name, head.opcode) === undefined) {
      return undefined
    }
    const size = this.sizeAt(bytes, at)
    if (size === undefined || size > this.generated.frameShape.maxFrame) return undefined
    let content = head.header.size
    for (const field of head.header.fields) {
      const value = numberAt(bytes, at, field)
      if (field.role === "sectionLength") content += value
      if (field.role === "statusCode" && this.catalog.status(value) === undefined) return undefined
      if (field.name === "datatype" && value > knownDatatypes) return undefined
    }
    return content <= size ? size : undefined
  }

  senderOf(bytes: Uint8Array): Direction | undefined {
    const head = this.plausibleSize(bytes, 0) === undefined ? undefined : this.headAt(bytes, 0)
    const sender = head && this.catalog.command(head.kind.name, head.opcode)?.sender
    if (head === undefined || sender === undefined || sender === "both") return undefined
    return (sender === "client") === (head.kind.answers === undefined) ? "c2s" : "s2c"
  }

  sizeAt(bytes: Uint8Array, at: number): number | undefined {
    const { headerSize, lengthIncludesHeader, lengthOffset, lengthWidth } = this.generated.frameShape
    if (at + headerSize > bytes.length) return undefined
    let length = 0
    for (let i = 0; i < lengthWidth; i++) length = length * 256 + bytes[at + lengthOffset + i]!
    return lengthIncludesHeader ? length : headerSize + length
  }

  decode(bytes: Uint8Array, at: number, states: States, _direction: Direction | undefined): DecodedPacket {
    const packet = this.generated.decode(new Reader(bytes), at, states)
    return { packet, length: this.sizeAt(bytes, at) ?? bytes.length - at, facts: this.factsOf(packet, bytes, at) }
  }

  after({ facts, packet }: DecodedPacket, states: States): States {
    if (facts.command !== helloCommand || facts.status !== "Success" || !("collections" in states)) return states
    const { features } = packet as { readonly features?: Iterable<number> }
    return { ...states, collections: features !== undefined && [...features].includes(collectionsFeature) }
  }

  toJson({ length, packet }: DecodedPacket): { readonly [key: string]: unknown } {
    return packetToJson(this.catalog, packet as never, length) as unknown as { readonly [key: string]: unknown }
  }

  fromJson(json: unknown): Uint8Array {
    const packet = packetFromJson(this.catalog, json as never)
    return encodeWith((writer) => this.generated.encode(writer, packet as never))
  }

  isSecret(bytes: Uint8Array): boolean {
    return secretOpcodes.has(this.headAt(bytes, 0)?.opcode ?? -1)
  }

  dump(bytes: Uint8Array, at: number, states: States, color: boolean): string {
    const shown = this.masked(bytes, at)
    const on = new Set(Object.keys(states).filter((name) => states[name]))
    const annotation = annotate(this.catalog, shown, { at, states: on })
    return hexdump(annotation, shown, { color })
  }

  /** The packet at `at`, alone, with what may be a password replaced by asterisks. */
  private masked(bytes: Uint8Array, at: number): Uint8Array {
    const head = this.headAt(bytes, at)
    if (head === undefined || !secretOpcodes.has(head.opcode) || at + head.header.size > bytes.length) return bytes
    const lengths = head.header.fields.reduce((sum, field) => field.role === "sectionLength" ? sum + numberAt(bytes, at, field) : sum, 0)
    const copy = new Uint8Array(bytes)
    const end = Math.min(bytes.length, at + (this.sizeAt(bytes, at) ?? bytes.length))
    const start = at + head.header.size + lengths
    // lengths that contradict each other would leave the secret in the open
    return copy.fill(mask, start < end ? start : Math.min(end, at + head.header.size), end)
  }

  private headAt(bytes: Uint8Array, at: number): Head | undefined {
    const found = this.catalog.kindOfMagic(bytes[at] ?? -1)
    const opcode = found?.header.fields.find((field) => field.role === "opcode")
    if (found === undefined || opcode === undefined || at + opcode.offset >= bytes.length) return undefined
    return { ...found, opcode: numberAt(bytes, at, opcode) }
  }

  private factsOf(packet: object, bytes: Uint8Array, at: number): Facts {
    const head = this.headAt(bytes, at)
    const named = (name: string): number | undefined => {
      const field = head?.header.fields.find((one) => one.name === name)
      return field === undefined ? undefined : numberAt(bytes, at, field)
    }
    const status = head?.header.fields.find((field) => field.role === "statusCode")
    const code = status === undefined ? undefined : numberAt(bytes, at, status)
    const command = head === undefined ? undefined : this.catalog.command(head.kind.name, head.opcode)
    const opaque = named("opaque")
    const { _tag: tag, bySeqno } = packet as { readonly _tag: string; readonly bySeqno?: unknown }
    return {
      name: tag,
      command: command?.name ?? `opcode 0x${(head?.opcode ?? 0).toString(16).padStart(2, "0")}`,
      answers: head?.kind.answers !== undefined,
      pairing: head === undefined || opaque === undefined ? undefined : `${head.kind.answers ?? head.kind.name} ${head.opcode} ${opaque}`,
      repliesOften: command?.reply === "many",
      opaque,
      vbucket: named("vbucket"),
      status: code === undefined ? undefined : this.catalog.status(code)?.name ?? `0x${code.toString(16).padStart(4, "0")}`,
      bySeqno: typeof bySeqno === "bigint" ? bySeqno : undefined
    }
  }
}

const numberAt = (bytes: Uint8Array, at: number, field: HeaderFieldModel): number => {
  let value = 0
  for (let i = 0; i < (widths[field.int] ?? 0); i++) value = value * 256 + (bytes[at + field.offset + i] ?? 0)
  return value
}
