/**
 * A release is what it says: workflows run commands that exist, with no more rights than they need; versions and changesets are of the packages that
 * are published; each README says how stable its package is.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { tmpdir } from "node:os"
import { afterAll, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { root } from "./Blocks.ts"
import { published } from "./Outside.ts"

const read = (...path: ReadonlyArray<string>): string => Fs.readFileSync(Path.join(root, ...path), "utf8")

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: { readonly [name: string]: string }
  readonly dependencies?: { readonly [name: string]: string }
  readonly publishConfig?: object
}

const manifestOf = (path: string): Manifest => JSON.parse(read(path, "package.json")) as Manifest

interface Job {
  readonly permissions?: { readonly [right: string]: string }
  readonly "timeout-minutes"?: number
  readonly steps: ReadonlyArray<{ readonly uses?: string; readonly run?: string }>
}

interface Workflow {
  readonly permissions?: object
  readonly jobs: { readonly [name: string]: Job }
}

/** What is wrong with a workflow: commands that do not exist, actions that may change, rights for everything, jobs without an end. */
const faultsOf = (workflow: Workflow): ReadonlyArray<string> => {
  const scripts = manifestOf(".").scripts ?? {}
  const commandFaults = (line: string): ReadonlyArray<string> => {
    if (line === "npm ci" || line.startsWith("git config ")) return []
    const [, script] = /^npm run (\S+)/.exec(line) ?? []
    if (script !== undefined) return script in scripts ? [] : [`no script ${script}`]
    return Fs.existsSync(Path.join(root, line)) ? [] : [`no command ${line}`]
  }
  return [
    ...JSON.stringify(workflow.permissions) === "{}" ? [] : ["rights for every job"],
    ...Object.entries(workflow.jobs).flatMap(([name, job]) =>
      [
        ...job["timeout-minutes"] === undefined ? ["no end"] : [],
        ...job.permissions?.["contents"] === "read" ? [] : ["rights"],
        ...job.steps.flatMap(({ run = "", uses }) => [
          ...uses === undefined || /@[\da-f]{40}$/.test(uses) ? [] : [`${uses} may change`],
          ...run.split("\n").filter((line) => line.trim() !== "").flatMap((line) => commandFaults(line.trim()))
        ])
      ].map((fault) => `${name}: ${fault}`)
    )
  ]
}

const folder = Path.join(root, ".github/workflows")
const workflows = Fs.readdirSync(folder).map((name) => [name, parse(Fs.readFileSync(Path.join(folder, name), "utf8")) as Workflow] as const)

describe("workflows", () => {
  it.each(workflows)("%s runs what exists, with the rights it needs", (_, workflow) => {
    expect(faultsOf(workflow)).toEqual([])
  })

  it("only what publishes may say who it is, and it runs after everything is verified", () => {
    const identified = workflows.flatMap(([file, { jobs }]) =>
      Object.entries(jobs).filter(([, { permissions }]) => permissions?.["id-token"] === "write").map(([name]) => `${file}: ${name}`)
    )
    expect(identified).toEqual(["release.yml: publish"])
    expect(Object.fromEntries(workflows)["release.yml"]!.jobs["publish"]).toMatchObject({ needs: "verify" })
    expect(read("scripts/release.mjs")).toContain("\"--provenance\"")
  })

  it("mistakes are seen", () => {
    const steps = [{ uses: "actions/checkout@v4" }, { run: "npm run releese\n.ci/runn\nnpm ci" }]
    expect(faultsOf({ jobs: { one: { steps } } })).toEqual([
      "rights for every job",
      "one: no end",
      "one: rights",
      "one: actions/checkout@v4 may change",
      "one: no script releese",
      "one: no command .ci/runn"
    ])
  })
})

