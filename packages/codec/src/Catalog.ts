/**
 * Looks things up in a protocol and those it extends: commands by opcode or name, types, statuses, headers, packets by `_tag`.
 *
 * It only reads models; it never reads or writes packets.
 */
import { hexOf } from "./Hex.ts"
import type {
  CommandModel,
  FrameModel,
  HeaderModel,
  KindModel,
  LayoutModel,
  Model,
  NamedTypeModel,
  OutcomeModel,
  StatusModel,
  TypeModel
} from "./Model.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"
import { wordOf } from "./words/index.ts"
import { depthsOf } from "./words/Sizes.ts"
import type { Notation } from "./words/Word.ts"

/**
 * `readX` of the module of a custom field: reads at `at`, not beyond `end`, and leaves the offset after it in `reader.next`. `start` is where the
 * packet begins; `packet` has the numbers that stand before it, where there are any. What is cut off or wrong is thrown: `short` of
 * `@wirewright/codec` tells by `end`, which is no whole number where more bytes may come, whether a packet is cut off; else `malformed`. Whatever
 * else is thrown is the `cause` of a `DecodeError` (`Custom`) with the field's path.
 */
export type ReadCustom<A> = (
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet?: { readonly [name: string]: number | undefined }
) => A

/** `writeX` of it: writes at `at`, where there is room for `boundX(value)` bytes, and returns the offset after it. `packet` is what is written. */
export type WriteCustom<A> = (writer: Writer, at: number, value: A, start: number, packet: object) => number

/** What tools need of a field that only code can say: `customX` of its module. Methods, so that the face of one type is a face of any. */
export interface CustomFace<A = unknown> {
  /** Reads at `at`, not beyond `end`; leaves the offset after it in `reader.next`. */
  read(reader: Reader, at: number, end: number, start: number, packet: { readonly [name: string]: number }): A
  /** The value in words. */
  text(value: A): string
  toJson(value: A): unknown
  /** The value of JSON; nothing when it does not fit. */
  fromJson(json: unknown): A | undefined
  /** Whether a token may be one, where that tells packets apart. Default: any text may. */
  readonly fits?: (text: string) => boolean
  /** For schemas: whether it is such a value. Default: everything is. */
  readonly is?: (value: unknown) => boolean
  /** For schemas: a regular expression of its JSON, where that is text. */
  readonly pattern?: string
}

/** Faces of the custom fields of a protocol, by name. */
export interface Customs {
  readonly [name: string]: CustomFace
}

/** What a packet's `_tag` stands for. Without a command it is an unknown packet, with `error` a response no layout describes. */
export interface TagMeaning {
  readonly command?: CommandModel
  readonly kind: KindModel
  readonly outcome?: OutcomeModel
  readonly error: boolean
}

/** Whether packets of a kind may be a command's request. */
export const isOfKind = ({ kinds }: CommandModel, kind: string): boolean => kinds.request === kind || kinds.also?.includes(kind) === true

const pascal = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1)

/** Whether codecs hand a packet out as it stood: no command describes it, or one that servers no longer execute, or its status has no content. */
export const isRaw = ({ command, error }: TagMeaning): boolean => command === undefined || error || command.lifecycle === "removed"

/** Layouts of a packet: the request's, or those of an outcome. */
export const layoutsOf = (meaning: TagMeaning): ReadonlyArray<LayoutModel> => meaning.outcome?.layouts ?? meaning.command?.request ?? []

