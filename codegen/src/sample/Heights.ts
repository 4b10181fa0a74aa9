/** How many records that contain themselves a value must at least have within it: the way out of a recursion. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CaseModel, FieldModel, TypeModel } from "@wirewright/codec/Model"

/** Least depths of the named types of a protocol. */
export class Heights {
  private readonly catalog: Catalog
  private readonly known = new Map<string, number>()

  constructor(catalog: Catalog) {
    this.catalog = catalog
  }

  /** The case that ends soonest. */
  lowest(cases: ReadonlyArray<CaseModel>): CaseModel | undefined {
    return cases.toSorted((a, b) => this.fields(a.fields, new Set()) - this.fields(b.fields, new Set()))[0]
  }

  private fields(fields: ReadonlyArray<FieldModel>, busy: ReadonlySet<string>): number {
    return Math.max(0, ...fields.map(({ type }) => this.type(type, busy)))
  }

  private type(type: TypeModel, busy: ReadonlySet<string>): number {
    switch (type.kind) {
      case "prefixed":
        return type.absent === undefined ? this.type(type.of, busy) : 0
      case "array":
        return type.min === undefined || type.min === 0 ? 0 : this.type(type.of, busy)
      case "when":
        return Math.max(this.type(type.of, busy), type.else === undefined ? 0 : this.type(type.else, busy))
      case "struct":
      case "choice":
        return this.named(type, busy)
      default:
        return 0
    }
  }

  private named({ kind, ref }: Extract<TypeModel, { readonly kind: "struct" | "choice" }>, busy: ReadonlySet<string>): number {
    const known = this.known.get(ref)
    if (known !== undefined) return known
    if (busy.has(ref)) return Infinity
    const within = new Set([...busy, ref])
    const type = this.catalog.typeOf(kind, ref)
    const height = type.kind === "struct"
      ? this.fields(type.fields, within)
      : Math.min(Infinity, ...type.cases.map(({ fields }) => this.fields(fields, within)))
    // within a recursion it may be less than it seems from here
    if (busy.size === 0) this.known.set(ref, 1 + height)
    return 1 + height
  }
}
