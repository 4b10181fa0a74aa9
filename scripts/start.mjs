/**
 * `npm start`: two Couchbase-like nodes, a view that follows them through a broken connection and a failover that loses writes, and the proof that
 * it is right. See `packages/examples/src/05_live_view.ts`.
 *
 * Exits 0 only when the view equals what the nodes hold.
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const own = join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node")
const [node, shell] = existsSync(own) ? [own, process.platform === "win32"] : [process.execPath, false]
const program = join("packages", "examples", "src", "05_live_view.ts")
const { status, error } = spawnSync(node, ["--conditions=@wirewright/source", program, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  shell
})
if (error !== undefined) console.error(error.message)
process.exitCode = status ?? 1