/** A protocol with everything it extends. */
export class Catalog {
  /** Name of the outermost protocol. */
  readonly name: string
  /** The base's frame, with the outermost protocol's limit. */
  readonly frame: FrameModel
  /** Connection states that change layouts. */
  readonly states: Model["states"]
  /** All statuses of the dialect. */
  readonly statuses: ReadonlyArray<StatusModel>
  /** Commands in effect, in no particular order. */
  readonly commands: ReadonlyArray<CommandModel>
  /** Faces of the fields that only code can say. Without one, tools show its bytes. */
  readonly customs: Customs
  private readonly byOpcode = new Map<string, ReadonlyArray<CommandModel>>()
  private readonly byName = new Map<string, CommandModel>()
  private readonly types = new Map<string, NamedTypeModel>()
  private readonly kinds = new Map<string, KindModel>()
  private readonly statusCodes = new Map<number, StatusModel>()
  private readonly statusNames = new Map<string, StatusModel>()
  private readonly tags = new Map<string, TagMeaning>()

  private constructor(models: ReadonlyArray<Model>, customs: Customs) {
    this.customs = customs
    const [base] = models
    const last = models.at(-1)
    if (base === undefined || last === undefined) throw new RangeError("a catalog needs at least one model")
    this.name = last.name
    this.frame = { ...base.frame, maxFrame: last.frame.maxFrame }
    this.states = last.states
    this.statuses = models.findLast((model) => model.statuses.length > 0)?.statuses ?? []
    for (const kind of this.frame.kinds) this.kinds.set(kind.name, kind)
    for (const status of this.statuses) {
      this.statusCodes.set(status.code, status)
      this.statusNames.set(status.name, status)
    }
    const requests = new Map<string, CommandModel>()
    for (const model of models) {
      for (const type of model.types) this.types.set(type.name, type)
      const place = ({ isOpcodeless, kinds, name, opcode }: CommandModel): string =>
        isOpcodeless === true ? name : `${kinds.request}/${opcode}`
      const replaced = new Set(model.commands.map(place))
      for (const [key, command] of requests) if (replaced.has(place(command))) requests.delete(key)
      for (const command of model.commands) requests.set(`${place(command)}/${command.name}`, command)
    }
    this.commands = [...requests.values()]
    for (const command of this.commands) {
      for (const kind of [command.isOpcodeless === true ? undefined : command.kinds.request, command.kinds.response]) {
        const key = `${kind}/${command.opcode}`
        if (kind !== undefined) this.byOpcode.set(key, [...this.byOpcode.get(key) ?? [], command])
      }
      this.byName.set(command.name, command)
    }
    this.collectTags()
  }

  /** A catalog of a chain of models, the base first. */
  static of(models: ReadonlyArray<Model>, customs: Customs = {}): Catalog {
    return new Catalog(models, customs)
  }

  /** The command with this opcode in packets of this kind, be it the request's kind or the response's. */
  command(kind: string, opcode: number): CommandModel | undefined {
    return this.byOpcode.get(`${kind}/${opcode}`)?.[0]
  }

  /** Commands that share an opcode, and are told apart by what they begin with. */
  sharing(kind: string, opcode: number): ReadonlyArray<CommandModel> {
    return this.byOpcode.get(`${kind}/${opcode}`) ?? []
  }

  /** Commands that are told from others by what they begin with, or take all opcodes that no other has. */
  opcodeless(kind: string): ReadonlyArray<CommandModel> {
    return this.commands.filter((command) => command.isOpcodeless === true && command.lifecycle !== "removed" && isOfKind(command, kind))
  }

  /** The command of this name; replaced ones are not found. */
  commandNamed(name: string): CommandModel | undefined {
    return this.byName.get(name)
  }

  /** The kind of packet of this name. */
  kind(name: string): KindModel | undefined {
    return this.kinds.get(name)
  }

  /** The named type; throws when the models do not have it, which the generator rules out. */
  type(ref: string): NamedTypeModel {
    const type = this.types.get(ref)
    if (type === undefined) throw new RangeError(`no type ${ref} in the models of ${this.name}`)
    return type
  }

  /** How many records of a type that contains itself may lie within one another; nothing for other types. */
  depthOf(ref: string): number | undefined {
    this.depths ??= depthsOf(this.types.values())
    return this.depths.get(ref)
  }

  private depths: ReadonlyMap<string, number> | undefined

