/** Who may read the page and its stream: the browser that was given the address, and the page itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request } from "node:http"
import { LiveCapture } from "./LiveCapture.ts"
import { type PageServer, servePage } from "./PageServer.ts"

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | ReadonlyArray<string>>
  readonly text: string
}

const block = (text: string): Uint8Array => new TextEncoder().encode(text)

describe("the page's server", () => {
  const live = new LiveCapture([block("head")])
  let served: PageServer
  let path: string

  beforeAll(async () => {
    served = await servePage({ live, page: (address) => `<p>${address}</p>` })
    path = new URL(served.url).pathname
  })
  afterAll(() => served.close())

  /** Asks, and reads until so much of the answer has come, or its end. */
  const ask = (method: string, url: string, headers: NodeJS.Dict<string> = {}, until = Infinity): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: "127.0.0.1", port: served.port, method, path: url, headers, setHost: headers["host"] === undefined },
        (answer) => {
          let text = ""
          const done = () => {
            asked.destroy()
            resolve({ status: answer.statusCode!, headers: answer.headers, text })
          }
          answer.on("data", (chunk: Buffer) => {
            text += chunk.toString()
            if (text.length >= until) done()
          })
          answer.on("end", done)
        }
      )
      asked.on("error", reject)
      asked.end()
    })

  const origin = () => `http://127.0.0.1:${served.port}`

  it("has a token in its address that is another for each", async () => {
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/)
    const other = await servePage({ page: () => "" })
    expect(new URL(other.url).pathname).not.toBe(path)
    await other.close()
    const { headers, status, text } = await ask("GET", path)
    expect([status, text]).toEqual([200, "<p>live</p>"])
    expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" })
    expect(headers["access-control-allow-origin"]).toBeUndefined()
  })

  it.each(["/", "/live", "/x/", "/xxxxxxxxxxxxxxxxxxxxxxxx/", "/xxxxxxxxxxxxxxxxxxxxxxxx/live", "//"])(
    "tells nothing at %s",
    async (url) => {
      for (const method of ["GET", "POST"]) {
        const { status, text } = await ask(method, url, { origin: origin() })
        expect([status, text]).toEqual([404, "There is nothing here: the address lacks its token.\n"])
      }
    }
  )

  it.each(["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example"])(
    "refuses the name %s, which leads here",
    async (name) => {
      const host = name.includes(":") ? name : `${name}:${name === "127.0.0.1" ? 1 : served.port}`
      for (const [method, url] of [["GET", path], ["POST", `${path}live`]] as const) {
        expect((await ask(method, url, { host, origin: `http://${host}` })).status).toBe(403)
      }
    }
  )

  it.each<readonly [string, NodeJS.Dict<string>]>([
    ["another page", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["no page", {}],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["a page of this machine that the browser tells apart", { origin: "", "sec-fetch-site": "same-site" }]
  ])("streams nothing to %s", async (_, headers) => {
    const given = headers["origin"] === "" ? { ...headers, origin: origin() } : headers
    const { status, text } = await ask("POST", `${path}live`, given, 1)
    expect([status, text]).toEqual([403, "The stream is for its own page.\n"])
    expect((await ask("GET", `${path}live`, { origin: origin() })).status).toBe(405)
  })

  it("streams to its own page what there was, and what comes", async () => {
    live.write(block(" before"))
    const answer = ask("POST", `${path}live`, { origin: origin(), "sec-fetch-site": "same-origin" }, "head before after".length)
    setTimeout(() => live.write(block(" after")), 50)
    expect(await answer).toMatchObject({ status: 200, text: "head before after" })
  })
})

describe("a live capture", () => {
  it("keeps the last of what was seen, lets go of who is too slow, and ends", () => {
    const live = new LiveCapture([block("head")])
    const big = new Uint8Array(1024 * 1024)
    for (let i = 0; i < 40; i++) live.write(big)
    const chunks: Array<number> = []
    let ended = 0
    const stop = live.subscribe((chunk) => chunks.push(chunk.length) > 0, () => ended++)
    expect([chunks.length, chunks[0]]).toEqual([17, 4])
    let slow = 0
    live.subscribe(() => ++slow < 20, () => ended++)
    for (let i = 0; i < 5; i++) live.write(big)
    expect([slow, ended, chunks.length]).toEqual([20, 1, 22])
    stop()
    live.write(big)
    expect(chunks).toHaveLength(22)
    live.subscribe(() => true, () => ended++)
    live.close()
    live.write(big)
    live.subscribe(() => true, () => ended++)
    expect(ended).toBe(3)
  })
})
