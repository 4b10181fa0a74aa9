/**
 * Values of types by chance, written as bytes. What fields say of each other is kept: what a condition or version does not ask for is not
 * there, and lengths, counts and tags are those of what was drawn (`Assemble`). What cannot be is given up (`Unfit`), and drawn again.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import type { EnumerationModel, FieldModel, FlagsModel, NumberModel, SizedModel, TypeModel } from "@wirewright/codec/Model"
import type { Below } from "@wirewright/codec/Random"
import { Reader } from "@wirewright/codec/Reader"
import { intWidth } from "@wirewright/codec/TypeText"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { holds } from "@wirewright/codec/words/Presence"
import { inState } from "@wirewright/codec/words/States"
import { isNullable } from "@wirewright/codec/words/Records"
import { fixedSize, leastSize, optionalIn, unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { bcdSize } from "@wirewright/codec/words/Values"
import { choicesIn } from "../Resolve.ts"
import { assembled, type Bytes, bytesOfInt, encodeNumber, floatBytes, type Piece, withChecksums } from "./Assemble.ts"
import type { Coverage, Mode } from "./Coverage.ts"
import { edgesOf, sizesOf } from "./Edges.ts"
import { Heights } from "./Heights.ts"
import type { ContentKind, Preferred } from "./Preferred.ts"
import { domainNames, jsonOptions, someBytes, someJson, someText } from "./Texts.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** What was drawn cannot be: it is to be drawn again. */
export class Unfit extends Error {}

const unfit = (why: string): never => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    throw new Unfit(why)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Numbers of the fields of a record, and of those around it. */
export class Numbers {
  private readonly own = new Map<string, number>()
  private readonly outer: Numbers | undefined

  constructor(outer?: Numbers) {
    this.outer = outer
  }

  set(name: string, value: number | bigint): void {
    this.own.set(name, Number(value))
  }

  get(name: string): number | undefined {
    return this.own.get(name) ?? this.outer?.get(name)
  }

  all(): { readonly [name: string]: number } {
    return { ...this.outer?.all(), ...Object.fromEntries(this.own) }
  }
}

/** Where something is drawn. */
export interface Place {
  /** What options are counted under. */
  readonly key: string
  /** Bytes that surroundings leave. */
  readonly most: number
  /** Records that contain themselves, and lists, around it. */
  readonly depth: number
  /** Bytes that it must not hold. */
  readonly without: ReadonlySet<number>
  /** It is a token of a line. */
  readonly isToken: boolean
  readonly numbers: Numbers
  /** The case that a sibling says. */
  readonly tag?: number | bigint
}

/** What may be said beside the model. */
export interface DrawOptions {
  /** Text that is UTF-8 and has no control characters; reserved bytes are zero. */
  readonly plain: boolean
  /** Numbers to be drawn beside a type's own edges. */
  readonly special: ReadonlyArray<bigint>
  /** Bytes of custom fields that examples have, by the field's name in the model. */
  readonly customs: () => ReadonlyMap<string, ReadonlyArray<Uint8Array>>
  /** Values that are taken before any are drawn. */
  readonly preferred?: Preferred | undefined
}

/** A record that is being drawn. */
interface Run {
  readonly key: string
  readonly fields: ReadonlyArray<FieldModel>
  readonly numbers: Numbers
  readonly depth: number
  readonly without: ReadonlySet<number>
  /** Values that fields of the header must have. */
  readonly given: ReadonlyMap<string, bigint>
  /** Whether fields are there, by the bit that says so. */
  readonly on: Map<string, boolean>
  readonly pieces: Map<string, Piece>
  /** Cases of choices that siblings say. */
  readonly tags: Map<string, number | bigint>
}

/** Fields that were drawn. */
export interface Drawn {
  readonly pieces: ReadonlyMap<string, Piece>
  readonly bytes: ReadonlyArray<Bytes>
}

const nowhere: ReadonlySet<number> = new Set()
const nothing: ReadonlyMap<string, bigint> = new Map()
const deepest = 4
/** Longest text or bytes in the largest of packets, all of whose fields are to fit. */
const largest = 64

