/**
 * What tools know of a word: its sizes, how it is laid out in bytes, what it is in JSON.
 *
 * Each word of the grammar stands in one file here, and in one of the generator, which prints what `walk` does. Sizes are computed here
 * alone: the generator asks for them too, so that the two cannot disagree.
 */
import type { Catalog } from "../Catalog.ts"
import type { LayoutWalk } from "../LayoutWalk.ts"
import type { BitFieldModel, FieldModel, MeasureModel, NamedTypeModel, SliceModel, TypeModel } from "../Model.ts"

/** Where named types are looked up. */
export interface Types {
  type(ref: string): NamedTypeModel
}

/** Connection states that are on; numbered ones with their number. */
export type StateSet = ReadonlySet<string> | ReadonlyMap<string, number>

/** The numbers of states. */
export const stateNumbers = (states: StateSet): ReadonlyMap<string, number> =>
  states instanceof Map ? states : new Map([...states as ReadonlySet<string>].map((name) => [name, 1]))

/** What fields of one packet or record say about each other. */
export class Scope {
  /** Lengths by what they measure; null when it is absent. */
  readonly lengths = new Map<string, number | null>()
  /** Counts by what they count; null when it is absent. */
  readonly counts = new Map<string, number | null>()
  /** Tags by the choice that they select from. */
  readonly tags = new Map<string, number>()
  /** Numbers of fields that were read, by name. */
  readonly values = new Map<string, number>()
  /** Where fields stand, by name. */
  readonly places = new Map<string, readonly [at: number, end: number]>()
  /** Checksums of fields that have not all been read; each says whether it could be verified. */
  private unverified: ReadonlyArray<() => boolean> = []
  /** Where the record begins. */
  readonly begin: number
  readonly outer: Scope | undefined

  constructor(begin: number, outer?: Scope) {
    this.begin = begin
    this.outer = outer
  }

  /** Verifies a checksum as soon as what it covers has been read. */
  verify(check: () => boolean): void {
    if (!check()) this.unverified = [...this.unverified, check]
  }

  /** A field has been read. */
  place(name: string, at: number, end: number): void {
    this.places.set(name, [at, end])
    if (this.unverified.length > 0) this.unverified = this.unverified.filter((check) => !check())
  }

  /** Numbers of the fields of this record and of the packet around it. */
  numbers(): { readonly [name: string]: number } {
    return { ...this.outer?.numbers(), ...Object.fromEntries(this.values) }
  }

  /** The number of a field of this record, or of the packet around it. */
  value(name: string): number | undefined {
    return this.values.get(name) ?? this.outer?.value(name)
  }
}

/** Where a value stands. */
export interface Spot {
  readonly path: string
  /** Name of the field, for what siblings say about it. */
  readonly name: string
  readonly at: number
  /** Where what surrounds it ends; with a fraction when more bytes may come. */
  readonly end: number
  readonly scope: Scope
  readonly doc: string | undefined
}

/** How flags and enumerations are spelled in JSON. */
export type Notation = "named" | "plain"

/** What text keeps to; sizes are in bytes. */
export interface TextLimits {
  readonly size?: number
  readonly min?: number
  readonly max?: number
  /** What the text must not contain. */
  readonly without?: string
  /** What the text does not end with. */
  readonly last?: string
  /** Bytes of each code unit. Default: UTF-8 */
  readonly unit?: 1 | 2
  /** Largest code unit. */
  readonly limit?: number
}

