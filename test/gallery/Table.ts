/**
 * Test only: the table that the gallery prints, and what a spec may not exceed.
 *
 * Lines are all lines of the file, comments and imports included, as `wc -l` counts them; none is wider than dprint makes them.
 */
import type { Model } from "@wirewright/codec/Model"
import { readFileSync } from "node:fs"
import type { Gallery, Recorded } from "./Conversations.ts"
import { customFields, derivedFields, wordsUsed } from "./Words.ts"

/** Most lines of a spec, of those that the issue calls large, and of a field that only code can say; most such fields; most characters. */
export const limits = { spec: 150, large: 350, custom: 40, customs: 2, width: 140 } as const

const large = new Set(["PostgreSQL", "Kafka", "AMQP 0-9-1", "memcached"])

const root = new URL("../../", import.meta.url)

/** Packets of ours that programs of others took, by title: `test/peers/gallery/Accepted.ts` keeps them. */
const accepted = JSON.parse(readFileSync(new URL("accepted.json", import.meta.url), "utf8")) as { readonly [title: string]: number }

const linesOf = (path: string): ReadonlyArray<string> => readFileSync(new URL(path, root), "utf8").replace(/\n$/, "").split("\n")

const pathOf = ({ spec }: Gallery): string => spec.includes("/") ? spec : `packages/examples/src/spec/${spec}`

/** The fields that only code can say, with the lines of their files. */
const customs = (models: ReadonlyArray<Model>): ReadonlyArray<{ readonly name: string; readonly lines: ReadonlyArray<string> }> =>
  customFields(models).map(({ module, name }) => ({ name, lines: linesOf(`packages/examples/src/custom/${module.split("/").at(-1)}`) }))

/** What of a spec is longer, wider or more than it may be. */
export const excesses = ({ gallery }: Recorded): ReadonlyArray<string> => {
  const own = customs(gallery.models)
  const most = large.has(gallery.title) ? limits.large : limits.spec
  const files = [{ name: pathOf(gallery), lines: linesOf(pathOf(gallery)), most }, ...own.map((one) => ({ ...one, most: limits.custom }))]
  return [
    ...files.flatMap(({ lines, most, name }) => lines.length > most ? [`${name} has ${lines.length} lines, at most ${most}`] : []),
    ...files.flatMap(({ lines, name }) =>
      lines.flatMap((line, i) => line.length > limits.width ? [`${name}:${i + 1} has ${line.length} characters`] : [])
    ),
    // a file that a custom field imports would hide its lines; another custom field is counted by itself
    ...own.flatMap(({ lines, name }) =>
      lines.flatMap((line) => {
        const from = /from "\.\/(\w+)\.ts"/.exec(line)?.[1]
        return from === undefined || own.some((other) => other.name === from) ? [] : [`${name} imports ${from}, which nobody counts`]
      })
    ),
    ...(own.length > limits.customs
      ? [`${own.length} custom fields, at most ${limits.customs}: ${own.map(({ name }) => name).join(" ")}`]
      : [])
  ]
}

/** The row of a protocol. */
const row = (recorded: Recorded): string => {
  const { gallery } = recorded
  const words = wordsUsed(gallery.models)
  const own = customs(gallery.models).map(({ lines, name }) => `${name} ${lines.length}`)
  const { length } = recorded.packets
  const refused = [...recorded.refusals().values()].reduce((sum, count) => sum + count, 0)
  const packets = refused === 0 ? `${length}` : `${length} of ${length + refused}`
  const cells = [
    gallery.title,
    `${words.length}: ${words.join(" ")}`,
    linesOf(pathOf(gallery)).length,
    own.join(", ") || "none",
    packets,
    accepted[gallery.title] ?? 0,
    derivedFields(gallery.models)
  ]
  return `| ${cells.join(" | ")} |`
}

const columns = [
  "protocol",
  "words used",
  "lines of spec",
  "custom fields and their lines",
  "packets of peers, read and written",
  "packets of ours that a peer took",
  "derived fields"
]

/** Prints the row, and why packets of peers are not read. */
export const printRow = (recorded: Recorded): void => {
  const reasons = [...recorded.refusals()].map(([why, count]) => `  ${count} ${count === 1 ? "is" : "are"} no packet: ${why}`)
  console.log([`| ${columns.join(" | ")} |`, row(recorded), ...reasons].join("\n"))
}
