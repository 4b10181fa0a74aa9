/**
 * What readers of others have read of samples, kept in `read.json`: for each reader the samples, those read as meant with the values that were
 * compared, and those apart by reason. Samples are the same for the same seed, so that the numbers are exact for the same version of a reader;
 * another version must read a thousand as meant, and none otherwise. `UPDATE_READERS=1` writes what was seen.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** What a reader made of the samples of a protocol. */
export interface Entry {
  readonly version: string
  /** Kinds of packets of which some were read as meant. */
  readonly kinds: ReadonlyArray<string>
  readonly samples: number
  readonly right: number
  readonly values: number
  readonly apart: Readonly<Record<string, number>>
  /** Packets of these kinds of which none was read as meant. */
  readonly never: ReadonlyArray<string>
}

/** By the name of the protocol in its model, then by reader. */
export type Ledger = Readonly<Record<string, Readonly<Record<string, Entry>>>>

const file = fileURLToPath(new URL("read.json", import.meta.url))

/** What was seen last. */
export const ledger = (): Ledger => JSON.parse(readFileSync(file, "utf8")) as Ledger

const sorted = <A>(record: Readonly<Record<string, A>>): Record<string, A> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => a < b ? -1 : 1))

/** Replaces an entry. */
export const write = (protocol: string, reader: string, entry: Entry): void => {
  const all = ledger()
  const next = sorted({ ...all, [protocol]: sorted({ ...all[protocol], [reader]: entry }) })
  writeFileSync(file, `${JSON.stringify(next, null, 2)}\n`)
}

/** Whether what is seen is to be written. */
export const isUpdate = process.env["UPDATE_READERS"] === "1"