/** Draws values. */
export class Draw {
  /** What is preferred. */
  mode: Mode = "any"
  /** States of the connection. */
  states: ReadonlyMap<string, number> = new Map()
  readonly catalog: Catalog
  private readonly below: Below
  private readonly coverage: Coverage
  private readonly options: DrawOptions
  private readonly heights: Heights
  /** What a transport hands over as text cannot be anything else. */
  private readonly isText: boolean

  constructor(catalog: Catalog, below: Below, coverage: Coverage, options: DrawOptions) {
    this.catalog = catalog
    this.below = below
    this.coverage = coverage
    this.options = options
    this.heights = new Heights(catalog)
    this.isText = catalog.frame.over === "text"
  }

  /** One of so many options, the smallest first. */
  pick(key: string, count: number): number {
    return count < 1 ? unfit(`${key}: nothing to choose from`) : this.coverage.pick(this.mode, key, count)
  }

  private oneOf<A>(key: string, of: ReadonlyArray<A>): A {
    return of[this.pick(key, of.length)]!
  }

  /** The same; readers see more in `readable` than in the smallest. */
  private shown<A>(key: string, of: ReadonlyArray<A>, readable: A | undefined): A {
    return this.mode === "readable" && readable !== undefined ? readable : this.oneOf(key, of)
  }

  /** Fields of a record or packet. `begin`: bytes before the first, from where alignment counts. */
  fields(
    fields: ReadonlyArray<FieldModel>,
    key: string,
    around: { readonly numbers?: Numbers; readonly depth?: number; readonly without?: ReadonlySet<number> } = {},
    { begin = 0, given = nothing }: { readonly begin?: number; readonly given?: ReadonlyMap<string, bigint> } = {}
  ): Drawn {
    const run: Run = {
      key,
      fields,
      numbers: around.numbers ?? new Numbers(),
      depth: around.depth ?? 0,
      without: around.without ?? nowhere,
      given,
      on: new Map(),
      pieces: new Map(),
      tags: new Map()
    }
    for (const field of fields) {
      const piece = this.field(field, run)
      run.pieces.set(field.name, piece)
      if (piece.number !== undefined) run.numbers.set(field.name, piece.number)
      for (const [name, value] of piece.slices ?? []) run.numbers.set(name, value)
    }
    return { pieces: run.pieces, bytes: this.sealed(fields, run.pieces, begin) }
  }

  /** The bytes of fields, checksums of fields among them included. */
  sealed(fields: ReadonlyArray<FieldModel>, pieces: ReadonlyMap<string, Piece>, begin: number): ReadonlyArray<Bytes> {
    const parts = assembled(this.catalog, fields, pieces, begin) ?? unfit("a length does not fit")
    return withChecksums(fields, parts)
  }

  private record(ref: string, fields: ReadonlyArray<FieldModel>, { depth, numbers, without }: Place): Bytes {
    return this.fields(fields, ref, { numbers: new Numbers(numbers), depth, without }).bytes.flat()
  }

  private field({ name, type }: FieldModel, run: Run): Piece {
    const there = this.present(type, name, run)
    if (there === undefined) return { bytes: [], absent: true }
    const key = `${run.key}.${name}`
    if (isNullable(run.fields, name) && this.pick(`${key} null`, 3) === 2) return { bytes: [], absent: true }
    const length = flatFields(run.fields).map((one) => unwrapped(one.type)).find((one) => one.kind === "lengthOf" && one.target === name)
    const most = length?.kind === "lengthOf"
      ? (Number(numberRange(length.of).max) - (length.plus ?? 0)) * (length.unit ?? 1)
      : Infinity
    const tag = run.tags.get(name)
    const given = run.given.get(name)
    if (given !== undefined && there.kind !== "bits") return this.exactly(there, given)
    if (there.kind === "tagOf") return this.tagOf(there, run)
    if (there.kind === "bits") return this.bits(there, run)
    const { depth, numbers, without } = run
    return this.type(there, { key, most, depth, without, isToken: false, numbers, ...(tag === undefined ? {} : { tag }) })
  }

