/**
 * The canonical model of a protocol: what the generator makes of a spec, as plain JSON.
 *
 * It is sorted, free of positions and paths, and committed beside the generated code as `*.model.json`. Every printer reads only this, and
 * so do `Layout`, `Hexdump` and `Json` at run time. An extension's model holds only what it adds; `base` names the rest.
 */

/** Names of the fixed-width integers; all big-endian unless a struct's byte order says otherwise. */
export type IntName = "u8" | "u16" | "u24" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64"

/** A wire type; `ref` names an entry of `Model.types` here or in a base. */
export type TypeModel =
  | { readonly kind: "int"; readonly int: IntName; readonly brand?: string }
  | { readonly kind: "uleb128"; readonly brand?: string }
  | { readonly kind: "bytes"; readonly size?: number; readonly max?: number }
  | { readonly kind: "utf8"; readonly size?: number; readonly max?: number; readonly invalid: "escape" | "error" }
  | { readonly kind: "json"; readonly size?: number; readonly max?: number }
  | { readonly kind: "cstring"; readonly max?: number }
  /** `value` is a decimal string for 64-bit integers. */
  | { readonly kind: "constant"; readonly int: IntName; readonly value: number | string }
  /** Reserved bytes: an integer, or `size` bytes. */
  | { readonly kind: "reserved"; readonly int?: IntName; readonly size?: number; readonly policy: "keep" | "ignore" | "error" }
  | { readonly kind: "lengthOf"; readonly int: IntName | "uleb128"; readonly target: string }
  | { readonly kind: "countOf"; readonly int: IntName | "uleb128"; readonly target: string }
  | { readonly kind: "optional"; readonly of: TypeModel; readonly requires?: string }
  | { readonly kind: "when"; readonly state: string; readonly of: TypeModel }
  | { readonly kind: "array"; readonly of: TypeModel; readonly max?: number }
  | { readonly kind: "struct" | "choice" | "nibbleFrames" | "flags" | "enumeration"; readonly ref: string }

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
  readonly tag: IntName
  readonly unknown: "keep" | "error"
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

/** A kind of packet. */
export interface KindModel {
  readonly name: string
  readonly answers?: string
  readonly headers: ReadonlyArray<HeaderModel>
  /** Sections whose content is the same in every packet of this kind: section name to `nibbleFrames` type name. */
  readonly shared: ReadonlyArray<{ readonly section: string; readonly ref: string }>
}

/** The framing of a protocol. */
export interface FrameModel {
  readonly name: string
  readonly sections: ReadonlyArray<string>
  readonly maxFrame: number
  readonly kinds: ReadonlyArray<KindModel>
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
  readonly label: string
  readonly sender: "client" | "server" | "both"
  readonly lifecycle: "active" | "deprecated" | "internal" | "removed"
  readonly reply: "one" | "many" | "error" | "none"
  readonly quiet?: "success" | "miss"
  readonly kinds: { readonly request: string; readonly response?: string }
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
  readonly states: ReadonlyArray<{ readonly name: string; readonly doc: string }>
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
