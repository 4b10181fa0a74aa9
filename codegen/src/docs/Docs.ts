/** From spec files to reference pages on disk. Unchanged pages are not touched, pages of ours that no spec asks for any more are removed. */
import * as Path from "node:path"
import type { Finding } from "../Finding.ts"
import { checkTargets, compareOutputs, type Output, replaceFiles } from "../Output.ts"
import { readModels, type SpecTarget } from "../Read.ts"
import { docsOf, type Pages } from "./index.ts"

/** What to write pages about, and where. */
export interface DocsOptions {
  readonly targets: ReadonlyArray<SpecTarget>
  /** Directory of the pages. Where the specs export several protocols, each gets a directory below it. */
  readonly out: string
  /** Directory that paths are relative to. */
  readonly cwd: string
  /** Report without writing. */
  readonly dryRun?: boolean
}

/** What was done, or would be. All paths are relative to `cwd`. */
export interface DocsReport {
  readonly findings: ReadonlyArray<Finding>
  readonly notices: ReadonlyArray<Finding>
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

/** Writes reference pages. With findings nothing is written. Throws `LoadError` and `OutputError`, and has written nothing then either. */
export const docs = async ({ cwd, dryRun, out, targets }: DocsOptions): Promise<DocsReport> => {
  checkTargets(targets.map(({ spec }) => ({ spec, out })))
  const { findings, notices, protocols } = await readModels(cwd, targets)
  if (findings.length > 0) return { findings, notices, written: [], removed: [], unchanged: 0 }
  const isOnly = protocols.length === 1
  const written = new Set(protocols.map(({ name }) => name))
  const outputs = protocols.flatMap(({ models, name }) => {
    const bases = Object.fromEntries(
      models.map((model) => model.name).filter((one) => one !== name && written.has(one)).map((one) => [one, `../${one}/`])
    )
    return outputsOf(isOnly ? out : Path.join(out, name), docsOf(models, { bases }))
  })
  const difference = compareOutputs(cwd, outputs)
  if (dryRun !== true) replaceFiles(cwd, difference)
  return {
    findings,
    notices,
    written: difference.changed.map(([path]) => path),
    removed: difference.orphaned,
    unchanged: difference.unchanged
  }
}
