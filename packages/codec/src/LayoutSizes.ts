/**
 * Which layout a packet has, and which of its optional fields are there: questions about sizes and constants, answered before any field is
 * read. It never produces values.
 */
import type { FieldModel, LayoutModel, TypeModel } from "./Model.ts"
import { isByLength } from "./words/Presence.ts"
import { fixedIn } from "./words/Records.ts"
import { fixedSize } from "./words/Sizes.ts"
import type { StateSet, Types } from "./words/Word.ts"

/** An optional field of known size. */
export interface OptionalField {
  readonly name: string
  readonly size: number
  readonly requires: string | undefined
}

/** The sets of optional fields that can be there together, each with its size. */
export const subsets = (
  optionals: ReadonlyArray<OptionalField>,
  present: (name: string) => boolean
): ReadonlyArray<{ readonly size: number; readonly names: ReadonlySet<string> }> => {
  let found: Array<{ readonly size: number; readonly names: ReadonlySet<string> }> = [{ size: 0, names: new Set() }]
  for (const { name, size } of optionals) {
    found = [...found, ...found.map((set) => ({ size: set.size + size, names: new Set([...set.names, name]) }))]
  }
  return found.filter(({ names }) =>
    optionals.every(({ name, requires }) =>
      !names.has(name) || requires === undefined || names.has(requires) ||
      !optionals.some((other) => other.name === requires) && present(requires)
    )
  )
}

/** The sets of optional fields that may be present together, each with the size of all fields; ascending. All must have a fixed size. */
export const presences = (
  types: Types,
  fields: ReadonlyArray<FieldModel>
): ReadonlyArray<{ readonly present: ReadonlySet<string>; readonly size: number }> => {
  const fixed = fields.reduce((sum, field) => sum + (isByLength(field) ? 0 : fixedSize(types, field.type) ?? 0), 0)
  const optionals = fields.filter(isByLength).flatMap(({ name, type }) =>
    type.kind === "optional" ? [{ name, size: fixedSize(types, type.of) ?? 0, requires: type.requires }] : []
  )
  return subsets(optionals, () => false).map(({ names, size }) => ({ present: names, size: fixed + size })).sort((a, b) => a.size - b.size)
}

/** The lengths that these fields can have together, ascending; `undefined` when they vary freely. */
export const possibleSizes = (
  types: Types,
  fields: ReadonlyArray<FieldModel>,
  states?: StateSet
): ReadonlyArray<number> | undefined => {
  let base = 0
  const names = new Set<string>()
  const optionals: Array<OptionalField> = []
  for (const { name, type } of fields) {
    const size = fixedIn(types, fields, { name, type: type.kind === "optional" ? type.of : type }, states)
    if (size === undefined) return undefined
    if (type.kind === "optional") optionals.push({ name, size, requires: type.requires })
    else {
      base += size
      names.add(name)
    }
  }
  return [...new Set(subsets(optionals, (name) => names.has(name)).map(({ size }) => base + size))].sort((a, b) => a - b)
}

/** `0, 16 or 20 bytes` */
export const sizesText = (sizes: ReadonlyArray<number>): string => {
  const rest = sizes.slice(0, -1)
  const last = sizes.at(-1)
  return last === 0 && rest.length === 0
    ? "no bytes"
    : `${rest.length === 0 ? "" : `${rest.join(", ")} or `}${last} ${last === 1 ? "byte" : "bytes"}`
}

/** A constant with its offset within the section. */
export interface ConstantField {
  readonly path: string
  readonly offset: number
  readonly type: Extract<TypeModel, { readonly kind: "constant" }>
}

/** The constants that stand at a known offset, before anything that varies in size. */
export const constantsOf = (types: Types, fields: ReadonlyArray<FieldModel>, states?: StateSet): ReadonlyArray<ConstantField> => {
  const found: Array<ConstantField> = []
  let offset = 0
  for (const { name, type } of fields) {
    if (type.kind === "constant") found.push({ path: name, offset, type })
    const size = type.kind === "optional" ? undefined : fixedIn(types, fields, { name, type }, states)
    if (size === undefined) break
    offset += size
  }
  return found
}

