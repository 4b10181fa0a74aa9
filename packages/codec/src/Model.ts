/**
 * The canonical model of a protocol: what the generator makes of a spec, as plain JSON.
 *
 * It is sorted, free of positions and paths, and committed beside the generated code as `*.model.json`. Every printer reads only this, and
 * so do `Layout`, `Hexdump` and `Json` at run time. An extension's model holds only what it adds; `base` names the rest.
 */

import type { ValueModel } from "./words/Values.ts"

/** Names of the fixed-width integers. */
export type IntName = "u8" | "u16" | "u24" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64"

/** Order of the bytes of a number. In the model, one without is big-endian, or of the order that a record is `given`. */
export type ByteOrder = "big" | "little"

/** A fixed-width integer. */
export interface IntModel {
  readonly kind: "int"
  readonly int: IntName
  readonly order?: ByteOrder
  readonly brand?: string
}

/** IEEE 754. */
export interface FloatModel {
  readonly kind: "float"
  readonly bits: 32 | 64
  readonly order?: ByteOrder
}

/** An integer of variable length. */
export interface VarintModel {
  readonly kind: "varint"
  readonly encoding: "leb128" | "quic" | "vlq"
  readonly bits: 32 | 64
  readonly zigzag: boolean
  readonly maxBytes: number
  readonly brand?: string
}

/** Bits of a number, 0 being the least significant. */
export interface SliceModel {
  readonly kind: "slice"
  readonly high: number
  readonly low: number
}

/** An integer with escapes to wider ones. */
export interface EscapedModel {
  readonly kind: "escaped"
  readonly of: IntModel | SliceModel
  readonly max: number
  readonly escapes: ReadonlyArray<{ readonly value: number; readonly of: IntModel }>
}

/** ASCII digits; `until` are bytes in hexadecimal digits. */
export interface DecimalModel {
  readonly kind: "decimal"
  readonly bits: 32 | 53 | 64
  readonly signed: boolean
  readonly until?: string
}

/** Numbers that can be lengths, counts and tags. */
export type NumberModel = IntModel | VarintModel | EscapedModel | DecimalModel

/** How a sized type ends: exactly `size` bytes, or before the bytes `until` (in hexadecimal digits), or by what surrounds it. */
export interface SizedModel {
  readonly size?: number
  readonly min?: number
  readonly max?: number
  readonly until?: string
  /** What fills the rest of `size`. */
  readonly pad?: string
}

/** Arithmetic of a length or count: it is divided by `unit`, and `plus` is added before writing; the wire value `absent` means null. */
export interface LengthModel {
  readonly plus?: number
  readonly absent?: number
  /** Bytes of which a length is a number; the encoder refuses what is no multiple. Default: 1 */
  readonly unit?: number
}

/** What a length or count in bits says of a sibling. */
export interface MeasureModel extends LengthModel {
  readonly counts: "bytes" | "elements"
  /** One name for a count. */
  readonly target: string | ReadonlyArray<string>
}

/** What says whether an optional field is there. */
export type ConditionModel =
  /** `bit` is missing when the field is a one-bit slice. */
  | { readonly kind: "bitOf"; readonly field: string; readonly bit?: number }
  | { readonly kind: "valueOf"; readonly field: string; readonly values: ReadonlyArray<number> }

/** A field in the bits of a number. */
export interface BitFieldModel {
  readonly name: string
  readonly doc?: string
  readonly high: number
  readonly low: number
  /** Enumeration that names the values. */
  readonly ref?: string
  /** What it must be. */
  readonly value?: number
  /** The first of its values that announce a wider number after the bits. */
  readonly escaped?: EscapedModel
  /** What it is to the frame. */
  readonly role?: "opcode" | "bodyLength"
  readonly from?: "body" | "frame" | "length" | "field"
  readonly plus?: number
  /** Whether it says if a field is there, and so is derived. */
  readonly presenceOf?: ReadonlyArray<string>
  /** The choice that it selects from, and so is derived. */
  readonly tagOf?: string
  /** What it is the length or the count of, and so is derived. */
  readonly measures?: MeasureModel
}

