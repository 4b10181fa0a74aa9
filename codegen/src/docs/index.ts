/**
 * Reference pages of a protocol in Markdown: an index by opcode, a page for each command, the frame, the types, and how to read them. Made from
 * the models alone, so that any spec has them.
 */
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import { kindWords } from "@wirewright/codec/Layout"
import type { CommandModel, Model, NamedTypeModel } from "@wirewright/codec/Model"
import { headOf } from "@wirewright/codec/Heads"
import { markdownMark } from "../Header.ts"
import { compare } from "../Module.ts"
import { placedFields } from "../layout/Placed.ts"
import { framePage } from "./Frames.ts"
import { valueText } from "./Grid.ts"
import { lineText } from "./Line.ts"
import { code, joined, prose, sentence, table } from "./Markdown.ts"
import { notationPage } from "./Notation.ts"
import { opcodeText, packetPage, senderOf, type Site } from "./Packets.ts"
import type { Paths } from "./Tables.ts"
import { typesPage } from "./Types.ts"

/** A page by its path below the directory of the protocol. */
export type Pages = ReadonlyMap<string, string>

/** Names of files, which some file systems tell apart only by more than the case of letters. */
const fileNames = (names: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const taken = new Set<string>()
  return new Map(names.map((name) => {
    let file = name
    for (let i = 2; taken.has(file.toLowerCase()); i++) file = `${name}-${i}`
    taken.add(file.toLowerCase())
    return [name, `${file}.md`]
  }))
}

/** What a command without an opcode is told by. */
const headText = ({ request }: CommandModel): string => {
  const [first] = request
  const fields = first?.sections.flatMap((section) => section.fields) ?? []
  const [line] = fields
  if (line?.type.kind === "tokens") {
    const heads = line.type.fields.slice(0, Math.max(0, line.type.fields.findIndex(({ type }) => type.kind !== "literal")))
    const literals = heads.length === 0 && line.type.fields.every(({ type }) => type.kind === "literal") ? line.type.fields : heads
    return literals.length === 0
      ? ""
      : code(lineText([{ name: "", type: { kind: "tokens", separator: line.type.separator, fields: literals } }]))
  }
  const literals = fields.slice(0, Math.max(0, fields.findIndex(({ type }) => type.kind !== "literal")))
  if (literals.length > 0) return code(lineText(literals))
  const { text } = headOf(fields)
  return text === "" ? "" : code(`0x${[...text].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")}`)
}

/** The constants that tell a packet from others with its opcode; nothing where the opcode is enough. */
const sharedText = ({ catalog }: Site, { kinds, opcode, request }: CommandModel): string => {
  if (catalog.sharing(kinds.request, opcode).length < 2) return ""
  const fields = request[0]?.sections.flatMap((section) => section.fields) ?? []
  const end = fields.findIndex(({ type }) => type.kind !== "constant" && type.kind !== "literal")
  return placedFields(catalog, fields.slice(0, end < 0 ? fields.length : end)).map((part) => code(`${part.name} = ${valueText(part)}`))
    .join(", ")
}

const commandTable = (site: Site, commands: ReadonlyArray<CommandModel>): string =>
  table(
    ["Opcode", "Begins with", "Packet", "What it is", "Sent by"],
    commands.map((command) => [
      opcodeText(site.catalog, command) ?? "",
      command.isOpcodeless === true ? headText(command) : sharedText(site, command),
      `[${command.name}](${site.files.get(command.name)!})${command.lifecycle === "active" ? "" : ` (${command.lifecycle})`}`,
      prose(sentence(command.doc)),
      senderOf(site.catalog, command) ?? ""
    ])
  )

const indexPage = (site: Site, types: ReadonlyArray<NamedTypeModel>, models: ReadonlyArray<Model>): string => {
  const { catalog } = site
  const requests = [...new Set(catalog.commands.map(({ kinds }) => kinds.request))]
  const bases = models.slice(0, -1).map(({ name }) => name)
  const counts = [
    ...catalog.commands.length === 0 ? [] : [`${catalog.commands.length} packets`],
    ...types.length === 0 ? [] : [`[${types.length} named ${types.length === 1 ? "type" : "types"}](types.md)`],
    ...catalog.statuses.length === 0 ? [] : [`[${catalog.statuses.length} statuses](frame.md#statuses)`]
  ]
  const headless = requests.length === 1
  return joined([
    `# ${catalog.name}`,
    `The protocol ${code(catalog.name)} in full: ${counts.join(", ")}.${
      bases.length === 0 ? "" : ` It extends ${bases.toReversed().map(code).join(", which extends ")}.`
    }`,
    [
      ...catalog.frame.kinds.length === 0 ? [] : ["- [Frame](frame.md): what all packets share, with limits, states and statuses"],
      ...types.length === 0 ? [] : ["- [Types](types.md): records, choices, flags and named values"],
      "- [How to read these pages](notation.md)"
    ].join("\n"),
    ...requests.flatMap((kind) => {
      const commands = catalog.commands.filter(({ kinds }) => kinds.request === kind)
        .toSorted((a, b) => a.opcode - b.opcode || compare(a.name, b.name))
      return [headless ? "## Packets" : `## ${kindWords(kind).replace(/^./, (first) => first.toUpperCase())}`, commandTable(site, commands)]
    })
  ])
}

/** What pages may be told. */
export interface PagesOptions {
  /** Faces of the fields that only code can say. */
  readonly customs?: Customs
  /** Directories of the pages of protocols that this one extends, from its own, such as `../base/`. What they describe is linked, not repeated. */
  readonly bases?: { readonly [protocol: string]: string }
}

/** All pages of a protocol; `models` begins with the protocol that extends none. */
export const docsOf = (models: ReadonlyArray<Model>, { bases = {}, customs = {} }: PagesOptions = {}): Pages => {
  const catalog = Catalog.of(models, customs)
  const origins = new Map(models.flatMap(({ commands, name }) => commands.map((command) => [command.name, name] as const)))
  const baseOf = (protocol: string | undefined): string | undefined =>
    protocol === undefined || protocol === catalog.name ? undefined : bases[protocol]
  const commands = catalog.commands.toSorted((a, b) => compare(a.name, b.name))
  const files = fileNames(commands.map(({ name }) => name))
  const typeOrigins = new Map(models.flatMap((model) => model.types.map(({ name }) => [name, model.name] as const)))
  const site: Site = {
    catalog,
    files: new Map([...files].map(([name, file]) => [name, `${baseOf(origins.get(name)) ?? ""}packets/${file}`])),
    origins,
    types: new Map([...typeOrigins].flatMap(([name, origin]) => {
      const base = baseOf(origin)
      return base === undefined ? [] : [[name, base] as const]
    }))
  }
  const types = [...new Map(models.flatMap((model) => model.types.map((type) => [type.name, type] as const))).values()]
    .filter(({ name }) => !site.types.has(name))
    .toSorted((a, b) => compare(a.name, b.name))
  const paths: Paths = { root: "", types: site.types }
  const own = commands.filter(({ name }) => baseOf(origins.get(name)) === undefined)
  const pages: ReadonlyArray<readonly [string, string]> = [
    ["README.md", indexPage(site, types, models)],
    ["notation.md", notationPage()],
    ...catalog.frame.kinds.length === 0 ? [] : [["frame.md", framePage(catalog, paths)] as const],
    ...types.length === 0 ? [] : [["types.md", typesPage(catalog, paths, types)] as const],
    ...own.map((command) => [site.files.get(command.name)!, packetPage(site, command)] as const)
  ]
  return new Map(pages.map(([path, text]) => [path, `${markdownMark}\n\n${text}\n`]))
}
