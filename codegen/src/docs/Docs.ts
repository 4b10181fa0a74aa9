/** Reference pages of protocols on disk. Unchanged pages are not touched, pages of ours that no protocol asks for any more are removed. */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import * as Path from "node:path"
import { checkTargets, compareOutputs, type Output, replaceFiles } from "../Output.ts"
import { docsOf, type Pages } from "./index.ts"

/** What to write pages about, and where. */
export interface DocsOptions {
  /** Protocols with their models, those that they extend first. */
  readonly protocols: ReadonlyArray<{ readonly name: string; readonly models: ReadonlyArray<Model>; readonly customs?: Customs }>
  /** Directory of the pages. Several protocols get a directory below it each, and link to each other's pages. */
  readonly out: string
  /** Directory that paths are relative to. */
  readonly cwd: string
  /** Report without writing. */
  readonly dryRun?: boolean
}

/** What was done, or would be. All paths are relative to `cwd`. */
export interface DocsReport {
  readonly written: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
  readonly unchanged: number
}

/** Pages in the directories that they go to. */
const outputsOf = (out: string, pages: Pages): ReadonlyArray<Output> => {
  const folders = new Map<string, Map<string, string>>()
  for (const [path, text] of pages) {
    const folder = Path.posix.dirname(path)
    const files = folders.get(folder) ?? new Map<string, string>()
    folders.set(folder, files.set(Path.posix.basename(path), text))
  }
  return [...folders].map(([folder, files]) => ({ out, ...(folder === "." ? {} : { below: folder }), files }))
}

/** Writes reference pages. Throws `OutputError`, and has written nothing then. */
export const docs = ({ cwd, dryRun, out, protocols }: DocsOptions): DocsReport => {
  checkTargets(protocols.map(({ name }) => ({ spec: name, out })))
  const isOnly = protocols.length === 1
  const written = new Set(protocols.map(({ name }) => name))
  const outputs = protocols.flatMap(({ customs = {}, models, name }) => {
    const others = models.map((model) => model.name).filter((one) => one !== name && written.has(one))
    const bases = Object.fromEntries(others.map((one) => [one, `../${one}/`]))
    return outputsOf(isOnly ? out : Path.join(out, name), docsOf(models, { bases, customs }))
  })
  const difference = compareOutputs(cwd, outputs)
  if (dryRun !== true) replaceFiles(cwd, difference)
  return { written: difference.changed.map(([path]) => path), removed: difference.orphaned, unchanged: difference.unchanged }
}