describe("changesets", () => {
  const names = published.map((path) => manifestOf(path).name)
  it("are of packages that are published", () => {
    const files = Fs.readdirSync(Path.join(root, ".changeset")).filter((name) => name.endsWith(".md") && name !== "README.md")
    for (const file of files) {
      const [, head = "", text = ""] = /^---\n([^]*?)\n---\n([^]*)$/.exec(read(".changeset", file)) ?? []
      const bumps = parse(head) as { readonly [name: string]: string }
      expect(Object.keys(bumps).filter((name) => !names.includes(name)), file).toEqual([])
      for (const bump of Object.values(bumps)) expect(["patch", "minor", "major"]).toContain(bump)
      expect(text.trim().length).toBeGreaterThan(20)
    }
  })

  it("all packages have one version, and the example that is deployed needs it", () => {
    const config = JSON.parse(read(".changeset/config.json")) as { readonly fixed: unknown }
    expect(config.fixed).toEqual([["wirewright", "@wirewright/*"]])
    const versions = new Set(published.map((path) => manifestOf(path).version))
    const { dependencies = {} } = manifestOf("packages/examples/deploy")
    expect([...versions, ...Object.entries(dependencies).filter(([name]) => names.includes(name)).map(([, version]) => version)])
      .toEqual(Array.from({ length: 5 }, () => [...versions][0]))
  })
})

describe("the release of a version", () => {
  const work = Fs.mkdtempSync(Path.join(tmpdir(), "wirewright-release-"))
  afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))
  const write = (path: string, text: string): void => {
    Fs.mkdirSync(Path.dirname(Path.join(work, path)), { recursive: true })
    Fs.writeFileSync(Path.join(work, path), text)
  }
  const check = (tag: string): ReadonlyArray<string> => {
    const { status, stderr } = spawnSync(process.execPath, [Path.join(root, "scripts/release.mjs"), "--tag", tag, "--root", work], {
      encoding: "utf8"
    })
    expect(status).toBe(stderr === "" ? 0 : 1)
    return stderr.split("\n").filter((line) => line !== "")
  }

  it("has that version everywhere, changelogs that tell of it, and no changeset left over", () => {
    write("package.json", JSON.stringify({ workspaces: ["packages/*"] }))
    write("packages/a/package.json", JSON.stringify({ name: "a", version: "1.2.0" }))
    write("packages/b/package.json", JSON.stringify({ name: "b", version: "1.2.0", dependencies: { a: "1.2.0", effect: "^4.1.0" } }))
    write("packages/c/package.json", JSON.stringify({ name: "c", version: "0.0.0", private: true }))
    for (const name of ["a", "b"]) write(`packages/${name}/CHANGELOG.md`, `# ${name}\n\n## 1.2.0\n\n- it\n`)
    write(".changeset/README.md", "# Changesets\n")
    expect(check("v1.2.0")).toEqual([])
    write("packages/b/package.json", JSON.stringify({ name: "b", version: "1.1.0", dependencies: { a: "1.1.0" } }))
    write("packages/a/CHANGELOG.md", "# a\n\n## 1.1.0\n")
    write(".changeset/late.md", "---\n\"a\": patch\n---\n\nlate\n")
    expect(check("v1.2.0")).toEqual([
      "packages/a/CHANGELOG.md does not tell of 1.2.0",
      "b has version 1.1.0",
      "b needs a 1.1.0",
      ".changeset/late.md is left over: npm run release:version"
    ])
  })
})

describe("stability", () => {
  const stability = (path: string): string | undefined => /^Stability: \*\*(\w+)\*\*/m.exec(read(path, "README.md"))?.[1]
  const pathOf = new Map(published.map((path) => [manifestOf(path).name, path]))

  it.each(published)("%s says what it is, what it publishes with, and a stable one needs only stable ones", (path) => {
    expect(["stable", "experimental"]).toContain(stability(path))
    expect(manifestOf(path).publishConfig).toEqual({ access: "public", provenance: true })
    // the command promises its command line, not what it is made of
    if (stability(path) === "experimental" || path === "packages/cli") return
    const needs = Object.keys(manifestOf(path).dependencies ?? {}).filter((name) => pathOf.has(name))
    expect(needs.filter((name) => stability(pathOf.get(name)!) !== "stable")).toEqual([])
  })
})
