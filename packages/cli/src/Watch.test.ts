/** `--watch`: runs again when a spec or what it imports changes, says what is wrong and goes on, ends on Ctrl-C with 0. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"

const bin = fileURLToPath(new URL("../bin/wirewright.js", import.meta.url))
// within the repository, so that specs find the DSL
const folder = mkdtempSync(join(fileURLToPath(new URL("../test", import.meta.url)), ".wirewright-watch-"))
const path = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The command while it runs: everything it has said, and a way to wait for more of it. */
const started = (args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } })
  let said = ""
  let read = 0
  const more = (chunk: Buffer): void => void (said += chunk.toString())
  child.stdout.on("data", more)
  child.stderr.on("data", more)
  /** What was said since the last time, up to what is waited for. */
  const until = async (pattern: RegExp): Promise<string> => {
    for (let i = 0; i < 1200; i++) {
      const match = pattern.exec(said.slice(read))
      if (match !== null) {
        const part = said.slice(read, read + match.index + match[0].length)
        read += part.length
        return part
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`never said ${pattern}:\n${said.slice(read)}`)
  }
  const interrupt = async (): Promise<number | null> => {
    child.kill("SIGINT")
    const [code] = await once(child, "close") as [number | null]
    return code
  }
  return { until, interrupt, rest: () => said.slice(read) }
}

const idle = /watching \d+ files?; Ctrl-C ends\n/
const spec = `import { struct, types } from "@wirewright/dsl"
import { fields } from "./fields.mts"
export const points = types({ name: "points", module: "./gen", types: [struct("Point", fields)] })
`
const fields = (names: string): string => `import { u8, u16 } from "@wirewright/dsl"\nexport const fields = { ${names} }\n`

describe("generate --watch", () => {
  it("runs for imports, once for several writes; survives mistakes; ends with 0", async () => {
    writeFileSync(path("spec.mts"), spec)
    writeFileSync(path("fields.mts"), fields("x: u8"))
    const { interrupt, rest, until } = started(["generate", "spec.mts", "--out", "gen", "--watch"])
    expect(await until(idle)).toContain("wrote gen/Types.ts")
    // an import, written twice as some editors do
    writeFileSync(path("fields.mts"), "")
    writeFileSync(path("fields.mts"), fields("x: u8, y: u16"))
    const again = await until(idle)
    expect(again).toContain("fields.mts changed")
    expect(again).toContain("wrote gen/Types.ts")
    expect(readFileSync(path("gen/Types.ts"), "utf8")).toContain("readonly y: number")
    // what cannot be loaded is said, and nothing is lost
    writeFileSync(path("fields.mts"), "export const fields = nowhere\n")
    expect(await until(idle)).toMatch(/spec\.mts: cannot be loaded: nowhere is not defined/)
    writeFileSync(path("fields.mts"), "import \"./other.mts\"\n" + fields("x: u8"))
    expect(await until(idle)).toMatch(/spec\.mts: cannot be loaded: .*other\.mts/)
    // the file that was missing, moved here as other editors do
    writeFileSync(path("other.tmp"), "export {}\n")
    renameSync(path("other.tmp"), path("other.mts"))
    expect(await until(idle)).toMatch(/other\.mts changed[^]*wrote gen\/Types\.ts/)
    // other files are nobody's business
    writeFileSync(path("else.mts"), "")
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(rest()).toBe("")
    expect(await interrupt()).toBe(0)
    expect(rest()).toBe("")
  }, 120_000)
})

describe("check --watch", () => {
  it("says what is stale, and that it is not any more", async () => {
    writeFileSync(path("wirewright.config.ts"), "export default { targets: [{ spec: \"one.mts\", out: \"one\" }] }\n")
    writeFileSync(path("one.mts"), spec.replace("./fields.mts", "./one-fields.mts"))
    writeFileSync(path("one-fields.mts"), fields("x: u8"))
    const { interrupt, until } = started(["check", "--watch"])
    expect(await until(idle)).toMatch(/stale {4}one\/Types\.ts[^]*Run: wirewright generate\n/)
    const generating = started(["generate"])
    await generating.until(/files changed/)
    // the config is watched, too
    writeFileSync(path("wirewright.config.ts"), "export default { targets: [{ spec: \"one.mts\", out: \"one\" }], testRunner: \"none\" }\n")
    expect(await until(idle)).toMatch(/wirewright\.config\.ts changed[^]*The specs are right/)
    expect(await interrupt()).toBe(0)
  }, 120_000)
})
