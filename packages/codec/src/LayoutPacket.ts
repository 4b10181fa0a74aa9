/**
 * The packet that an annotation shows, as generated decoders hand it out: for tools that have a model, and no generated code.
 *
 * Values are those that `annotate` has noted, put together along the model by their paths. It reads no bytes. What a derived field says is
 * used and left out, as packets do not carry it.
 */
import { type Catalog, isRaw, layoutsOf, type TagMeaning } from "./Catalog.ts"
import type { AnyPacket } from "./Json.ts"
import type { Annotation, FieldSpan } from "./Layout.ts"
import type { CaseModel, FieldModel, TypeModel } from "./Model.ts"
import { inState, stateNumber } from "./words/States.ts"
import { isVisibleType, leastSize } from "./words/Sizes.ts"
import { flatFields, type StateSet } from "./words/Word.ts"

const joined = (path: string, name: string): string => path === "" ? name : `${path}.${name}`

/** What is noted below and at each path. */
class Noted {
  private readonly at = new Map<string, Array<FieldSpan>>()
  private readonly below = new Set<string>()

  constructor(spans: ReadonlyArray<FieldSpan>) {
    for (const span of spans) {
      const { path } = span
      this.at.set(path, [...this.at.get(path) ?? [], span])
      for (const { index } of path.matchAll(/[.[]/g)) {
        this.below.add(path.slice(0, index))
      }
    }
  }

  /** The first note at a path: of two with one path, that of what measures or selects. */
  first(path: string): FieldSpan | undefined {
    return this.at.get(path)?.[0]
  }

  /** The last note at a path: the value itself. */
  last(path: string): FieldSpan | undefined {
    return this.at.get(path)?.at(-1)
  }

  /** Whether anything is noted of a field. */
  has(path: string): boolean {
    return this.at.has(path) || this.below.has(path)
  }
}

/** Puts values together. */
class Values {
  private readonly catalog: Catalog
  private readonly noted: Noted
  private readonly states: StateSet
  /** The header, whose fields those of the body may ask. */
  private readonly header: ReadonlyArray<FieldSpan>

  constructor(catalog: Catalog, spans: ReadonlyArray<FieldSpan>, states: StateSet, header: ReadonlyArray<FieldSpan>) {
    this.catalog = catalog
    this.noted = new Noted(spans)
    this.states = states
    this.header = header
  }

