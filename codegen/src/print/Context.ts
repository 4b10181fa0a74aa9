/** What printers need to know of a model and of the models it extends: where a name is generated, and what it looks like. */
import type { FieldModel, IntName, Model, NamedTypeModel, TypeModel } from "@wirewright/codec/Model"
import { baseOf } from "../Build.ts"
import { Module } from "../Module.ts"
import { intSize, pascal } from "../Names.ts"

/** Module specifier of the runtime. */
export const codec = "@wirewright/codec"

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

  /** Whether reading a type depends on the states of the connection. */
  needsStates(type: TypeModel): boolean {
    switch (type.kind) {
      case "when":
        return true
      case "optional":
      case "array":
        return this.needsStates(type.of)
      case "struct":
      case "choice":
        return this.fieldsOf(type.ref).some((field) => this.needsStates(field.type))
      default:
        return false
    }
  }

  private fieldsOf(ref: string): ReadonlyArray<FieldModel> {
    const type = this.named(ref)
    return type.kind === "struct" ? type.fields : type.kind === "choice" ? type.cases.flatMap((one) => one.fields) : []
  }

  /** Size in bytes of a type that always has the same. */
  fixedSize(type: TypeModel): number | undefined {
    switch (type.kind) {
      case "int":
      case "constant":
        return intSize(type.int)
      case "reserved":
        return type.int === undefined ? type.size ?? 0 : intSize(type.int)
      case "lengthOf":
      case "countOf":
        return type.int === "uleb128" ? undefined : intSize(type.int)
      case "bytes":
      case "utf8":
      case "json":
        return type.size
      case "flags":
      case "enumeration":
        return intSize((this.named(type.ref) as { readonly int: IntName }).int)
      case "struct": {
        const struct = this.named(type.ref)
        let size = 0
        for (const field of struct.kind === "struct" ? struct.fields : []) {
          const one = this.fixedSize(field.type)
          if (one === undefined) return undefined
          size += one
        }
        return size
      }
      default:
        return undefined
    }
  }

  /** Least number of bytes a type takes. */
  minimumSize(type: TypeModel): number {
    const fixed = this.fixedSize(type)
    if (fixed !== undefined) return fixed
    switch (type.kind) {
      case "uleb128":
      case "cstring":
      case "lengthOf":
      case "countOf":
        return 1
      case "struct":
        return this.fieldsOf(type.ref).reduce((sum, field) => sum + this.minimumSize(field.type), 0)
      case "choice":
        return intSize((this.named(type.ref) as { readonly tag: IntName }).tag)
      default:
        return 0
    }
  }

  /** Whether a field is part of the packet's TypeScript type. */
  isVisible(type: TypeModel): boolean {
    return type.kind !== "lengthOf" && type.kind !== "countOf" && type.kind !== "constant" &&
      !(type.kind === "reserved" && type.policy !== "keep")
  }

  /** Whether a caller may leave the field out. */
  isOptional(type: TypeModel): boolean {
    return type.kind === "optional" || type.kind === "when" || type.kind === "reserved"
  }

  /** The TypeScript type of a field, as mentioned in `module`. */
  typeText(module: Module, type: TypeModel): string {
    switch (type.kind) {
      case "int":
      case "uleb128":
        if (type.brand !== undefined) return module.useType(this.brands.get(type.brand) ?? this.local("Types"), type.brand)
        return type.kind === "int" && intSize(type.int) === 8 ? "bigint" : "number"
      case "bytes":
        return "Uint8Array"
      case "utf8":
      case "json":
      case "cstring":
        return "string"
      case "reserved":
        return type.int === undefined ? "Uint8Array" : intSize(type.int) === 8 ? "bigint" : "number"
      case "optional":
      case "when":
        return this.typeText(module, type.of)
      case "array":
        return `ReadonlyArray<${this.typeText(module, type.of)}>`
      case "nibbleFrames":
        return `ReadonlyArray<${module.useType(this.from(type.ref), type.ref)}>`
      case "struct":
      case "choice":
      case "flags":
      case "enumeration":
        return module.useType(this.from(type.ref), type.ref)
      default:
        return "never"
    }
  }
}

/** Names of the generated parts of a kind of packet, such as `RequestHead`. */
export const kindName = (kind: string): string => pascal(kind)
