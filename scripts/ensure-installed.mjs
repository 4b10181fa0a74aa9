/**
 * Makes `npm start` and `npm test` work in a fresh checkout: installs when node_modules is not what package-lock.json says.
 *
 * npm writes down what it installed in node_modules/.package-lock.json, in the words of package-lock.json; packages of other systems are
 * missing there. So nothing is installed twice, whoever installed first.
 *
 * Plain JavaScript without dependencies, because it runs before anything is installed, on whatever Node is at hand (20 or newer). The
 * packages it installs include the Node that everything else runs on.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { isDeepStrictEqual } from "node:util"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const packagesOf = (path) => {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages ?? {}
  } catch {
    return {}
  }
}

const installed = () => {
  const { "": _, ...wanted } = packagesOf("package-lock.json")
  const found = packagesOf("node_modules/.package-lock.json")
  const programs = ["node", "tsc", "vitest"].map((name) => join(root, "node_modules", ".bin", name))
  return programs.every((path) => existsSync(path) || existsSync(`${path}.cmd`)) &&
    Object.keys(found).every((name) => name in wanted) &&
    Object.entries(wanted).every(([name, one]) => name in found ? isDeepStrictEqual(found[name], one) : one.optional === true)
}

if (!installed()) {
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
}
