/** The line at the bottom of a terminal that says how a change stream does, as wide as there is room for. Pure. */
import { visible } from "@wirewright/codec/Visible"
import * as CliOutput from "effect/cli/CliOutput"

/** What the line says. */
export interface StreamView {
  readonly vbuckets: number
  readonly streaming: number
  readonly events: number
  /** Events a second, lately. */
  readonly rate: number
  /** Seqnos between what was processed and what there is. */
  readonly lag: number
  /** Bytes that the nodes have sent ahead. */
  readonly ahead: number
  readonly rollbacks: number
  /** Why it does not do what it is for, just now. */
  readonly problems: ReadonlyArray<string>
  /** Since when, in milliseconds of Unix time. */
  readonly since: number | undefined
  /** What was said last, and when. */
  readonly last: { readonly text: string; readonly at: number } | undefined
}

/** A count in few characters: exact up to 99 999. */
export const brief = (count: number): string => {
  if (count < 100_000) return String(Math.round(count))
  const units = ["k", "M", "G", "T", "P"] as const
  let value = count / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)}${units[unit]}`
}

const size = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  const units = ["KiB", "MiB", "GiB"] as const
  let value = bytes / 1024
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`
}

/** A time of day, in the time zone of whoever looks. */
export const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8)

/** A duration in one unit or two. */
const span = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`
}

/** Text of at most so many columns; what is cut ends with an ellipsis. */
const fitted = (text: string, columns: number): string => {
  if (CliOutput.displayWidth(text) <= columns) return text
  let short = ""
  for (const character of text) {
    if (CliOutput.displayWidth(short + character) >= columns) break
    short += character
  }
  return `${short}…`
}

/** Columns that stay free: one, so that no terminal breaks the line, and two for the `^C` that it shows at the cursor. */
const spare = 3
/** Fewest columns in which words about what happened are of use. */
const least = 24
/** Columns that what is wrong has before counts do. */
const urgent = 60

/** The line while nothing has been heard of the servers that a URL names; without its user and password. */
export const connectingLine = (url: string, columns: number): string => {
  const hosts = url.replace(/^[^:]*:\/\//, "").replace(/[/?].*$/, "").replace(/^.*@/, "")
  return fitted(visible(`connecting to ${hosts}`), Math.max(1, columns - spare))
}

/**
 * The line, with room for `^C` after it in a terminal of so many columns. What matters most is said in the narrowest: how many vbuckets stream,
 * the lag, the rate. What is wrong now takes the rest, or what happened last.
 */
export const statusLine = (view: StreamView, columns: number, now: number): string => {
  const { ahead, events, lag, last, problems, rate, rollbacks, since, streaming, vbuckets } = view
  const room = Math.max(1, columns - spare)
  const wide = room >= 120
  const wrong = problems.length === 0
    ? undefined
    : `! ${since === undefined ? "" : `${wide ? `since ${clock(since)}, ${span(now - since)}` : span(now - since)}: `}${
      problems.join("; ")
    }`
  const words = wrong ?? (last === undefined ? undefined : `${clock(last.at)} ${last.text}`)
  const kept = wrong === undefined ? 0 : Math.min(CliOutput.displayWidth(wrong), urgent) + 2
  const first = [wide ? `${streaming} of ${vbuckets} vbuckets` : `${streaming}/${vbuckets} vb`, `lag ${brief(lag)}`]
  const rest = [
    `${brief(rate)}/s`,
    `${brief(events)} event${events === 1 ? "" : "s"}`,
    ...rollbacks === 0 ? [] : [`${brief(rollbacks)} rollback${rollbacks === 1 ? "" : "s"}`],
    ...wide && ahead > 0 ? [`${size(ahead)} ahead`] : []
  ]
  let line = first.join("  ")
  for (const part of rest) {
    if (CliOutput.displayWidth(line) + 2 + CliOutput.displayWidth(part) + kept > room) break
    line += `  ${part}`
  }
  const left = room - CliOutput.displayWidth(line) - 2
  if (words !== undefined && left >= Math.min(least, CliOutput.displayWidth(words))) line += `  ${fitted(visible(words), left)}`
  return fitted(line, room)
}
