/** `--state`: connection states that were negotiated before. */
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"
import * as Flag from "effect/cli/Flag"
import { refuse } from "./Failure.ts"
import { repeated } from "./Flags.ts"
import { nearest } from "./Nearest.ts"

/** What has connection states, by its name. */
export type Stateful = Pick<ProtocolAdapter, "name" | "known">

/** The flag; `description` says what of, `without` what holds when it is missing. */
export const stateParameter = (
  description = "What was negotiated before",
  without = "all states are off"
): Flag.Flag<ReadonlyArray<string>> =>
  repeated(Flag.String("state"), `${description}: the name of a connection state, such as collections, or NAME=NUMBER`, without)

/** The connection state of this name; refuses one that the protocol does not have. `option` is how it was asked for. */
export const stateOf = ({ known, name: protocol }: Stateful, name: string, option: string): Stateful["known"][number] => {
  const state = known.find((one) => one.name === name)
  if (state !== undefined) return state
  const names = known.map((one) => one.name)
  const there = names.length === 0 ? `${protocol} has none` : `${protocol} has ${names.join(", ")}`
  return refuse(`${option}: no such connection state; ${there}${nearest(name, names)}`)
}

/** The states that `--state` asks for: on, or their number. Refuses those that the protocol does not have. */
export const statesOf = (of: Stateful, asked: ReadonlyArray<string>): States =>
  Object.fromEntries(asked.map((text) => {
    const [, name = text, number] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    const isNumbered = stateOf(of, name, `--state ${text}`).numbered === true
    if (isNumbered && /^\d{1,9}$/.test(number ?? "")) return [name, Number(number)]
    if (!isNumbered && number === undefined) return [name, true]
    return refuse(`--state ${text}: expected ${name}${isNumbered ? "=NUMBER" : ", which is on or off"}`)
  }))

/** The same as numbers: 1 is on. */
export const stateNumbers = (states: States): ReadonlyMap<string, number> =>
  new Map(Object.entries(states).map(([name, value]) => [name, Number(value)]))
