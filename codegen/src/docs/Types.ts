/** The page of the named types: records, choices, lists of tagged records, flags, enumerations. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CaseModel, ChoiceModel, FieldModel, NamedTypeModel, NibbleFramesModel } from "@wirewright/codec/Model"
import { isTextChoice } from "./Line.ts"
import { gridLayout, recordLayout, textCaseLayout } from "./Layouts.ts"
import { code, joined, prose } from "./Markdown.ts"
import { enumerationTable, flagsTable, kindOfType, type Paths } from "./Tables.ts"
import { placedFields } from "../layout/Placed.ts"

const caseTitle = (type: string, { name }: CaseModel): string => `### ${type}: ${name}`

const tagText = (tag: number, isText: boolean): string =>
  isText ? code(String.fromCharCode(tag)) : tag < 0 ? String(tag) : `0x${tag.toString(16).padStart(2, "0")}`

const choiceText = (catalog: Catalog, paths: Paths, choice: ChoiceModel): string => {
  const isText = isTextChoice(catalog, choice)
  const { by, cases, empty, name, tag, unknown } = choice
  const isLetter = cases.every((one) => one.tag > 32 && one.tag < 127)
  return joined([
    [
      tag === undefined
        ? `The field ${code(by ?? "")} beside it says which of these it is.`
        : "A number in front says which of these it is.",
      unknown === "keep" ? "Any other is kept as it is." : "Any other is an error.",
      ...empty === "keep" ? ["A length may leave it without bytes."] : []
    ].join(" "),
    ...cases.map((one) => {
      const { doc, fields } = one
      const tagField: ReadonlyArray<FieldModel> = tag === undefined ? [] : [{ name: "tag", type: tag }]
      return joined([
        caseTitle(name, one),
        `${isText ? "Begins with" : "Where it is"} ${tagText(one.tag, isText || isLetter)}.${doc === undefined ? "" : ` ${prose(doc)}`}`,
        isText
          ? textCaseLayout(catalog, paths, one.tag, fields)
          : tag === undefined
          ? recordLayout(catalog, paths, fields)
          : gridLayout(
            catalog,
            paths,
            placedFields(catalog, [...tagField, ...fields]).map((part, i) => i === 0 ? { ...part, value: one.tag } : part)
          )
      ])
    })
  ])
}

const framesText = (catalog: Catalog, paths: Paths, { cases, name }: NibbleFramesModel): string =>
  joined([
    "Records one after another. The high half of the first byte of each is its number, the low half how many bytes follow; 15 in either half adds "
    + "the next byte to it. Unknown ones are kept as they are.",
    ...cases.map((one) =>
      joined([
        caseTitle(name, one),
        `Number ${one.tag}.${one.doc === undefined ? "" : ` ${prose(one.doc)}`}`,
        "After the first byte:",
        recordLayout(catalog, paths, one.fields)
      ])
    )
  ])

const bodyText = (catalog: Catalog, paths: Paths, type: NamedTypeModel): string => {
  switch (type.kind) {
    case "struct":
      return joined([
        type.byteOrder === "given" ? "The order of the bytes of its numbers is given by what surrounds it." : "",
        recordLayout(catalog, paths, type.fields)
      ])
    case "choice":
      return choiceText(catalog, paths, type)
    case "nibbleFrames":
      return framesText(catalog, paths, type)
    case "flags":
      return joined([
        `${code(type.int)}. ${type.unknown === "keep" ? "Other bits are kept." : "Other bits are an error."}`,
        flagsTable(type)
      ])
    case "enumeration":
      return joined([
        `${code(type.int)}. ${type.unknown === "keep" ? "Other values are kept." : "Other values are an error."}`,
        enumerationTable(type)
      ])
  }
}

/** The page. */
export const typesPage = (catalog: Catalog, paths: Paths, types: ReadonlyArray<NamedTypeModel>): string =>
  joined([
    "# Types",
    "[How to read this page](notation.md)",
    ...types.map((type) =>
      joined([
        `## ${type.name}`,
        `${kindOfType(type).slice(0, 1).toUpperCase()}${kindOfType(type).slice(1)}.${type.doc === undefined ? "" : ` ${prose(type.doc)}`}`,
        bodyText(catalog, paths, type)
      ])
    )
  ])
