/**
 * The inspector in headless Chromium: every action of its list, by keys alone where keys can do it, hostile packets, and axe-core.
 * `WIREWRIGHT_SCREENSHOTS=DIR` keeps pictures of it at three widths, dark and light.
 */
import { bundleScript, pageHtml, type PageServer, servePage } from "@wirewright/inspector"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { hostile } from "../../packages/cli/test/HostileText.ts"
import { protocolModules } from "../../packages/cli/src/Protocols.ts"
import { openPage, type Page, untilWithin } from "./Chromium.ts"

const captures = fileURLToPath(new URL("../fixtures/captures/", import.meta.url))
const session = join(captures, "couchbase-6.5-collections.pcapng.gz")

/** DCP_OPEN of the couchbase documents. */
const dcpOpen = "80500018080000000000002000000001000000000000000000000000000000016275636b657473747265616d2076625b3130302d3130355d"
const noop = "800a000000000000000000000000002a0000000000000000"

const until = untilWithin(200)

/** Text of the first element of a selector, on one line. */
const text = (page: Page, selector: string): Promise<unknown> =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent.replace(/\\s+/g, " ").trim() ?? null`)

/** The row of a field, by its name in the tree. */
const field = (name: string): string =>
  `[...document.querySelectorAll(".field-row")].find((row) => row.querySelector("bdi").textContent === ${JSON.stringify(name)})`

/** All bytes that are seen, as hex. */
const bytesText = (page: Page): Promise<unknown> =>
  page.evaluate(`[...document.querySelectorAll(".detail .bytes-row")].sort((a, b) => a.dataset.row - b.dataset.row)
    .flatMap((row) => [...row.querySelectorAll(".b[data-at]")]).map((one) => one.textContent).join("")`)

/** What has the focus. */
const activeLabel = "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName"

describe("the inspector", () => {
  let script: string
  let served: PageServer
  let page: Page

  beforeAll(async () => {
    script = await bundleScript([await protocolModules("dcp"), await protocolModules("memcached"), await protocolModules("deepstream")])
    served = await servePage({ page: () => pageHtml(script) })
  })
  afterAll(() => served.close())
  afterEach(async () => {
    const said = [...page.said]
    await page.close()
    expect(said).toEqual([])
  })

  const opened = async (fragment = "", url = served.url): Promise<void> => {
    page = await openPage(`${url}${fragment === "" ? "" : `#${fragment}`}`)
    await page.look({ width: 1280, height: 800 })
    await until(page, `document.querySelector(${fragment === "" ? "'.welcome'" : "'.title h2, .alert'"}) !== null`, true)
  }

  /** Pastes text as a person does who has pressed `p`. */
  const pasted = async (what: string): Promise<void> => {
    await page.press("p")
    await page.evaluate("document.activeElement.value = ''")
    await page.type(what)
    await page.press("Control+Enter")
  }

  it("finds out what was pasted: hex, base64, a dump, JSON, text, another protocol", async () => {
    await opened()
    const xxd =
      "00000000: 800a 0000 0000 0000 0000 0000 0000 002a  ...............*\n00000010: 0000 0000 0000 0000                      ........"
    const base64 = Buffer.from(noop, "hex").toString("base64")
    for (const what of [noop, xxd, base64, "{\"packet\":\"Noop\",\"opaque\":42}"]) {
      await pasted(what)
      await until(page, "document.querySelector('.title h2')?.textContent", "Noop")
      expect(await bytesText(page)).toBe(noop)
    }
    await pasted("get foo\n")
    await until(page, "document.querySelector('.title h2')?.textContent", "Get")
    await pasted(Buffer.from("E|S|test1+".replaceAll("|", "\u001f").replaceAll("+", "\u001e")).toString("hex"))
    await until(page, "document.querySelector('.counts').textContent", "deepstream · 1 packet")
    await pasted("{ \"packet\": \"Nope\" }")
    expect(await text(page, "dialog[open] .wrong-value")).toContain("Nope")
    await page.press("Escape")
  })

  it("marks the bytes of a field and the field of a byte, by pointer and by keys", async () => {
    await opened(`hex=${dcpOpen}`)
    await page.evaluate(`${field("connectionName")}.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))`)
    const marked = (style: string) =>
      page.evaluate(`[...document.querySelectorAll(".b.${style}")].map((one) => Number(one.dataset.at)).join()`)
    expect(await marked("hovered")).toBe(Array.from({ length: 24 }, (_, i) => i + 32).join())
    await page.point("#byte-29")
    expect(await marked("selected")).toBe("28,29,30,31")
    expect(await text(page, ".panel-head h3")).toBe("flags")
    expect(await page.evaluate(`${field("flags")}.getAttribute("aria-selected")`)).toBe("true")
    await page.press("ArrowRight", "ArrowRight", "ArrowRight")
    expect(await text(page, ".panel-head h3")).toBe("connectionName")
    await page.press("Escape", "ArrowUp", "ArrowUp")
    expect(await text(page, ".panel-head h3")).toBe("flags")
    expect(await marked("selected")).toBe("28,29,30,31")
  })

  it("bytes follow a value, and lengths with them; the tree follows bytes; undo and redo", async () => {
    await opened(`hex=${dcpOpen}&f=connectionName`)
    await page.press("f", "Enter")
    await until(page, activeLabel, "Value of connectionName")
    await page.press("Control+a")
    await page.type("short")
    await page.press("Enter")
    await until(page, "document.querySelector('.meta').textContent.includes('37 bytes')", true)
    expect(await bytesText(page)).toBe(`80500005080000000000000d${dcpOpen.slice(24, 64)}${Buffer.from("short").toString("hex")}`)
    expect(await page.evaluate(`${field("keyLength")}.querySelector(".value").textContent`)).toBe("5")
    expect(await page.evaluate(`${field("keyLength")}.textContent.includes("edited")`)).toBe(true)
    await page.press("Escape")
    await page.press("Control+z")
    await until(page, "document.querySelector('.meta').textContent.includes('56 bytes')", true)
    await page.press("Control+y")
    await until(page, "document.querySelector('.meta').textContent.includes('37 bytes')", true)
    // the low byte of the opaque
    await page.point("#byte-15")
    await page.press("f", "e")
    await until(page, `${field("opaque")}.querySelector(".value").textContent`, "254")
    await page.point("#byte-3")
    await page.press("0", "7")
    await until(page, "document.querySelector('.alert').hidden", false)
    expect(await text(page, ".alert")).toMatch(/Length|Trailing|Cut off/)
    await page.point("#byte-36")
    await page.press("Delete")
    await until(page, "document.querySelector('.meta').textContent.includes('36 bytes')", true)
    await page.press("Insert")
    await until(page, "document.querySelector('.meta').textContent.includes('37 bytes')", true)
  })

  it("flags are boxes, enumerations and statuses choices, the whole a JSON text", async () => {
    await opened(`hex=${dcpOpen}&f=flags`)
    await page.press("f", "Enter", " ")
    await until(page, `${field("flags")}.querySelector(".value").textContent`, "{}")
    await page.point("#tab-json")
    await page.evaluate(`(() => {
      const area = document.querySelector("#panel-json textarea")
      area.value = JSON.stringify({ ...JSON.parse(area.value), opaque: 77 })
      area.focus()
    })()`)
    await page.press("Control+Enter")
    await until(page, `${field("opaque")}.querySelector(".value").textContent`, "77")
  })

  it("shows an error at its byte, and what could be read before it", async () => {
    await opened(`hex=${dcpOpen.slice(0, 60)}`)
    await until(page, "document.querySelector('.alert strong')?.textContent", "Cut off. ")
    await opened2(page, `hex=80500018080000000000002000000001000000000000000000000000000000ff${dcpOpen.slice(64)}`)
    await opened2(page, `hex=8050001807${dcpOpen.slice(10)}`)
    await until(page, "document.querySelectorAll('.b.error').length", 1)
    expect(await page.evaluate("document.querySelectorAll('.field-row.wrong').length")).toBe(1)
    await page.point(".alert .link")
    await until(page, activeLabel, "Bytes")
  })

  /** Goes to another fragment of the same page. */
  const opened2 = async (on: Page, fragment: string): Promise<void> => {
    await on.evaluate(`location.hash = ${JSON.stringify(fragment)}`)
    await until(on, "new Promise((resolve) => requestAnimationFrame(() => resolve(true)))", true)
  }

  it("opens a capture: both directions, conversations, answers of requests", async () => {
    await opened()
    await page.choose(".welcome input[type=file]", [session])
    await until(page, "document.querySelectorAll('.packet-row').length > 10", true)
    await until(
      page,
      "/\\d packets/.test(document.querySelector('.counts').textContent) && !document.querySelector('.counts').textContent.includes('reading')",
      true
    )
    expect(
      await page.evaluate(
        "document.querySelectorAll('.packet-row.c2s').length > 0 && document.querySelectorAll('.packet-row.s2c').length > 0"
      )
    ).toBe(true)
    // the first request, and its answer
    await page.press("l", "Home")
    const answer = await text(page, ".meta .link")
    expect(answer).toMatch(/^answered by #\d+/)
    await page.press("r")
    expect(await text(page, ".meta .link")).toMatch(/^answers #1/)
    await page.press("/")
    await page.type("hello")
    await until(page, "[...document.querySelectorAll('.packet-name')].every((one) => /hello/i.test(one.textContent))", true)
    await page.press("Escape")
    await until(page, activeLabel, "Packets")
    await page.press("]", "Enter")
    await until(page, activeLabel, "Fields")
  })

  it("compares two packets", async () => {
    await opened()
    await pasted(`c2s ${noop}\nc2s 800a000000000000000000000000002b0000000000000000`)
    await until(page, "document.querySelectorAll('.packet-row').length", 2)
    await page.press("c", "]", "c")
    await until(page, "/^1 of \\d+ fields differ/.test(document.querySelector('.compare-body [role=status]')?.textContent)", true)
    expect(await text(page, ".verdict-changed")).toMatch(/≠.*opaque.*42.*43/)
    expect(await page.evaluate("document.querySelectorAll('.compare-bytes .b.marked').length")).toBe(8)
    await page.press("Escape")
    expect(await page.evaluate("document.querySelector('.compare').hidden")).toBe(true)
  })

  it("copies as an example of a spec, as a test, as a link, which opens at the same field", async () => {
    await opened(`hex=${dcpOpen}&f=flags`)
    await page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve() }")
    const copy = async (name: string): Promise<string> => {
      await page.press("y")
      await page.evaluate(
        `[...document.querySelectorAll("[role=menuitem]")].find((one) => one.textContent === ${JSON.stringify(name)}).click()`
      )
      await until(page, "document.querySelector('.toast').hidden", false)
      return String(await page.evaluate("window.copied"))
    }
    expect(await copy("Spec example")).toBe(`examples: [{ origin: "where these bytes are from", hex: "${dcpOpen}" }]`)
    expect(await copy("Test")).toContain("connectionName: \"bucketstream vb[100-105]\"")
    const link = await copy("Link")
    expect(link).toContain("f=flags")
    await page.close()
    page = await openPage(link)
    await until(page, "document.querySelector('.panel-head h3')?.textContent", "flags")
  })

  it("can be worked by keys alone, and the focus is always seen", async () => {
    await opened(`hex=${dcpOpen}`)
    await page.press("?")
    await until(page, "document.querySelector('dialog[open] h2')?.textContent", "Keys")
    await page.press("Escape", "f")
    for (const [key, where] of [["b", "Bytes"], ["Escape", "Fields"], ["Enter", "Value of magic"]] as const) {
      await page.press(key)
      if (where !== "Value of magic") await until(page, activeLabel, where)
    }
    // around the page by Tab: everything that takes the focus shows it
    const seen = new Set<string>()
    for (let i = 0; i < 40; i++) {
      await page.press("Tab")
      const state = await page.evaluate(`(() => {
        const one = document.activeElement
        const { outlineStyle, outlineWidth } = getComputedStyle(one)
        return one === document.body ? "body" : one.tagName + " " + (one.getAttribute("aria-label") ?? one.textContent.slice(0, 20)) + (outlineStyle !== "none" && outlineWidth !== "0px" ? "" : " WITHOUT OUTLINE")
      })()`)
      seen.add(String(state))
    }
    expect([...seen].filter((one) => one.includes("WITHOUT OUTLINE"))).toEqual([])
    expect([...seen].some((one) => one.includes("Fields"))).toBe(true)
    expect([...seen].some((one) => one.includes("Bytes"))).toBe(true)
  })

  it("carries hostile packets without harm", async () => {
    const markup = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'`${alert(3)}"
    const key = Buffer.from(`${markup}${hostile.replaceAll(/[\ud800-\udfff]/g, "")}`)
    const set = (value: Buffer): string => {
      const header = Buffer.alloc(24)
      header[0] = 0x80
      header[1] = 0x01
      header.writeUInt16BE(Math.min(250, key.length), 2)
      header[4] = 8
      header.writeUInt32BE(8 + Math.min(250, key.length) + value.length, 8)
      return Buffer.concat([header, Buffer.alloc(8), key.subarray(0, 250), value]).toString("hex")
    }
    await opened()
    await pasted(set(Buffer.from(`${markup}\u202e\u0000\u001b[31m`)))
    await until(page, "document.querySelector('.title h2')?.textContent", "Set")
    expect(await page.evaluate("document.querySelectorAll('#wirewright img, #wirewright script, #wirewright iframe').length")).toBe(0)
    const shown = String(await page.evaluate("document.body.innerText"))
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/)
    await pasted(set(Buffer.alloc(2 * 1024 * 1024, "v")))
    await until(page, "document.querySelector('.meta').textContent.includes('2097')", true)
    expect(await page.evaluate("document.querySelectorAll('*').length < 5000")).toBe(true)
    await page.press("f", "End")
    await page.press("b", "End")
    expect(await page.evaluate("document.querySelectorAll('*').length < 5000")).toBe(true)
  })

  it("masks passwords until they are asked for", async () => {
    await opened(`hex=802100050000000000000010${"00".repeat(12)}${Buffer.from("PLAINuser\0secret").toString("hex")}`)
    await until(page, "document.querySelector('.title h2')?.textContent", "SaslAuth")
    const characters = "[...document.querySelectorAll('.bytes .a')].map((one) => one.textContent).join('')"
    expect(await page.evaluate(characters)).toMatch(/PLAIN\*{11}$/)
    expect(await page.evaluate("document.body.innerText.includes('736563726574')")).toBe(false)
    await page.point(".actions button")
    await until(page, `${characters}.endsWith("PLAINuser·secret")`, true)
    expect(await page.evaluate("document.body.innerText.includes('736563726574')")).toBe(true)
  })

  it("has no findings of axe-core, dark and light, in each of its views", async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
    const audit = async (view: string): Promise<void> => {
      for (const dark of [false, true]) {
        await page.look({ width: 1280, height: 800, dark })
        const found = await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(
          violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join(" | "))))`)
        expect(JSON.parse(String(found)), `${view}, ${dark ? "dark" : "light"}`).toEqual([])
      }
    }
    await opened()
    await page.evaluate(axe)
    await audit("start")
    await pasted(`c2s ${dcpOpen}\nc2s ${noop}\nc2s 8050001807${dcpOpen.slice(10)}`)
    await audit("list and packet")
    await page.press("f", "End")
    await audit("field")
    await page.point("#tab-json")
    await audit("JSON")
    await page.press("c", "]", "c")
    await audit("compare")
    await page.press("Escape", "?")
    await audit("help")
  })

  it.runIf(process.env["WIREWRIGHT_SCREENSHOTS"] !== undefined)("pictures", async () => {
    const folder = process.env["WIREWRIGHT_SCREENSHOTS"]!
    mkdirSync(folder, { recursive: true })
    await opened()
    const shoot = async (name: string): Promise<void> => {
      for (const [width, height] of [[390, 844], [1280, 800], [1920, 1080]] as const) {
        for (const dark of [false, true]) {
          await page.look({ width, height, dark })
          await new Promise((resolve) => setTimeout(resolve, 150))
          writeFileSync(join(folder, `${name}-${width}-${dark ? "dark" : "light"}.png`), await page.screenshot())
        }
      }
      await page.look({ width: 1280, height: 800 })
    }
    await shoot("start")
    await pasted(dcpOpen)
    await until(page, "document.querySelector('.title h2')?.textContent", "DcpOpen")
    await page.point("#byte-29")
    await shoot("packet")
    await page.press("p")
    await page.press("Escape")
    const file = join(folder, "session.pcapng")
    writeFileSync(file, gunzipSync(readFileSync(session)))
    await page.choose("dialog input[type=file]", [file])
    await until(page, "document.querySelectorAll('.packet-row').length > 10", true)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await page.press("l", "Home", "ArrowDown", "ArrowDown", "ArrowDown")
    await shoot("capture")
    await page.press("c", "]", "]", "c")
    await shoot("compare")
    await page.press("Escape")
    await page.press("p")
    await page.evaluate("document.activeElement.value = ''")
    await page.type(`8050001807${dcpOpen.slice(10)}`)
    await page.press("Control+Enter")
    await shoot("wrong")
  })
})
