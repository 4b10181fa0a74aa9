/** `generate` and `check`: what they write and say, and when they end with 100. */
import { assert, describe, it } from "@effect/vitest"
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { wirewright } from "../test/RunCli.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
/** Within the repository, so that specs find the DSL, and not in node_modules, where Node strips no types. */
const inRepository = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(root, "packages", "cli", "test", ".generate-"))
  try {
    await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const spec = (field: string): string => `
import { lengthOf, struct, types, u8, u16, bytes } from "@wirewright/dsl"

/** A record. */
const Point = struct("Point", {
  ${field}
})

/** Points. */
export const points = types({ name: "points", module: "points/gen", types: [Point] })
`

describe("generate and check", () => {
  it("write, leave alone, find stale files, name the command that helps", () =>
    inRepository(async (cwd) => {
      writeFileSync(join(cwd, "points.mts"), spec("x: u16, y: u16"))
      const args = ["points.mts", "--out", "gen"]
      const dry = await wirewright(["generate", ...args, "--dry-run"], "", cwd)
      assert.strictEqual(dry.code, 0, dry.err)
      assert.match(dry.out, /^would write gen\/Types\.ts$/m)
      assert.isFalse(existsSync(join(cwd, "gen")))
      const first = await wirewright(["generate", ...args], "", cwd)
      assert.strictEqual(first.code, 0)
      assert.match(first.out, /^wrote gen\/Types\.ts$/m)
      assert.include(readFileSync(join(cwd, "gen", "Types.ts"), "utf8"), "export interface Point")
      const second = await wirewright(["generate", ...args], "", cwd)
      assert.strictEqual(second.out, "")
      assert.match(second.err, /^0 files changed, \d unchanged\n$/)
      const fresh = await wirewright(["check", ...args], "", cwd)
      assert.strictEqual(fresh.code, 0)
      appendFileSync(join(cwd, "gen", "Types.ts"), "\n")
      const stale = await wirewright(["check", ...args], "", cwd)
      assert.strictEqual(stale.code, 100)
      assert.strictEqual(stale.out, "stale    gen/Types.ts\n")
      assert.match(stale.err, /Run: wirewright generate points\.mts --out gen\n$/)
    }))
})
