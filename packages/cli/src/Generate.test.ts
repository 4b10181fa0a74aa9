/** `generate` and `check`: what they write and say, and when they end with 100. */
import { assert, describe, it } from "@effect/vitest"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { wirewright } from "../test/RunCli.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
/** Within the repository, so that specs find the DSL, and not in node_modules, where Node strips no types. */
const inRepository = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(root, "packages", "cli", "test", ".wirewright-generate-"))
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

  it("do what the config file says: import extension, test runner, format; flags say it louder", () =>
    inRepository(async (cwd) => {
      const source = spec("x: u16, y: u16").replace("types({", "types({") + "// two\n"
      writeFileSync(join(cwd, "points.mts"), source)
      writeFileSync(
        join(cwd, "wirewright.config.ts"),
        `import { defineConfig } from "wirewright"
export default defineConfig({
  targets: [{ spec: "points.mts", out: "gen" }],
  importExtension: ".js",
  format: { indentWidth: 4, semicolons: true, quotes: "single", lineWidth: 60 }
})\n`
      )
      const { code, err } = await wirewright(["generate"], "", cwd)
      assert.strictEqual(code, 0, err)
      const index = readFileSync(join(cwd, "gen", "index.ts"), "utf8")
      assert.include(index, "export * from './Types.js';")
      for (const name of ["Types.ts", "Schemas.ts", "index.ts", "Model.ts"]) {
        const text = readFileSync(join(cwd, "gen", name), "utf8")
        const [, ...body] = text.split("\n")
        assert.deepStrictEqual(body.filter((one) => one.length > 60 && one.trim().includes(" ") && !one.includes("import ")), [], name)
        if (name === "Types.ts") assert.match(text, /^ {4}readonly x: number;$/m)
      }
      assert.strictEqual((await wirewright(["check"], "", cwd)).code, 0)
      const louder = await wirewright(["generate", "--import-extension", ".ts"], "", cwd)
      assert.strictEqual(louder.code, 0)
      assert.include(readFileSync(join(cwd, "gen", "index.ts"), "utf8"), "export * from './Types.ts';")
      writeFileSync(join(cwd, "wirewright.config.ts"), "export default { targets: [], importExtensions: \".js\" }\n")
      const wrong = await wirewright(["generate"], "", cwd)
      assert.deepStrictEqual([wrong.code, wrong.err], [
        1,
        "wirewright: wirewright.config.ts is wrong.\nimportExtensions: no such option; did you mean importExtension?\n"
      ])
    }))

  it("refuse, with the name, to replace what somebody wrote, and show no stack", () =>
    inRepository(async (cwd) => {
      writeFileSync(join(cwd, "points.mts"), spec("x: u16, y: u16"))
      mkdirSync(join(cwd, "gen"))
      writeFileSync(join(cwd, "gen", "Types.ts"), "export const mine = 1\n")
      for (const command of ["generate", "check"]) {
        const { code, err, out } = await wirewright([command, "points.mts", "--out", "gen"], "", cwd)
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, /^wirewright: nothing was written\.\ngen\/Types\.ts: was not generated by wirewright[^\n]*\n$/)
      }
      assert.deepStrictEqual(readdirSync(join(cwd, "gen")), ["Types.ts"])
    }))
})
