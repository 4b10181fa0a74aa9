/**
 * Any generated protocol for the command: the generated module decodes and encodes, the models say what things are called.
 *
 * Where a packet's bytes do not say of which kind it is, the one who sent it does, and the phase of the connection; `--kind` does for
 * packets without a connection.
 */
import { annotate } from "@wirewright/codec/Layout"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import { DecodeError, EncodeError } from "@wirewright/codec/Errors"
import { Framer, type FrameShape } from "@wirewright/codec/Framer"
import { hexdump } from "@wirewright/codec/Hexdump"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import type { HeaderFieldModel, HeaderModel, KindModel, Model } from "@wirewright/codec/Model"
import { Reader } from "@wirewright/codec/Reader"
import { encodeWith, type Writer } from "@wirewright/codec/Writer"
import type { Cutter, DecodedPacket, Direction, Facts, PacketSink, ProtocolAdapter, Session, Situation, States } from "./ProtocolAdapter.ts"
import { type Traits, traitsOf } from "./Traits.ts"
import { WebSocketCutter } from "./WebSocketCutter.ts"

type Decode = (reader: Reader, at: number, states?: States) => object

/** What the generator makes of a protocol; the part used here. */
export interface GeneratedProtocol {
  /** Codecs by name: `decode`, a `decodeKind` for each kind, `encode`. */
  readonly codecs: { readonly [name: string]: unknown }
  readonly models: ReadonlyArray<Model>
  /** Faces of the fields that only code can say. */
  readonly customs?: Customs
}

/** Names of the generated part of a kind: `serverRequest` to `ServerRequest`. */
const pascal = (name: string): string =>
  name.split(/[^A-Za-z0-9]+/).filter((part) => part !== "").map((part) => part[0]!.toUpperCase() + part.slice(1)).join("")

const mask = 0x2a

const widths: { readonly [name: string]: number } = { u8: 1, u16: 2, u24: 3, u32: 4, i8: 1, i16: 2, i32: 4 }

interface Head {
  readonly kind: KindModel
  readonly header: HeaderModel
  readonly opcode: number
}

/** Errors of a codec that is installed beside ours, as ours. */
const own = <A>(run: () => A): A => {
  try {
    return run()
  } catch (error) {
    const { _tag: tag } = (error ?? {}) as { readonly _tag?: unknown }
    if (tag === "DecodeError" && !(error instanceof DecodeError)) throw new DecodeError(error as DecodeError)
    if (tag === "EncodeError" && !(error instanceof EncodeError)) throw new EncodeError(error as EncodeError)
    throw error
  }
}

/** The adapter of a generated protocol. */
export class GeneratedAdapter implements ProtocolAdapter {
  readonly name: string
  readonly plausibleHead: number
  private readonly generated: GeneratedProtocol
  private readonly shape: FrameShape
  private readonly catalog: Catalog
  private readonly traits: Traits
  /** The kind of all packets, when it was said. */
  private readonly only: KindModel | undefined

  /** `kind` is what `--kind` says. */
  constructor(generated: GeneratedProtocol, kind?: string) {
    this.generated = generated
    this.shape = generated.codecs["frameShape"] as FrameShape
    this.catalog = Catalog.of(generated.models, generated.customs)
    this.name = this.catalog.name
    this.traits = traitsOf(generated.models)
    this.plausibleHead = this.shape.headerSize
    this.only = kind === undefined ? undefined : this.catalog.kind(kind)
  }

  get ports(): ReadonlySet<number> {
    return this.traits.ports
  }

  /** Names of the kinds of packet. */
  get kinds(): ReadonlyArray<string> {
    return this.catalog.frame.kinds.map(({ name }) => name)
  }

  parse(text: string): Uint8Array {
    return bytesOfHex(text)
  }

  begin(collections: boolean): Session {
    return { states: Object.fromEntries(this.catalog.states.map(({ name }) => [name, name === "collections" && collections])) }
  }

  missing(situation: Situation): string | undefined {
    if (this.candidates(situation).filter((kind) => !isTold(kind)).length < 2) return undefined
    return `packets of ${this.name} do not say of which kind they are: give --kind, one of ${this.kinds.join(", ")}`
  }

