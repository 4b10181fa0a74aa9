/**
 * What a stranger sees of a published package before using it: the tarball has its licence and README, package.json says where it comes from,
 * and the README's program passes the compiler, runs, and prints what the README says.
 */
import { serveCouchbase } from "@wirewright/embedded"
import { Effect, Redacted } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Block, blocksOf, root, run } from "./Blocks.ts"
import { countOf, unmarked, wholeOf } from "./Guides.ts"
import { published } from "./Outside.ts"

const work = Path.join(root, "test/.wirewright-readmes")

interface Manifest {
  readonly name: string
  readonly description?: string
  readonly license?: string
  readonly homepage?: string
  readonly bugs?: string
  readonly keywords?: ReadonlyArray<string>
  readonly repository?: { readonly type: string; readonly url: string; readonly directory: string }
}

const read = (...path: ReadonlyArray<string>): string => Fs.readFileSync(Path.join(root, ...path), "utf8")
const manifestOf = (path: string): Manifest => JSON.parse(read(path, "package.json")) as Manifest
const nameOf = (path: string): string => path.replaceAll("/", "-")

/** Guides with tests of their own, which make their programs and tables. */
const guides: ReadonlyArray<string> = ["packages/dcp", "packages/deepstream"]

interface Packed {
  readonly name: string
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>
}

describe("tarballs", () => {
  let packed: ReadonlyArray<Packed> = []
  beforeAll(() => {
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts", ...published.flatMap((path) => ["-w", path])]
    const { stderr, stdout } = ChildProcess.spawnSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
    expect(stdout, stderr).not.toBe("")
    // npm 11 and older print a list, npm 12 an object with a member for each package
    packed = Object.values(JSON.parse(stdout) as { readonly [key: string]: Packed })
  }, 120_000)

  it.each(published)("%s has LICENSE and README.md", (path) => {
    const files = packed.find(({ name }) => name === manifestOf(path).name)!.files
    for (const name of ["LICENSE", "README.md"]) expect(files.find((file) => file.path === name)?.size, name).toBeGreaterThan(100)
  })
})

describe.each(published)("%s", (path) => {
  it("says whose it is, where it comes from and what it is about", () => {
    const url = "https://github.com/wirewright/wirewright"
    const { bugs, description, homepage, keywords, license, repository } = manifestOf(path)
    expect({ bugs, homepage, license, repository }).toEqual({
      bugs: `${url}/issues`,
      homepage: `${url}/tree/main/${path}#readme`,
      license: "MIT",
      repository: { type: "git", url: `git+${url}.git`, directory: path }
    })
    expect(description).toMatch(/\w+ \w+/)
    expect(keywords!.length).toBeGreaterThanOrEqual(3)
    expect(new Set(keywords).size).toBe(keywords!.length)
    expect(read(path, "LICENSE")).toBe(read("LICENSE"))
  })

  it("has a README that begins with its name and says how it is installed", () => {
    const text = read(path, "README.md")
    expect(text.split("\n")[0]).toBe(`# ${manifestOf(path).name}`)
    const installed = text.match(/^npm install .*$/gm)!.join(" ").split(" ")
    expect(installed).toContain(manifestOf(path).name)
    for (const link of text.matchAll(/\]\((\.\.?\/[^)#]+)\)/g)) expect(Fs.existsSync(Path.join(root, path, link[1]!)), link[1]!).toBe(true)
  })
})

describe("programs of READMEs", () => {
  const programs = published.filter((path) => !guides.includes(path) && Fs.existsSync(Path.join(root, path, "README.md")))
    .map((path) => [path, blocksOf(read(path, "README.md"))] as const)
  const files = (blocks: ReadonlyArray<Block>) => blocks.filter(({ language }) => language === "ts")

  beforeAll(() => {
    Fs.rmSync(work, { recursive: true, force: true })
    for (const [path, blocks] of programs) {
      const directory = Path.join(work, nameOf(path))
      Fs.mkdirSync(directory, { recursive: true })
      for (const { info, text } of files(blocks)) Fs.writeFileSync(Path.join(directory, info.replace("file=", "")), `${text}\n`)
    }
    for (const path of guides) {
      Fs.mkdirSync(Path.join(work, nameOf(path)), { recursive: true })
      Fs.writeFileSync(Path.join(work, nameOf(path), "guide.ts"), wholeOf(path, read(path, "README.md"))!.program)
    }
    const compilerOptions = { composite: false, tsBuildInfoFile: Path.join(work, "tsbuildinfo") }
    Fs.writeFileSync(
      Path.join(work, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["*/*.ts"] })
    )
  })
  afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

  it("pass the compiler", () => {
    const { status, stdout } = run("npx tsc -p .", work)
    expect(stdout).toBe("")
    expect(status).toBe(0)
  }, 120_000)

  it.each(programs)("%s: run, and print what is written there", (path, blocks) => {
    const runs = blocks.filter(({ info, language }) => language === "ts" || language === "sh" && info !== "install")
    expect(runs.length).toBeGreaterThan(0)
    let printed = ""
    let compared = 0
    for (const { info, language, line, text } of blocks) {
      if (language === "text") {
        const lines = text.split("\n")
        expect(printed.split("\n").slice(0, lines.length), `line ${line}`).toEqual(lines)
        compared++
      } else if (info !== "install" && language !== "json") {
        const command = language === "ts" ? `node ${info.replace("file=", "")}` : text
        const { status, stderr, stdout } = run(command, Path.join(work, nameOf(path)))
        expect(status, `${command}\n${stderr}`).toBe(0)
        printed = stdout
      }
    }
    expect(compared).toBe(runs.length)
  }, 60_000)

  it.each(guides)("%s: what the guide shows beside the programs of its tests runs, too", (path) => {
    const readme = read(path, "README.md")
    const own = unmarked(readme).filter(({ text }) => !text.startsWith("npm install "))
    expect(own.map(({ language }) => language)).toEqual(Array.from({ length: countOf[path]! }, () => "ts"))
    const { status, stderr, stdout } = run("node guide.ts", Path.join(work, nameOf(path)))
    expect(status, stderr).toBe(0)
    expect(stdout).toBe(wholeOf(path, readme)!.prints)
  }, 60_000)

  it("the error that the command's README shows is the one that it prints", async () => {
    const [shown] = blocksOf(read("packages/cli/README.md")).filter(({ language }) => language === "json")
    const served = serveCouchbase({ users: [{ name: "ada", password: Redacted.make("secret") }], buckets: [{ name: "default" }] })
    const stderr = await Effect.runPromise(Effect.scoped(Effect.flatMap(served, ({ port }) =>
      Effect.callback<string>((resume) => {
        const args = ["kv", "get", `couchbase://ada:wrong@127.0.0.1:${port}/default`, "key", "--json"]
        ChildProcess.execFile(
          process.execPath,
          [Path.join(root, "packages/cli/bin/wirewright.js"), ...args],
          (_, __, said) => resume(Effect.succeed(said))
        )
      }))))
    expect(stderr.trim().split("\n").at(-1)).toBe(shown!.text)
  }, 60_000)
})
