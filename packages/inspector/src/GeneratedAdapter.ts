/**
 * Any generated protocol for the command: the generated module decodes and encodes, the models say what things are called.
 *
 * Where a packet's bytes do not say of which kind it is, the one who sent it does, and the phase of the connection; `--kind` does for
 * packets without a connection.
 */
import { type Annotation, annotate } from "@wirewright/codec/Layout"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { Catalog, type CustomFace, type Customs } from "@wirewright/codec/Catalog"
import { DecodeError, EncodeError, hexNumber } from "@wirewright/codec/Errors"
import { Framer, type FrameShape, type HeaderShape, measuring } from "@wirewright/codec/Framer"
import { hexdump } from "@wirewright/codec/Hexdump"
import { packetFromJson, packetToJson } from "@wirewright/codec/Json"
import type { HeaderFieldModel, HeaderModel, KindModel, Model } from "@wirewright/codec/Model"
import { Reader } from "@wirewright/codec/Reader"
import { intWidth, pascal } from "@wirewright/codec/TypeText"
import { encodeWith, type Writer } from "@wirewright/codec/Writer"
import type {
  Cutter,
  DecodedPacket,
  Direction,
  Facts,
  PacketSink,
  ProtocolAdapter,
  Session,
  Situation,
  States,
  Taken
} from "./ProtocolAdapter.ts"
import { type Traits, traitsOf } from "./Traits.ts"
import { beginsLine, ConversationWords, lineAt } from "./ConversationWords.ts"
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

const mask = "*".charCodeAt(0)

interface Head {
  readonly kind: KindModel
  readonly header: HeaderModel
  readonly opcode: number
}

/** Errors of a codec that is installed beside ours, as ours. */
export const own = <A>(run: () => A): A => {
  try {
    return run()
  } catch (error) {
    const { _tag: tag } = (error ?? {}) as { readonly _tag?: unknown }
    if (tag === "DecodeError" && !(error instanceof DecodeError)) throw new DecodeError(error as DecodeError)
    if (tag === "EncodeError" && !(error instanceof EncodeError)) throw new EncodeError(error as EncodeError)
    throw error
  }
}

/** Faces of fields that only code can say, with errors that are ours. */
const ownFaces = (customs: Customs): Customs =>
  Object.fromEntries(
    Object.entries(customs).map(([name, face]) => {
      const read: CustomFace["read"] = (...args) => own(() => face.read(...args))
      return [name, Object.assign(Object.create(face) as CustomFace, { read })]
    })
  )

/** The adapter of a generated protocol. */
export class GeneratedAdapter implements ProtocolAdapter {
  readonly name: string
  protected readonly generated: GeneratedProtocol
  /** Where fixed headers say how long a frame is; protocols whose headers are runs of fields have none. */
  private readonly shape: HeaderShape | undefined
  protected readonly catalog: Catalog
  protected readonly traits: Traits
  private readonly conversation: ConversationWords
  /** The kind of all packets, when it was said. */
  private readonly only: KindModel | undefined

  /** `kind` is what `--kind` says. */
  constructor(generated: GeneratedProtocol, kind?: string) {
    this.generated = generated
    const shape = generated.codecs["frameShape"] as FrameShape | HeaderShape | undefined
    this.shape = shape !== undefined && "magics" in shape
      ? { ...shape, sizeAt: (reader, at, end) => own(() => shape.sizeAt(reader, at, end)) }
      : undefined
    this.catalog = Catalog.of(generated.models, generated.customs === undefined ? undefined : ownFaces(generated.customs))
    this.name = this.catalog.name
    this.traits = traitsOf(generated.models)
    this.conversation = new ConversationWords(this.catalog, this.traits)
    // of another protocol on the same port
    this.only = kind === undefined ? undefined : this.catalog.kind(kind)
  }

  /** Name of the protocol that its servers speak, too. */
  get beside(): Traits["beside"] {
    return this.traits.beside
  }

  /** Whether it extends another protocol. */
  get isExtension(): boolean {
    return this.generated.models.length > 1
  }

  /** Whether a packet may begin with this byte. */
  begins(byte: number): boolean {
    return this.catalog.kindOfMagic(byte) !== undefined
  }

  mistakes(): ReadonlySet<string> {
    return this.conversation.mistakes
  }

