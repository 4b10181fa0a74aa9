/**
 * Every block of the README is executed, in order, in a project of its own: `ts file=…` is written, `sh` is run, and a `text` block must be
 * what the command before it printed (or the beginning of it, line by line).
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { blocksOf, root, run } from "./Blocks.ts"

/** Below the test workspace, so that `@wirewright/*` resolves to the sources. */
const work = Path.join(root, "test/.wirewright-readme")

const blocks = blocksOf(Fs.readFileSync(Path.join(root, "README.md"), "utf8"))

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
          const result = run(command, work)
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