/** Why no layout fits. */
export interface NoLayout {
  readonly reason: "Length" | "UnknownValue"
  readonly section: string
  readonly path: string
  /** Offset within the section. */
  readonly offset: number
  readonly expected: string
}

/** Reads the section's constant; `undefined` when the bytes are not there. */
export type ConstantReader = (section: string, field: ConstantField) => number | bigint | undefined

/** The layout all of whose fixed lengths and constants agree; the one with the most constants, since one without is the fallback. */
const wholeMatch = (
  types: Types,
  layouts: ReadonlyArray<LayoutModel>,
  states: StateSet,
  sections: ReadonlyArray<{ readonly name: string; readonly length: number }>,
  read: ConstantReader
): LayoutModel | undefined => {
  let most = -1
  let best: LayoutModel | undefined
  for (const layout of layouts) {
    const contents = sections.map(({ name, length }) => {
      const fields = layout.sections.find(({ section }) => section === name)?.fields ?? []
      return { name, fields, fits: possibleSizes(types, fields, states)?.includes(length) ?? true }
    })
    if (!contents.every(({ fits }) => fits)) continue
    const constants = contents.flatMap(({ name, fields }) => constantsOf(types, fields, states).map((field) => ({ name, field })))
    if (constants.length > most && constants.every(({ name, field }) => String(read(name, field)) === String(field.type.value))) {
      most = constants.length
      best = layout
    }
  }
  return best
}

/**
 * The layout of a packet. When none fits as a whole, the nearest one is taken, so that reading it says what is wrong: section by section,
 * those whose fixed length differs drop out, then those whose constants differ; more matching constants win.
 */
export const chooseLayout = (
  types: Types,
  layouts: ReadonlyArray<LayoutModel>,
  states: StateSet,
  sections: ReadonlyArray<{ readonly name: string; readonly length: number }>,
  read: ConstantReader
): LayoutModel | NoLayout => {
  const whole = layouts.length > 1 ? wholeMatch(types, layouts, states, sections, read) : layouts[0]
  if (whole !== undefined) return whole
  let candidates = layouts
  for (const { name, length } of sections) {
    if (candidates.length <= 1) break
    const fieldsOf = (layout: LayoutModel): ReadonlyArray<FieldModel> =>
      layout.sections.find(({ section }) => section === name)?.fields ?? []
    const sizes = candidates.map((layout) => possibleSizes(types, fieldsOf(layout), states))
    const fitting = candidates.filter((_, i) => sizes[i]?.includes(length) ?? true)
    if (fitting.length === 0) {
      const known = [...new Set(sizes.flatMap((some) => some ?? []))].sort((a, b) => a - b)
      const offset = Math.min(length, known.findLast((size) => size < length) ?? length)
      return { reason: "Length", section: name, path: name, offset, expected: sizesText(known) }
    }
    let most = 0
    let best: Array<LayoutModel> = []
    const wanted: Array<ConstantField> = []
    for (const layout of fitting) {
      const constants = constantsOf(types, fieldsOf(layout), states)
      const differing = constants.find((field) => String(read(name, field)) !== String(field.type.value))
      if (differing !== undefined) wanted.push(differing)
      else if (best.length === 0 || constants.length > most) {
        most = constants.length
        best = [layout]
      } else if (constants.length === most) best.push(layout)
    }
    if (best.length === 0) {
      const [first] = wanted
      const values = [...new Set(wanted.filter(({ path }) => path === first?.path).map(({ type }) => String(type.value)))]
      return {
        reason: "UnknownValue",
        section: name,
        path: first?.path ?? "",
        offset: first?.offset ?? 0,
        expected: `one of ${values.join(", ")}`
      }
    }
    candidates = best
  }
  return candidates[0] ?? { sections: [] }
}
