/** The page of one command: what it is, its layouts, what answers it, its statuses, examples. */
import type { Catalog, TagMeaning } from "@wirewright/codec/Catalog"
import { kindWords } from "@wirewright/codec/Layout"
import type { CommandModel, LayoutModel, OutcomeModel, StatusModel, TypeModel } from "@wirewright/codec/Model"
import { layoutsOf, meaningsOf } from "../layout/Placed.ts"
import { examplesText } from "./Examples.ts"
import { packetLayout } from "./Layouts.ts"
import { code, joined, prose, sentence } from "./Markdown.ts"
import { enumerationTable, flagsTable, type Paths, statusTable, typeLink } from "./Tables.ts"

/** What all pages of a protocol are made from. */
export interface Site {
  readonly catalog: Catalog
  /** A command's page from the directory of all pages, by its name. */
  readonly files: ReadonlyMap<string, string>
  /** Directories of protocols that describe types of this one. */
  readonly types: ReadonlyMap<string, string>
  /** Name of the protocol that describes a command. */
  readonly origins: ReadonlyMap<string, string>
}

const root = "../"

const pathsOf = ({ types }: Site): Paths => ({ root, types })

/** A link from one packet's page to another's. */
const packetLink = ({ files }: Site, name: string): string => {
  const file = files.get(name)
  return file === undefined ? code(name) : `[${name}](${root}${file})`
}

/** An opcode in words; where all opcodes of a kind are characters, with the character. */
export const opcodeText = (catalog: Catalog, { isOpcodeless, kinds, opcode }: CommandModel): string | undefined => {
  if (isOpcodeless === true) return undefined
  const same = catalog.commands.filter((one) => one.kinds.request === kinds.request && one.isOpcodeless !== true)
  const isText = same.every((one) => one.opcode > 32 && one.opcode < 127) && same.length > 2
  const digits = `0x${opcode.toString(16).padStart(2, "0")}`
  return isText ? `${digits} ${code(String.fromCharCode(opcode))}` : digits
}

const lifecycleWords: { readonly [lifecycle in CommandModel["lifecycle"]]: string } = {
  active: "",
  deprecated: "Deprecated: servers still take it, and clients should not send it.",
  internal: "Internal: servers use it among themselves.",
  removed: "Removed: today's servers do not know it any more; its bytes are kept as they are."
}

const senders = { client: "the client", server: "the server", both: "both sides" } as const

const replyWords = (command: CommandModel, site: Site): string => {
  const { answeredBy, kinds, last, quiet, reply, unasked } = command
  if (answeredBy === undefined && kinds.response === undefined) return unasked === true ? "It is also sent when nothing asked for it." : ""
  const ends = last === undefined
    ? "the last one has a status other than `Success`"
    : Array.isArray(last)
    ? `the last is ${last.map((name: string) => packetLink(site, name)).join(" or ")}`
    : `the last has ${Object.entries(last).map(([field, value]) => code(`${field} = ${value}`)).join(", ")}`
  const words = {
    one: "One packet answers it.",
    many: `Several packets answer it; ${ends}.`,
    error: "It is answered only where something went wrong.",
    none: "Nothing answers it.",
    optional: "Who sends it knows whether it is answered."
  }[reply]
  return [
    words,
    ...quiet === "success" ? ["Success is not reported."] : quiet === "miss" ? ["A miss is not reported."] : [],
    ...unasked === true ? ["It is also sent when nothing asked for it."] : []
  ].join(" ")
}

/** Whether a protocol says who sends what: else `client` is what nobody said otherwise. */
const saysSenders = ({ commands, frame }: Catalog): boolean =>
  commands.some(({ sender }) => sender !== "client") ||
  frame.kinds.some(({ answers, sender }) => answers !== undefined || sender !== undefined)

/** Who sends a command's request: what its kinds of packet say, else what it says itself; nothing where nobody says. */
export const senderOf = (catalog: Catalog, { kinds, sender }: CommandModel): CommandModel["sender"] | undefined => {
  const said = new Set([kinds.request, ...kinds.also ?? []].flatMap((kind) => catalog.kind(kind)?.sender ?? []))
  return said.size > 1 ? "both" : said.size === 1 ? [...said][0] : saysSenders(catalog) ? sender : undefined
}

