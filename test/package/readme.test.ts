/**
 * Every block of the README is executed, in order, in a project of its own: `ts file=…` is written, `sh` is run, and a `text` block must be
 * what the command before it printed (or the beginning of it, line by line).
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, describe, expect, it } from "vitest"

const root = Path.resolve(import.meta.dirname, "../..")
/** Below the test workspace, so that `@wirewright/*` resolves to the sources. */
const work = Path.join(root, "test/.wirewright-readme")

interface Block {
  readonly language: string
  readonly info: string
  readonly text: string
  readonly line: number
}

const blocksOf = (markdown: string): ReadonlyArray<Block> => {
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

const blocks = blocksOf(Fs.readFileSync(Path.join(root, "README.md"), "utf8"))

const run = (command: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => {
  const words = command.replace(
    /^npx wirewright/,
    `${JSON.stringify(process.execPath)} ${JSON.stringify(Path.join(root, "packages/cli/bin/wirewright.js"))}`
  )
    .replace(/^node /, `${JSON.stringify(process.execPath)} --conditions=@wirewright/source `)
  return ChildProcess.spawnSync(words, { cwd: work, shell: true, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } })
}

describe("README", () => {
  afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))
  let printed = ""

  it("has blocks of every kind, and only kinds that are executed", () => {
    expect(blocks.filter((block) => block.language === "ts").length).toBeGreaterThanOrEqual(4)
    expect(blocks.filter((block) => block.language === "text").length).toBeGreaterThanOrEqual(3)
    for (const block of blocks) {
      const known = block.language === "ts" && block.info.startsWith("file=") || block.language === "sh" || block.language === "text"
      expect(known, `line ${block.line}: ${block.language} ${block.info}`).toBe(true)
    }
  })

  Fs.rmSync(work, { recursive: true, force: true })
  for (const block of blocks) {
    if (block.info === "skip") continue
    it(`line ${block.line}: ${block.language} ${block.info}`, { timeout: 120_000 }, () => {
      if (block.language === "ts") {
        const path = Path.join(work, block.info.slice("file=".length))
        Fs.mkdirSync(Path.dirname(path), { recursive: true })
        Fs.writeFileSync(path, `${block.text}\n`)
      } else if (block.language === "sh") {
        printed = ""
        for (const command of block.text.split("\n")) {
          const result = run(command)
          expect(result.status, `${command}\n${result.stderr}`).toBe(0)
          printed += result.stdout
        }
      } else {
        const lines = block.text.split("\n")
        expect(printed.split("\n").slice(0, lines.length)).toEqual(lines)
      }
    })
  }
})
