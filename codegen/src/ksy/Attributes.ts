/** Fields of a model as attributes of Kaitai Struct. What it has no words for is noted, and stands as bytes. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import type { FieldModel, NumberModel, SizedModel, TypeModel } from "@wirewright/codec/Model"
import { endsItself, fixedSize, optionalIn, unwrapped } from "@wirewright/codec/words/Sizes"
import { measuredFields, withMeasures } from "@wirewright/codec/words/Records"
import { flatFields } from "@wirewright/codec/words/Word"
import { utilities } from "./Utility.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** An attribute: id, type, size, condition. */
export type Attribute = { readonly [key: string]: unknown }

/** A type that is being made. */
export interface Scope {
  /** For what is noted. */
  readonly place: string
  /** Fields that expressions may name as they are. */
  readonly own: ReadonlyArray<string>
  /** Fields of the type around this one, where it is known. */
  readonly parent?: Scope
  readonly instances: Record<string, object>
  /** Whether it has a stream of its own, which ends where it does. */
  readonly bounded: boolean
}

/** `keyLength` as `key_length`. */
export const snake = (name: string): string => {
  const text = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2").replaceAll(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase()
  return /^[a-z]/.test(text) ? text : `n_${text}`
}

const bytesOf = (hex: string): ReadonlyArray<number> => [...bytesOfDigits(hex)]

/** An expression as a type within names what stands around it. */
const inParent = (expression: string): string => expression.replaceAll(/(?<![.\w])(?!and\b|or\b|not\b)([a-z]\w*)/g, "_parent.$1")

/** Makes attributes, and the types that they need. */
export class Attributes {
  readonly types: Record<string, object> = {}
  readonly enums: Record<string, object> = {}
  readonly unsaid: Array<string> = []
  /** Connection states that are asked for. */
  readonly states = new Set<string>()
  /** Fields of the header, which stand at the root. */
  root: ReadonlyArray<string> = []
  private readonly catalog: Catalog

  constructor(catalog: Catalog) {
    this.catalog = catalog
  }

  /** Notes what cannot be said. */
  cannot(scope: Scope, what: string): void {
    const text = `${scope.place}: ${what}`
    if (!this.unsaid.includes(text)) this.unsaid.push(text)
  }

  private utility(name: string): string {
    this.types[name] ??= utilities[name]!
    return name
  }

  /** A type of its own with fields. Returns its name. */
  record(
    name: string,
    place: string,
    fields: ReadonlyArray<FieldModel>,
    options: { readonly bounded: boolean; readonly parent?: Scope; readonly doc?: string | undefined }
  ): string {
    if (this.types[name] !== undefined) return name
    // one that contains itself is known by its name
    this.types[name] = {}
    const instances: Record<string, object> = {}
    const scope: Scope = {
      place,
      own: flatFields(fields).map((one) => one.name).concat(fields.map((one) => one.name)),
      instances,
      bounded: options.bounded,
      ...(options.parent === undefined ? {} : { parent: options.parent })
    }
    const seq = this.fields(fields, scope)
    this.types[name] = {
      ...(options.doc === undefined ? {} : { doc: options.doc }),
      seq,
      ...(Object.keys(instances).length === 0 ? {} : { instances })
    }
    return name
  }

  /** A number's attribute, and the expression for its value. */
  private number(type: NumberModel, id: string): { readonly attribute: Attribute; readonly value: string } {
    switch (type.kind) {
      case "int":
        return { attribute: { id, type: this.int(type) }, value: id }
      case "varint":
        return { attribute: { id, type: this.utility(`${type.encoding}${type.zigzag ? "_zigzag" : ""}`) }, value: `${id}.value` }
      case "decimal": {
        const until = type.until === undefined ? { "size-eos": true } : this.terminator(type.until)
        return { attribute: { id, type: "str", encoding: "ASCII", ...until }, value: `${id}.to_i` }
      }
      case "escaped": {
        if (type.of.kind !== "int") return { attribute: { id, size: 0 }, value: "0" }
        const name = `escaped_${type.of.int}_${type.max}_${
          type.escapes.map(({ of, value }) => `${value}_${of.int}${of.order === "little" ? "le" : ""}`).join("_")
        }`
        const wide = type.escapes.map(({ of, value }) => ({ id: `wide_${value}`, type: this.int(of), if: `first == ${value}` }))
        const value = type.escapes.reduceRight((rest, { value: code }) => `(first == ${code} ? wide_${code} : ${rest})`, "first")
        this.types[name] = { seq: [{ id: "first", type: this.int(type.of) }, ...wide], instances: { value: { value } } }
        return { attribute: { id, type: name }, value: `${id}.value` }
      }
    }
  }

