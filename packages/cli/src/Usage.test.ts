/** Help, usage errors, configuration, and what happens to stdout. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { wirewright } from "../test/RunCli.ts"
import { settingsOf } from "./Config.ts"
import { configMistakes } from "./ConfigFile.ts"
import { codeFrame } from "./FindingReport.ts"

const bin = fileURLToPath(new URL("../bin/wirewright.js", import.meta.url))

const directories: Array<string> = []
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), "wirewright-"))
  directories.push(made)
  return made
}
afterAll(() => directories.forEach((made) => rmSync(made, { recursive: true })))

describe("help", () => {
  it("--version", async () => {
    const { out } = await wirewright(["--version"])
    assert.match(out, /^wirewright v\d+\.\d+\.\d+\n$/)
    // the script answers it itself, without the command
    assert.equal(spawnSync(process.execPath, [bin, "--version"], { encoding: "utf8" }).stdout, out)
  })
})

describe("usage errors", () => {
  const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: RegExp]> = [
    [["decod"], /Did you mean this\?\s+decode/],
    [["decode", "--bogus"], /--bogus/],
    [["decode"], /give a file/],
    [["decode", "x", "--hex", "80"], /not both/],
    [["decode", "--lines", "--hex", "80"], /--lines reads a file/],
    [["decode", "-", "--protocol", "http"], /protocol/],
    [["diff", "dcp", "dcp", "--json", "--markdown"], /do not go together/],
    [["generate"], /no spec given and no wirewright\.config\.ts/],
    [["check", "x.ts"], /--out DIR/],
    [["check", "--out", "gen"], /needs a spec/],
    [["generate", "x.ts", "--out", ""], /nothing was written\.\n"": is no directory for the code of x\.ts/]
  ]
  for (const [args, message] of cases) {
    it(args.join(" "), async () => {
      const { code, err, out } = await wirewright(args, "", directory())
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.match(err, message)
    })
  }
})

describe("configuration", () => {
  it("lists targets; arguments select or replace them", async () => {
    const cwd = directory()
    const targets = [{ spec: "a.ts", out: "gen/a" }, { spec: "b.ts", out: "gen/b" }] as const
    writeFileSync(join(cwd, "wirewright.config.ts"), `export default ${JSON.stringify({ targets })}`)
    const targetsOf = async (...args: Parameters<typeof settingsOf>) => (await settingsOf(...args)).targets
    assert.deepStrictEqual(await targetsOf([], undefined, cwd), targets)
    assert.deepStrictEqual(await targetsOf(["./b.ts"], undefined, cwd), [targets[1]])
    assert.deepStrictEqual(await targetsOf(["c.ts"], "out", cwd), [{ spec: "c.ts", out: "out" }])
    assert.deepStrictEqual(await targetsOf(["c.ts", "d/e.ts"], "out", cwd), [{ spec: "c.ts", out: "out/c" }, {
      spec: "d/e.ts",
      out: "out/e"
    }])
  })

  it("says every mistake, with the option that may have been meant", () => {
    assert.deepStrictEqual(configMistakes({ targets: [] }), [])
    assert.deepStrictEqual(
      configMistakes({
        targets: [{ spec: "a.ts", out: "gen", protocol: "a" }],
        importExtension: ".js",
        testRunner: "node",
        format: { lineWidth: 40, indentWidth: 8, useTabs: true, semicolons: true, quotes: "single" }
      }),
      []
    )
    assert.deepStrictEqual(
      configMistakes({
        target: [],
        targets: [{ spec: "a.ts" }, { spec: "", out: "gen", protocols: "a" }, "b.ts"],
        importExtension: ".jsx",
        testRunner: "jest",
        testrunner: "node",
        format: { lineWidth: 39, indentWidth: 9, useTabs: 1, semicolon: true, quotes: "'" }
      }),
      [
        "target: no such option; did you mean targets?",
        "targets[0].out: is missing",
        "targets[1].spec: expected text, got \"\"",
        "targets[1].protocols: no such option; did you mean protocol?",
        "targets[2]: expected an object, got \"b.ts\"",
        "importExtension: expected one of \".ts\", \".js\", got \".jsx\"; did you mean .js?",
        "testRunner: expected one of \"vitest\", \"node\", \"none\", got \"jest\"",
        "testrunner: no such option; did you mean testRunner?",
        "format.lineWidth: expected a whole number from 40 to 1000, got 39",
        "format.indentWidth: expected a whole number from 1 to 8, got 9",
        "format.useTabs: expected true or false, got 1",
        "format.semicolon: no such option; did you mean semicolons?",
        "format.quotes: expected one of \"double\", \"single\", got \"'\""
      ]
    )
    assert.deepStrictEqual(configMistakes({}), ["targets: is missing"])
    assert.deepStrictEqual(configMistakes([]), ["default: expected an object, got []"])
    assert.deepStrictEqual(configMistakes({ targets: [], colours: true }), [
      "colours: no such option; there are targets, importExtension, testRunner, format"
    ])
  })

  it("that is wrong is a usage error", async () => {
    for (
      const [source, message] of [["export default { targets: [1] }", "targets[0]: expected an object, got 1"], [
        "throw new Error(\"boom\")",
        "boom"
      ]] as const
    ) {
      const cwd = directory()
      writeFileSync(join(cwd, "wirewright.config.ts"), source)
      const { code, err } = await wirewright(["check"], "", cwd)
      assert.strictEqual(code, 1)
      assert.include(err, message)
    }
  })
})

describe("findings", () => {
  it("show the code they are about", () => {
    assert.deepStrictEqual(codeFrame("one\ntwo\n  three: u32,\nfour", 3, 3), [
      "  1 | one",
      "  2 | two",
      "  3 |   three: u32,",
      "    |   ^^^^^"
    ])
    assert.deepStrictEqual(codeFrame("one", 7, 1), [])
  })
})

describe("stdout", () => {
  it("may be closed early", async () => {
    const child = spawn(process.execPath, [bin, "decode", "-", "--protocol", "memcached"])
    let err = ""
    child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
    child.stdin.on("error", () => {})
    child.stdout.once("data", () => child.stdout.destroy())
    child.stdin.end(Buffer.from("800a00000000000000000000000000010000000000000000".repeat(20_000), "hex"))
    const code = await new Promise((resolve) => child.on("close", resolve))
    assert.strictEqual(err, "")
    assert.strictEqual(code, 0)
  })
})
