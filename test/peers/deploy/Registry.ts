/** A registry of npm that has the packed packages of this repository; all others it says are at npm's. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const manifestIn = async (tarball: string): Promise<{ readonly version: string }> => {
  const { spawnSync } = await import("node:child_process")
  return JSON.parse(spawnSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" }).stdout) as {
    readonly version: string
  }
}

/** Serves packages by their names and tarballs. */
export const serveRegistry = async (
  tarballs: ReadonlyMap<string, string>
): Promise<{ readonly url: string; readonly close: () => void }> => {
  const manifests = new Map(await Promise.all([...tarballs].map(async ([name, path]) => [name, await manifestIn(path)] as const)))
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.slice(1))
    const [name = "", isTarball] = path.split("/-/") as [string, string | undefined]
    const tarball = tarballs.get(name)
    if (tarball === undefined) return void response.writeHead(302, { Location: `https://registry.npmjs.org${request.url}` }).end()
    const bytes = readFileSync(tarball)
    if (isTarball !== undefined) return void response.end(bytes)
    const manifest = manifests.get(name)!
    const { version } = manifest
    const dist = { tarball: `${url}/${name}/-/package.tgz`, integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}` }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, name, dist } } }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, close: () => server.close() }
}