/** A wire type; `ref` names an entry of `Model.types` here or in a base. Bytes are spelled in hexadecimal digits. */
export type TypeModel =
  | NumberModel
  | FloatModel
  | { readonly kind: "bytes" } & SizedModel
  | { readonly kind: "utf8"; readonly invalid: "escape" | "error" } & SizedModel
  | { readonly kind: "json" } & SizedModel
  | { readonly kind: "text"; readonly encoding: "ascii" | "latin1" | "utf16be" | "utf16le" } & SizedModel
  | { readonly kind: "literal"; readonly hex: string }
  | { readonly kind: "bool"; readonly true: string; readonly false: string }
  /** `value` is a decimal string for 64-bit integers. */
  | { readonly kind: "constant"; readonly int: IntName; readonly order?: ByteOrder; readonly value: number | string }
  /** Reserved bytes: an integer, or `size` bytes. */
  | {
    readonly kind: "reserved"
    readonly int?: IntName
    readonly order?: ByteOrder
    readonly size?: number
    readonly policy: "keep" | "ignore" | "error"
  }
  /** A field in bits, as packets have it; it stands in no run of fields by itself. */
  | SliceModel
  | { readonly kind: "align"; readonly to: number; readonly policy?: "ignore" }
  | {
    readonly kind: "checksum"
    readonly algorithm: string
    readonly of: IntModel
    readonly over: ReadonlyArray<string>
    /** Combined with the checksum by exclusive or. */
    readonly xor?: number
  }
  | { readonly kind: "lengthOf"; readonly of: NumberModel | SliceModel; readonly target: string | ReadonlyArray<string> } & LengthModel
  | { readonly kind: "countOf"; readonly of: NumberModel | SliceModel; readonly target: string } & LengthModel
  /** A sibling choice's tag. `of` is an integer, or an enumeration of one. */
  | { readonly kind: "tagOf"; readonly of: TypeModel; readonly target: string }
  | { readonly kind: "prefixed"; readonly by: NumberModel; readonly of: TypeModel; readonly trailer?: string } & LengthModel
  | { readonly kind: "counted"; readonly by: NumberModel; readonly of: TypeModel; readonly max?: number } & LengthModel
  | { readonly kind: "optional"; readonly of: TypeModel; readonly requires?: string; readonly if?: ConditionModel }
  | {
    readonly kind: "when"
    readonly state: string
    /** Whether `state` is a field that stands before it in the packet. */
    readonly sibling?: true
    readonly of: TypeModel
    readonly from?: number
    readonly to?: number
    readonly else?: TypeModel
  }
  | { readonly kind: "array"; readonly of: TypeModel; readonly min?: number; readonly max?: number; readonly until?: string }
  | { readonly kind: "bits"; readonly of: IntModel; readonly fields: ReadonlyArray<BitFieldModel> }
  | {
    readonly kind: "tokens"
    readonly separator: string
    readonly until?: string
    /** The last field is the rest of the line, separators included. */
    readonly rest?: true
    readonly fields: ReadonlyArray<FieldModel>
  }
  /** The header value that says which command this is. */
  | { readonly kind: "opcode"; readonly of: IntModel }
  /** The length of the packet, counted from `from` on. */
  | { readonly kind: "bodyLength"; readonly of: NumberModel; readonly from: "body" | "frame" | "length" | "field"; readonly plus: number }
  | {
    readonly kind: "custom"
    readonly name: string
    readonly module: string
    readonly minimum: number
    readonly fixed?: number
    readonly ends: boolean
  }
  | ValueModel
  | RecordRef<"struct">
  | RecordRef<"choice">
  | { readonly kind: "nibbleFrames"; readonly ref: string }
  | NumberRef<"flags">
  | NumberRef<"enumeration">

/** A record. `depth`: the type contains itself; that many may lie within one another. */
export interface RecordRef<K extends "struct" | "choice"> {
  readonly kind: K
  readonly ref: string
  readonly depth?: number
}

/** An integer whose bits or values have names. */
export interface NumberRef<K extends "flags" | "enumeration"> {
  readonly kind: K
  readonly ref: string
  readonly order?: ByteOrder
}

/** A field in wire order. */
export interface FieldModel {
  readonly name: string
  readonly doc?: string
  readonly type: TypeModel
}

/** A record. */
export interface StructModel {
  readonly kind: "struct"
  readonly name: string
  readonly doc?: string
  readonly byteOrder: "big" | "little" | "given"
  readonly fields: ReadonlyArray<FieldModel>
}

/** One case of a tagged record. */
export interface CaseModel {
  readonly name: string
  readonly doc?: string
  readonly tag: number
  readonly fields: ReadonlyArray<FieldModel>
}

