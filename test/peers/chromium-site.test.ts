/**
 * The documentation site: built without a network, every link and anchor of what was built holds, and axe finds nothing on a page of each kind, in
 * light and in dark.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openPage } from "./Chromium.ts"

const site = fileURLToPath(new URL("../site", import.meta.url))
const dist = Path.join(site, "dist")
const root = fileURLToPath(new URL("../..", import.meta.url))

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string => {
  const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

const types: { readonly [extension: string]: string } = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".txt": "text/plain"
}

/** The file of an address; undefined when there is none. */
const fileOf = (address: string): string | undefined => {
  const path = decodeURIComponent(address.split(/[?#]/)[0]!)
  const file = Path.join(dist, path.endsWith("/") ? `${path}index.html` : path)
  return file.startsWith(dist) && Fs.existsSync(file) && Fs.statSync(file).isFile() ? file : undefined
}

const pages = (): ReadonlyArray<string> =>
  Fs.readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html")).map((name) =>
    `/${name.replaceAll("\\", "/").replace(/index\.html$/, "")}`
  )

/** A page of each kind. */
const kinds = [
  "/",
  "/start/",
  "/guides/dcp/",
  "/words/numbers/",
  "/findings/",
  "/findings/ww010/",
  "/protocols/dcp/",
  "/protocols/dcp/packets/dcpstreamrequest/",
  "/protocols/mqtt/types/",
  "/protocols/nats/packets/hmsg/",
  "/protocols/couchbase/frame/",
  "/cookbook/04-add-opcode/",
  "/api/proxy/",
  "/why-not/"
]

describe("the site", () => {
  let server: Server
  let origin = ""

  beforeAll(async () => {
    if (!Fs.existsSync(Path.join(site, "node_modules/astro"))) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], site)
    // without a network: in a namespace that has none, where the system lets us
    const node = [process.execPath, "--conditions=@wirewright/source", "test/site/main.ts"]
    const isAlone = spawnSync("unshare", ["-n", "true"]).status === 0
    console.log(`built ${isAlone ? "without a network" : "with a network: unshare is not allowed here"}`)
    run(isAlone ? "unshare" : node[0]!, isAlone ? ["-n", ...node] : node.slice(1), root)
    server = createServer((request, response) => {
      const file = fileOf(request.url ?? "/")
      if (file === undefined) response.writeHead(404).end()
      else response.writeHead(200, { "content-type": types[Path.extname(file)] ?? "application/octet-stream" }).end(Fs.readFileSync(file))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }, 600_000)
  afterAll(() => server?.close())

  it("every link and anchor of every page that was built holds, and no page loads anything from elsewhere", () => {
    const all = pages()
    const ids = new Map<string, ReadonlySet<string>>()
    const idsOf = (file: string): ReadonlySet<string> => {
      const known = ids.get(file) ?? new Set([...Fs.readFileSync(file, "utf8").matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!))
      ids.set(file, known)
      return known
    }
    const broken: Array<string> = []
    let links = 0
    for (const page of all) {
      const html = Fs.readFileSync(fileOf(page)!, "utf8")
      for (const [, target] of html.matchAll(/<a\s[^>]*href="([^"]*)"/g)) {
        links++
        if (/^(https?|mailto):/.test(target!)) continue
        const to = new URL(target!.replaceAll("&amp;", "&"), `http://x${page}`)
        const file = fileOf(to.pathname)
        if (file === undefined) broken.push(`${page}: ${target}`)
        else if (to.hash !== "" && !idsOf(file).has(decodeURIComponent(to.hash.slice(1)))) broken.push(`${page}: ${target}`)
      }
      for (const [, target] of html.matchAll(/<(?:script|img|link|iframe|source)\s[^>]*(?:src|href)="(https?:[^"]*)"/g)) {
        if (!target!.startsWith("https://wirewright.dev")) broken.push(`${page} loads ${target}`)
      }
    }
    console.log(`${all.length} pages, ${links} links`)
    expect(broken).toEqual([])
    expect(all.length).toBeGreaterThan(500)
  })

  it("llms.txt names pages that are there", () => {
    const text = Fs.readFileSync(Path.join(dist, "llms.txt"), "utf8")
    const targets = [...text.matchAll(/\]\((\/[^)]*)\)/g)].map(([, target]) => target!)
    expect(targets.filter((target) => fileOf(target) === undefined)).toEqual([])
    expect(targets.length).toBeGreaterThan(50)
  })

  it.each(kinds)("axe finds nothing on %s", async (address) => {
    const axe = Fs.readFileSync(Path.join(site, "node_modules/axe-core/axe.min.js"), "utf8")
    const page = await openPage(`${origin}${address}`)
    try {
      const isThere = "document.readyState === 'complete' && document.querySelector('main h1') !== null"
      for (let i = 0; i < 400 && await page.evaluate(isThere) !== true; i++) await new Promise((resolve) => setTimeout(resolve, 50))
      await page.evaluate(`${axe}; 0`)
      for (const theme of ["light", "dark"]) {
        const found = await page.evaluate(`(async () => {
          document.documentElement.dataset.theme = "${theme}"
          const { violations } = await axe.run(document, { resultTypes: ["violations"] })
          return JSON.stringify(violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")))
        })()`)
        expect(JSON.parse(String(found)), theme).toEqual([])
      }
    } finally {
      await page.close()
    }
  })
})
