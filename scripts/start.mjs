/**
 * `npm start`: decodes a recorded Couchbase session, packet by packet, both directions, as `wirewright decode` does.
 *
 * Exits 0 only when every packet of the recording was decoded. Further arguments go to the command (`npm start -- --json`).
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const own = join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node")
const [node, shell] = existsSync(own) ? [own, process.platform === "win32"] : [process.execPath, false]
const { status, error } = spawnSync(node, [
  join("packages", "cli", "bin", "wirewright.js"),
  "decode",
  join("test", "fixtures", "captures", "couchbase-6.0-session.pcapng.gz"),
  "--port",
  "31210",
  ...process.argv.slice(2)
], { cwd: root, stdio: "inherit", shell })
if (error !== undefined) console.error(error.message)
process.exitCode = status ?? 1