/** A record selected by a leading tag. */
export interface ChoiceModel {
  readonly kind: "choice"
  readonly name: string
  readonly doc?: string
  /** The number in front of the fields; missing when a sibling has it (`by`). */
  readonly tag?: IntModel | VarintModel
  readonly by?: string
  readonly unknown: "keep" | "error"
  /** A value measured as empty keeps its tag, as an unknown one does, where its case takes bytes. */
  readonly empty?: "keep"
  readonly cases: ReadonlyArray<CaseModel>
}

/** Flexible framing extras: header byte = id nibble, length nibble; 15 adds the next byte. */
export interface NibbleFramesModel {
  readonly kind: "nibbleFrames"
  readonly name: string
  readonly doc?: string
  readonly cases: ReadonlyArray<CaseModel>
}

/** A bitmask. */
export interface FlagsModel {
  readonly kind: "flags"
  readonly name: string
  readonly doc?: string
  readonly int: "u8" | "u16" | "u32"
  readonly unknown: "keep" | "error"
  readonly bits: ReadonlyArray<{ readonly name: string; readonly doc?: string; readonly bit: number }>
  readonly exclusive: ReadonlyArray<ReadonlyArray<string>>
  readonly requires: ReadonlyArray<{ readonly bit: string; readonly needs: ReadonlyArray<string> }>
}

/** An integer with named values. */
export interface EnumerationModel {
  readonly kind: "enumeration"
  readonly name: string
  readonly doc?: string
  readonly int: IntName
  readonly unknown: "keep" | "error"
  readonly values: ReadonlyArray<{ readonly name: string; readonly doc?: string; readonly value: number }>
}

/** Types that have a name. */
export type NamedTypeModel = StructModel | ChoiceModel | NibbleFramesModel | FlagsModel | EnumerationModel

/** What a client may do about a status. */
export type RetryClass = "success" | "retry" | "ambiguous" | "caller" | "miss" | "fatal"

/** One status. */
export interface StatusModel {
  readonly name: string
  readonly doc?: string
  readonly code: number
  readonly retry: RetryClass
}

/** A header field and its role. Widths are fixed; offsets follow from the order. */
export type HeaderFieldModel =
  & {
    readonly name: string
    readonly doc?: string
    readonly offset: number
  }
  & (
    | { readonly role: "magic" | "opcode" | "statusCode"; readonly int: IntName }
    | { readonly role: "sectionLength"; readonly int: IntName; readonly section: string }
    | { readonly role: "bodyLength"; readonly int: IntName; readonly includesHeader: boolean }
    | { readonly role: "field"; readonly type: TypeModel; readonly int: IntName }
  )

/** One way a packet may start. */
export interface HeaderModel {
  readonly magic?: number
  readonly size: number
  readonly fields: ReadonlyArray<HeaderFieldModel>
}

/**
 * A header that is read field by field, because its size varies, its bits are fields, or it says less than where the packet ends. It may
 * hold one `opcode` and one `bodyLength`, also within `bits`.
 */
export interface RunModel {
  readonly fields: ReadonlyArray<FieldModel>
  /** Fields of fixed size after the body. */
  readonly trailer: ReadonlyArray<FieldModel>
  /** What tells where the packet ends: its length, its own fields, the datagram it fills, or a terminator. */
  readonly end: "length" | "self" | "datagram" | "until"
  /** The terminator in hexadecimal digits. */
  readonly until?: string
  /** A numbered state of the connection that tells the opcode. */
  readonly opcodeFrom?: string
}

/** What each side sends in a phase of a connection: the names of the kinds. */
export interface PhaseModel {
  readonly name: string
  readonly client?: string
  readonly server?: string
}

/** A kind of packet. */
export interface KindModel {
  readonly name: string
  readonly answers?: string
  /** Headers of fixed layout, whose fields are read in place; none when the header is a run of fields. */
  readonly headers: ReadonlyArray<HeaderModel>
  readonly run?: RunModel
  /** Who sends it, where the header does not say. */
  readonly sender?: "client" | "server"
  /** Sections whose content is the same in every packet of this kind: section name to `nibbleFrames` type name. */
  readonly shared: ReadonlyArray<{ readonly section: string; readonly ref: string }>
}