  /** What stands in place of a field; nothing when it is not there. */
  private present(type: TypeModel, name: string, run: Run): TypeModel | undefined {
    if (type.kind === "when") {
      const number = type.sibling === true ? run.numbers.get(type.state) : this.states.get(type.state)
      const of = inState(type, number) ? type.of : type.else
      return of === undefined ? undefined : this.present(of, name, run)
    }
    if (type.kind !== "optional") return type
    const { if: condition, requires } = type
    if (condition === undefined) {
      if (requires !== undefined && run.pieces.get(requires)?.absent === true) return undefined
      return this.pick(`${run.key}.${name}?`, 2) === 1 ? this.present(type.of, name, run) : undefined
    }
    if (condition.kind === "valueOf") {
      return holds(condition, run.numbers.get(condition.field))
        ? this.present(type.of, name, run)
        : undefined
    }
    const bit = `${condition.field} ${condition.bit ?? ""}`
    const isOn = run.on.get(bit) ?? this.pick(`${run.key} ${bit}`, 2) === 1
    run.on.set(bit, isOn)
    return isOn ? this.present(type.of, name, run) : undefined
  }

  /** A value that is not to be chosen. */
  private exactly(type: TypeModel, value: bigint): Piece {
    const of = type.kind === "opcode" || type.kind === "bodyLength" || type.kind === "tagOf" ? type.of : type
    if (of.kind === "enumeration" || of.kind === "flags") {
      return { bytes: bytesOfInt(this.catalog.typeOf(of.kind, of.ref).int, of.order, value), number: value }
    }
    if (of.kind !== "int" && of.kind !== "varint" && of.kind !== "escaped" && of.kind !== "decimal") return unfit("no number")
    return { bytes: encodeNumber(of, value) ?? unfit("a number does not fit"), number: value }
  }

  /** The tag of a sibling choice: which case that will be. */
  private tagOf(type: Of<"tagOf">, run: Run): Piece {
    const { of, target } = type
    const known = of.kind === "enumeration" ? this.catalog.typeOf("enumeration", of.ref) : undefined
    const range = known !== undefined
      ? numberRange({ kind: "int", int: known.int })
      : of.kind === "int" || of.kind === "varint" || of.kind === "escaped" || of.kind === "decimal"
      ? numberRange(of)
      : unfit("a tag that is no number")
    const tag = this.tagFor(target, run, range, known)
    return { bytes: [], tag, number: tag }
  }

  private tagFor(
    target: string,
    run: Run,
    range: { readonly min: bigint; readonly max: bigint },
    known: EnumerationModel | undefined
  ): number | bigint {
    const field = run.fields.find(({ name }) => name === target)
    const [ref] = field === undefined ? [] : choicesIn(field.type)
    const tag = ref === undefined ? unfit(`no choice ${target}`) : this.tag(ref, run.depth, range, known)
    run.tags.set(target, tag)
    return tag
  }

  /** Which case of a choice; a number without one where these are kept. */
  private tag(
    ref: string,
    depth: number,
    { max, min }: { readonly min: bigint; readonly max: bigint },
    known?: EnumerationModel
  ): number | bigint {
    const { cases, name, unknown } = this.catalog.typeOf("choice", ref)
    const allowed = (tag: number | bigint): boolean =>
      BigInt(tag) >= min && BigInt(tag) <= max &&
      (known === undefined || known.unknown === "keep" || known.values.some(({ value }) => value === Number(tag)))
    const own = cases.map(({ tag }) => tag).filter(allowed)
    if (depth >= deepest) return this.heights.lowest(cases.filter(({ tag }) => own.includes(tag)))?.tag ?? unfit(`${name}: no end`)
    if (unknown === "error") return this.oneOf(`case of ${ref}`, own)
    const others = [0n, 1n, max, BigInt(Math.max(0, ...own)) + 1n, BigInt(this.below(0x10000))]
      .filter((tag) => allowed(tag) && !own.includes(Number(tag))).slice(0, 2)
    const options: ReadonlyArray<number | bigint> = [...own, ...others.map((tag) => max > 0xffff_ffffn ? tag : Number(tag))]
    return this.oneOf(`case of ${ref}`, options)
  }

