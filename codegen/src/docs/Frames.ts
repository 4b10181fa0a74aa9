/** The page of what all packets share: headers, sections, phases, states, statuses, limits. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { textOfHex } from "@wirewright/codec/Hex"
import { kindWords } from "@wirewright/codec/Layout"
import type { KindModel } from "@wirewright/codec/Model"
import { placedHeader, placedTrailer } from "../layout/Placed.ts"
import { shownText } from "./Grid.ts"
import { gridLayout } from "./Layouts.ts"
import { code, joined, prose, table } from "./Markdown.ts"
import { type Paths, statusTable, typeLink } from "./Tables.ts"

const endWords = (kind: KindModel): string => {
  const { run } = kind
  switch (run?.end) {
    case "self":
      return "A packet has no length: its fields tell where it ends."
    case "datagram":
      return "A packet fills a datagram."
    case "until":
      return `A packet ends with ${code(shownText(textOfHex(run.until ?? "")))}, which cannot be within it.`
    default:
      return ""
  }
}

const kindText = (catalog: Catalog, paths: Paths, kind: KindModel): string => {
  const { answers, headers, name, run, sender, shared } = kind
  const all = run === undefined ? headers.map((_, i) => i) : [0]
  const trailer = placedTrailer(catalog, kind)
  const sides = { client: "the client", server: "the server" }
  return joined([
    `### ${kindWords(name)}`,
    [
      ...answers === undefined ? [] : [`Answers a ${code(kindWords(answers))}.`],
      ...sender === undefined ? [] : [`Sent by ${sides[sender]}.`],
      endWords(kind),
      ...run?.opcodeFrom === undefined ? [] : [`Which packet it is, the state ${code(run.opcodeFrom)} says.`],
      ...shared.map(({ ref, section }) => `All have the same ${code(section)}: ${typeLink(paths, ref)}.`)
    ].filter((one) => one !== "").join(" "),
    ...all.map((i) => {
      const parts = placedHeader(catalog, kind, i)
      if (parts.length === 0) return "It has no header."
      return joined([i === 1 ? "Or, where a packet needs it:" : "", gridLayout(catalog, paths, parts)])
    }),
    ...trailer.length === 0 ? [] : ["After the body:", gridLayout(catalog, paths, trailer)]
  ])
}

/** The page. */
export const framePage = (catalog: Catalog, paths: Paths): string => {
  const { correlation, kinds, maxFrame, minFrame, over, phases = [], refusals, sections } = catalog.frame
  const unit = over === "text" ? "characters" : "bytes"
  const { states, statuses } = catalog
  return joined([
    "# Frame",
    "What all packets share. [How to read this page](notation.md)",
    "## Limits",
    [
      `- A packet has at most ${maxFrame.toLocaleString("en")} ${unit}, its header included.`,
      ...minFrame === undefined ? [] : [`- What is shorter than ${minFrame} ${unit} is no packet and skipped.`],
      ...over === "text" ? ["- It is text that a transport hands over; sizes count characters."] : []
    ].join("\n"),
    "## Kinds of packet",
    sections.length < 2
      ? ""
      : `After the header come the sections ${
        sections.map(code).join(", ")
      }, in this order. Those that a packet does not describe are empty.`,
    ...kinds.map((kind) => kindText(catalog, paths, kind)),
    ...correlation === undefined && kinds.every(({ answers }) => answers === undefined) ? [] : [
      "## Requests and answers",
      correlation === undefined
        ? "Answers come in the order of the requests."
        : `An answer repeats the ${code(correlation)} of its request.`
    ],
    ...refusals === undefined ? [] : [
      table(
        ["A server refuses with", "when"],
        [
          [refusals.unknown, "it does not know the command"],
          [refusals.malformed, "the bytes are no packet"],
          [refusals.died, "it failed to answer"]
        ].flatMap(([name, when]) => name === undefined ? [] : [[code(name), when!]])
      )
    ],
    ...phases.length === 0 ? [] : [
      "## Phases",
      "A connection goes through phases, the first one first; packets say on their pages which phase begins after them.",
      table(
        ["Phase", "The client sends", "The server sends"],
        phases.map(({ client, name, server }) => [
          code(name),
          client === undefined ? "" : code(kindWords(client)),
          server === undefined ? "" : code(kindWords(server))
        ])
      )
    ],
    ...states.length === 0 ? [] : [
      "## Connection states",
      "What a connection has negotiated changes some layouts. All are off, or 0, in the beginning.",
      table(
        ["State", "Value", "Meaning"],
        states.map(({ doc, name, numbered }) => [code(name), numbered === true ? "a number" : "on or off", prose(doc)])
      )
    ],
    ...statuses.length === 0 ? [] : ["## Statuses", statusTable(statuses)]
  ])
}
