/** The client in a browser: bundled by Vite, in headless Chromium, against a real server. */
import { Effect, Scope, Stream } from "effect"
import { createServer, type Server as HttpServer } from "node:http"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "vite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openPage, type Page } from "./Chromium.ts"
import { connect, type Kind, Server } from "./DeepstreamServers.ts"

const types: { readonly [extension: string]: string } = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" }

const until = async (page: Page, expression: string, wanted: unknown): Promise<void> => {
  let last: unknown
  for (let attempt = 0; attempt < 400; attempt++) {
    last = await page.evaluate(expression)
    if (last === wanted) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${expression} is ${JSON.stringify(last)}, not ${JSON.stringify(wanted)}`)
}

describe("the client in Chromium", () => {
  const out = mkdtempSync(join(tmpdir(), "wirewright-browser-"))
  let pages: HttpServer
  let origin: string

  beforeAll(async () => {
    await build({
      root: fileURLToPath(new URL("../../packages/examples/browser", import.meta.url)),
      base: "./",
      logLevel: "error",
      resolve: { conditions: ["@wirewright/source", "browser", "import", "module", "default"] },
      build: { outDir: out, emptyOutDir: true, target: "es2022" }
    })
    pages = createServer((request, response) => {
      const file = join(out, new URL(request.url ?? "/", "http://x").pathname.replace(/\/$/, "/index.html"))
      if (!file.startsWith(out) || !existsSync(file)) return response.writeHead(404).end()
      response.writeHead(200, { "content-type": types[extname(file)] ?? "text/plain" }).end(readFileSync(file))
    })
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve))
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  })

  afterAll(() => {
    pages.close()
    rmSync(out, { recursive: true, force: true })
  })

  it.each<Kind>(["text", "classic"])("logs in, hears an event and shares a record (%s)", async (kind) => {
    const server = await Server.start(kind)
    const scope = Effect.runSync(Scope.make())
    const page = await openPage(`${origin}/?url=${encodeURIComponent(server.url)}`)
    try {
      const here = await Effect.runPromise(Scope.provide(connect(server), scope))
      await until(page, "document.getElementById('state').textContent", "OPEN")
      await until(page, "document.getElementById('count').textContent", "0")
      const heard: Array<unknown> = []
      await new Promise<void>((ready) => {
        const events = here.events.subscribe("counted", { onReady: Effect.sync(() => ready()) })
        Effect.runFork(Stream.runForEach(events, (who) => Effect.sync(() => heard.push(who))).pipe(Effect.ignore))
      })
      await page.evaluate("document.getElementById('add').click()")
      await until(page, "document.getElementById('count').textContent", "1")
      // the page shows its own write at once; it publishes when the server has stored it
      await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["the browser"])
      const counter = await Effect.runPromise(Scope.provide(here.records.open("counter"), scope))
      expect(await Effect.runPromise(counter.get)).toEqual({ count: 1 })
      await Effect.runPromise(counter.patch("count", 41, { acknowledge: true }))
      await Effect.runPromise(here.events.emit("counted", "the test"))
      await until(page, "document.getElementById('count').textContent", "41")
      await until(page, "document.getElementById('event').textContent", "the test counted")
      const picture = await page.screenshot()
      expect([...picture.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47])
      expect(picture.length).toBeGreaterThan(5000)
      const { WIREWRIGHT_SCREENSHOT: keep } = process.env
      if (keep !== undefined && kind === "text") writeFileSync(keep, picture)
      await server.restart()
      await until(page, "document.getElementById('state').textContent", "OPEN")
    } finally {
      await Effect.runPromise(Scope.close(scope, { _tag: "Success", value: undefined } as never))
      await page.close()
      await server.stop()
    }
  }, 120_000)
})