  private int({ int, order }: { readonly int: string; readonly order?: "big" | "little" | undefined }): string {
    const suffix = order === "little" ? "le" : "be"
    const size = Number(int.slice(1)) / 8
    if (size === 3) return `b24${order === "little" ? "le" : ""}`
    const letter = int.startsWith("i") ? "s" : "u"
    return size === 1 ? `${letter}1` : `${letter}${size}${suffix}`
  }

  private terminator(hex: string): Attribute {
    const bytes = bytesOf(hex)
    return { terminator: bytes.length === 1 ? bytes[0] : bytes }
  }

  /** How an expression names a field. */
  private reference(name: string, scope: Scope): string | undefined {
    if (scope.own.includes(name)) return snake(name)
    if (scope.parent?.own.includes(name) === true) return `_parent.${snake(name)}`
    return this.root.includes(name) ? `_root.${snake(name)}` : undefined
  }

  private valueOf(name: string, scope: Scope, fields: ReadonlyArray<FieldModel>): string | undefined {
    const at = this.reference(name, scope)
    const type = flatFields(fields).find((one) => one.name === name)?.type
    const inner = type === undefined ? undefined : unwrapped(type)
    const of = inner?.kind === "lengthOf" || inner?.kind === "countOf" || inner?.kind === "tagOf" || inner?.kind === "bodyLength"
      ? inner.of
      : inner
    if (at === undefined || of === undefined) return at
    return of.kind === "varint" || of.kind === "escaped" ? `${at}.value` : of.kind === "decimal" ? `${at}.to_i` : at
  }

  /** Attributes of fields, in order. */
  fields(fields: ReadonlyArray<FieldModel>, scope: Scope): ReadonlyArray<Attribute> {
    const out: Array<Attribute> = []
    const told = measuredFields(fields)
    const measuring = withMeasures(fields)
    for (const [i, field] of fields.entries()) {
      const { name, type } = field
      if (scope.bounded && !told.has(name) && this.isUntold(field, fields.slice(i + 1))) {
        this.cannot(scope, `${fields.slice(i).map((one) => one.name).join(", ")}: what of them is there, or where ${name} ends`)
        return [...out, { id: `rest_from_${snake(name)}`, "size-eos": true }]
      }
      const length = measuring.find((one) => {
        const of = unwrapped(one.type)
        return of.kind === "lengthOf" && [of.target].flat().includes(name)
      })
      const count = measuring.find((one) => {
        const of = unwrapped(one.type)
        return of.kind === "countOf" && of.target === name
      })
      const size = length === undefined
        ? count === undefined ? this.open(field, fields.slice(i + 1), scope) : undefined
        : this.measured(field, length, fields, scope)
      const own = this.conditional(field, type, scope, {
        size: size?.size,
        isNull: size?.isNull,
        count: count === undefined ? undefined : this.counted(count, fields, scope),
        isLast: i === fields.length - 1
      })
      out.push(...own)
    }
    return out
  }

  /** Whether only the length of the whole tells if a field is there, or where it ends, and what follows it does not say how long it is. */
  private isUntold(field: FieldModel, after: ReadonlyArray<FieldModel>): boolean {
    const optional = optionalIn(field.type)
    if (optional !== undefined && optional.if === undefined) return after.length > 0
    return !endsItself(this.catalog, field.type) && after.some((one) => fixedSize(this.catalog, one.type) === undefined)
  }