  private bits(type: Of<"bits">, run: Run): Piece {
    const slices = new Map<string, bigint>()
    for (const one of type.fields) {
      const { escaped, high, low, measures, name, presenceOf, ref, tagOf, value } = one
      const max = (1n << BigInt(Math.max(0, high - low + 1))) - 1n
      const given = run.given.get(name)
      const known = ref === undefined ? undefined : this.catalog.typeOf("enumeration", ref)
      if (given !== undefined) slices.set(name, given)
      else if (value !== undefined) slices.set(name, BigInt(value))
      else if (tagOf !== undefined) slices.set(name, BigInt(this.tagFor(tagOf, run, { min: 0n, max }, known)))
      else if (presenceOf !== undefined || measures !== undefined) slices.set(name, 0n)
      else if (known !== undefined) slices.set(name, this.enumerated(known, max))
      else {
        const of: NumberModel = escaped ?? { kind: "int", int: "u64" }
        const edges = escaped === undefined
          ? [...new Set([0n, 1n, ...this.options.special.filter((value) => value > 1n && value < max), max - 1n, max])]
            .filter((value) => value >= 0n && value <= max)
          : edgesOf(of, this.options.special)
        slices.set(name, this.oneOf(`${run.key}.${name}`, edges))
      }
    }
    const own = type.fields.filter(({ measures, presenceOf }) => presenceOf === undefined && measures === undefined)
    return { bytes: [], slices: new Map([...slices].filter(([name]) => own.some((one) => one.name === name))) }
  }

  private enumerated({ int, name, unknown, values }: EnumerationModel, most = numberRange({ kind: "int", int }).max): bigint {
    const range = numberRange({ kind: "int", int })
    const own = values.map(({ value }) => BigInt(value)).filter((value) => value <= most)
    if (unknown === "error") return this.oneOf(`value of ${name}`, own)
    const largest = own.reduce((a, b) => a > b ? a : b, -1n)
    const others = [largest + 1n, most, range.min, ...this.options.special]
      .filter((value) => value >= range.min && value <= most && !own.includes(value)).slice(0, 3)
    return this.oneOf(`value of ${name}`, [...own.slice(0, 1), ...others, ...own.slice(1)])
  }

  private flags({ bits, exclusive, int, name, requires, unknown }: FlagsModel): bigint {
    const option = this.pick(`bits of ${name}`, bits.length + (unknown === "keep" && !this.options.plain ? 4 : 3))
    const bitOf = (of: string): bigint => 1n << BigInt(bits.find((one) => one.name === of)?.bit ?? 0)
    const chosen = new Set(
      option === 0
        ? []
        : option <= bits.length
        ? [bits[option - 1]!.name]
        : bits.filter(() => option > bits.length + 1 || this.below(2) === 0)
          .map((one) => one.name)
    )
    for (const { bit, needs } of [...requires, ...requires]) if (chosen.has(bit)) { for (const need of needs) chosen.add(need) }
    for (const group of exclusive) {
      const [, ...more] = group.filter((one) => chosen.has(one))
      for (const one of more) chosen.delete(one)
    }
    for (const { bit, needs } of requires) if (!needs.every((need) => chosen.has(need))) chosen.delete(bit)
    let value = [...chosen].reduce((sum, one) => sum | bitOf(one), 0n)
    if (option === bits.length + 3) {
      const all = bits.reduce((sum, one) => sum | 1n << BigInt(one.bit), 0n)
      value |= numberRange({ kind: "int", int }).max & ~all
    }
    return value
  }

