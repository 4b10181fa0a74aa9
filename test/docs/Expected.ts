/** Test only: where the fields of a model stand, worked out from the model and the sizes that the codec says, for comparing with pages. */
import { Catalog, isOfKind } from "@wirewright/codec/Catalog"
import { textOfHex } from "@wirewright/codec/Hex"
import type { FieldModel, KindModel, LayoutModel, Model, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { fixedSize, leastSize } from "@wirewright/codec/words/Sizes"
import { fieldsOf, parseLine, type Shown, type Stretch, textOf } from "./Grids.ts"

type Place = Pick<Stretch, "name" | "base" | "offset"> & { readonly bits?: number | undefined }

/** One layout that a page has to show. */
export interface Wanted {
  readonly title: string
  /** Header fields of fixed layout: name, offset and bytes, as the model says them. */
  readonly header: ReadonlyArray<readonly [name: string, offset: number, size: number]>
  readonly fields: ReadonlyArray<FieldModel>
  /** Character in front of a case that is text. */
  readonly tag?: number
  readonly until?: string
}

/** Where bits stand on the wire, a stretch for each run of them that lie side by side. */
const bitPlaces = (type: Extract<TypeModel, { readonly kind: "bits" }>): ReadonlyArray<readonly [name: string, at: number]> => {
  const size = intWidth[type.of.int]
  return type.fields.flatMap(({ high, low, name }) =>
    Array.from({ length: high - low + 1 }, (_, i): readonly [string, number] => {
      const bit = high - i
      const byte = Math.floor(bit / 8)
      return [name, (type.of.order === "little" ? byte : size - 1 - byte) * 8 + 7 - bit % 8]
    })
  )
}

/** Complaints about a grid: what stands elsewhere than the model says. */
const gridFaults = (catalog: Catalog, wanted: Wanted, stretches: ReadonlyArray<Stretch>): ReadonlyArray<string> => {
  const faults: Array<string> = []
  let i = 0
  const next = (): Stretch | undefined => stretches[i++]
  const expectPlace = (want: Place, got: Stretch | undefined): void => {
    if (got === undefined || got.name !== want.name || got.base !== want.base || got.offset !== want.offset || got.bits !== want.bits) {
      faults.push(`${wanted.title}: ${JSON.stringify(want)}, but the grid has ${JSON.stringify(got)}`)
    }
  }
  for (const [name, offset, size] of wanted.header) expectPlace({ name, base: 0, offset: offset * 8, bits: size * 8 }, next())
  let base = 0
  let at = wanted.header.reduce((end, [, offset, size]) => Math.max(end, (offset + size) * 8), 0)
  for (const { name, type } of wanted.fields) {
    const size = type.kind === "bits" ? intWidth[type.of.int] : fixedSize(catalog, type)
    if (size === 0) continue
    if (type.kind === "bits") {
      const places = bitPlaces(type)
      const drawn = new Map<number, string>()
      for (let taken = 0; taken < intWidth[type.of.int] * 8;) {
        const got = next()
        if (got === undefined || got.bits === undefined || got.base !== base || got.offset !== at + taken) {
          faults.push(`${wanted.title}: bits of ${name} at ${at + taken}, but the grid has ${JSON.stringify(got)}`)
          break
        }
        for (let bit = 0; bit < got.bits; bit++) drawn.set(taken + bit, got.name.replace(/\.[\d-]+$/, ""))
        taken += got.bits
      }
      for (const [bit, place] of places) {
        if (drawn.get(place) !== bit) {
          faults.push(`${wanted.title}: ${bit} has the bit ${place} of ${name}, but the grid has ${drawn.get(place)}`)
        }
        drawn.delete(place)
      }
      for (const [place, other] of drawn) if (other !== "0") faults.push(`${wanted.title}: ${other} has the bit ${place} of ${name}`)
      at += intWidth[type.of.int] * 8
      if (!type.fields.some(({ escaped }) => escaped !== undefined)) continue
      const got = next()
      if (got === undefined || got.offset !== at || got.least !== 0) faults.push(`${wanted.title}: ${JSON.stringify(got)} is no escape`)
      base++
      at = 0
      continue
    }
    const got = next()
    if (size !== undefined) {
      expectPlace({ name, base, offset: at, bits: size * 8 }, got)
      at += size * 8
      continue
    }
    expectPlace({ name, base, offset: at, bits: undefined }, got)
    const isMissing = type.kind === "optional" || type.kind === "when" && type.else === undefined
    if (got?.isOptional !== (isMissing || type.kind === "when" && type.of.kind === "optional" ? true : undefined)) {
      faults.push(`${wanted.title}: ${name} is${isMissing ? "" : " not"} optional`)
    }
    const least = leastSize(catalog, type)
    if (isMissing ? (got?.least ?? 0) < least : got?.least !== least) {
      faults.push(`${wanted.title}: ${name} has at least ${least} bytes, not ${got?.least}`)
    }
    base++
    at = 0
  }
  if (i < stretches.length) faults.push(`${wanted.title}: the grid goes on with ${JSON.stringify(stretches[i])}`)
  return faults
}

/** The fields that a line must name in their order, and the text that must always stand there. */
const lineFaults = ({ fields, tag, title, until }: Wanted, line: string): ReadonlyArray<string> => {
  const atoms = parseLine(line)
  const names: Array<string> = []
  const texts: Array<string> = tag === undefined ? [] : [String.fromCharCode(tag)]
  const ended = (hex: string | undefined, isThere = true): void => {
    if (hex !== undefined && isThere) texts.push(textOfHex(hex))
  }
  const visit = (name: string, type: TypeModel, isThere: boolean): void => {
    const mark = isThere ? "" : "?"
    switch (type.kind) {
      case "literal":
        return ended(type.hex, isThere)
      case "optional":
        if (type.of.kind !== "literal") visit(name, type.of, false)
        return
      case "prefixed":
        visit(`${name}.length`, type.by, isThere)
        visit(name, type.of, isThere)
        return ended(type.trailer, isThere)
      case "counted":
        visit(`${name}.count`, type.by, isThere)
        names.push(`${name}${mark}*`)
        return
      case "lengthOf":
      case "countOf":
        return visit(name, type.of, isThere)
      case "array":
        names.push(`${name}${mark}*`)
        return ended(type.until, isThere)
      case "tokens": {
        const separator = textOfHex(type.separator)
        const needed = (of: TypeModel): boolean => of.kind === "array" ? (of.min ?? 0) > 0 : of.kind !== "optional"
        type.fields.forEach((field, i) => {
          if (isThere && i > 0 && needed(field.type) && type.fields.slice(0, i).some((one) => needed(one.type))) texts.push(separator)
          if (field.type.kind === "array") {
            const [one] = [`${field.name}`]
            names.push(
              ...needed(field.type)
                ? [one, `${one}*`]
                : type.fields.slice(0, i).some((other) => needed(other.type))
                ? [`${one}*`]
                : [`${one}?`, `${one}?*`]
            )
          } else visit(field.name, field.type, isThere)
        })
        return ended(type.until, isThere)
      }
      default:
        names.push(`${name}${mark}`)
        return ended("until" in type ? type.until : undefined, isThere)
    }
  }
  // a case that is text has its tag in front, as a character
  for (const { name, type } of tag === undefined ? fields : fields.slice(1)) visit(name, type, true)
  ended(until)
  const got = fieldsOf(atoms).map(({ isOptional, isRepeated, name }) =>
    `${name}${isOptional === true ? "?" : ""}${isRepeated === true ? "*" : ""}`
  )
  return [
    ...JSON.stringify(got) === JSON.stringify(names) ? [] : [`${title}: fields ${names.join(", ")}, but the line has ${got.join(", ")}`],
    ...textOf(atoms) === texts.join("")
      ? []
      : [`${title}: text ${JSON.stringify(texts.join(""))}, but the line has ${JSON.stringify(textOf(atoms))}`]
  ]
}

/** What is wrong with what a page shows, against what its model has. */
export const faultsOf = (catalog: Catalog, wanted: ReadonlyArray<Wanted>, shown: ReadonlyArray<Shown>): ReadonlyArray<string> =>
  wanted.length !== shown.length
    ? [`${wanted[0]?.title ?? "page"}: ${wanted.length} layouts, but ${shown.length} are shown`]
    : wanted.flatMap((one, i) => {
      const own = shown[i]!
      if (own.kind === "grid") return gridFaults(catalog, one, own.stretches)
      if (own.kind === "line") return one.header.length > 0 ? [`${one.title}: a line with a header`] : lineFaults(one, own.line)
      return one.header.length + one.fields.length === 0 ? [] : [`${one.title}: nothing is shown`]
    })

const headerOf = (kind: KindModel, index = 0): Pick<Wanted, "header" | "fields" | "until"> => ({
  header: kind.headers[index]?.fields.map(({ int, name, offset }) => [name, offset, intWidth[int]] as const) ?? [],
  fields: kind.run?.fields ?? [],
  ...(kind.run?.until === undefined ? {} : { until: kind.run.until })
})

const unique = (all: ReadonlyArray<Wanted>): ReadonlyArray<Wanted> =>
  all.filter((one, i) => all.findIndex((other) => JSON.stringify({ ...other, title: "" }) === JSON.stringify({ ...one, title: "" })) === i)

/** The layouts that each page of a protocol has to show, by the page's path. */
export const wantedOf = (models: ReadonlyArray<Model>): ReadonlyMap<string, ReadonlyArray<Wanted>> => {
  const catalog = Catalog.of(models)
  const { kinds, sections } = catalog.frame
  const out = new Map<string, ReadonlyArray<Wanted>>()
  const packet = (title: string, kind: KindModel, layout: LayoutModel): Wanted => {
    const head = headerOf(kind)
    const body = sections.flatMap((name) => layout.sections.find(({ section }) => section === name)?.fields ?? [])
    return { ...head, title, fields: [...head.fields, ...body, ...kind.run?.trailer ?? []] }
  }
  for (const command of catalog.commands) {
    const requests = kinds.filter((kind) => isOfKind(command, kind.name)).toSorted((a, b) =>
      Number(b.name === command.kinds.request) - Number(a.name === command.kinds.request)
    )
    const response = kinds.find(({ name }) => name === command.kinds.response)
    out.set(`packets/${command.name}.md`, [
      ...unique(requests.flatMap((kind) => command.request.map((layout) => packet(`${command.name} as ${kind.name}`, kind, layout)))),
      ...response === undefined
        ? []
        : command.responses.flatMap(({ layouts, name }) => layouts.map((layout) => packet(`${command.name} ${name}`, response, layout)))
    ])
  }
  if (kinds.length > 0) {
    out.set(
      "frame.md",
      kinds.flatMap((kind) => {
        const trailer = kind.run?.trailer ?? []
        const heads = kind.run === undefined
          ? kind.headers.map((_, i) => headerOf(kind, i))
          : kind.run.fields.length === 0
          ? []
          : [headerOf(kind)]
        return [
          ...heads.map((head) => ({ ...head, title: `header of ${kind.name}` })),
          ...trailer.length === 0 ? [] : [{ title: `trailer of ${kind.name}`, header: [], fields: trailer }]
        ]
      })
    )
  }
  const types = [...new Map(models.flatMap((model) => model.types.map((type) => [type.name, type] as const))).values()]
    .toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  if (types.length > 0) {
    out.set(
      "types.md",
      types.flatMap((type): ReadonlyArray<Wanted> => {
        if (type.kind === "struct") return [{ title: type.name, header: [], fields: type.fields }]
        if (type.kind === "nibbleFrames") {
          return type.cases.map(({ fields, name }) => ({ title: `${type.name}: ${name}`, header: [], fields }))
        }
        if (type.kind !== "choice") return []
        return type.cases.map(({ fields, name, tag }) => ({
          title: `${type.name}: ${name}`,
          header: [],
          ...type.tag === undefined ? { fields } : { fields: [{ name: "tag", type: type.tag }, ...fields], tag }
        }))
      })
    )
  }
  return out
}