  /** Bytes of a field that takes what those after it leave. */
  private open(
    { name, type }: FieldModel,
    after: ReadonlyArray<FieldModel>,
    scope: Scope
  ): { readonly size: string; readonly isNull: undefined } | undefined {
    if (after.length === 0 || endsItself(this.catalog, type) || optionalIn(type) !== undefined) return undefined
    const sizes = after.map((one) => fixedSize(this.catalog, one.type))
    if (!scope.bounded || sizes.includes(undefined)) {
      this.cannot(scope, `${name}: where it ends, which the fields after it tell`)
      return undefined
    }
    return { size: `_io.size - _io.pos - ${sizes.reduce<number>((sum, one) => sum + (one ?? 0), 0)}`, isNull: undefined }
  }

  private counted(count: FieldModel, fields: ReadonlyArray<FieldModel>, scope: Scope): string {
    const of = unwrapped(count.type) as Of<"countOf">
    const value = this.valueOf(count.name, scope, fields) ?? "0"
    const number = of.plus === undefined ? value : `${value} - ${of.plus}`
    return of.absent === undefined ? number : `(${value} == ${of.absent} ? 0 : ${number})`
  }

  /** Bytes that a sibling says a field has. */
  private measured(
    field: FieldModel,
    length: FieldModel,
    fields: ReadonlyArray<FieldModel>,
    scope: Scope
  ): { readonly size: string | undefined; readonly isNull: string | undefined } {
    const of = unwrapped(length.type) as Of<"lengthOf">
    const value = this.valueOf(length.name, scope, fields)
    if (value === undefined) return { size: undefined, isNull: undefined }
    const targets = [of.target].flat()
    const others = targets.filter((name) => name !== field.name).map((name) => {
      const other = fields.find((one) => one.name === name)
      return other === undefined ? undefined : fixedSize(this.catalog, other.type)
    })
    const isFixed = fixedSize(this.catalog, field.type) !== undefined
    if (others.includes(undefined)) {
      if (!isFixed) this.cannot(scope, `${field.name}: its length together with others`)
      return { size: undefined, isNull: undefined }
    }
    const { plus = 0, unit = 1 } = of
    const rest = others.reduce<number>((sum, one) => sum + (one ?? 0), plus * unit)
    const bytes = unit === 1 ? value : `${value} * ${unit}`
    return {
      size: isFixed ? undefined : rest === 0 ? bytes : `${bytes} - ${rest}`,
      isNull: of.absent === undefined ? undefined : `${value} == ${of.absent}`
    }
  }

  private conditional(
    field: FieldModel,
    type: TypeModel,
    scope: Scope,
    around: {
      readonly size: string | undefined
      readonly isNull: string | undefined
      readonly count: string | undefined
      readonly isLast: boolean
    },
    condition?: string,
    suffix = ""
  ): ReadonlyArray<Attribute> {
    const and = (more: string | undefined): string | undefined =>
      more === undefined ? condition : condition === undefined ? more : `(${condition}) and (${more})`
    if (type.kind === "optional") {
      if (type.if === undefined) {
        if (!scope.bounded || !around.isLast) {
          this.cannot(scope, `${field.name}: whether it is there, which only the length of the whole tells`)
        }
        return this.conditional(field, type.of, scope, around, and("not _io.eof"), suffix)
      }
      const at = this.reference(type.if.field, scope) ?? "0"
      const holds = type.if.kind === "valueOf"
        ? type.if.values.map((value) => `${at} == ${value}`).join(" or ")
        : type.if.bit === undefined
        ? `${at} != 0`
        : `(${at} >> ${type.if.bit}) & 1 != 0`
      return this.conditional(field, type.of, scope, around, and(holds), suffix)
    }
    if (type.kind === "when") {
      if (type.sibling !== true) this.states.add(type.state)
      const at = type.sibling === true
        ? this.reference(type.state, scope)
        : this.root.includes(type.state)
        ? `_root.${snake(type.state)}`
        : `_root.state_${snake(type.state)}`
      if (at === undefined) {
        this.cannot(scope, `${field.name}: ${type.state} stands too far away`)
        return []
      }
      const bounds = [type.from === undefined ? [] : [`${at} >= ${type.from}`], type.to === undefined ? [] : [`${at} <= ${type.to}`]].flat()
      const holds = bounds.length === 0 ? `${at} != 0` : bounds.join(" and ")
      return [
        ...this.conditional(field, type.of, scope, around, and(holds), suffix),
        ...(type.else === undefined ? [] : this.conditional(field, type.else, scope, around, and(`not (${holds})`), `${suffix}_otherwise`))
      ]
    }
    const of = and(around.isNull === undefined ? undefined : `not (${around.isNull})`)
    const doc = field.doc === undefined ? {} : { doc: field.doc }
    return this.type(type, `${snake(field.name)}${suffix}`, scope, around).map((one, i) => ({
      ...one,
      ...(of === undefined ? {} : { if: one["if"] === undefined ? of : `(${of}) and (${one["if"] as string})` }),
      ...(i === 0 ? doc : {})
    }))
  }