  /** Fields of a record at a path. */
  fields(fields: ReadonlyArray<FieldModel>, path: string): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const { name, type } of flatFields(fields)) {
      if (!isVisibleType(type)) continue
      const value = this.value(type, joined(path, name), path)
      if (value !== undefined) out[name] = value
    }
    return out
  }

  /** A value at a path, within the record at `around`; nothing where it is missing. */
  private value(type: TypeModel, path: string, around: string): unknown {
    const { noted } = this
    switch (type.kind) {
      case "optional":
        if (type.of.kind === "literal") return noted.has(path)
        return noted.has(path) ? this.value(type.of, path, around) : undefined
      case "when": {
        const of = inState(type, this.stateOf(type, around)) ? type.of : type.else
        return of === undefined || !noted.has(path) ? undefined : this.value(of, path, around)
      }
      case "prefixed":
        return noted.last(path)?.value === null ? null : this.value(type.of, path, around)
      case "counted":
      case "array":
        return noted.last(path)?.value === null ? null : this.elements(type.of, path, around)
      case "struct":
        return noted.last(path)?.value === null ? null : this.fields(this.catalog.typeOf("struct", type.ref).fields, path)
      case "choice":
        return noted.last(path)?.value === null ? null : this.choice(type.ref, path, around)
      case "nibbleFrames":
        return this.frames(type.ref, path)
      default:
        return noted.last(path)?.value
    }
  }

  private stateOf(type: Extract<TypeModel, { readonly kind: "when" }>, around: string): number | undefined {
    if (type.sibling === true) return this.number(type.state, around)
    // a packet may say itself what the state is
    const told = this.header.find(({ path }) => path === type.state)
    return told === undefined ? stateNumber(this.states, type.state) : Number(told.value)
  }

  /** The number of a field of the record around, or of what surrounds that. */
  private number(name: string, around: string): number | undefined {
    for (let path = around;; path = path.slice(0, Math.max(0, path.search(/[.[][^.[]*$/)))) {
      const found = this.noted.first(joined(path, name))
      if (found !== undefined) return Number(found.value)
      if (path !== "") continue
      const above = this.header.find((one) => one.path === name)
      return above === undefined ? undefined : Number(above.value)
    }
  }

  private elements(of: TypeModel, path: string, around: string): ReadonlyArray<unknown> {
    const out: Array<unknown> = []
    while (this.noted.has(`${path}[${out.length}]`)) out.push(this.value(of, `${path}[${out.length}]`, around))
    return out
  }

  private choice(ref: string, path: string, around: string): unknown {
    const { by, cases, empty } = this.catalog.typeOf("choice", ref)
    const tag = by === undefined ? this.noted.first(joined(path, "tag"))?.value : this.number(by, around)
    const found = cases.find((one) => one.tag === Number(tag))
    // a value measured as empty keeps its tag, and has none of its fields
    const isEmpty = empty === "keep" && found !== undefined && this.noted.last(joined(path, "bytes"))?.length === 0 &&
      found.fields.some((one) => leastSize(this.catalog, one.type) > 0) &&
      flatFields(found.fields).every(({ name }) => name === "bytes" || !this.noted.has(joined(path, name)))
    return found === undefined || isEmpty ? this.unknown(tag, path) : this.case(found, path)
  }

  private frames(ref: string, path: string): ReadonlyArray<unknown> {
    const { cases } = this.catalog.typeOf("nibbleFrames", ref)
    const out: Array<unknown> = []
    for (;;) {
      const here = `${path}[${out.length}]`
      const tag = this.noted.first(`${here}.frame`)?.value
      if (tag === undefined) return out
      const found = cases.find((one) => one.tag === tag)
      out.push(found === undefined ? this.unknown(tag, here) : this.case(found, here))
    }
  }

  private case({ fields, name }: CaseModel, path: string): unknown {
    return { _tag: name, ...this.fields(fields, path) }
  }

  private unknown(tag: unknown, path: string): unknown {
    return { _tag: "Unknown", tag: tag ?? 0, bytes: this.noted.last(joined(path, "bytes"))?.value ?? new Uint8Array(0) }
  }
}

/** The record that spans show, noted without a path in front; `header` is what surrounds it. */
export const recordOf = (
  catalog: Catalog,
  fields: ReadonlyArray<FieldModel>,
  spans: ReadonlyArray<FieldSpan>,
  states: StateSet = new Set(),
  header: ReadonlyArray<FieldSpan> = []
): Record<string, unknown> => new Values(catalog, spans, states, header).fields(fields, "")

/** What an annotated packet is. Throws `RangeError` for one whose kind could not be told. */
export const meaningOf = (catalog: Catalog, { fields, kind: name, packet }: Annotation): TagMeaning => {
  const kind = catalog.kind(name)
  if (kind === undefined) throw new RangeError(`no kind ${name} in the models of ${catalog.name}`)
  const status = kind.headers[0]?.fields.find(({ role }) => role === "statusCode")?.name
  const code = status === undefined ? undefined : fields.find(({ path, section }) => section === "header" && path === status)?.value
  return catalog.meaning(kind, catalog.commandNamed(packet), code === undefined ? undefined : Number(code))
}

/** The packet that an annotation without an error shows. */
export const packetOf = (catalog: Catalog, annotation: Annotation, states: StateSet = new Set()): AnyPacket => {
  const meaning = meaningOf(catalog, annotation)
  const { kind } = meaning
  const out: Record<string, unknown> = { _tag: catalog.packetTag(meaning) }
  const head = annotation.fields.filter(({ section }) => section === "header")
  if (kind.run !== undefined) {
    Object.assign(out, recordOf(catalog, kind.run.fields, head, states))
    // what is the same in all such packets goes without saying
    for (const name of Object.keys(isRaw(meaning) ? {} : meaning.command?.header ?? {})) delete out[name]
    for (const { name, type } of flatFields(kind.run.fields)) {
      if (type.kind === "opcode") out[name] = head.find(({ path }) => path === name)?.value
    }
  }
  for (const field of kind.headers[0]?.fields ?? []) {
    const hidden = field.role === "sectionLength" || field.role === "bodyLength" || field.role === "field" && !isVisibleType(field.type)
    if (!hidden) out[field.name] = head.find(({ path }) => path === field.name)?.value
  }
  const body = annotation.fields.filter(({ section }) => section !== "header" && section !== "trailer")
  for (const { ref, section } of kind.shared) {
    const type: TypeModel = { kind: "nibbleFrames", ref }
    out[section] = recordOf(catalog, [{ name: section, type }], body.filter((one) => one.section === section), states)[section]
  }
  if (isRaw(meaning)) {
    for (const section of catalog.frame.sections) {
      if (kind.shared.some((one) => one.section === section)) continue
      out[section] = body.find((one) => one.path === section)?.value ?? new Uint8Array(0)
    }
    return out as AnyPacket
  }
  const layout = layoutsOf(meaning).find(({ name }) => name === annotation.layout)
  if (layout?.name !== undefined) out["layout"] = layout.name
  return Object.assign(out, recordOf(catalog, layout?.sections.flatMap(({ fields }) => fields) ?? [], body, states, head)) as AnyPacket
}
