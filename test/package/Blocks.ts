/** Fenced blocks of Markdown, and how the commands among them are run: as a reader of the text would, on the sources of this repository. */
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import { bin } from "../../packages/cli/test/RunCli.ts"

/** The repository. */
export const root = Path.resolve(import.meta.dirname, "../..")

/** One block. */
export interface Block {
  readonly language: string
  readonly info: string
  readonly text: string
  readonly line: number
}

/** The blocks of a text. */
export const blocksOf = (markdown: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = markdown.split("\n")
  for (let i = 0; i < lines.length; i++) {
    const open = /^```(\w+)(.*)$/.exec(lines[i]!)
    if (open === null) continue
    const close = lines.indexOf("```", i)
    blocks.push({ language: open[1]!, info: open[2]!.trim(), text: lines.slice(i + 1, close).join("\n"), line: i + 1 })
    i = close
  }
  return blocks
}

/** Runs a command below the test workspace, so that `@wirewright/*` are the sources. */
export const run = (command: string, cwd: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => {
  const words = command.replace(
    /^npx wirewright/,
    `${JSON.stringify(process.execPath)} ${JSON.stringify(bin)}`
  )
    .replace(/^npx tsc/, `${JSON.stringify(process.execPath)} ${JSON.stringify(Path.join(root, "node_modules/typescript/bin/tsc"))}`)
    .replace(/^node /, `${JSON.stringify(process.execPath)} --conditions=@wirewright/source `)
  return ChildProcess.spawnSync(words, { cwd, shell: true, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } })
}