const facts = (site: Site, command: CommandModel): string => {
  const { catalog, origins } = site
  const { header, kinds, label, name } = command
  const opcode = opcodeText(catalog, command)
  const from = origins.get(name)
  const asked = [kinds.request, ...kinds.also ?? []].map((kind) => code(kindWords(kind))).join(" and ")
  const sides = senderOf(catalog, command)
  const rows = [
    ["Name in documents", label === name ? "" : code(label)],
    ["Opcode", opcode ?? ""],
    ["Kind of packet", asked],
    ["Sent by", sides === undefined ? "" : senders[sides]],
    ["Always has", Object.entries(header ?? {}).map(([field, value]) => code(`${field} = ${value}`)).join(", ")],
    ["Phase that begins after it", command.then === undefined ? "" : `[${command.then}](${root}frame.md#phases)`],
    ["Described by", from === undefined || from === catalog.name ? "" : `the protocol ${code(from)}, which this one extends`]
  ].filter(([, text]) => text !== "")
  return rows.map(([title, text]) => `- ${title}: ${text}`).join("\n")
}

/** The layouts of a meaning; `level` is that of their headings. */
const layoutsText = (site: Site, meaning: TagMeaning, level: number): string => {
  const { catalog } = site
  const all = layoutsOf(meaning)
  return joined(all.map((layout: LayoutModel) =>
    joined([
      ...layout.name === undefined ? [] : [`${"#".repeat(level)} ${layout.name}`],
      layout.doc === undefined ? "" : prose(layout.doc),
      packetLayout(catalog, pathsOf(site), meaning, layout)
    ])
  ))
}

const requestText = (site: Site, command: CommandModel): string => {
  const meanings = meaningsOf(site.catalog, command).filter(({ outcome }) => outcome === undefined)
  const texts = meanings.map((meaning) => ({ kind: meaning.kind.name, text: layoutsText(site, meaning, 3) }))
  const [first] = texts
  if (first === undefined) return ""
  const isOne = command.kinds.response === undefined
  const title = (kind: string): string => capital(kindWords(kind))
  // kinds with the same packet are told once
  const different = texts.filter(({ text }, i) => texts.findIndex((one) => one.text === text) === i)
  const many = command.request.length > 1 ? "It has one of these layouts, told apart by their lengths and constants." : ""
  return different.length === 1
    ? joined([`## ${isOne ? "Layout" : title(first.kind)}`, many, first.text])
    : joined([many, ...different.map(({ kind, text }) => joined([`## ${title(kind)}`, text]))])
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

const statusOf = (site: Site, code: number): StatusModel | undefined => site.catalog.status(code)

const outcomeText = (site: Site, meaning: TagMeaning, outcome: OutcomeModel): string => {
  const names = outcome.statuses.map(({ code: value, name }) => `${code(name)} (0x${value.toString(16).padStart(4, "0")})`).join(", ")
  return joined([
    `### ${outcome.name}`,
    outcome.statuses.length === 0 ? "" : `With the status ${names}.`,
    outcome.doc === undefined ? "" : prose(outcome.doc),
    layoutsText(site, meaning, 4)
  ])
}

/** Statuses that a comment names: in backticks, or by a name that is no ordinary word. */
const namedIn = ({ catalog }: Site, doc: string | undefined): ReadonlyArray<StatusModel> =>
  doc === undefined
    ? []
    : catalog.statuses.filter(({ name }) =>
      doc.includes(`\`${name}\``) || (/[a-z][A-Z]/.test(name) || /^E[a-z]+$/.test(name)) && new RegExp(`\\b${name}\\b`).test(doc)
    )

const responseText = (site: Site, command: CommandModel): string => {
  const { catalog } = site
  const meanings = meaningsOf(catalog, command).filter(({ outcome }) => outcome !== undefined)
  if (meanings.length === 0) return ""
  const statuses = meanings.flatMap(({ outcome }) => outcome!.statuses.flatMap(({ code: value }) => statusOf(site, value) ?? []))
  const rest = catalog.statuses.length === 0
    ? ""
    : `With any other of [the statuses](${root}frame.md#statuses), the response carries what the server says about the error, or nothing.`
  return joined([
    `## ${capital(kindWords(meanings[0]!.kind.name))}`,
    ...meanings.map((meaning) => outcomeText(site, meaning, meaning.outcome!)),
    catalog.statuses.length === 0 ? "" : "### Statuses",
    statusTable([...new Set([...statuses, ...namedIn(site, command.doc)])]),
    rest
  ])
}

/** Named numbers among fields, those within lists and the like too; records have a page of their own. */
const namedNumbers = (value: unknown, found = new Set<string>()): ReadonlySet<string> => {
  if (typeof value !== "object" || value === null) return found
  const { kind, ref } = value as { readonly kind?: unknown; readonly ref?: unknown }
  // fields in bits have a name without a kind
  if (typeof ref === "string" && (kind === "flags" || kind === "enumeration" || kind === undefined)) found.add(ref)
  for (const one of Object.values(value)) namedNumbers(one, found)
  return found
}

/** As many rows as are read beside a packet. */
const mostValues = 40

const valuesText = (site: Site, command: CommandModel): string => {
  const { catalog } = site
  const types = [...namedNumbers([command.request, command.responses])].map((name) => catalog.type(name))
  const tables = types.flatMap((type) => {
    const isShort = type.kind === "flags" || type.kind === "enumeration" && type.values.length <= mostValues
    if (!isShort) return []
    const rows = type.kind === "flags" ? flagsTable(type) : enumerationTable(type)
    return rows === "" ? [] : [joined([`### ${typeLink(pathsOf(site), type.name)}`, type.doc === undefined ? "" : prose(type.doc), rows])]
  })
  return tables.length === 0 ? "" : joined(["## Values", ...tables])
}

/** Connection states that a packet asks. */
const statesIn = (site: Site, command: CommandModel): ReadonlySet<string> => {
  const found = new Set<string>()
  const seen = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    const { kind, ref, sibling, state } = value as Partial<Extract<TypeModel, { kind: "when" }>> & { readonly ref?: string }
    if (kind === "when" && sibling !== true && state !== undefined) found.add(state)
    if (typeof ref === "string" && !seen.has(ref)) {
      seen.add(ref)
      visit(site.catalog.type(ref))
    }
    for (const one of Object.values(value)) visit(one)
  }
  visit([command.request, command.responses])
  return found
}