  private sized(type: SizedModel, id: string, size: string | undefined, more: Attribute): Attribute {
    if (type.until !== undefined) return { id, ...more, ...this.terminator(type.until) }
    if (type.size !== undefined) {
      const pad = type.pad === undefined ? [] : bytesOf(type.pad)
      return { id, ...more, size: type.size, ...(pad.length === 1 ? { "pad-right": pad[0] } : {}) }
    }
    return { id, ...more, ...(size === undefined ? { "size-eos": true } : { size }) }
  }

  /** A type within a stream of its own. */
  private wrapped(type: TypeModel, id: string, scope: Scope, size: string, count: string | undefined): Attribute {
    const name = `${snake(scope.place)}__${id}`
    const field: FieldModel = { name: "value", type }
    const inner: Scope = { place: `${scope.place}.${id}`, own: ["value"], parent: scope, instances: {}, bounded: true }
    this.types[name] = {
      seq: this.type(field.type, "value", inner, {
        size: undefined,
        count: count === undefined ? undefined : inParent(count),
        isLast: true
      }),
      ...(Object.keys(inner.instances).length === 0 ? {} : { instances: inner.instances })
    }
    return { id, type: name, size }
  }

  /** Attributes of a type. */
  private type(
    type: TypeModel,
    id: string,
    scope: Scope,
    { count, isLast, size }: { readonly size: string | undefined; readonly count?: string | undefined; readonly isLast: boolean }
  ): ReadonlyArray<Attribute> {
    switch (type.kind) {
      case "int":
      case "varint":
      case "escaped":
      case "decimal":
        return [
          size !== undefined && type.kind === "decimal" && type.until === undefined
            ? { id, type: "str", encoding: "ASCII", size }
            : this.number(type, id).attribute
        ]
      case "opcode":
      case "bodyLength":
      case "lengthOf":
      case "countOf":
        return [this.number(type.of as NumberModel, id).attribute]
      case "tagOf":
        return this.type(type.of, id, scope, { size: undefined, isLast })
      case "float":
        return [{ id, type: `f${type.bits / 8}${type.order === "little" ? "le" : "be"}` }]
      case "bytes":
        return [this.sized(type, id, size, {})]
      case "utf8":
      case "json":
        return [this.sized(type, id, size, { type: "str", encoding: "UTF-8" })]
      case "text": {
        const encoding = { ascii: "ASCII", latin1: "ISO-8859-1", utf16be: "UTF-16BE", utf16le: "UTF-16LE" }[type.encoding]
        return [this.sized(type, id, size, { type: "str", encoding })]
      }
      case "literal":
        return [{ id, contents: bytesOf(type.hex) }]
      case "constant":
        return [{ id, type: this.int(type), valid: Number(type.value) }]
      case "bool": {
        if (type.true.length !== type.false.length) this.cannot(scope, `${id}: true and false of other lengths`)
        return [{ id, size: type.true.length / 2 }]
      }
      case "bcd":
        return [{ id, size: fixedSize(this.catalog, type)! }]
      case "domainName":
        return [{ id, type: this.utility("domain_name") }]
      case "reserved":
        return [type.int === undefined ? { id, size: type.size ?? 0 } : { id, type: this.int(type as { readonly int: string }) }]
      case "checksum":
        this.cannot(
          scope,
          `${id}: that it is the ${type.algorithm}${type.xor === undefined ? "" : `, xor 0x${type.xor.toString(16)},`} of ${
            type.over.join(", ")
          }`
        )
        return [{ id, type: this.int(type.of) }]
      case "align":
        this.cannot(scope, `${id}: alignment from where the record begins`)
        return [{ id, size: `(${type.to} - _io.pos % ${type.to}) % ${type.to}` }]
      case "enumeration": {
        const { int, name, values } = this.catalog.typeOf("enumeration", type.ref)
        this.enums[snake(name)] = Object.fromEntries(values.map(({ name: label, value }) => [value, snake(label)]))
        return [{ id, type: this.int({ int, order: type.order }) }]
      }
      case "flags":
        return [{ id, type: this.int({ int: this.catalog.typeOf("flags", type.ref).int, order: type.order }) }]
      case "bits":
        return this.bits(type, scope)
      case "tokens":
        return this.tokens(type, scope)
      case "custom":
        this.cannot(scope, `${id}: what a ${type.name} is, which only its own code can say`)
        return [type.fixed === undefined ? { id, ...(size === undefined ? { "size-eos": true } : { size }) } : { id, size: type.fixed }]
      case "prefixed":
        return this.prefixed(type, id, scope)
      case "counted": {
        const { attribute, value } = this.number(type.by, `${id}_count`)
        const number = type.plus === undefined ? value : `${value} - ${type.plus}`
        const items = this.elements(type.of, id, scope)
        const present = type.absent === undefined ? {} : { if: `${value} != ${type.absent}` }
        return [attribute, this.element(items, id, scope, { repeat: "expr", "repeat-expr": number, ...present })]
      }
      case "array":
        return this.array(type, id, scope, size, count)
      case "struct": {
        const { doc, fields } = this.catalog.typeOf("struct", type.ref)
        return [{
          id,
          type: this.record(`type_${snake(type.ref)}`, type.ref, fields, { bounded: size !== undefined || scope.bounded && isLast, doc }),
          ...(size === undefined ? {} : { size })
        }]
      }
      case "choice":
        return [this.choice(type, id, scope, size)]
      case "nibbleFrames":
        return [this.frames(type, id, size)]
      default:
        return []
    }
  }

