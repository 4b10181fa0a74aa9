/**
 * The inspector in headless Chromium with much to show: a capture of 10 MB that stays fluent while it is scrolled, and real clients through
 * `proxy --inspect`, seen as they speak; and other pages, which see nothing.
 */
import { bundleScript, pageHtml, servePage } from "@wirewright/inspector"
import { createServer } from "node:http"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { protocolModules } from "../../packages/cli/src/Protocols.ts"
import { openPage, untilWithin } from "./Chromium.ts"
import { captureOf } from "./LargeCapture.ts"
import { memcachedVersion, startMemcached } from "./Memcached.ts"
import { clients, expectDone } from "./MemcachedClients.ts"
import { start } from "./Serve.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-inspector-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const until = untilWithin(600)

const percentile = (times: ReadonlyArray<number>, share: number): number =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))]!

describe("a capture of 10 MB", () => {
  it("opens, and stays fluent while it is scrolled", async () => {
    const size = 10 * 1024 * 1024
    const file = join(folder, "large.pcapng")
    const capture = captureOf(size)
    writeFileSync(file, capture)
    const script = await bundleScript([await protocolModules("dcp")])
    const served = await servePage({ page: () => pageHtml(script) })
    const page = await openPage(served.url)
    try {
      await page.look({ width: 1280, height: 800 })
      // the longest time that nothing was drawn while it was read
      await page.evaluate(`(() => {
        let last = performance.now()
        window.longest = 0
        window.reading = true
        const look = (now) => {
          window.longest = Math.max(window.longest, now - last)
          last = now
          if (window.reading) requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      })()`)
      const begun = performance.now()
      await page.choose(".welcome input[type=file]", [file])
      await untilWithin(2400)(page, "/[\\d\\u2009]+ packets$/.test(document.querySelector('.counts').textContent)", true)
      const opened = performance.now() - begun
      const longest = Number(await page.evaluate("window.reading = false, window.longest"))
      const counts = String(await page.evaluate("document.querySelector('.counts').textContent"))
      const runs: Array<number> = []
      const all: Array<number> = []
      for (let run = 0; run < 5; run++) {
        const times = JSON.parse(String(
          await page.evaluate(`new Promise((resolve) => {
          const list = document.querySelector(".packets")
          list.scrollTop = 0
          const times = []
          let last
          const step = (now) => {
            if (last !== undefined) times.push(now - last)
            last = now
            list.scrollTop += times.length % 20 === 19 ? 100000 : 377
            if (times.length < 150) requestAnimationFrame(step)
            else resolve(JSON.stringify(times))
          }
          requestAnimationFrame(step)
        })`)
        )) as ReadonlyArray<number>
        runs.push(percentile(times, 0.95))
        all.push(...times)
      }
      console.log(
        `inspector: ${(capture.length / 1024 / 1024).toFixed(1)} MiB, ${counts}: opened in ${
          opened.toFixed(0)
        } ms, longest time without a frame `
          + `${longest.toFixed(0)} ms; 95th percentile of a frame while scrolling: ${runs.map((time) => time.toFixed(1)).join(", ")} ms, `
          + `of all ${percentile(all, 0.95).toFixed(1)} ms`
      )
      expect(counts).toMatch(/packets$/)
      expect(await page.evaluate("document.querySelectorAll('.packet-row').length")).toBeLessThan(120)
      // the last packet is there, with its request
      await page.press("l", "End")
      await until(page, "document.querySelector('.meta .link').textContent.startsWith('answers #')", true)
      // a frame lasts 50 ms where the machine has nothing else to do; ten times that is a page that hangs
      expect(percentile(all, 0.95)).toBeLessThan(500)
      expect(page.said).toEqual([])
    } finally {
      await page.close()
      await served.close()
    }
  })
})

describe.skipIf(memcachedVersion() === undefined)("proxy --inspect", () => {
  it("shows what a real client says, as it says it; other pages see nothing", async () => {
    const memcached = await startMemcached(["-m", "64"])
    const proxy = await start(["proxy", "--upstream", `memcached://127.0.0.1:${memcached.port}`, "--inspect"])
    const url = String(proxy.ready["inspector"])
    const page = await openPage(url)
    const foreign = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>another page</p>"))
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve))
    const elsewhere = await openPage(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`)
    try {
      await page.look({ width: 1280, height: 800 })
      await until(page, "document.querySelector('.live').textContent", "live")
      const client = clients.find((one) => one.available())
      if (client === undefined) throw new Error("there is no client of memcached; npm run test:peers installs some")
      await expectDone(client, Number(proxy.ready["port"]), memcachedVersion()!)
      await until(page, "document.querySelectorAll('.packet-row').length > 5", true)
      await page.press("l", "Home")
      await until(page, "['c2s', 's2c'].every((side) => document.querySelector('.packet-row.' + side) !== null)", true)
      console.log(`inspector: live from ${client.name}: ${String(await page.evaluate("document.querySelector('.counts').textContent"))}`)
      expect(page.said).toEqual([])
      // whoever knows the address still is another page
      const tried = await elsewhere.evaluate(
        `Promise.all([${JSON.stringify(url)}, ${JSON.stringify(`${url}live`)}].flatMap((to) => ["GET", "POST"].map((method) =>
        fetch(to, { method }).then((answer) => "read " + answer.status, (error) => error.name)))).then((all) => all.join())`
      )
      expect(tried).toBe("TypeError,TypeError,TypeError,TypeError")
      const framed = await elsewhere.evaluate(`new Promise((resolve) => {
        const frame = document.createElement("iframe")
        frame.src = ${JSON.stringify(url)}
        frame.onload = () => setTimeout(() => resolve((() => { try { return String(frame.contentDocument) } catch (error) { return error.name } })()), 300)
        document.body.append(frame)
      })`)
      expect(framed).toMatch(/null|SecurityError/)
      await proxy.stop()
      await until(page, "document.querySelector('.live').textContent", "ended")
    } finally {
      await page.close()
      await elsewhere.close()
      foreign.close()
      await proxy.stop()
      await memcached.end("SIGTERM")
    }
  })
})
