/** Mutants that no test notices and why that is right: kept in `survivors.json`, by the text of the line, so that lines may move. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Mutant } from "./Mutants.ts"

/** A mutant that is known to survive. */
export interface Survivor {
  readonly file: string
  readonly line: string
  readonly operator: string
  readonly change: string
  /** Why nobody can notice it, or why nobody has to; not empty. */
  readonly reason: string
}

const path = join(import.meta.dirname, "survivors.json")

export const recorded = (): ReadonlyArray<Survivor> => JSON.parse(readFileSync(path, "utf8")) as ReadonlyArray<Survivor>

const is = (survivor: Survivor, { change, file, operator, text }: Mutant): boolean =>
  survivor.file === file && survivor.line === text && survivor.operator === operator && survivor.change === change

/** What is known of a survivor; undefined when it has no reason. */
export const reasonOf = (survivors: ReadonlyArray<Survivor>, mutant: Mutant): string | undefined => {
  const reason = survivors.find((survivor) => is(survivor, mutant))?.reason.trim()
  return reason === "" ? undefined : reason
}

/** Of the records for these files, those that no surviving mutant fits: it is noticed now, or the line is another. */
export const outdated = (
  survivors: ReadonlyArray<Survivor>,
  files: ReadonlySet<string>,
  surviving: ReadonlyArray<Mutant>
): ReadonlyArray<Survivor> => survivors.filter((survivor) => files.has(survivor.file) && !surviving.some((mutant) => is(survivor, mutant)))

/** Adds mutants without a reason, for somebody to give one. */
export const record = (survivors: ReadonlyArray<Survivor>, mutants: ReadonlyArray<Mutant>): void => {
  const added = mutants.map(({ change, file, operator, text }): Survivor => ({ file, line: text, operator, change, reason: "" }))
  writeFileSync(path, `${JSON.stringify([...survivors, ...added], undefined, 2)}\n`)
}
