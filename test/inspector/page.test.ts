/** The page as one document: its size, its policy, and that nothing of Node and no markup from strings is in it. */
import { bundleScript, pageHtml, type PageProtocolModules } from "@wirewright/inspector"
import { createHash } from "node:crypto"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { beforeAll, describe, expect, it } from "vitest"
import { protocolModules } from "../../packages/cli/src/Protocols.ts"

/** Most bytes of the page of the protocols that come with the command, as servers send it. */
const mostBytes = 150_000

const gallery = (name: string): string => fileURLToPath(new URL(`../../packages/examples/src/gallery/${name}`, import.meta.url))

const textBetween = (html: string, open: string, close: string): string => {
  const start = html.lastIndexOf(open) + open.length
  return html.slice(start, html.indexOf(close, start))
}

describe("the page", () => {
  let modules: ReadonlyArray<PageProtocolModules>
  let html: string

  beforeAll(async () => {
    modules = [await protocolModules("dcp")]
    html = pageHtml(await bundleScript(modules))
  })

  it("has at most 150 kB, as it is sent", () => {
    const size = gzipSync(html, { level: 9 }).length
    console.log(`inspector: the page of dcp has ${html.length} bytes, ${size} compressed`)
    expect(size).toBeLessThanOrEqual(mostBytes)
  })

  it("may run its own script and style, and nothing else", () => {
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)![1]!
    const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
    const directives = Object.fromEntries(policy.split("; ").map((one) => [one.split(" ")[0], one.split(" ").slice(1).join(" ")]))
    expect(directives).toEqual({
      "default-src": "'none'",
      "script-src": hash(textBetween(html, "<script>", "</script>")),
      "style-src": hash(textBetween(html, "<style>", "</style>")),
      "img-src": "data:",
      "connect-src": "'none'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "require-trusted-types-for": "'script'",
      "trusted-types": "'none'"
    })
    expect(pageHtml("", { live: "live" })).toContain("connect-src 'self'")
  })

  it("has nothing of Node, no markup from strings, and asks no other server", () => {
    const script = textBetween(html, "<script>", "</script>")
    expect(script).not.toMatch(/require\(|from\s*["']node:|\bBuffer\s*[.(]/)
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write\b|\beval\(|new Function\(|DOMParser/)
    expect([...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, to]) => to)).toEqual(["data:,"])
  })

  it("carries a file and its name whatever they are", () => {
    const file = Uint8Array.from({ length: 300 }, (_, i) => i)
    const made = pageHtml("run(\"</script><!--<script>\")", { name: "</title><script>alert(1)</script>\"&", file, servers: "</script>" })
    expect(made.match(/<script/g)).toHaveLength(3)
    expect(made.match(/<\/script/g)).toHaveLength(3)
    expect(made).toContain("<title>&lt;/title>&lt;script>alert(1)&lt;/script>&quot;&amp; · Wirewright inspector</title>")
    expect(made).toContain(Buffer.from(file).toString("base64"))
    const options = textBetween(made, "id=\"wirewright-options\">", "</script>")
    expect(JSON.parse(options)).toEqual({ name: "</title><script>alert(1)</script>\"&", servers: "</script>" })
  })

  it("is made for any generated protocol by its directory", async () => {
    const names = ["amqp", "bson", "dns", "kafka", "modbus", "mqtt", "nats", "postgres", "resp", "tls", "usb", "websocket"]
    const all = []
    for (const name of names) all.push(await protocolModules(gallery(name)))
    const script = await bundleScript(all)
    const size = gzipSync(pageHtml(script), { level: 9 }).length
    console.log(`inspector: the page of ${names.length} protocols of the gallery has ${size} bytes compressed`)
    expect(size).toBeLessThanOrEqual(mostBytes * 1.25)
    const largest = gzipSync(pageHtml(await bundleScript([await protocolModules(gallery("postgres"))]))).length
    expect(largest).toBeLessThanOrEqual(mostBytes * 0.7)
  })
})
