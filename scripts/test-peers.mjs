/**
 * `npm run test:peers`: tests against other programs that speak our protocols.
 *
 * Installs what is missing (with apt-get, when root), runs test/peers, and says what each peer had to do with it. A peer that cannot be had
 * is named as not run, and fails the run under CI. Arguments are passed on to vitest.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const peersFolder = join(root, "test/peers")

/** Programs by the name their test files start with: how to ask whether they are there, and the package that brings them. */
const peers = [
  { name: "tshark", probe: ["tshark", "--version"], apt: "tshark" }
]

const run = (command, args, options = {}) =>
  spawnSync(command, args, { stdio: "inherit", cwd: root, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, ...options })

const works = ([command, ...args]) => run(command, args, { stdio: "ignore" }).status === 0

const say = (text) => process.stdout.write(`${text}\n`)

const install = (missing) => {
  if (missing.length === 0) return
  const names = missing.map(({ apt }) => apt)
  if (process.getuid?.() !== 0 || !works(["apt-get", "--version"])) {
    say(`missing: ${names.join(", ")}; only root can install them, with apt-get`)
    return
  }
  say(`installing ${names.join(", ")}`)
  const quiet = { stdio: ["ignore", "ignore", "inherit"] }
  run("apt-get", ["update", "-qq"], quiet)
  for (const name of names) run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], quiet)
}

const installFromNpm = () => {
  if (!existsSync(join(peersFolder, "package.json")) || existsSync(join(peersFolder, "node_modules"))) return
  const locked = existsSync(join(peersFolder, "package-lock.json"))
  run("npm", [locked ? "ci" : "install", "--no-audit", "--no-fund"], { cwd: peersFolder, shell: process.platform === "win32" })
}

install(peers.filter(({ probe }) => !works(probe)))
installFromNpm()
const absent = peers.filter(({ probe }) => !works(probe))

const folder = mkdtempSync(join(tmpdir(), "wirewright-peers-"))
let failed = false
try {
  const report = join(folder, "report.json")
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const without = ["--passWithNoTests", ...absent.map(({ name }) => `--exclude=**/peers/${name}*.test.ts`)]
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const args = ["run", "--config", join(peersFolder, "vitest.config.ts"), ...reporters, ...without, ...process.argv.slice(2)]
  const { status } = run(process.execPath, [vitest, ...args])
  failed = status !== 0
  const counts = new Map()
  const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : []
  for (const { assertionResults, name } of files) {
    const peer = basename(name).split(/[-.]/)[0]
    const count = counts.get(peer) ?? { passed: 0, failed: 0, skipped: 0 }
    counts.set(peer, count)
    for (const { status: result } of assertionResults) count[result === "passed" || result === "failed" ? result : "skipped"]++
  }
  const words = [...counts].map(([peer, { failed: bad, passed, skipped }]) =>
    `${peer} ${passed} passed${bad > 0 ? `, ${bad} failed` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`
  )
  for (const { name } of absent) words.push(`${name} not run`)
  say(`peers: ${words.length === 0 ? "none" : words.join("; ")}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (absent.length > 0 && process.env.CI === "true") {
  say(`CI needs every peer: ${absent.map(({ name }) => name).join(", ")} did not run`)
  failed = true
}
process.exitCode = failed ? 1 : 0
