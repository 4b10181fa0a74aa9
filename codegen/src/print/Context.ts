/** What printers need to know of a model and of the models it extends: where a name is generated, and what it looks like. */
import type { FieldModel, KindModel, LayoutModel, Model, NamedTypeModel, TypeModel } from "@wirewright/codec/Model"
import { wordOf as codecWord } from "@wirewright/codec/words/index"
import { depthsOf, endsItself, fixedSize, isVisibleType, leastSize, targetOf } from "@wirewright/codec/words/Sizes"
import { baseOf } from "../Link.ts"
import { Module } from "../Module.ts"
import { lengthOf, pascal } from "../Names.ts"
import { wordOf } from "../words/index.ts"
import { codec } from "./Codec.ts"
import type { Bound } from "../words/Word.ts"

/** A model with its names resolved. */
export class Context {
  readonly model: Model
  readonly base: Model | undefined
  /** Extension of import specifiers between generated files. */
  readonly extension: string
  /** A module for expressions that are only compared, never printed. */
  readonly scratch = new Module("scratch.ts", "")
  private readonly owners = new Map<string, { readonly type: NamedTypeModel; readonly from: string }>()
  private readonly brands = new Map<string, string>()

  constructor(model: Model, extension: string) {
    this.model = model
    this.base = baseOf(model)
    this.extension = extension
    for (let one: Model | undefined = model; one !== undefined; one = baseOf(one)) {
      const from = one === model ? this.local("Types") : `${one.module}/Types`
      for (const type of one.types) if (!this.owners.has(type.name)) this.owners.set(type.name, { type, from })
      for (const brand of one.brands) if (!this.brands.has(brand.name)) this.brands.set(brand.name, from)
    }
  }

  /** Specifier of a generated module of this protocol. */
  local(name: string): string {
    return `./${name}${this.extension}`
  }

  /** Specifier of the module that holds headers and unknown packets: the root protocol's. */
  get frameModule(): string {
    let root: Model = this.model
    while (baseOf(root) !== undefined) root = baseOf(root)!
    return root === this.model ? this.local("Frame") : `${root.module}/Frame`
  }

  /** Whether packets end where their content does, so that one that is not all there has to be read to tell. */
  get endThemselves(): boolean {
    return this.model.frame.kinds.some(({ run }) => run?.end === "self")
  }

  named(ref: string): NamedTypeModel {
    return this.owner(ref).type
  }

  /** Module that generates a named type. */
  from(ref: string): string {
    return this.owner(ref).from
  }

  private owner(ref: string): { readonly type: NamedTypeModel; readonly from: string } {
    const owner = this.owners.get(ref)
    if (owner === undefined) throw new Error(`no type ${ref} in ${this.model.name}`)
    return owner
  }

  /** A named type, for the sizes of types that mention it. */
  type(ref: string): NamedTypeModel {
    return this.named(ref)
  }

  /** Whether reading a type depends on the states of the connection. */
  needsStates(type: TypeModel): boolean {
    return this.some(type, (one) => one.kind === "when" && one.sibling !== true)
  }

  /** Whether writing does. */
  needsStatesToWrite(type: TypeModel): boolean {
    return this.some(type, (one) => one.kind === "when" && one.sibling !== true && !this.saysState(one))
  }

  /** Whether a value that is given says for itself that a state is on; also that of a field which is measured or selected. */
  saysState(type: TypeModel & { readonly kind: "when" }): boolean {
    if (type.sibling === true || type.from !== undefined || type.to !== undefined || type.else !== undefined) return false
    return this.isVisible(type.of) || targetOf(type.of) !== undefined
  }

  /** Whether writing some layout of a packet depends on the states of the connection. */
  writesStates(layouts: ReadonlyArray<LayoutModel>): boolean {
    return layouts.some(({ sections }) => sections.some(({ fields }) => fields.some(({ type }) => this.needsStatesToWrite(type))))
  }

  /** Whether a type or one within it has a property. */
  private some(type: TypeModel, has: (type: TypeModel) => boolean, seen: Set<string> = new Set()): boolean {
    if (has(type)) return true
    if (type.kind === "struct" || type.kind === "choice") {
      if (seen.has(type.ref)) return false
      seen.add(type.ref)
      return this.fieldsOf(type.ref).some((field) => this.some(field.type, has, seen))
    }
    if (type.kind === "tokens") return type.fields.some((field) => this.some(field.type, has, seen))
    return (codecWord(type).inner?.(type) ?? []).some((one) => this.some(one, has, seen))
  }