/** What a word makes a schema of; opaque here, so that nothing but `PacketSchema` loads Effect. */
export interface SchemaMaker<S> {
  readonly integer: (min: number, max: number) => S
  readonly bigint: (min: bigint, max: bigint) => S
  readonly number: (single: boolean) => S
  readonly boolean: () => S
  readonly bytes: (
    options: { readonly size?: number; readonly min?: number; readonly max?: number; readonly without?: string; readonly last?: string }
  ) => S
  readonly text: (options: TextLimits) => S
  readonly literals: (values: ReadonlyArray<number>) => S
  readonly array: (of: S, max: number | undefined, min?: number) => S
  readonly nullOr: (of: S) => S
  readonly union: (of: ReadonlyArray<S>) => S
  /** The schema of a type within it. */
  readonly type: (type: TypeModel) => S
  /** The schema of a named type. */
  readonly named: (ref: string) => S
  /** The schema of a custom field; what it may be only its own code knows. */
  readonly custom: (name: string) => S
  readonly never: () => S
}

/** One word. */
export interface Word<T extends TypeModel = TypeModel> {
  /** Bytes, when all values have the same number of them. Default: they have not. */
  readonly fixed?: (type: T, types: Types, states?: StateSet) => number | undefined
  /** Least number of bytes. Default: the fixed number, or 0. */
  readonly least?: (type: T, types: Types) => number
  /** Whether the bytes tell where a value ends, without a length from outside. Default: when the size is fixed. */
  readonly ends?: (type: T, types: Types) => boolean
  /** Whether packets carry a value for it. Default: they do. */
  readonly isVisible?: (type: T) => boolean
  /** The type in words. */
  readonly summary: (type: T, catalog: Catalog) => string
  /** Reads a value, notes its spans, and returns the offset after it. */
  readonly walk: (walk: LayoutWalk, type: T, spot: Spot) => number
  /** A value as JSON. Default: bytes as `{ hex }`, bigints as text, everything else as it is. */
  readonly toJson?: (catalog: Catalog, type: T, value: unknown, notation: Notation) => unknown
  /** A value of JSON. Throws `EncodeError`. */
  readonly fromJson?: (catalog: Catalog, type: T, json: unknown, packet: string, path: string) => unknown
  /** Its schema. Default: packets carry no value. */
  readonly schema?: <S>(make: SchemaMaker<S>, type: T) => S
  /** Types within it. */
  readonly inner?: (type: T) => ReadonlyArray<TypeModel>
}

/** The fields that a packet's object has, those within `bits` and `tokens` in place of these. */
export const flatFields = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<FieldModel> =>
  fields.flatMap((field) => {
    const { type } = field
    if (type.kind === "tokens") return flatFields(type.fields)
    if (type.kind !== "bits") return [field]
    return type.fields.map((one): FieldModel => ({
      name: one.name,
      ...(one.doc === undefined ? {} : { doc: one.doc }),
      type: bitFieldType(type.of, one)
    }))
  })

/** A length or count in bits as one that stands elsewhere, but that the bits read and write it. */
export const measureType = (
  { high, low }: Pick<BitFieldModel, "high" | "low">,
  { counts, ...measures }: MeasureModel
): TypeModel & { readonly kind: "lengthOf" | "countOf" } => {
  const of: SliceModel = { kind: "slice", high, low }
  return counts === "bytes" ? { ...measures, kind: "lengthOf", of } : { ...measures, kind: "countOf", of, target: String(measures.target) }
}

/** The type of a field in bits, as packets have it. */
const bitFieldType = (
  of: Extract<TypeModel, { readonly kind: "int" }>,
  one: Extract<TypeModel, { readonly kind: "bits" }>["fields"][number]
): TypeModel => {
  if (one.role === "bodyLength") return { kind: "bodyLength", of, from: one.from ?? "body", plus: one.plus ?? 0 }
  if (one.role !== undefined) return { kind: "opcode", of }
  if (one.value !== undefined) return { kind: "constant", int: of.int, value: one.value }
  if (one.tagOf !== undefined) return { kind: "tagOf", of, target: one.tagOf }
  if (one.measures !== undefined) return measureType(one, one.measures)
  if (one.presenceOf !== undefined) return { kind: "lengthOf", of, target: one.presenceOf }
  if (one.ref !== undefined) return { kind: "enumeration", ref: one.ref }
  return one.escaped ?? { kind: "slice", high: one.high, low: one.low }
}