  private number(type: NumberModel, { key, without }: Place): Piece {
    const { max, min } = numberRange(type)
    const { preferred } = this.options
    const own = preferred?.number(key, (value) => value >= min && value <= max)
    const edges = edgesOf(type, this.options.special)
    const option = this.pick(key, edges.length + 1)
    // the last option is the largest, the one before any
    const any = option === edges.length - 1
    const width = BigInt(1 + this.below(64))
    const drawn = any
      ? BigInt.asUintN(Number(width), BigInt(this.below(0x7fff_ffff)) * 0x8000_0001n + BigInt(this.below(0x7fff_ffff)))
      : edges[option === edges.length ? option - 1 : option]!
    const value = own ?? (drawn > max ? max : drawn < min ? min : drawn)
    preferred?.drawn(key, value)
    const bytes = encodeNumber(type, value) ?? unfit("a number does not fit")
    if (type.kind === "decimal" && bytes.some((byte) => without.has(byte))) return unfit("a digit is a separator")
    return { bytes, number: value }
  }

  private sized(
    type: SizedModel & { readonly kind: ContentKind | "utf8" },
    place: Place,
    drawn: (size: number, without: ReadonlySet<number>) => Bytes,
    unit = 1
  ): Bytes {
    const until = type.until === undefined ? [] : [...bytesOfDigits(type.until)]
    const without = until.length === 0 ? place.without : new Set([...place.without, ...until])
    const { preferred } = this.options
    if (preferred === undefined || type.pad !== undefined || unit > 1) return this.drawnContent(type, place, drawn, unit, until, without)
    const { max = place.most, min = 0, size } = type
    const least = size ?? Math.max(min, place.isToken ? 1 : 0)
    const most = size ?? Math.min(max, place.most)
    const fits = (bytes: Bytes): boolean => bytes.length >= least && bytes.length <= most && !bytes.some((byte) => without.has(byte))
    const own = preferred.content(place.key, type.kind === "utf8" ? "text" : type.kind, fits)
    const bytes = own === undefined ? this.drawnContent(type, place, drawn, unit, until, without) : [...own, ...until]
    preferred.drawn(place.key, bytes.slice(0, bytes.length - until.length))
    return bytes
  }

  private drawnContent(
    type: SizedModel,
    place: Place,
    content: (size: number, without: ReadonlySet<number>) => Bytes,
    unit: number,
    until: Bytes,
    without: ReadonlySet<number>
  ): Bytes {
    if (type.size !== undefined && type.pad === undefined) return [...content(type.size, without), ...until]
    const most = type.size ?? place.most
    const limits = { min: Math.max(type.min ?? 0, place.isToken ? 1 : 0), ...(type.max === undefined ? {} : { max: type.max }) }
    const all = sizesOf(limits, most, this.options.special).filter((size) => size % unit === 0)
    const sizes = this.mode === "any" ? all : all.filter((size, i) => i === 0 || size <= largest)
    const size = this.oneOf(`${place.key} size`, sizes)
    if (type.pad === undefined) return [...content(size, without), ...until]
    const pad = [...bytesOfDigits(type.pad)]
    const text = content(size, new Set([...without, ...pad]))
    const rest = type.size! - text.length
    if (rest % pad.length !== 0) return unfit("padding that does not fit")
    return [...text, ...Array.from({ length: rest / pad.length }, () => pad).flat()]
  }

  private text(type: Of<"utf8" | "text">, place: Place): Bytes {
    const encoding = type.kind === "utf8" ? "utf8" : type.encoding
    const isPlain = this.options.plain || this.isText
    const unit = encoding === "utf16be" || encoding === "utf16le" ? 2 : 1
    return this.sized(type, place, (size, without) => {
      const bytes = [...someText(this.below, encoding, size, without, isPlain)]
      const mayBeWrong = type.kind === "utf8" && type.invalid === "escape" && !isPlain && size > 0 && !without.has(0xff)
      if (mayBeWrong && this.pick(`${place.key} utf8`, 4) === 1) bytes[this.below(size)] = 0xff
      return bytes
    }, unit)
  }

  private json(type: Of<"json">, place: Place): Bytes {
    return this.sized(type, { ...place, isToken: false }, (size, without) => {
      const option = this.pick(`${place.key} json`, jsonOptions)
      return type.size === undefined ? someJson(this.below, option, without) : new Array<number>(size).fill(0x31)
    })
  }