  cutter(situation: () => Situation): Cutter {
    return new WebSocketCutter(this.framer(situation), { maxPayload: this.shape.maxFrame, isBinary: true })
  }

  plausibleSize(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    const head = this.headAt(bytes, at, situation)
    if (head === undefined || at + head.header.size > bytes.length) return undefined
    if (head.opcode >= 0 && this.catalog.command(head.kind.name, head.opcode) === undefined) return undefined
    const size = this.sizeAt(bytes, at, situation)
    if (size === undefined || size > this.shape.maxFrame) return undefined
    let content = head.header.size
    for (const field of head.header.fields) {
      const value = numberAt(bytes, at, field)
      if (field.role === "sectionLength") content += value
      if (field.role === "statusCode" && this.catalog.status(value) === undefined) return undefined
      if (value > (this.traits.greatest[field.name] ?? Infinity)) return undefined
    }
    return content <= size ? size : undefined
  }

  senderOf(bytes: Uint8Array): Direction | undefined {
    const situation = this.begin(false)
    const head = this.plausibleSize(bytes, 0, situation) === undefined ? undefined : this.headAt(bytes, 0, situation)
    const sender = head && this.catalog.command(head.kind.name, head.opcode)?.sender
    if (head === undefined || sender === undefined || sender === "both" || !isTold(head.kind) && this.kinds.length > 1) return undefined
    return (sender === "client") === (head.kind.answers === undefined) ? "c2s" : "s2c"
  }

  sizeAt(bytes: Uint8Array, at: number, _situation: Situation): number | undefined {
    const { headerSize, lengthIncludesHeader, lengthOffset, lengthWidth } = this.shape
    if (at + headerSize > bytes.length) return undefined
    let length = 0
    for (let i = 0; i < lengthWidth; i++) length = length * 256 + bytes[at + lengthOffset + i]!
    return lengthIncludesHeader ? length : headerSize + length
  }

  decode(bytes: Uint8Array, at: number, situation: Situation): DecodedPacket {
    const { codecs } = this.generated
    const kind = this.kindByPlace(situation)
    const decode = codecs[kind === undefined ? "decode" : `decode${pascal(kind.name)}`] as Decode
    const packet = own(() => decode(new Reader(bytes), at, situation.states))
    return { packet, length: this.sizeAt(bytes, at, situation) ?? bytes.length - at, facts: this.factsOf(packet) }
  }

  after(decoded: DecodedPacket, session: Session): Session {
    return this.traits.after(decoded, session)
  }

  toJson({ length, packet }: DecodedPacket): { readonly [key: string]: unknown } {
    return packetToJson(this.catalog, packet as never, length) as unknown as { readonly [key: string]: unknown }
  }

  fromJson(json: unknown): Uint8Array {
    const packet = packetFromJson(this.catalog, json as never)
    const encode = this.generated.codecs["encode"] as (writer: Writer, packet: object) => void
    return own(() => encodeWith((writer) => encode(writer, packet)))
  }

  isSecret(bytes: Uint8Array, situation: Situation): boolean {
    return this.hasSecret(this.headAt(bytes, 0, situation))
  }

  dump(bytes: Uint8Array, at: number, situation: Situation, color: boolean): string {
    const shown = this.masked(bytes, at, situation)
    const { states } = situation
    const on = new Map(Object.entries(states).filter(([, value]) => value !== false).map(([name, value]) => [name, Number(value)]))
    const kind = this.kindByPlace(situation)
    const annotation = annotate(this.catalog, shown, { at, states: on, ...(kind === undefined ? {} : { kind: kind.name }) })
    return hexdump(annotation, shown, { color })
  }

