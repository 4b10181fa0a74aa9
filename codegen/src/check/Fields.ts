/** Rules for runs of fields: sections of a packet and records. */
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import type { Complaint } from "../Finding.ts"
import { isPropertyName } from "../Names.ts"
import type { Context } from "../print/Context.ts"
import { optionalIn, unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { presences } from "@wirewright/codec/LayoutSizes"
import { isPresenceByLength } from "@wirewright/codec/words/Presence"
import { at, type Place } from "./Place.ts"
import { checkWord } from "./Words.ts"

/** Fields of one object with where they were written, those within `bits` and `tokens` in place of these. */
export const flattened = (
  fields: ReadonlyArray<FieldModel>,
  path: ReadonlyArray<string> = []
): ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]> =>
  fields.flatMap((field) => {
    const here = [...path, field.name]
    if (field.type.kind === "tokens") return flattened(field.type.fields, here)
    if (field.type.kind !== "bits") return [[here, field] as const]
    // a slice that tells presence is derived, but no length
    const plain = { ...field.type, fields: field.type.fields.map(({ presenceOf: _presenceOf, ...one }) => one) }
    return flatFields([{ ...field, type: plain }]).map((one) => [[...here, one.name], one] as const)
  })

/** Names of fields that are bits of a number. */
export const slicesOf = (fields: ReadonlyArray<FieldModel>): ReadonlySet<string> =>
  new Set(fields.flatMap(({ type }) => type.kind === "bits" ? type.fields.map(({ name }) => name) : []))

const measurable: ReadonlySet<TypeModel["kind"]> = new Set([
  "bytes",
  "utf8",
  "json",
  "text",
  "array",
  "struct",
  "choice",
  "nibbleFrames",
  "domainName",
  "custom",
  "prefixed",
  "counted",
  "decimal"
])

const isMeasurable = (context: Context, type: TypeModel): boolean => {
  const inner = unwrapped(type)
  return measurable.has(inner.kind) && !((inner.kind === "bytes" || inner.kind === "utf8") && context.fixedSize(inner) !== undefined)
}

/** Rules for the names of fields that share a TypeScript object. */
export function* checkNames(
  place: Place,
  fields: ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]>,
  taken: ReadonlyMap<string, string>
): Iterable<Complaint> {
  const seen = new Map(taken)
  const numeric = fields.find(([, field]) => /^\d+$/.test(field.name))
  if (numeric !== undefined) {
    const message = `${JSON.stringify(numeric[1].name)} cannot be a property name: names like integers are reordered`
    yield at(place, "WW120", numeric[0], message, "use letters and digits, beginning with a letter")
  }
  for (const [path, field] of fields) {
    if (!isPropertyName(field.name)) {
      if (/^\d+$/.test(field.name)) continue
      yield at(
        place,
        "WW120",
        path,
        `${JSON.stringify(field.name)} cannot be a property name`,
        "use letters and digits, beginning with a letter, and no name that every object has"
      )
    } else if (seen.has(field.name) && place.context.isVisible(field.type)) {
      yield at(
        place,
        "WW121",
        path,
        `the name ${field.name} is taken by ${seen.get(field.name)}`,
        "all fields of a packet share one object: choose another name"
      )
    }
    seen.set(field.name, "another field")
  }
}