/** The framing of a protocol. */
export interface FrameModel {
  readonly name: string
  readonly sections: ReadonlyArray<string>
  /** What the transport hands over, when that is not bytes; sizes then count characters. */
  readonly over?: "text"
  readonly maxFrame: number
  readonly minFrame?: number
  /** The field in which an answer repeats what the request has there: of the header, or of packets. */
  readonly correlation?: string
  /** Names of the statuses by which servers refuse. */
  readonly refusals?: { readonly unknown?: string; readonly malformed?: string; readonly died?: string }
  readonly kinds: ReadonlyArray<KindModel>
  /** Phases of a connection, the first one first. */
  readonly phases?: ReadonlyArray<PhaseModel>
}

/** Content of one section. `single` when the spec gave a type instead of fields; the field is then named like the section. */
export interface SectionModel {
  readonly section: string
  readonly fields: ReadonlyArray<FieldModel>
}

/** One layout of a body; sections that are not listed must be empty. Nameless when it is the only one. */
export interface LayoutModel {
  readonly name?: string
  readonly doc?: string
  readonly sections: ReadonlyArray<SectionModel>
}

/** What follows a group of statuses. */
export interface OutcomeModel {
  /** Name of the first status; part of the packet's name unless it is `Success`. */
  readonly name: string
  readonly doc?: string
  readonly statuses: ReadonlyArray<{ readonly name: string; readonly code: number }>
  readonly layouts: ReadonlyArray<LayoutModel>
}

/** Golden bytes. */
export interface ExampleModel {
  readonly kind: string
  readonly origin: string
  readonly hex: string
  readonly states: ReadonlyArray<string>
  readonly fields?: { readonly [name: string]: unknown }
}

/** A command. */
export interface CommandModel {
  readonly name: string
  readonly doc?: string
  /** Module of the generated code it lives in. */
  readonly family: string
  readonly opcode: number
  /** Told from others by its literals, or taking all opcodes that no other has; `opcode` is then 0. */
  readonly isOpcodeless?: true
  /** Header fields that are the same in every such packet. */
  readonly header?: { readonly [field: string]: number }
  /** Phase of the connection that begins after it. */
  readonly then?: string
  readonly label: string
  readonly sender: "client" | "server" | "both"
  readonly lifecycle: "active" | "deprecated" | "internal" | "removed"
  /** Names of packets that may answer it, where no header field says which request an answer is to. */
  readonly answeredBy?: ReadonlyArray<string>
  /** May answer a request, and is also sent when nothing asked for it. */
  readonly unasked?: true
  readonly reply: "one" | "many" | "error" | "none" | "optional"
  /** Of `many` responses, the one with this in its fields marks the end; or the packets after which no more come. */
  readonly last?: { readonly [field: string]: string | number } | ReadonlyArray<string>
  readonly quiet?: "success" | "miss"
  /** `also`: further kinds that have the same packet as `request`. */
  readonly kinds: { readonly request: string; readonly response?: string; readonly also?: ReadonlyArray<string> }
  readonly request: ReadonlyArray<LayoutModel>
  readonly responses: ReadonlyArray<OutcomeModel>
  readonly examples: ReadonlyArray<ExampleModel>
}

/** A binary protocol. */
export interface Model {
  readonly format: 1
  readonly kind: "binary"
  readonly name: string
  readonly module: string
  /** The protocol this one extends. */
  readonly base?: { readonly name: string; readonly module: string }
  readonly frame: FrameModel
  /** All statuses of the dialect, the base's included. */
  readonly statuses: ReadonlyArray<StatusModel>
  /** Connection states that change layouts. */
  readonly states: ReadonlyArray<{ readonly name: string; readonly doc: string; readonly numbered?: true }>
  /** Named types this protocol adds to its base. */
  readonly types: ReadonlyArray<NamedTypeModel>
  /** Brands this protocol adds to its base, with the TypeScript type under them. */
  readonly brands: ReadonlyArray<{ readonly name: string; readonly doc?: string; readonly type: "number" | "bigint" }>
  /** Commands this protocol adds or replaces, by opcode. */
  readonly commands: ReadonlyArray<CommandModel>
}

/** What is known of a command beside its layout. */
export type CommandInfo = Pick<CommandModel, "name" | "label" | "lifecycle" | "sender" | "reply" | "quiet">

/** Commands of one kind by opcode. */
export type CommandTable = { readonly [opcode: number]: CommandInfo | undefined }