  plausibleHead(_situation: Situation): number {
    return this.shape?.headerSize ?? 1
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

  get known(): ProtocolAdapter["known"] {
    return this.catalog.states
  }

  begin(states: States = {}): Session {
    const { phases = [] } = this.catalog.frame
    const initial = this.known.map(({ name, numbered }) => [name, numbered === true ? 0 : false] as const)
    return { states: { ...Object.fromEntries(initial), ...states }, phase: phases[0]?.name }
  }

  missing(situation: Situation): string | undefined {
    if (this.isTold || this.candidates(situation).length < 2) return undefined
    return `packets of ${this.name} do not say of which kind they are: give --kind, one of ${this.kinds.join(", ")}`
  }

  cutter(situation: () => Situation): Cutter {
    return new WebSocketCutter(this.framer(situation), { maxPayload: this.catalog.frame.maxFrame, isBinary: true })
  }

  plausibleSize(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    if (this.shape === undefined) return this.plausibleRun(bytes, at, situation)
    const head = this.headAt(bytes, at, situation)
    if (head === undefined || at + head.header.size > bytes.length) return undefined
    if (head.opcode >= 0 && this.catalog.command(head.kind.name, head.opcode) === undefined) return undefined
    const size = this.sizeAt(bytes, at, situation)
    if (size === undefined || size > this.catalog.frame.maxFrame) return undefined
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
    const situation = this.begin()
    if (this.shape === undefined || !this.isTold) {
      const [c2s, s2c] = (["c2s", "s2c"] as const).map((direction) =>
        this.plausibleSize(bytes, 0, { ...situation, direction }) !== undefined
      )
      return c2s === s2c ? undefined : c2s ? "c2s" : "s2c"
    }
    const head = this.plausibleSize(bytes, 0, situation) === undefined ? undefined : this.headAt(bytes, 0, situation)
    const sender = head && this.catalog.command(head.kind.name, head.opcode)?.sender
    if (head === undefined || sender === undefined || sender === "both") return undefined
    return (sender === "client") === (head.kind.answers === undefined) ? "c2s" : "s2c"
  }

  sizeAt(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    if (this.shape === undefined) {
      const { error, kind, length } = this.annotated(bytes, at, situation)
      return error === undefined || this.catalog.kind(kind)?.run?.end === "length" ? length : undefined
    }
    try {
      const size = this.shape.sizeAt(new Reader(bytes), at, bytes.length)
      return size === 0 ? undefined : size
    } catch {
      // the first bytes are no packet's
      return undefined
    }
  }

  decode(bytes: Uint8Array, at: number, situation: Situation): DecodedPacket {
    const reader = new Reader(bytes)
    const packet = this.packetAt(reader, at, situation)
    const length = this.shape === undefined ? reader.next - at : this.sizeAt(bytes, at, situation) ?? bytes.length - at
    const facts = this.factsOf(packet)
    return {
      packet,
      length,
      states: situation.states,
      facts: this.conversation.isLines ? { ...facts, line: lineAt(bytes, at, at + length) } : facts
    }
  }

  after(decoded: DecodedPacket, session: Session): Session {
    const then = this.catalog.byTag(decoded.facts.name)?.command?.then
    return this.traits.after(decoded, then === undefined ? session : { ...session, phase: then })
  }

  toJson({ kind, length, packet, states = {} }: DecodedPacket): { readonly [key: string]: unknown } {
    const json = packetToJson(this.catalog.inStates(states), packet as never, length) as unknown as { readonly [key: string]: unknown }
    return kind === undefined ? json : { ...json, kind }
  }

  fromJson(json: unknown, states: States = this.begin().states): Uint8Array {
    const packet = packetFromJson(this.catalog.inStates(states), json as never)
    const encode = this.generated.codecs["encode"] as (writer: Writer, packet: object, states: States) => void
    return own(() => encodeWith((writer) => encode(writer, packet, states)))
  }

  isSecret(bytes: Uint8Array, situation: Situation): boolean {
    return this.hasSecret(this.headAt(bytes, 0, situation))
  }

  dump(bytes: Uint8Array, at: number, situation: Situation, color: boolean): string {
    const { annotation, shown } = this.taken(bytes, at, situation)
    return hexdump(annotation, shown, { color })
  }

  taken(bytes: Uint8Array, at: number, situation: Situation, secrets = false): Taken {
    const shown = secrets ? bytes : this.masked(bytes, at, situation)
    const annotation = this.annotated(shown, at, situation)
    const decoder = this.isTold ? "decode" : `decode${pascal(annotation.kind)}`
    return { annotation, shown, catalog: this.catalog, decoder }
  }

  protected annotated(bytes: Uint8Array, at: number, situation: Situation): Annotation {
    const { states } = situation
    const on = new Map(Object.entries(states).filter(([, value]) => value !== false).map(([name, value]) => [name, Number(value)]))
    const kind = this.kindByPlace(situation)
    return annotate(this.catalog, bytes, { at, states: on, ...(kind === undefined ? {} : { kind: kind.name }) })
  }

  /** Leaves the offset after the packet in `reader.next`, where headers are runs of fields. */
  private packetAt(reader: Reader, at: number, situation: Situation): object {
    const kind = this.kindByPlace(situation)
    const decode = this.generated.codecs[kind === undefined ? "decode" : `decode${pascal(kind.name)}`] as Decode
    return own(() => decode(reader, at, situation.states))
  }

  /** Size of what may start at `at`: a packet of a command that is known, which may go on where the bytes end. */
  private plausibleRun(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    // a line begins after the end of another
    if (this.conversation.isLines && !beginsLine(bytes, at)) return undefined
    const { error, length, packet } = this.annotated(bytes, at, situation)
    if (packet === "Unknown" || length > this.catalog.frame.maxFrame) return undefined
    if (error === undefined) return Math.max(1, length)
    return error.incomplete ? Math.max(length, bytes.length - at + 1) : undefined
  }

  private framer(situation: () => Situation): Cutter {
    const { maxFrame } = this.catalog.frame
    const sizeAt: FrameShape["sizeAt"] = (reader, at, end) => this.measured(reader, at, end, situation())
    const framer = new Framer(this.shape ?? { name: this.name, maxFrame, sizeAt })
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

  /** Size of the packet at `at`, of the kind that comes now, or 0 when it is not all there; of one that fills a datagram, decoding it tells. */
  private measured(reader: Reader, at: number, end: number, situation: Situation): number {
    const { codecs } = this.generated
    const shape = codecs[`${this.kindByPlace(situation)?.name}Shape`] ?? codecs["frameShape"]
    if (shape !== undefined) return own(() => (shape as FrameShape).sizeAt(reader, at, end))
    return measuring((part, from) => {
      this.packetAt(part, from, situation)
      return part.next - from
    })(reader, at, end)
  }

  /** Kinds that a packet may be of, as far as that can be told without its bytes. */
  protected candidates({ direction, kind: said, phase }: Situation): ReadonlyArray<KindModel> {
    const only = this.only ?? (said === undefined ? undefined : this.catalog.kind(said))
    if (only !== undefined) return [only]
    const { kinds, phases = [] } = this.catalog.frame
    if (direction === undefined || this.isTold) return kinds
    const now = phases.find(({ name }) => name === phase)
    const named = direction === "c2s" ? now?.client : now?.server
    return kinds.filter((kind) => named === undefined ? senderOf(kind) === direction : kind.name === named)
  }

  /** Whether the bytes of a packet say of which kind it is. */
  private get isTold(): boolean {
    return this.generated.codecs["decode"] !== undefined
  }

  /** The kind of a packet that does not say it. */
  private kindByPlace(situation: Situation): KindModel | undefined {
    const kinds = this.candidates(situation)
    return kinds.length === 1 ? kinds[0] : undefined
  }

  /** The packet at `at`, alone, with what may be a password replaced by asterisks. */
  protected masked(bytes: Uint8Array, at: number, situation: Situation): Uint8Array {
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

  protected factsOf(packet: object): Facts {
    const { _tag: tag, bySeqno, opaque, vbucket, ...fields } = packet as { readonly _tag: string; readonly [field: string]: unknown }
    const meaning = this.catalog.byTag(tag)
    const kind = meaning?.kind
    const fieldOf = (role: "opcode" | "statusCode"): unknown => fields[kind === undefined ? "" : nameOf(kind, role) ?? ""]
    const opcode = fieldOf("opcode")
    const status = fieldOf("statusCode")
    const command = meaning?.command ??
      (typeof opcode === "number" && kind !== undefined ? this.catalog.command(kind.name, opcode) : undefined)
    return {
      name: tag,
      command: command?.name ?? (typeof opcode === "number" ? `opcode ${hexNumber(opcode)}` : tag),
      answers: kind?.answers !== undefined,
      pairing: typeof opaque === "number" ? `${kind?.answers ?? kind?.name} ${String(opcode)} ${opaque}` : undefined,
      ordered: this.conversation.of(packet, command),
      repliesOften: command?.reply === "many",
      opaque: typeof opaque === "number" ? opaque : undefined,
      vbucket: typeof vbucket === "number" ? vbucket : undefined,
      status: typeof status === "number" ? this.catalog.status(status)?.name ?? hexNumber(status, 2) : undefined,
      bySeqno: typeof bySeqno === "bigint" ? bySeqno : undefined
    }
  }
}

/** The header field with a role. */
const nameOf = ({ headers, run }: KindModel, role: "opcode" | "statusCode"): string | undefined => {
  if (run === undefined) return headers[0]?.fields.find((field) => field.role === role)?.name
  for (const { name, type } of run.fields) {
    if (type.kind === role) return name
    const bits = type.kind === "bits" ? type.fields.find((one) => one.role === role) : undefined
    if (bits !== undefined) return bits.name
  }
  return undefined
}

/** Who sends packets of a kind; clients ask and servers answer. */
const senderOf = ({ answers, sender }: KindModel): Direction =>
  (sender ?? (answers === undefined ? "client" : "server")) === "client" ? "c2s" : "s2c"

const numberAt = (bytes: Uint8Array, at: number, field: HeaderFieldModel): number => {
  let value = 0
  for (let i = 0; i < intWidth[field.int]; i++) value = value * 256 + (bytes[at + field.offset + i] ?? 0)
  return value
}
