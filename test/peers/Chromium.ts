/** Debian's Chromium without a screen, driven by the DevTools protocol, and ended by its pid. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A page in a browser of its own. */
export interface Page {
  /** The value of an expression in the page. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** A picture of the page as PNG. */
  readonly screenshot: () => Promise<Buffer>
  readonly close: () => Promise<void>
}

interface Answer {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** Opens a page. */
export const openPage = async (url: string): Promise<Page> => {
  const profile = mkdtempSync(join(tmpdir(), "wirewright-chromium-"))
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0", "--window-size=900,520"]
  const child = spawn("chromium", [...flags, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] })
  const ended = new Promise((resolve) => child.once("exit", resolve))
  const address = await new Promise<string>((resolve, reject) => {
    let said = ""
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      const found = /DevTools listening on (ws:\S+)/.exec(said)
      if (found !== null) resolve(found[1]!)
    })
    child.once("exit", () => reject(new Error(`chromium ended: ${said}`)))
    child.once("error", reject)
  })
  const socket = new WebSocket(address)
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }))
  const waiting = new Map<number, (answer: Answer) => void>()
  socket.addEventListener("message", ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  let ids = 0
  const send = (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const id = ++ids
      waiting.set(id, ({ error, result }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      socket.send(JSON.stringify({ id, method, params, ...sessionId === undefined ? {} : { sessionId } }))
    })
  const { targetId } = await send("Target.createTarget", { url })
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true })
  const session = String(sessionId)
  return {
    evaluate: async (expression) => {
      const { result } = await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, session)
      return (result as { readonly value?: unknown }).value
    },
    screenshot: async () => {
      const { data } = await send("Page.captureScreenshot", { format: "png" }, session)
      return Buffer.from(String(data), "base64")
    },
    close: async () => {
      socket.close()
      child.kill("SIGTERM")
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}
