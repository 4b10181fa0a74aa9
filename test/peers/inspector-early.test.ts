/** The inspector in headless Chromium, used by somebody who does not wait: before it has drawn, and while a large capture is still being read. */
import { bundleScript, pageHtml, servePage } from "@wirewright/inspector"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import { protocolModules } from "../../packages/cli/src/Protocols.ts"
import { openPage, type Page } from "./Chromium.ts"
import { captureOf } from "./LargeCapture.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-inspector-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const large = captureOf(4 * 1024 * 1024)
let script: string
beforeAll(async () => {
  script = await bundleScript([await protocolModules("dcp")])
})

const isRead = "/[\\d\\u2009]+ packets$/.test(document.querySelector('.counts').textContent)"

/** What runs in a page as soon as it has its first elements, in the same task that made them. */
const first = (act: string): string =>
  `new MutationObserver((_, all) => {
    if (document.querySelector(".bar") === null) return
    all.disconnect()
    ${act}
  }).observe(document, { childList: true, subtree: true })`

const key = (name: string, target = "document.body"): string =>
  `${target}.dispatchEvent(new KeyboardEvent("keydown", { key: ${JSON.stringify(name)}, bubbles: true, cancelable: true }))`

/** A page, as soon as it is there. */
const using = async (
  options: Parameters<typeof pageHtml>[1],
  fragment: string,
  act: string | undefined,
  run: (page: Page) => Promise<void>
) => {
  const served = await servePage({ page: () => pageHtml(script, options) })
  const page = await openPage(`${served.url}${fragment}`, act === undefined ? undefined : first(act))
  try {
    await run(page)
    expect(page.said).toEqual([])
  } finally {
    await page.close()
    await served.close()
  }
}

const until = async (page: Page, expression: string): Promise<void> => {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (await page.evaluate(expression) === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(await page.evaluate(expression), expression).toBe(true)
}

const name = "document.querySelector('.title h2')?.textContent"
const selected = "document.querySelector('.packet-row[aria-selected=true] .number')?.textContent"

it("every key and every button, before anything was drawn, does no harm", async () => {
  const keys = ["?", "Escape", "/", "t", "c", "l", "f", "b", "e", "u", "y", "r", "[", "]", "Enter", "ArrowDown", "p"]
  const act = `
    ${keys.map((one) => key(one)).join("\n")}
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true }))
    for (const one of document.querySelectorAll("button")) if (!one.textContent.includes("file")) one.click()
    for (const one of document.querySelectorAll("dialog[open]")) one.close()`
  for (const file of [undefined, large]) {
    await using({ file, name: "large.pcapng" }, "", act, async (page) => {
      await until(page, file === undefined ? "document.querySelector('.welcome') !== null" : isRead)
      await page.press("Escape", "t")
    })
  }
})

it("a link to a packet of a large capture leads there, however long it takes to read", async () => {
  await using({ file: large, name: "large.pcapng" }, "#n=20001", undefined, async (page) => {
    await until(page, isRead)
    await page.settled()
    expect(await page.evaluate(selected)).toBe("20001")
  })
})

it("a packet that was chosen while the rest is read stays chosen", async () => {
  await using({ file: large, name: "large.pcapng" }, "", undefined, async (page) => {
    await until(page, "document.querySelectorAll('.packet-row').length > 5")
    await page.press("l", "ArrowDown", "ArrowDown")
    const before = await page.evaluate(selected)
    await until(page, isRead)
    await page.settled()
    expect(await page.evaluate(selected)).toBe(before)
    expect(before).not.toBe("1")
  })
})

it("what was opened last is what is seen, when what was opened before takes longer", async () => {
  const file = join(folder, "large.pcapng.gz")
  writeFileSync(file, gzipSync(large))
  await using({}, "", undefined, async (page) => {
    await page.evaluate(`(() => {
      const read = Blob.prototype.arrayBuffer
      // a slow disk
      Blob.prototype.arrayBuffer = async function () {
        await new Promise((done) => setTimeout(done, 1000))
        return read.call(this)
      }
    })()`)
    await page.choose(".welcome input[type=file]", [file])
    await page.press("p")
    await page.type("800a000000000000000000000000002a0000000000000000")
    await page.press("Control+Enter")
    await until(page, `${name} === "Noop"`)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(await page.evaluate(name)).toBe("Noop")
    expect(await page.evaluate("document.querySelector('.counts').textContent")).toContain("1 packet")
  })
})

it("what was typed into the filter holds for the key that follows it, and a click for where it was, drawn or not", async () => {
  await using({ file: large, name: "large.pcapng" }, "", undefined, async (page) => {
    await until(page, isRead)
    await page.settled()
    await page.evaluate(`(() => {
      const search = document.querySelector("input[type=search]")
      search.focus()
      search.value = "SetResponse"
      search.dispatchEvent(new Event("input", { bubbles: true }))
      ${key("Enter", "search")}
      ${key("Enter", "document.querySelector('.packets')")}
    })()`)
    await page.settled()
    const found = await page.evaluate(`document.querySelector('.packet-row[aria-selected=true]')?.textContent`)
    expect(found).toContain("SetResponse")
    await page.press("/", "Escape")
    await page.evaluate(`(() => {
      const list = document.querySelector(".packets")
      list.scrollTop = 100 * 26 * 26
      const { left, top } = list.getBoundingClientRect()
      const place = { clientX: left + 50, clientY: top + 40, bubbles: true }
      document.elementFromPoint(place.clientX, place.clientY).dispatchEvent(new MouseEvent("mousedown", place))
    })()`)
    await page.settled()
    expect(await page.evaluate(selected)).toBe(String(100 * 26 + 2))
  })
})
