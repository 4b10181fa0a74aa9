/**
 * Makes `npm start` and `npm test` work in a fresh checkout: installs when node_modules is not what package-lock.json says.
 *
 * Plain JavaScript without dependencies, because it runs before anything is installed, on whatever Node is at hand (20 or newer). The
 * packages it installs include the Node that everything else runs on.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lock = join(root, "package-lock.json")
const stamp = join(root, "node_modules", ".wirewright-lock")

const installed = () => {
  try {
    return readFileSync(stamp, "utf8").trim()
  } catch {
    return undefined
  }
}

const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex")
const complete = ["node", "tsc", "vitest"].every((name) => {
  const path = join(root, "node_modules", ".bin", name)
  return existsSync(path) || existsSync(`${path}.cmd`)
})

if (!complete || installed() !== wanted) {
  console.log("Installing what package-lock.json says (npm ci) …")
  // npm tells its own path to the scripts it runs; outside of npm there is only the one in PATH.
  const npm = process.env.npm_execpath
  const options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"]
  const { status, error } = npm !== undefined && /\.c?js$/.test(npm)
    ? spawnSync(process.execPath, [npm, ...options], { cwd: root, stdio: "inherit" })
    : spawnSync("npm", options, { cwd: root, stdio: "inherit", shell: process.platform === "win32" })
  if (status !== 0) {
    console.error(`npm ci failed${error === undefined ? "" : `: ${error.message}`}`)
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, `${wanted}\n`)
}