  /** The states that values were read in, or are to be written in; missing where nobody said. */
  readonly given: { readonly [name: string]: number | boolean } | undefined

  /** The same catalog for values in these states: JSON then has the names of what stands there in them. */
  inStates(states: { readonly [name: string]: number | boolean }): Catalog {
    return Object.create(this, { given: { value: states } }) as Catalog
  }

  /** A type in words, like `u64 Seqno`, `flags DcpStreamFlags`, `u16 length of key`. */
  summary(type: TypeModel): string {
    return wordOf(type).summary(type, this)
  }

  /** A value of a type as JSON. */
  toJson(type: TypeModel, value: unknown, notation: Notation): unknown {
    const { toJson } = wordOf(type)
    if (toJson !== undefined) return toJson(this, type, value, notation)
    if (value instanceof Uint8Array) return { hex: hexOf(value) }
    return typeof value === "bigint" ? String(value) : value
  }

  /** A value of a type from JSON. Throws `EncodeError`; ranges are left to the encoder. */
  fromJson(type: TypeModel, json: unknown, packet: string, path: string): unknown {
    return wordOf(type).fromJson?.(this, type, json, packet, path)
  }

  /** The named type, which must be of this kind. */
  typeOf<K extends NamedTypeModel["kind"]>(kind: K, ref: string): Extract<NamedTypeModel, { readonly kind: K }> {
    const type = this.type(ref)
    if (type.kind !== kind) throw new RangeError(`${ref} is a ${type.kind}, not a ${kind}`)
    return type as Extract<NamedTypeModel, { readonly kind: K }>
  }

  /** The status with this code. */
  status(code: number): StatusModel | undefined {
    return this.statusCodes.get(code)
  }

  /** The status of this name. */
  statusNamed(name: string): StatusModel | undefined {
    return this.statusNames.get(name)
  }

  /** The kind and header that a magic starts. */
  kindOfMagic(magic: number): { readonly kind: KindModel; readonly header: HeaderModel } | undefined {
    for (const kind of this.frame.kinds) {
      const header = kind.headers.find((candidate) => candidate.magic === magic)
      if (header !== undefined) return { kind, header }
    }
    return undefined
  }

  /** What a packet of this kind with this command and status is; unknown when there is no command, an error when there is no outcome. */
  meaning(kind: KindModel, command: CommandModel | undefined, status: number | undefined): TagMeaning {
    if (command === undefined) return { kind, error: false }
    if (isOfKind(command, kind.name)) return { command, kind, error: false }
    const outcome = command.responses.find((one) => one.statuses.some(({ code }) => code === status))
    return outcome === undefined ? { command, kind, error: true } : { command, kind, outcome, error: false }
  }

  /** The `_tag` of such a packet. */
  packetTag({ command, kind, outcome, error }: TagMeaning): string {
    if (command?.lifecycle === "removed") return `Unknown${pascal(kind.name)}`
    if (error) return `Error${pascal(kind.name)}`
    if (command === undefined) return `Unknown${pascal(kind.name)}`
    if (outcome === undefined) return command.name
    return command.name + (outcome.name === "Success" ? "Response" : outcome.name)
  }

  /** What a `_tag` stands for. That of an error names no command: its opcode does. */
  byTag(tag: string): TagMeaning | undefined {
    return this.tags.get(tag)
  }

  private collectTags(): void {
    const add = (meaning: TagMeaning): unknown => this.tags.set(this.packetTag(meaning), meaning)
    for (const kind of this.frame.kinds) {
      add({ kind, error: false })
      if (kind.answers !== undefined) add({ kind, error: true })
    }
    for (const command of this.commands) {
      if (command.lifecycle === "removed") continue
      const request = this.kinds.get(command.kinds.request)
      const response = this.kinds.get(command.kinds.response ?? "")
      if (request !== undefined) add({ command, kind: request, error: false })
      if (response !== undefined) { for (const outcome of command.responses) add({ command, kind: response, outcome, error: false }) }
    }
  }
}