  /** Elements of a list. */
  private list(
    of: TypeModel,
    limits: { readonly min?: number; readonly max?: number },
    place: Place,
    accepts: (bytes: Bytes) => boolean = () => true
  ): { readonly elements: ReadonlyArray<Bytes> } {
    const { min = 0 } = limits
    const small = (fixedSize(this.catalog, of) ?? 99) <= 4
    const deep = place.depth >= 2
    const sizes = sizesOf(limits, deep ? min + 1 : Infinity, small ? this.options.special : []).filter((size) =>
      size <= min + 3 || small && this.mode === "any"
    )
    const all = sizes.length === 0 ? [min] : sizes
    const count = place.depth >= deepest ? min : this.shown(`${place.key} count`, all, deep ? undefined : all.find((size) => size > 0))
    const elements = Array.from({ length: count }, () => {
      for (let attempts = 0; attempts < 4; attempts++) {
        const { bytes } = this.type(of, {
          ...place,
          key: `${place.key}[]`,
          depth: place.depth + 1,
          most: Infinity,
          numbers: new Numbers(place.numbers)
        })
        if (bytes.length > 0 && accepts(bytes)) return bytes
      }
      return unfit("an element without bytes, or like the end")
    })
    return { elements }
  }

  private custom(type: Of<"custom">, { key, most, numbers }: Place): Piece {
    const face = this.catalog.customs[type.name]
    const seen = this.options.customs().get(type.name) ?? []
    const sizes = type.fixed === undefined
      ? [0, 1, 2, 5, 12].map((more) => type.minimum + more).filter((size) => size <= most)
      : [type.fixed]
    const candidates = [
      ...sizes.flatMap((size) => size === 0 ? [[]] : this.isText ? this.customText(size, seen) : [someBytes(this.below, size, nowhere)]),
      ...seen.map((bytes) => [...bytes])
    ].filter((bytes) => {
      if (face === undefined) return true
      const reader = new Reader(Uint8Array.from(bytes))
      try {
        face.read(reader, 0, bytes.length, 0, numbers.all())
        return reader.next === bytes.length
      } catch {
        return false
      }
    })
    return { bytes: this.shown(key, candidates.slice(0, 8), seen.length === 0 ? undefined : candidates.at(-seen.length)) }
  }

  /** Where a message is text, its custom fields are: some by chance, some that begin as an example does. */
  private customText(size: number, seen: ReadonlyArray<Uint8Array>): ReadonlyArray<Bytes> {
    const text = someText(this.below, "utf8", size, nowhere, true)
    const like = seen.length === 0 ? undefined : seen[this.below(seen.length)]![0]
    return like === undefined ? [text] : [text, [like, ...text.slice(1)]]
  }

  private choice(type: Of<"choice">, place: Place): Piece {
    const choice = this.catalog.typeOf("choice", type.ref)
    const depth = place.depth + (this.catalog.depthOf(type.ref) === undefined ? 0 : 1)
    const of = choice.tag
    const tag = of === undefined ? place.tag ?? unfit(`no tag of ${type.ref}`) : this.tag(type.ref, depth, numberRange(of))
    const head = of === undefined ? [] : encodeNumber(of, BigInt(tag)) ?? unfit("a tag does not fit")
    const found = choice.cases.find((one) => BigInt(one.tag) === BigInt(tag))
    const isEmpty = choice.empty === "keep" && this.pick(`${type.ref} empty`, 4) === 1
    const body = isEmpty
      ? []
      : found === undefined
      ? someBytes(this.below, this.oneOf(`unknown ${type.ref}`, [0, 1, 4]), place.without)
      : this.record(`${type.ref}.${found.name}`, found.fields, { ...place, depth })
    return { bytes: [...head, ...body], tag }
  }

