/** How a layout is shown: as a grid with the table of its parts, or as a line with the table of its fields. */
import type { Catalog, TagMeaning } from "@wirewright/codec/Catalog"
import { kindWords } from "@wirewright/codec/Layout"
import type { FieldModel, LayoutModel } from "@wirewright/codec/Model"
import { type Part, placedFields, placedPacket } from "../layout/Placed.ts"
import { gridOf, plural } from "./Grid.ts"
import { isText, lineText } from "./Line.ts"
import { anchor, block, code, joined } from "./Markdown.ts"
import { fieldTable, partTable, type Paths } from "./Tables.ts"

/** Bytes of all parts together. */
const totalText = (parts: ReadonlyArray<Part>): string => {
  const least = parts.reduce((sum, part) => sum + part.least, 0)
  const most = parts.reduce<number | undefined>(
    (sum, part) => sum === undefined || part.most === undefined ? undefined : sum + part.most,
    0
  )
  return most === undefined
    ? `Total: ${plural(least)} or more.`
    : least === most
    ? `Total: ${plural(least)}.`
    : `Total: ${least} to ${plural(most)}.`
}

/** Whether a part of a header says nothing about this packet that it does not say about all. */
const isCommon = ({ bits = [], section, value }: Part): boolean =>
  section === "header" && value === undefined && bits.every((one) => one.value === undefined || one.field.value !== undefined)

/** Where the rest of a header is described, and which sections make a packet have another one. */
const headerNote = (paths: Paths, { headers, name }: TagMeaning["kind"], isWhole: boolean): string => {
  const link = `[${kindWords(name)}](${paths.root}frame.md#${anchor(kindWords(name))})`
  const sectionsOf = (index: number): ReadonlyArray<string> =>
    headers[index]?.fields.flatMap((field) => field.role === "sectionLength" ? [field.section] : []) ?? []
  const more = headers.slice(1).flatMap((_, i) => sectionsOf(i + 1).filter((section) => !sectionsOf(0).includes(section)))
  return [
    ...isWhole ? [] : [`The other fields of the header are those of every ${link}.`],
    ...more.length === 0
      ? []
      : [`With ${[...new Set(more)].map(code).join(", ")}, ${isWhole ? `a ${link} has another header` : "it is the other header there"}.`]
  ].join(" ")
}

const withGrid = (catalog: Catalog, paths: Paths, parts: ReadonlyArray<Part>, kind?: TagMeaning["kind"]): string => {
  const grid = gridOf(parts)
  if (grid === undefined) return "No bytes."
  const legend = grid.legend.map(({ mark, means }) => `${code(mark)} ${code(means)}`).join(", ")
  const lines = parts.filter(({ type }) => type.kind === "tokens").map(({ name, type }) =>
    `${code(name)} is a line:\n\n${block(lineText([{ name, type }]))}`
  )
  const shown = kind === undefined ? parts : parts.filter((part) => !isCommon(part))
  return joined([
    block(grid.text),
    legend,
    totalText(parts),
    ...lines,
    partTable(catalog, paths, shown),
    ...kind === undefined ? [] : [headerNote(paths, kind, shown.length === parts.length)]
  ])
}

const fieldsIn = (layout: LayoutModel): ReadonlyArray<FieldModel> => layout.sections.flatMap(({ fields }) => fields)

/** The layout of a packet. */
export const packetLayout = (catalog: Catalog, paths: Paths, meaning: TagMeaning, layout: LayoutModel): string => {
  const { run } = meaning.kind
  const fields = fieldsIn(layout)
  const isLine = run !== undefined && run.fields.length === 0 && run.trailer.length === 0 && isText(catalog, fields)
  return isLine
    ? joined([block(lineText(fields, run.until === undefined ? {} : { until: run.until })), fieldTable(catalog, paths, fields)])
    : withGrid(catalog, paths, placedPacket(catalog, meaning, layout), meaning.kind)
}

/** The layout of a record's fields; `tag` is the character in front of those that are text. */
export const recordLayout = (catalog: Catalog, paths: Paths, fields: ReadonlyArray<FieldModel>): string =>
  isText(catalog, fields)
    ? joined([block(lineText(fields)), fieldTable(catalog, paths, fields)])
    : withGrid(catalog, paths, placedFields(catalog, fields))

/** The layout of a case of a choice of texts. */
export const textCaseLayout = (catalog: Catalog, paths: Paths, tag: number, fields: ReadonlyArray<FieldModel>): string =>
  joined([block(lineText(fields, { tag })), fieldTable(catalog, paths, fields)])

/** Parts by themselves. */
export const gridLayout = (catalog: Catalog, paths: Paths, parts: ReadonlyArray<Part>): string => withGrid(catalog, paths, parts)
