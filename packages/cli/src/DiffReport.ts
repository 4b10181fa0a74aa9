/** Differences between specs as text, as Markdown for a pull request, and as JSON. */
import { visible } from "@wirewright/codec/Visible"
import type { ChangeClass, Difference } from "@wirewright/codegen/diff/Diff"
import { counted } from "./Failure.ts"

/** Differences of one protocol. */
export interface Compared {
  readonly protocol: string
  readonly differences: ReadonlyArray<Difference>
}

/** What a class means, in words. */
export const meanings: { readonly [C in ChangeClass]: string } = {
  WIRE: "one side reads otherwise what the other writes, or refuses it",
  SOURCE: "types of generated code change",
  SAFE: "neither bytes nor types that were there before change"
}

/** Classes, what matters most first. */
export const classes: ReadonlyArray<ChangeClass> = ["WIRE", "SOURCE", "SAFE"]

const shownBytes = 48

/** A change below the place that it is at. */
const below = (place: string, path: string, text: string): string =>
  path === place ? text : `${path.startsWith(`${place}.`) ? path.slice(place.length + 1) : path}: ${text}`

const hexText = (hex: string): string => {
  const pairs = hex.match(/../g) ?? []
  return pairs.length <= shownBytes ? pairs.join(" ") : `${pairs.slice(0, shownBytes).join(" ")} … ${pairs.length} bytes`
}

const statesText = (states: ReadonlyMap<string, number>): string =>
  states.size === 0 ? "" : ` (${[...states].map(([name, value]) => `${name}=${value}`).join(", ")})`

const unshown = (tried: number): string => `the specs differ, though none of ${counted(tried, "packet")} shows it`

/** `3 differences: 1 WIRE, 2 SAFE` */
export const summary = (all: ReadonlyArray<Compared>): string => {
  const differences = all.flatMap((one) => one.differences)
  const parts = classes.flatMap((name) => {
    const count = differences.filter((one) => one.class === name).length
    return count === 0 ? [] : [`${count} ${name}`]
  })
  const tried = differences.reduce((sum, one) => sum + one.tried, 0)
  return differences.length === 0
    ? "No differences"
    : `${counted(differences.length, "difference")}: ${parts.join(", ")}; ${counted(tried, "packet")} tried`
}

/** Lines for people. */
export const textOf = ({ differences, protocol }: Compared, many: boolean): ReadonlyArray<string> =>
  differences.flatMap(({ changes, class: of, isUnshown, place, tried, witnesses }) => [
    `${of.padEnd(7)} ${many ? `${protocol}: ` : ""}${visible(place)}`,
    ...changes.map(({ path, text }) => `        ${visible(below(place, path, text))}`),
    ...witnesses.flatMap(({ direction, hex, packet, states, why }) => [
      `        ${direction}: ${visible(packet)}${statesText(states)} ${hexText(hex)}`,
      `          ${direction === "old to new" ? "new" : "old"} ${visible(why)}`
    ]),
    ...(isUnshown ? [`        ${unshown(tried)}`] : [])
  ])

const cell = (text: string): string => visible(text).replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** A comment on a pull request. */
export const markdownOf = (all: ReadonlyArray<Compared>): string => {
  const rows = all.flatMap(({ differences, protocol }) => differences.map((one) => ({ ...one, protocol })))
  if (rows.length === 0) return "**Wire format:** no differences\n"
  const out = [`**Wire format:** ${summary(all)}`, ""]
  for (const name of classes) {
    const own = rows.filter((one) => one.class === name)
    if (own.length === 0) continue
    out.push(
      `### ${name}`,
      "",
      `${meanings[name][0]!.toUpperCase()}${meanings[name].slice(1)}.`,
      "",
      "| protocol | place | change |",
      "|---|---|---|"
    )
    for (const { changes, place, protocol } of own) {
      const texts = changes.map(({ path, text }) => cell(path === place ? text : `\`${path}\` ${text}`))
      out.push(`| ${cell(protocol)} | ${cell(place)} | ${texts.join("<br>")} |`)
    }
    out.push("")
    for (const { isUnshown, place, tried, witnesses } of own) {
      for (const { direction, hex, packet, states, why } of witnesses) {
        const reader = direction === "old to new" ? "new" : "old"
        out.push(
          `- \`${cell(place)}\`, ${direction}: ${cell(packet)}${cell(statesText(states))} \`${hexText(hex)}\` — ${reader} ${cell(why)}`
        )
      }
      if (isUnshown) out.push(`- \`${cell(place)}\`: ${unshown(tried)}`)
    }
    out.push("")
  }
  return out.join("\n")
}

/** One object a difference. */
export const jsonOf = ({ differences, protocol }: Compared): ReadonlyArray<object> =>
  differences.map(({ changes, class: of, isUnshown, place, tried, witnesses }) => ({
    class: of,
    protocol,
    place,
    changes: changes.map(({ path, text }) => ({ path, text })),
    witnesses: witnesses.map(({ direction, hex, packet, states, why }) => ({
      direction,
      packet,
      hex,
      ...(states.size === 0 ? {} : { states: Object.fromEntries(states) }),
      why
    })),
    tried,
    shown: !isUnshown
  }))