const statesText = (site: Site, command: CommandModel): string => {
  const asked = statesIn(site, command)
  const states = site.catalog.states.filter(({ name }) => asked.has(name))
  return states.length === 0 ? "" : joined([
    "## Connection states",
    "Some fields depend on what the connection has negotiated:",
    states.map(({ doc, name }) => `- [${code(name)}](${root}frame.md#connection-states): ${prose(doc)}`).join("\n")
  ])
}

const linksText = (site: Site, command: CommandModel): string => {
  const { catalog } = site
  const asks = catalog.commands.filter(({ answeredBy }) => answeredBy?.includes(command.name))
  const answers = (command.answeredBy ?? []).filter((name) => catalog.commandNamed(name) !== undefined)
  if (asks.length + answers.length === 0) return ""
  const link = (name: string): string => {
    const doc = catalog.commandNamed(name)?.doc
    return `- ${packetLink(site, name)}${doc === undefined ? "" : `: ${prose(sentence(doc))}`}`
  }
  return joined([
    ...answers.length === 0 ? [] : ["## Answered by", answers.map(link).join("\n")],
    ...asks.length === 0 ? [] : ["## Answers", asks.map(({ name }) => link(name)).join("\n")]
  ])
}

/** The page. */
export const packetPage = (site: Site, command: CommandModel): string =>
  joined([
    `# ${command.name}`,
    command.doc === undefined ? "" : prose(command.doc),
    lifecycleWords[command.lifecycle],
    facts(site, command),
    replyWords(command, site),
    `[How to read this page](${root}notation.md)`,
    requestText(site, command),
    responseText(site, command),
    valuesText(site, command),
    statesText(site, command),
    linksText(site, command),
    examplesText(site.catalog, command)
  ])
