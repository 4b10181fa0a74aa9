/**
 * The editor shows mistakes in a spec where they are made. Proves it by running the compiler on `spec-mistakes.ts`, and proves that
 * this can fail: without one of its expectations the file no longer type-checks, at exactly that line.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, test } from "vitest"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))
const mistakes = readFileSync(join(here, "spec-mistakes.ts"), "utf8")
const expectation = /^\s*\/\/ @ts-expect-error.*$/

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(here, ".copy-"))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What the compiler says about a text that stands in place of `spec-mistakes.ts`. */
const compile = (text: string): { readonly status: number | null; readonly output: string } => {
  const file = join(directory, "spec-mistakes.ts")
  writeFileSync(file, text)
  const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.base.json"), "utf8")) as { readonly compilerOptions: object }
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: { ...compilerOptions, noEmit: true, composite: false, incremental: false, declarationMap: false },
      files: [file]
    })
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    directory,
    "--pretty",
    "false"
  ], {
    cwd: directory,
    encoding: "utf8"
  })
  return { status, output: stdout + stderr }
}

test("every mistake is reported at its property, and the correct specs are not", () => {
  expect(compile(mistakes)).toEqual({ status: 0, output: "" })
})

test("a mistake that is not expected fails, at its line", () => {
  const lines = mistakes.split("\n")
  const removed = lines.findIndex((line) => expectation.test(line))
  const { status, output } = compile(lines.toSpliced(removed, 1, "").join("\n"))
  expect(status).not.toBe(0)
  const reported = [...output.matchAll(/spec-mistakes\.ts\((\d+),/g)].map((match) => Number(match[1]))
  expect(reported).toEqual([removed + 2])
})

test("an expectation without a mistake fails", () => {
  const { status, output } = compile(mistakes.replace("\"paht\"", "\"path\""))
  expect(status).not.toBe(0)
  expect(output).toContain("Unused '@ts-expect-error'")
})

test("without any expectation every mistake is an error", () => {
  const lines = mistakes.split("\n")
  const expected = lines.flatMap((line, at) => expectation.test(line) ? [at + 2] : [])
  const { output } = compile(lines.map((line) => expectation.test(line) ? "" : line).join("\n"))
  const reported = [...new Set([...output.matchAll(/spec-mistakes\.ts\((\d+),/g)].map((match) => Number(match[1])))]
  expect(expected.length).toBeGreaterThanOrEqual(10)
  expect(reported).toEqual(expected)
})
