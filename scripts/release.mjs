/**
 * `npm run release`: publishes every package that is not private and whose version the registry does not have; so it can be run again when it stopped
 * in the middle. `--dry-run` only says what it would publish. `npm run release:tag -- v1.2.3` checks that this commit is that release: every package
 * has the version, its dependencies among each other too, its changelog tells of it, and no changeset is left over.
 *
 * Exit codes: 0 done, 1 this is no release or npm refused.
 */
import { spawnSync } from "node:child_process"
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: { "dry-run": { type: "boolean", default: false }, tag: { type: "string" }, root: { type: "string" } }
})
const root = values.root ?? dirname(dirname(fileURLToPath(import.meta.url)))
const read = (path) => JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"))

const directories = read(".").workspaces.flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((path) => existsSync(join(root, path, "package.json")) && read(path).private !== true)
  .toSorted()
const packages = directories.map((path) => ({ path, manifest: read(path) }))

/** What keeps this commit from being the release of a version. */
const faultsOf = (version) => {
  const ours = new Set(packages.map(({ manifest }) => manifest.name))
  const folder = join(root, ".changeset")
  const pending = readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "README.md")
  return [
    ...packages.flatMap(({ manifest, path }) => [
      ...manifest.version === version ? [] : [`${manifest.name} has version ${manifest.version}`],
      ...Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
        .filter(([name, range]) => ours.has(name) && range !== version)
        .map(([name, range]) => `${manifest.name} needs ${name} ${range}`),
      ...existsSync(join(root, path, "CHANGELOG.md")) &&
          readFileSync(join(root, path, "CHANGELOG.md"), "utf8").includes(`\n## ${version}\n`)
        ? []
        : [`${path}/CHANGELOG.md does not tell of ${version}`]
    ]),
    ...pending.map((name) => `.changeset/${name} is left over: npm run release:version`)
  ]
}

const run = (command, args, stdio) => spawnSync(command, args, { cwd: root, stdio, encoding: "utf8", shell: process.platform === "win32" })

/** Whether the registry has a version; throws when it does not answer. */
const isPublished = ({ name, version }) => {
  const { status, stdout } = run("npm", ["view", `${name}@${version}`, "version", "--json"], ["ignore", "pipe", "ignore"])
  const said = stdout.trim() === "" ? undefined : JSON.parse(stdout)
  if (status === 0) return said !== undefined
  if (said?.error?.code === "E404") return false
  throw new Error(`the registry says of ${name}: ${said?.error?.summary ?? "nothing"}`)
}

const publish = () => {
  for (const { manifest, path } of packages) {
    if (isPublished(manifest)) {
      console.log(`${manifest.name} ${manifest.version} is there already`)
      continue
    }
    console.log(`${values["dry-run"] ? "would publish" : "publishing"} ${manifest.name} ${manifest.version}`)
    if (values["dry-run"]) continue
    const { status } = run("npm", ["publish", "-w", path, "--provenance", "--access", "public"], "inherit")
    if (status !== 0) return 1
  }
  return 0
}

if (values.tag === undefined) process.exitCode = publish()
else {
  const faults = faultsOf(values.tag.replace(/^v/, ""))
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
}