/** Rules for references between fields: lengths, counts, dependencies. `fields` are all fields of the packet or record, in wire order. */
export function* checkReferences(place: Place, fields: ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]>): Iterable<Complaint> {
  const { context } = place
  const index = new Map(fields.map(([, field], position) => [field.name, position]))
  const measured = new Map<string, string>()
  for (const [position, [path, field]] of fields.entries()) {
    const { type } = field
    const requires = optionalIn(type)?.requires
    if (requires !== undefined) {
      const needed = fields[index.get(requires) ?? -1]
      if (needed === undefined || optionalIn(needed[1].type) === undefined) {
        yield at(
          place,
          "WW127",
          path,
          `${field.name} requires ${requires}, which is no optional field here`,
          `name one of: ${names(fields, (one) => optionalIn(one) !== undefined)}`
        )
      }
    }
    if (type.kind === "optional" && type.if === undefined && (type.of.kind === "lengthOf" || type.of.kind === "countOf")) {
      yield at(
        place,
        "WW128",
        path,
        `the length ${field.name} cannot be optional`,
        "its presence could not be told from the packet: use layouts"
      )
    }
    const length = unwrapped(type)
    if (length.kind !== "lengthOf" && length.kind !== "countOf") continue
    const targets: ReadonlyArray<string> = typeof length.target === "string" ? [length.target] : length.target
    for (const name of targets) {
      const target = index.get(name)
      if (target === undefined) {
        yield at(place, "WW122", path, `no field is named ${name}`, `name one of: ${names(fields, (one) => isMeasurable(context, one))}`)
        continue
      }
      const of = unwrapped(fields[target]![1].type)
      // of several fields together, one must vary
      const measures = (one: string): boolean => index.has(one) && isMeasurable(context, unwrapped(fields[index.get(one)!]![1].type))
      if (length.kind === "countOf" ? of.kind !== "array" : !targets.some(measures)) {
        yield at(
          place,
          "WW123",
          path,
          `${name} has no ${length.kind === "countOf" ? "number of elements" : "length of its own"}`,
          length.kind === "countOf" ? "count an array" : "measure bytes, text, an array or a record"
        )
      }
      if (target < position) {
        yield at(place, "WW124", path, `${field.name} stands after ${name}, which it measures`, "put lengths in front of what they measure")
      }
    }
    // two lengths of one field are derived alike and compared; a second count would not be looked at
    const key = `${length.kind} ${targets.join(" ")}`
    if (length.kind === "countOf" && measured.has(key)) {
      yield at(place, "WW124", path, `${targets.join(", ")} is measured by ${measured.get(key)} already`, "keep one of them")
    }
    measured.set(key, field.name)
  }
}

const names = (fields: ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]>, fits: (type: TypeModel) => boolean): string =>
  fields.filter(([, field]) => fits(field.type)).map(([, field]) => field.name).join(", ") || "(none)"

/** Rules for one run of fields in wire order. `measured` are the fields that a length or count points at. */
export function* checkRun(place: Place, fields: ReadonlyArray<FieldModel>, measured: ReadonlySet<string>): Iterable<Complaint> {
  const { context } = place
  let open: string | undefined
  const before = new Set<string>()
  // a field behind whose size is known, once its presence is
  const isFound = (type: TypeModel): boolean =>
    context.fixedSize(type) !== undefined ||
    type.kind === "optional" && type.if !== undefined && before.has(type.if.field) && context.fixedSize(type.of) !== undefined
  for (const { name, type } of fields) {
    if (open === undefined) { for (const one of flatFields([{ name, type }])) before.add(one.name) }
    const delimited = measured.has(name) || context.ends(type)
    if (open !== undefined && !measured.has(name) && !isFound(type)) {
      yield at(
        place,
        "WW125",
        [name],
        `${open} takes all that is left, so ${name} cannot be found`,
        `give ${open} a length, or ${name} a lengthOf in front of ${open}`
      )
    }
    if (!delimited && optionalIn(type) === undefined) open = name
    yield* checkWord(place, name, type)
  }
  yield* checkOptionals(place, fields)
}

function* checkOptionals(place: Place, fields: ReadonlyArray<FieldModel>): Iterable<Complaint> {
  const { context } = place
  if (!isPresenceByLength(context, fields)) return
  const first = fields.findIndex((field) => field.type.kind === "optional")
  for (const field of fields) {
    const type = field.type.kind === "optional" ? field.type.of : field.type
    if (context.fixedSize(type) === undefined) {
      yield at(
        place,
        "WW126",
        [field.name],
        `${field.name} has no fixed width, so the length cannot tell which optional fields are there`,
        "keep fields beside several optional ones fixed, or use layouts"
      )
      return
    }
  }
  const optionals = fields.filter((field) => field.type.kind === "optional").length
  if (optionals > 12) {
    yield at(place, "WW126", [fields[first]!.name], `${optionals} optional fields make too many combinations`, "use layouts")
    return
  }
  const known = new Map<number, ReadonlySet<string>>()
  for (const { present, size } of presences(context, fields)) {
    const other = known.get(size)
    if (other !== undefined) {
      const text = (set: ReadonlySet<string>): string => set.size === 0 ? "none of them" : [...set].join(" + ")
      yield at(
        place,
        "WW126",
        [fields[first]!.name],
        `a length of ${size} can mean ${text(other)} or ${text(present)}`,
        "say what `requires` what, or use layouts"
      )
      return
    }
    known.set(size, present)
  }
}
