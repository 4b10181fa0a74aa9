/** Says in words what differs between two versions of something: fields, types, headers, statuses. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { BitFieldModel, FieldModel, NamedTypeModel, TypeModel } from "@wirewright/codec/Model"
import { measureType } from "@wirewright/codec/words/Word"

/** A difference. */
export interface Change {
  /** The field or property. */
  readonly path: string
  readonly text: string
}

/** Without comments, which say nothing about bytes or types. */
export const withoutDocs = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutDocs)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => key !== "doc" && key !== "examples").map(([key, one]) => [key, withoutDocs(one)])
  )
}

/** Whether two parts of models are the same, comments aside. */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(withoutDocs(a)) === JSON.stringify(withoutDocs(b))

const joined = (path: string, name: string): string => path === "" ? name : `${path}.${name}`

const shown = (value: unknown): string => {
  if (value === undefined) return "none"
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

const isType = (value: unknown): value is TypeModel =>
  typeof value === "object" && value !== null && typeof (value as { readonly kind?: unknown }).kind === "string"

/** Describes differences between two specs. */
export class Describe {
  private readonly old: Catalog
  private readonly now: Catalog

  constructor(old: Catalog, now: Catalog) {
    this.old = old
    this.now = now
  }

  /** Differences of any two objects, property by property. */
  objects(path: string, old: object, now: object, without: ReadonlyArray<string> = []): ReadonlyArray<Change> {
    const [a, b] = [old, now] as ReadonlyArray<{ readonly [key: string]: unknown }>
    return [...new Set([...Object.keys(a!), ...Object.keys(b!)])].filter((key) => ![...without, "doc", "examples"].includes(key))
      .flatMap((key): ReadonlyArray<Change> => {
        const [one, other] = [a![key], b![key]]
        if (isSame(one, other)) return []
        if (key !== "if" && isType(one) && isType(other)) return this.types(path, one, other)
        if (key === "measures" && one !== undefined && other !== undefined) {
          return this.types(
            path,
            ...[old, now].map((of) => measureType(of as BitFieldModel, (of as BitFieldModel).measures!)) as [TypeModel, TypeModel]
          )
        }
        if (key === "fields" && Array.isArray(one) && Array.isArray(other)) return this.fields(path, one as never, other as never)
        return [{ path, text: `${key} ${shown(one)} → ${shown(other)}` }]
      })
  }

  /** Differences of two types of one field. */
  types(path: string, old: TypeModel, now: TypeModel): ReadonlyArray<Change> {
    const [one, other] = [this.old.summary(old), this.now.summary(now)]
    if (old.kind !== now.kind) {
      const [a, b] = one === other ? [old.kind, now.kind] : [one, other]
      return [{ path, text: `${a} → ${b}` }]
    }
    const inner = this.objects(path, old, now, ["kind"])
    return one === other || inner.some(({ text }) => text.includes("→") && !/^(int|order|encoding|until|size|ref|bits) /.test(text))
      ? inner
      : [{ path, text: `${one} → ${other}` }]
  }

  /** Differences of two lists of fields. */
  fields(path: string, old: ReadonlyArray<FieldModel>, now: ReadonlyArray<FieldModel>): ReadonlyArray<Change> {
    const out: Array<Change> = []
    const renamed = new Map<string, string>()
    for (const [i, one] of old.entries()) {
      const other = now[i]
      if (other === undefined || other.name === one.name) continue
      const isNew = !old.some(({ name }) => name === other.name) && !now.some(({ name }) => name === one.name)
      if (isNew && isSame({ ...one, name: "" }, { ...other, name: "" })) renamed.set(one.name, other.name)
    }
    const taken = new Set(renamed.values())
    for (const [name, other] of renamed) out.push({ path: joined(path, name), text: `is called ${other}` })
    const kept = old.filter(({ name }) => renamed.has(name) || now.some((one) => one.name === name))
    for (const one of old) {
      if (renamed.has(one.name)) continue
      const other = now.find(({ name }) => name === one.name)
      if (other === undefined) out.push({ path: joined(path, one.name), text: `${this.summary(this.old, one)} removed` })
      else if (!isSame(one, other)) out.push(...this.differing(path, one, other))
    }
    for (const [i, one] of now.entries()) {
      if (taken.has(one.name) || old.some(({ name }) => name === one.name)) continue
      const before = now[i - 1]?.name
      out.push({
        path: joined(path, one.name),
        text: `${this.summary(this.now, one)} added${before === undefined ? " in front" : ` after ${before}`}`
      })
    }
    const order = kept.map(({ name }) => renamed.get(name) ?? name)
    const orderNow = now.filter(({ name }) => order.includes(name)).map(({ name }) => name)
    if (order.join() !== orderNow.join()) out.push({ path, text: `order ${order.join(", ")} → ${orderNow.join(", ")}` })
    return out
  }

  private differing(path: string, old: FieldModel, now: FieldModel): ReadonlyArray<Change> {
    // fields in bits are no fields of their own: they have no type
    return old.type === undefined || now.type === undefined
      ? this.objects(joined(path, old.name), old, now, ["name"])
      : this.types(joined(path, old.name), old.type, now.type)
  }

  private summary(catalog: Catalog, { type }: FieldModel): string {
    return type === undefined ? "bits" : catalog.summary(type)
  }

  /** Differences of two rows of a table, by what they are told by. */
  private rows<A extends { readonly name: string }>(
    path: string,
    old: ReadonlyArray<A>,
    now: ReadonlyArray<A>,
    keyOf: (one: A) => string,
    what: string
  ): ReadonlyArray<Change> {
    const out: Array<Change> = []
    for (const one of old) {
      const other = now.find((row) => keyOf(row) === keyOf(one))
      if (other === undefined) {
        const moved = now.find(({ name }) => name === one.name)
        out.push({
          path: joined(path, one.name),
          text: moved === undefined ? `${what} ${keyOf(one)} removed` : `${what} ${keyOf(one)} → ${keyOf(moved)}`
        })
      } else if (other.name !== one.name) out.push({ path: joined(path, one.name), text: `is called ${other.name}` })
      else if (!isSame(one, other)) out.push(...this.objects(joined(path, one.name), one, other))
    }
    for (const one of now) {
      if (old.some((row) => keyOf(row) === keyOf(one) || row.name === one.name)) continue
      out.push({ path: joined(path, one.name), text: `${what} ${keyOf(one)} added` })
    }
    return out
  }

  /** Differences of two versions of a named type. */
  named(old: NamedTypeModel, now: NamedTypeModel): ReadonlyArray<Change> {
    const path = old.name
    if (old.kind !== now.kind) return [{ path, text: `${old.kind} → ${now.kind}` }]
    const rest = this.objects(path, old, now, ["name", "kind", "fields", "cases", "bits", "values"])
    if (old.kind === "struct" && now.kind === "struct") return [...rest, ...this.fields(path, old.fields, now.fields)]
    if (old.kind === "enumeration" && now.kind === "enumeration") {
      return [...rest, ...this.rows(path, old.values, now.values, ({ value }) => String(value), "value")]
    }
    if (old.kind === "flags" && now.kind === "flags") {
      return [
        ...rest,
        ...this.rows(path, old.bits, now.bits, ({ bit }) => String(bit), "bit")
      ]
    }
    if ("cases" in old && "cases" in now) return [...rest, ...this.rows(path, old.cases, now.cases, ({ tag }) => String(tag), "case")]
    return rest
  }

  /** Differences of statuses. */
  statuses(): ReadonlyArray<Change> {
    return this.rows("", this.old.statuses, this.now.statuses, ({ code }) => `0x${code.toString(16).padStart(4, "0")}`, "status")
  }
}