  private framer(_situation: () => Situation): Cutter {
    const framer = new Framer(this.shape)
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

  /** Kinds that a packet may be of, as far as that can be told without its bytes. */
  private candidates({ direction }: Situation): ReadonlyArray<KindModel> {
    if (this.only !== undefined) return [this.only]
    const { kinds } = this.catalog.frame
    return direction === undefined ? kinds : kinds.filter((kind) => isTold(kind) || senderOf(kind) === direction)
  }

  /** The kind of a packet that does not say it. */
  private kindByPlace(situation: Situation): KindModel | undefined {
    const kinds = this.candidates(situation)
    return kinds.length === 1 ? kinds[0] : undefined
  }

  /** The packet at `at`, alone, with what may be a password replaced by asterisks. */
  private masked(bytes: Uint8Array, at: number, situation: Situation): Uint8Array {
    const head = this.headAt(bytes, at, situation)
    if (head === undefined || !this.hasSecret(head) || at + head.header.size > bytes.length) return bytes
    const lengths = head.header.fields.reduce((sum, field) => field.role === "sectionLength" ? sum + numberAt(bytes, at, field) : sum, 0)
    const copy = new Uint8Array(bytes)
    const end = Math.min(bytes.length, at + (this.sizeAt(bytes, at, situation) ?? bytes.length))
    const start = at + head.header.size + lengths
    // lengths that contradict each other would leave the secret in the open
    return copy.fill(mask, start < end ? start : Math.min(end, at + head.header.size), end)
  }

  private hasSecret(head: Head | undefined): boolean {
    return head !== undefined && this.traits.secrets.has(this.catalog.command(head.kind.name, head.opcode)?.name ?? "")
  }

  private headAt(bytes: Uint8Array, at: number, situation: Situation): Head | undefined {
    const kind = this.kindByPlace(situation)
    const [header] = kind?.headers ?? []
    const isOnly = kind !== undefined && header !== undefined && header.magic === undefined
    const found = isOnly ? { kind, header } : this.catalog.kindOfMagic(bytes[at] ?? -1)
    if (found === undefined) return undefined
    const opcode = found.header.fields.find((field) => field.role === "opcode")
    if (opcode === undefined) return { ...found, opcode: -1 }
    return at + opcode.offset < bytes.length ? { ...found, opcode: numberAt(bytes, at, opcode) } : undefined
  }

  private factsOf(packet: object): Facts {
    const { _tag: tag, bySeqno, opaque, vbucket, ...fields } = packet as { readonly _tag: string; readonly [field: string]: unknown }
    const meaning = this.catalog.byTag(tag)
    const kind = meaning?.kind
    const fieldOf = (role: string): unknown => fields[kind?.headers[0]?.fields.find((field) => field.role === role)?.name ?? ""]
    const opcode = fieldOf("opcode")
    const status = fieldOf("statusCode")
    const command = meaning?.command ?? (typeof opcode === "number" && kind !== undefined ? this.catalog.command(kind.name, opcode) : undefined)
    return {
      name: tag,
      command: command?.name ?? (typeof opcode === "number" ? `opcode 0x${opcode.toString(16).padStart(2, "0")}` : tag),
      answers: kind?.answers !== undefined,
      pairing: typeof opaque === "number" ? `${kind?.answers ?? kind?.name} ${String(opcode)} ${opaque}` : undefined,
      repliesOften: command?.reply === "many",
      opaque: typeof opaque === "number" ? opaque : undefined,
      vbucket: typeof vbucket === "number" ? vbucket : undefined,
      status: typeof status === "number" ? this.catalog.status(status)?.name ?? `0x${status.toString(16).padStart(4, "0")}` : undefined,
      bySeqno: typeof bySeqno === "bigint" ? bySeqno : undefined
    }
  }
}

/** Whether the bytes of a packet say that it is of this kind. */
const isTold = ({ headers }: KindModel): boolean => headers.every(({ magic }) => magic !== undefined)

/** Who sends packets of a kind; clients ask and servers answer. */
const senderOf = (kind: KindModel): Direction => {
  const { sender } = kind as KindModel & { readonly sender?: "client" | "server" }
  return (sender ?? (kind.answers === undefined ? "client" : "server")) === "client" ? "c2s" : "s2c"
}

const numberAt = (bytes: Uint8Array, at: number, field: HeaderFieldModel): number => {
  let value = 0
  for (let i = 0; i < (widths[field.int] ?? 0); i++) value = value * 256 + (bytes[at + field.offset + i] ?? 0)
  return value
}