  /** Frames whose head byte has an id and a length. */
  private frames(type: Of<"nibbleFrames">, place: Place): Piece {
    const { cases } = this.catalog.typeOf("nibbleFrames", type.ref)
    const beyond = Math.max(-1, ...cases.map(({ tag }) => tag)) + 1
    const options = [...cases.map(({ tag }) => tag), beyond, 15, 270].filter((tag, i, all) => all.indexOf(tag) === i)
    const count = this.oneOf(`${place.key} count`, [0, 1, 2])
    const bytes = Array.from({ length: count }, (): Bytes => {
      const tag = this.oneOf(`frame of ${type.ref}`, options)
      const found = cases.find((one) => one.tag === tag)
      const body = found === undefined
        ? someBytes(this.below, this.oneOf(`unknown ${type.ref}`, [0, 1, 15, 16]), nowhere)
        : this.record(`${type.ref}.${found.name}`, found.fields, place)
      if (body.length > 270) return unfit("a frame that is too long")
      const nibble = (value: number): number => Math.min(value, 15)
      const more = (value: number): Bytes => value < 15 ? [] : [value - 15]
      return [nibble(tag) << 4 | nibble(body.length), ...more(tag), ...more(body.length), ...body]
    })
    return { bytes: bytes.flat(), count }
  }

  private tokens(type: Of<"tokens">, place: Place): Piece {
    const ends = [...bytesOfDigits(type.separator), ...bytesOfDigits(type.until ?? "")]
    const within = new Set([...place.without, ...ends])
    const whole = new Set([...place.without, ...bytesOfDigits(type.until ?? "")])
    const parts = type.fields.map(({ name, type: of }, i): ReadonlyArray<Bytes> => {
      const key = `${place.key}.${name}`
      const isRest = type.rest === true && i === type.fields.length - 1
      const one: Place = { ...place, key, most: Infinity, isToken: true, without: isRest ? whole : within }
      const token = (inner: TypeModel): Bytes => {
        const piece = this.type(inner, one)
        if (piece.number !== undefined) place.numbers.set(name, piece.number)
        return piece.bytes
      }
      if (of.kind === "array") {
        const limits = { ...(of.min === undefined ? {} : { min: of.min }), ...(of.max === undefined ? {} : { max: of.max }) }
        const counts = sizesOf(limits, (of.min ?? 0) + 3, [])
        const count = this.shown(`${key} count`, counts, counts.find((size) => size > 0))
        return Array.from({ length: count }, () => token(of.of))
      }
      if (of.kind !== "optional") return of.kind === "lengthOf" || of.kind === "countOf" ? [[]] : [token(of)]
      return this.pick(`${key}?`, 2) === 0 ? [] : [token(of.of)]
    })
    return { bytes: [], parts }
  }

