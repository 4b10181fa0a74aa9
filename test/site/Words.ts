/** The pages of the grammar's words, from the reference that the tests run: what a word is in a spec, its bytes as a picture, and an example. */
import { buildModel } from "@wirewright/codegen/Build"
import { recordLayout } from "@wirewright/codegen/docs/Layouts"
import { Catalog } from "@wirewright/codec/Catalog"
import { types } from "@wirewright/dsl"
import { frameReference } from "../words/FrameReference.ts"
import { recordOf, reference, referenceName, rows, unsaid } from "../words/Reference.ts"
import { anchorOf, type Page, source } from "./Pages.ts"

/** Specs of the reference have no comments. */
const silent = { doc: () => undefined, family: () => undefined } as never

const pictureOf = (i: number): string => {
  const { model } = buildModel(types({ name: "reference", module: "./x", types: [recordOf(rows[i]!, i)] }), silent)
  const catalog = Catalog.of([model])
  const record = catalog.typeOf("struct", referenceName(i))
  const layout = recordLayout(catalog, { root: "", types: new Map(catalog.commands.map(({ name }) => [name, ""])) }, record.fields)
  // the picture alone: the table of the fields repeats the spec
  return layout.split("\n\n").filter((part) => !part.startsWith("|")).join("\n\n")
}

const wordTitle = (word: string): string => word.replaceAll("`", "")

const slugOf = (group: string): string => group.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")

const tidy = (text: string): string => text.replaceAll("<", "&lt;").replaceAll(/`[^`]*`/g, (code) => code.replaceAll("&lt;", "<"))

/** Types in TypeScript by what stands in a spec, as the generated reference has them. */
const typesOf = (): ReadonlyMap<string, string> =>
  new Map(
    source("packages/dsl/WORDS.md").split("\n").filter((line) => line.startsWith("| ")).flatMap((line) => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"))
      const [, , spec = "", , , type = ""] = cells
      return /^`.*`$/.test(type) ? [[spec, type] as const] : []
    })
  )

/** The pages. */
export const wordPages = (): ReadonlyArray<Page> => {
  const typed = typesOf()
  const typeText = (spec: string): string => {
    const type = typed.get(`\`${spec}\``)
    return type === undefined ? "" : `In TypeScript: ${type}.`
  }
  const groups = Object.entries(reference).map(([group, own]): Page => ({
    slug: `words/${slugOf(group)}`,
    title: group,
    description: `Words of the grammar: ${own.map(({ word }) => wordTitle(word)).join(", ")}`,
    from: "packages/dsl/WORDS.md",
    body: own.map((row) => {
      const { bytes, hex, says, spec, value, word } = row
      return [
        `## ${wordTitle(word)}`,
        `On the wire: ${tidy(bytes)}.`,
        `\`\`\`ts\n${spec}\n\`\`\``,
        pictureOf(rows.indexOf(row)),
        tidy(says),
        typeText(spec),
        `Example: \`${value}\` is \`${hex}\`, in both directions.`
      ].filter((part) => part !== "").join("\n\n")
    }).join("\n\n")
  }))
  const frames: Page = {
    slug: "words/frames-and-protocols",
    title: "Frames and protocols",
    description: "Words of the grammar for headers, packets, commands, statuses and protocols",
    from: "packages/dsl/WORDS.md",
    body: frameReference.map(({ bytes, hex, says, shown, value, word }) =>
      [
        `## ${wordTitle(word)}`,
        `On the wire: ${tidy(bytes)}.`,
        `\`\`\`ts\n${shown}\n\`\`\``,
        tidy(says),
        typeText(shown),
        `Example: \`${value}\` is \`${hex}\`, in both directions.`
      ].filter((part) => part !== "").join("\n\n")
    ).join("\n\n")
  }
  const all = [...groups, frames]
  const index: Page = {
    slug: "words",
    title: "All words",
    description: "Every word that specs are written in",
    from: "packages/dsl/WORDS.md",
    body: [
      "A spec is plain data, made of these words. Each has its bytes as a picture, its options and limits, and an example that the tests run in both "
      + "directions.",
      ...all.map(({ body, slug, title }) =>
        `## ${title}\n\n${
          [...body.matchAll(/^## (.*)$/gm)].map(([, heading]) => `- [${heading}](/${slug}/#${anchorOf(heading!)})`).join("\n")
        }`
      ),
      "## What cannot be said",
      `| what | instead |\n|---|---|\n${
        unsaid.map(([what, instead]) => `| ${tidy(what)} | ${tidy(instead)} |`.replaceAll("\n", " ")).join("\n")
      }`
    ].join("\n\n")
  }
  return [index, ...all]
}
