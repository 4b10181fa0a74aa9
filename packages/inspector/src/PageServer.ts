/**
 * Serves the page on this machine, and streams to it what is recorded. Whoever has the address may look: it holds a token that nobody guesses.
 * The stream is for the page alone: the request must come from it, so other pages of the same browser cannot read it, not even through a name
 * that they have led to this machine.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { LiveCapture } from "./LiveCapture.ts"

/** What is served. */
export interface PageServerOptions {
  /** Makes the document; `live` is the address of the stream within it. */
  readonly page: (live: string | undefined) => string
  readonly live?: LiveCapture | undefined
  /** Port on 127.0.0.1. Default: any free one. */
  readonly port?: number | undefined
}

/** A page that is served. */
export interface PageServer {
  /** What a person opens. */
  readonly url: string
  readonly port: number
  readonly close: () => Promise<void>
}

const host = "127.0.0.1"

/** Where the stream is, beside the page. */
const liveName = "live"

/** Bytes that a page may be behind. */
const maxBehind = 64 * 1024 * 1024

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const refuse = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { ...headers, "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`)
}

const isSame = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const stream = (request: IncomingMessage, response: ServerResponse, live: LiveCapture): void => {
  request.resume()
  response.writeHead(200, { ...headers, "content-type": "application/octet-stream" })
  const stop = live.subscribe((chunk) => {
    response.write(chunk)
    return response.writableLength <= maxBehind
  }, () => response.end())
  response.once("close", stop)
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, () => resolve())
  })

/** Serves a page. Rejects with what the system says when the port cannot be had. */
export const servePage = async ({ live, page, port: asked = 0 }: PageServerOptions): Promise<PageServer> => {
  const token = randomBytes(18).toString("base64url")
  const html = page(live === undefined ? undefined : liveName)
  let port = 0
  const server = createServer((request, response) => {
    const names = [host, "localhost"].map((name) => `${name}:${port}`)
    // a name that somebody else led here is in the header of the request
    if (!names.includes(request.headers.host ?? "")) return refuse(response, 403, "This page is served to this machine, by its own name.")
    const [, given = "", rest = "", more] = (request.url ?? "").split("?")[0]!.split("/")
    if (!isSame(given, token) || more !== undefined) return refuse(response, 404, "There is nothing here: the address lacks its token.")
    if (rest === "" && (request.method === "GET" || request.method === "HEAD")) {
      response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" }).end(request.method === "HEAD" ? undefined : html)
      return
    }
    if (rest !== liveName || live === undefined) return refuse(response, 404, "There is nothing here.")
    if (request.method !== "POST") return refuse(response, 405, "The page asks by POST.")
    const { origin, "sec-fetch-site": site = "same-origin" } = request.headers
    if (origin !== `http://${request.headers.host}` || site !== "same-origin") {
      return refuse(response, 403, "The stream is for its own page.")
    }
    stream(request, response, live)
  })
  await listening(server, asked)
  port = (server.address() as AddressInfo).port
  return {
    url: `http://${host}:${port}/${token}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        live?.close()
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
