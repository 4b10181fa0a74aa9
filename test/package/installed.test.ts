/** `scripts/ensure-installed.mjs` installs when `node_modules` is not what `package-lock.json` says, and only then. */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { tmpdir } from "node:os"
import { afterAll, expect, it } from "vitest"

const root = Path.resolve(import.meta.dirname, "../..")
const work = Fs.mkdtempSync(Path.join(tmpdir(), "wirewright-installed-"))
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const a = { version: "1.0.0", resolved: "https://registry.npmjs.org/a/-/a-1.0.0.tgz", integrity: "sha512-a" }
const other = { version: "2.0.0", resolved: "https://registry.npmjs.org/b/-/b-2.0.0.tgz", integrity: "sha512-b" }
const elsewhere = { ...other, optional: true, os: ["aix"] }
const lock = { lockfileVersion: 3, packages: { "": { name: "root" }, "node_modules/a": a, "node_modules/elsewhere": elsewhere } }
const path = (name: string): string => Path.join(work, name)

/** Whether the script asks npm to install, when npm has left `installed` in `node_modules`. */
const installs = (installed: object | undefined, bins: ReadonlyArray<string> = ["node", "tsc", "vitest"]): boolean => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(path("scripts"), { recursive: true })
  Fs.copyFileSync(Path.join(root, "scripts/ensure-installed.mjs"), path("scripts/ensure-installed.mjs"))
  Fs.writeFileSync(path("package-lock.json"), JSON.stringify(lock))
  Fs.writeFileSync(path("npm.cjs"), `require("node:fs").writeFileSync(${JSON.stringify(path("asked"))}, process.argv.slice(2).join(" "))`)
  Fs.mkdirSync(path("node_modules/.bin"), { recursive: true })
  for (const name of bins) Fs.writeFileSync(path(`node_modules/.bin/${name}`), "")
  if (installed !== undefined) Fs.writeFileSync(path("node_modules/.package-lock.json"), JSON.stringify(installed))
  const { status, stderr } = spawnSync(process.execPath, [path("scripts/ensure-installed.mjs")], {
    encoding: "utf8",
    env: { ...process.env, npm_execpath: path("npm.cjs") }
  })
  expect(status, stderr).toBe(0)
  if (!Fs.existsSync(path("asked"))) return false
  expect(Fs.readFileSync(path("asked"), "utf8")).toMatch(/^ci\b/)
  return true
}

it("nothing is installed again after npm ci, which leaves out optional packages of other systems", () => {
  expect(installs({ packages: { "node_modules/a": a } })).toBe(false)
  expect(installs({ packages: { "node_modules/a": a, "node_modules/elsewhere": elsewhere } })).toBe(false)
})

it("installs when a package is missing, another one, another version, or another archive, and when nothing is there", () => {
  expect(installs(undefined)).toBe(true)
  expect(installs({ packages: {} })).toBe(true)
  expect(installs({ packages: { "node_modules/a": { ...a, version: "1.0.1" } } })).toBe(true)
  expect(installs({ packages: { "node_modules/a": { ...a, integrity: "sha512-c" } } })).toBe(true)
  expect(installs({ packages: { "node_modules/a": a, "node_modules/elsewhere": { ...elsewhere, version: "3.0.0" } } })).toBe(true)
  expect(installs({ packages: { "node_modules/a": a, "node_modules/b": other } })).toBe(true)
  expect(installs({ packages: { "node_modules/a": a } }, ["node", "vitest"])).toBe(true)
})