  /** Attributes of one element of a list. */
  private elements(of: TypeModel, id: string, scope: Scope): ReadonlyArray<Attribute> {
    const field: FieldModel = { name: id, type: of }
    const within: Scope = { ...scope, place: `${scope.place}.${id}` }
    return this.conditional(field, of, within, { size: undefined, isNull: undefined, count: undefined, isLast: false })
  }

  /** An attribute that may be repeated; what takes several gets a type of its own. */
  private element(items: ReadonlyArray<Attribute>, id: string, scope: Scope, repeat: Attribute): Attribute {
    const [only, more] = items
    if (only !== undefined && more === undefined && only["if"] === undefined && only["repeat"] === undefined) {
      return { ...only, ...repeat, id }
    }
    const name = `${snake(scope.place)}__${id}_element`
    this.types[name] = { seq: items }
    return { id, type: name, ...repeat }
  }

  private array(
    type: Of<"array">,
    id: string,
    scope: Scope,
    size: string | undefined,
    count: string | undefined
  ): ReadonlyArray<Attribute> {
    if (size !== undefined) return [this.wrapped(type, id, scope, size, count)]
    const items = this.elements(type.of, id, scope)
    if (count !== undefined) return [this.element(items, id, scope, { repeat: "expr", "repeat-expr": count })]
    if (type.until === undefined) {
      if (!scope.bounded) this.cannot(scope, `${id}: where the list ends`)
      return [this.element(items, id, scope, { repeat: "eos" })]
    }
    const end = bytesOf(type.until)
    const choice = type.of.kind === "choice" ? this.catalog.typeOf("choice", type.of.ref) : undefined
    if (end.length === 1 && choice?.tag?.kind === "int" && choice.tag.int === "u8" && !choice.cases.some(({ tag }) => tag === end[0])) {
      // the end is read as a case without content
      return [this.element(items, id, scope, { repeat: "until", "repeat-until": `_.tag == ${end[0]}` })]
    }
    this.cannot(scope, `${id}: a list that ends where certain bytes stand instead of an element`)
    return [{ id, "size-eos": true }]
  }