  private fieldsOf(ref: string): ReadonlyArray<FieldModel> {
    const type = this.named(ref)
    return type.kind === "struct" ? type.fields : type.kind === "choice" ? type.cases.flatMap((one) => one.fields) : []
  }

  /** Size in bytes of a type that always has the same. */
  fixedSize(type: TypeModel): number | undefined {
    return fixedSize(this, type)
  }

  /** Least number of bytes a type takes. */
  minimumSize(type: TypeModel): number {
    return leastSize(this, type)
  }

  /** Whether the bytes tell where a value ends. */
  ends(type: TypeModel): boolean {
    return endsItself(this, type)
  }

  /** Whether a field is part of the packet's TypeScript type. */
  isVisible(type: TypeModel): boolean {
    return isVisibleType(type)
  }

  /** Whether a caller may leave the field out. */
  isOptional(type: TypeModel): boolean {
    if (type.kind === "when") return type.else === undefined || this.isOptional(type.of) || this.isOptional(type.else)
    return type.kind === "optional" || type.kind === "reserved"
  }

  /** How many records of a type may lie within one another; nothing when it cannot contain itself. */
  depthOf(ref: string): number | undefined {
    this.depths ??= depthsOf([...this.owners.values()].map(({ type }) => type))
    return this.depths.get(ref)
  }

  /** Whether a named record has values: one that contains itself in every case would be endless. */
  isFinite(ref: string): boolean {
    this.finite ??= this.findFinite()
    return this.finite.has(ref)
  }

  private finite: Set<string> | undefined

  private findFinite(): Set<string> {
    const found = new Set<string>()
    const ends = (type: TypeModel): boolean => {
      switch (type.kind) {
        case "struct":
        case "choice":
          return found.has(type.ref)
        case "prefixed":
          return type.absent !== undefined || ends(type.of)
        case "when":
          return type.else === undefined || ends(type.of) || ends(type.else)
        case "tokens":
          return type.fields.every((field) => ends(field.type))
        default:
          return true
      }
    }
    for (let before = -1; before !== found.size;) {
      before = found.size
      for (const { type } of this.owners.values()) {
        const runs = type.kind === "struct" ? [type.fields] : type.kind === "choice" ? type.cases.map((one) => one.fields) : undefined
        const keeps = type.kind === "choice" && type.unknown === "keep"
        if (runs === undefined || keeps || runs.length === 0 || runs.some((fields) => fields.every((field) => ends(field.type)))) {
          found.add(type.name)
        }
      }
    }
    return found
  }

  private depths: ReadonlyMap<string, number> | undefined

  /** The TypeScript type of a field, as mentioned in `module`. */
  typeText(module: Module, type: TypeModel): string {
    return wordOf(type).text(this, module, type)
  }

  /** The TypeScript type of an element. */
  elementText(module: Module, type: TypeModel): string {
    return this.typeText(module, type)
  }

  /** The name of a brand, as mentioned in `module`. */
  brandText(module: Module, brand: string): string {
    return module.useType(this.brands.get(brand) ?? this.local("Types"), brand)
  }

  /** Room that a value needs at most. */
  bound(module: Module, type: TypeModel, value: string): Bound {
    const word = wordOf(type)
    return word.bound?.(this, module, type, value) ?? { fixed: this.fixedSize(type) ?? 0, terms: [] }
  }

  /** Room that elements need at most. */
  boundElements(module: Module, of: TypeModel, value: string): string {
    const { fixed, terms } = this.bound(module, of, "one")
    if (terms.length === 0) return fixed === 1 ? lengthOf(module, value) : `${lengthOf(module, value)} * ${fixed}`
    const sum = [...(fixed > 0 ? [String(fixed)] : []), ...terms].join(" + ")
    // what is only a call of another function is that function
    const [, called] = /^(\w+)\(one\)$/.exec(sum) ?? []
    return `${module.use(codec, "boundElements")}(${value}, ${called ?? `(one) => ${sum}`})`
  }
}

/** Names of the generated parts of a kind of packet, such as `RequestHead`. */
export const kindName = (kind: string): string => pascal(kind)

/** Name of the shape of a kind's frames: `frameShape` when there is one kind. */
export const shapeName = (context: Context, kind: KindModel): string =>
  context.model.frame.kinds.length === 1 ? "frameShape" : `${kind.name}Shape`
