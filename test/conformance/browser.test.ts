/** The codecs need nothing of Node: all examples pass in a process whose global `Buffer` was deleted before anything was loaded. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import { specExamples } from "./Vectors.fixture.ts"

/** Texts that withoutBuffer.mjs tries besides. */
const texts = 9

it("every example decodes and encodes without Buffer", async () => {
  const script = fileURLToPath(new URL("withoutBuffer.mjs", import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--conditions=@wirewright/source", script])
  expect(stderr.replace(/^.*ExperimentalWarning.*\n|^.*--trace-warnings.*\n/gm, "")).toBe("")
  expect(Number(stdout)).toBe(specExamples.length + texts)
  expect(specExamples.length).toBeGreaterThan(300)
  console.log(`without Buffer: ${specExamples.length} examples, ${texts} texts`)
})