  private prefixed(type: Of<"prefixed">, id: string, scope: Scope): ReadonlyArray<Attribute> {
    const { attribute, value } = this.number(type.by, `${id}_length`)
    const size = type.plus === undefined ? value : `${value} - ${type.plus}`
    const isPlain = ["bytes", "utf8", "json", "text", "struct", "custom", "decimal"].includes(type.of.kind) ||
      type.of.kind === "choice" &&
        !(this.catalog.typeOf("choice", type.of.ref).tag === undefined &&
          !scope.own.includes(this.catalog.typeOf("choice", type.of.ref).by!))
    const inner = isPlain ? this.type(type.of, id, scope, { size, isLast: true }) : [this.wrapped(type.of, id, scope, size, undefined)]
    const isEmpty = type.of.kind === "choice" && this.catalog.typeOf("choice", type.of.ref).empty === "keep"
    const present = type.absent !== undefined ? `${value} != ${type.absent}` : isEmpty ? `${value} != 0` : undefined
    return [
      attribute,
      ...inner.map((one) => present === undefined ? one : { ...one, if: present }),
      ...(type.trailer === undefined
        ? []
        : [{ id: `${id}_trailer`, contents: bytesOf(type.trailer), ...(present === undefined ? {} : { if: present }) }])
    ]
  }

  private choice(type: Of<"choice">, id: string, scope: Scope, size: string | undefined): Attribute {
    const { by, cases, doc, tag, unknown } = this.catalog.typeOf("choice", type.ref)
    const bounded = size !== undefined
    const of = (name: string, fields: ReadonlyArray<FieldModel>, text: string | undefined): string =>
      this.record(`case_${snake(type.ref)}_${snake(name)}`, `${type.ref}.${name}`, fields, { bounded: true, doc: text })
    if (tag === undefined) {
      const at = this.reference(by!, scope) ?? scope.parent === undefined ? this.reference(by!, scope) : this.reference(by!, scope.parent!)
      if (at === undefined) {
        this.cannot(scope, `${id}: ${by} stands too far away`)
        return { id, ...(bounded ? { size } : { "size-eos": true }) }
      }
      const table = Object.fromEntries(cases.map((one) => [one.tag, of(one.name, one.fields, one.doc)]))
      if (!bounded && unknown === "keep") this.cannot(scope, `${id}: how long an unknown case is`)
      return { id, type: { "switch-on": at, cases: table }, ...(bounded ? { size } : {}) }
    }
    const name = `type_${snake(type.ref)}`
    if (this.types[name] === undefined) {
      this.types[name] = {}
      const number = this.number(tag, "tag")
      const table: Record<string, string> = Object.fromEntries(cases.map((one) => [one.tag, of(one.name, one.fields, one.doc)]))
      const body: Attribute = { id: "body", type: { "switch-on": number.value, cases: table } }
      const rest = unknown === "keep"
        ? [{ id: "unknown", "size-eos": true, if: cases.map((one) => `${number.value} != ${one.tag}`).join(" and ") }]
        : []
      this.types[name] = { ...(doc === undefined ? {} : { doc }), seq: [number.attribute, body, ...rest] }
    }
    return { id, type: name, ...(bounded ? { size } : {}) }
  }