  /** A value of a type. */
  type(type: TypeModel, place: Place): Piece {
    const { key } = place
    switch (type.kind) {
      case "int":
      case "varint":
      case "escaped":
      case "decimal":
        return this.number(type, place)
      case "opcode":
      case "bodyLength":
        return { bytes: encodeNumber(type.of, 0n) ?? unfit("a length does not fit") }
      case "float":
        return {
          bytes: floatBytes(type, this.oneOf(key, [0, 1.5, -2.25, -0, Infinity, -Infinity, ...(this.options.plain ? [] : [NaN]), 2 ** 100]))
        }
      case "constant":
        return { bytes: bytesOfInt(type.int, type.order, BigInt(type.value)), number: BigInt(type.value) }
      case "literal":
        return { bytes: [...bytesOfDigits(type.hex)] }
      case "bool":
        return { bytes: [...bytesOfDigits(this.oneOf(key, [type.false, type.true]))] }
      case "bcd":
        return this.bcd(type, place)
      case "domainName":
        return { bytes: this.domainName(key) }
      case "reserved": {
        const size = type.int === undefined ? type.size ?? 0 : intWidth[type.int]
        const isZero = type.policy !== "keep" || this.options.plain || this.pick(key, 4) !== 1
        return { bytes: isZero ? new Array<number>(size).fill(0) : someBytes(this.below, size, nowhere) }
      }
      case "checksum":
        return { bytes: new Array<number>(intWidth[type.of.int]).fill(0) }
      case "enumeration": {
        const named = this.catalog.typeOf("enumeration", type.ref)
        const value = this.enumerated(named)
        return { bytes: bytesOfInt(named.int, type.order, value), number: value }
      }
      case "flags": {
        const named = this.catalog.typeOf("flags", type.ref)
        const value = this.flags(named)
        return { bytes: bytesOfInt(named.int, type.order, value), number: value }
      }
      case "bytes":
        return { bytes: this.sized(type, place, (size, without) => someBytes(this.below, size, without)) }
      case "utf8":
      case "text":
        return { bytes: this.text(type, place) }
      case "json":
        return { bytes: this.json(type, place) }
      case "custom":
        return this.custom(type, place)
      case "prefixed":
        return this.prefixed(type, place)
      case "counted": {
        if (type.absent !== undefined && this.pick(`${key} null`, 3) === 2) {
          return { bytes: encodeNumber(type.by, BigInt(type.absent)) ?? unfit("null does not fit") }
        }
        const { elements } = this.list(type.of, type.max === undefined ? {} : { max: type.max }, place)
        const number = elements.length + (type.plus ?? 0)
        if (number === type.absent) return unfit("a count that says null")
        return { bytes: [...encodeNumber(type.by, BigInt(number)) ?? unfit("a count does not fit"), ...elements.flat()] }
      }
      case "array": {
        const end = type.until === undefined ? [] : [...bytesOfDigits(type.until)]
        const begins = (bytes: Bytes): boolean => end.length > 0 && end.every((byte, i) => bytes[i] === byte)
        const { elements } = this.list(type.of, type, place, (bytes) => !begins(bytes))
        return { bytes: [...elements.flat(), ...end], count: elements.length }
      }
      case "struct": {
        const { fields } = this.catalog.typeOf("struct", type.ref)
        const depth = place.depth + (this.catalog.depthOf(type.ref) === undefined ? 0 : 1)
        return { bytes: this.record(type.ref, fields, { ...place, depth }) }
      }
      case "choice":
        return this.choice(type, place)
      case "nibbleFrames":
        return this.frames(type, place)
      case "tokens":
        return this.tokens(type, place)
      case "optional":
      case "when": {
        const run: Run = {
          key,
          fields: [],
          numbers: place.numbers,
          depth: place.depth,
          without: place.without,
          given: nothing,
          on: new Map(),
          pieces: new Map(),
          tags: new Map()
        }
        const there = this.present(type, "", run)
        return there === undefined ? { bytes: [], absent: true } : this.type(there, place)
      }
      default:
        // derived, in bits, or nothing but its place
        return { bytes: [] }
    }
  }

  private domainName(key: string): Bytes {
    const names = domainNames(this.below)
    return this.shown(key, names, names[2])
  }

  private bcd(type: Of<"bcd">, { key }: Place): Piece {
    const largest = 10 ** type.digits - 1
    const value = this.shown(key, [0, 1, Math.floor(largest / 3), largest], 1)
    const digits = String(value).padStart(2 * bcdSize(type.digits), "0")
    return { bytes: [...bytesOfDigits(digits)], number: value }
  }

  private prefixed(type: Of<"prefixed">, place: Place): Piece {
    const { absent, by, plus = 0, trailer = "" } = type
    if (absent !== undefined && this.pick(`${place.key} null`, 3) === 2) {
      return {
        bytes: encodeNumber(by, BigInt(absent)) ?? unfit("null does not fit"),
        ...(place.tag === undefined ? {} : { tag: place.tag })
      }
    }
    const most = Number(numberRange(by).max) - plus
    const inner = this.type(type.of, { ...place, most: Math.min(most, isSized(type.of) ? place.most : Infinity) })
    const number = inner.bytes.length + plus
    if (number === absent) return unfit("a length that says null")
    const length = encodeNumber(by, BigInt(number)) ?? unfit("a length does not fit")
    return {
      bytes: [...length, ...inner.bytes, ...bytesOfDigits(trailer)],
      ...(inner.tag === undefined ? {} : { tag: inner.tag })
    }
  }

  /** Least bytes of fields. */
  least(fields: ReadonlyArray<FieldModel>): number {
    return fields.reduce((sum, { type }) => sum + (optionalIn(type) === undefined ? leastSize(this.catalog, type) : 0), 0)
  }
}

const isSized = ({ kind }: TypeModel): boolean => kind === "bytes" || kind === "utf8" || kind === "text" || kind === "json"