  /** Framing extras. */
  private frames(type: Of<"nibbleFrames">, id: string, size: string | undefined): Attribute {
    const { cases } = this.catalog.typeOf("nibbleFrames", type.ref)
    const name = `frame_${snake(type.ref)}`
    const table = Object.fromEntries(
      cases.map((
        one
      ) => [one.tag, this.record(`case_${snake(type.ref)}_${snake(one.name)}`, `${type.ref}.${one.name}`, one.fields, { bounded: true })])
    )
    this.types[name] = {
      seq: [{ id: "head", type: this.utility("nibble_length") }, {
        id: "body",
        size: "head.size",
        type: { "switch-on": "head.tag", cases: table }
      }]
    }
    this.types[`${name}_list`] = { seq: [{ id: "items", type: name, repeat: "eos" }] }
    return { id, type: `${name}_list`, ...(size === undefined ? {} : { size }) }
  }

  private bits(type: Of<"bits">, scope: Scope): ReadonlyArray<Attribute> {
    const width = Number(type.of.int.slice(1))
    const wide = type.fields.filter(({ escaped }) => escaped !== undefined)
    const more = wide.flatMap(({ escaped, name }) => {
      const id = snake(name)
      const first = `${id}_first`
      const value = escaped!.escapes.reduceRight((rest, one) => `(${first} == ${one.value} ? ${id}_wide_${one.value} : ${rest})`, first)
      scope.instances[id] = { value }
      return escaped!.escapes.map((one) => ({ id: `${id}_wide_${one.value}`, type: this.int(one.of), if: `${first} == ${one.value}` }))
    })
    const idOf = (one: Of<"bits">["fields"][number]): string => one.escaped === undefined ? snake(one.name) : `${snake(one.name)}_first`
    /** One bit is a truth value there; here it is a number. */
    const slice = (one: Of<"bits">["fields"][number]): Attribute => {
      if (one.high !== one.low) return { id: idOf(one), type: `b${one.high - one.low + 1}` }
      scope.instances[idOf(one)] = { value: `${idOf(one)}_bit.to_i` }
      return { id: `${idOf(one)}_bit`, type: "b1" }
    }
    if (width === 8 || type.of.order !== "little") {
      const out: Array<Attribute> = []
      let at = width
      for (const one of type.fields.toSorted((a, b) => b.high - a.high)) {
        if (one.high + 1 < at) out.push({ id: `gap_${at - 1}_${out.length}_${idOf(one)}`, type: `b${at - one.high - 1}` })
        out.push(slice(one))
        at = one.low
      }
      if (at > 0) out.push({ id: `gap_${at - 1}_${out.length}_${snake(type.fields[0]?.name ?? "bits")}`, type: `b${at}` })
      return [...out, ...more]
    }
    const whole = `bits_${snake(type.fields[0]?.name ?? "all")}`
    for (const one of type.fields) {
      scope.instances[idOf(one)] = { value: `(${whole} >> ${one.low}) & ${2 ** (one.high - one.low + 1) - 1}` }
    }
    return [{ id: whole, type: this.int(type.of) }, ...more]
  }

  private tokens(type: Of<"tokens">, scope: Scope): ReadonlyArray<Attribute> {
    const isSimple =
      type.fields.every(({ type: of }) =>
        of.kind === "literal" || of.kind === "utf8" || of.kind === "decimal" || of.kind === "lengthOf" || of.kind === "text"
      ) && type.until !== undefined
    if (!isSimple) {
      this.cannot(scope, `${type.fields.map(({ name }) => name).join(", ")}: tokens of which some may be missing or many`)
      const id = `line_${snake(type.fields[0]?.name ?? "all")}`
      return [{ id, type: "str", encoding: "UTF-8", ...(type.until === undefined ? { "size-eos": true } : this.terminator(type.until)) }]
    }
    return type.fields.flatMap(({ name, type: of }, i): ReadonlyArray<Attribute> => {
      const end = i === type.fields.length - 1 ? type.until! : type.separator
      if (of.kind === "literal") return [{ id: snake(name), contents: [...bytesOf(of.hex), ...bytesOf(end)] }]
      return [{ id: snake(name), type: "str", encoding: of.kind === "utf8" ? "UTF-8" : "ASCII", ...this.terminator(end) }]
    })
  }
}
