/** Debian's Chromium without a screen, driven by the DevTools protocol, and ended by its pid. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "vitest"

/** A page in a browser of its own. */
export interface Page {
  /** Waits until the page has drawn what it was told: two frames in which nothing of it changes. Every action waits for it. */
  readonly settled: () => Promise<void>
  /** The value of an expression in the page. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** A picture of the page as PNG. */
  readonly screenshot: () => Promise<Buffer>
  /** Sets the size of the window's inside, and whether the person prefers dark colours. */
  readonly look: (look: { readonly width: number; readonly height: number; readonly dark?: boolean }) => Promise<void>
  /** Presses keys one after the other: `ArrowDown`, `Control+z`, `a`. */
  readonly press: (...keys: ReadonlyArray<string>) => Promise<void>
  /** Types text as a keyboard of any layout does. */
  readonly type: (text: string) => Promise<void>
  /** Moves the pointer to the middle of an element, and clicks it unless told not to. */
  readonly point: (selector: string, action?: "move" | "click" | "double") => Promise<void>
  /** Turns the wheel over an element. */
  readonly wheel: (selector: string, down: number) => Promise<void>
  /** Chooses files in an input. */
  readonly choose: (selector: string, files: ReadonlyArray<string>) => Promise<void>
  /** What the page has written on its console, errors and violations of its policy among them. */
  readonly said: ReadonlyArray<string>
  readonly close: () => Promise<void>
}

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** Bits of modifier keys. */
const modifiers: { readonly [name: string]: number } = { Alt: 1, Control: 2, Meta: 4, Shift: 8 }

/** Codes of keys that are no letters, as Windows has them. */
const codes: { readonly [key: string]: number } = {
  Backspace: 8,
  Tab: 9,
  Enter: 13,
  Escape: 27,
  PageUp: 33,
  PageDown: 34,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
  Insert: 45,
  Delete: 46,
  F2: 113
}

/** Opens a page; `early` is a script that runs before its own. */
export const openPage = async (url: string, early?: string): Promise<Page> => {
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
  const said: Array<string> = []
  socket.addEventListener("message", ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
    if (answer.method === "Runtime.exceptionThrown" || answer.method === "Log.entryAdded") said.push(JSON.stringify(answer.params))
    if (answer.method === "Runtime.consoleAPICalled") said.push(JSON.stringify(answer.params?.["args"]))
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
  const { targetId } = await send("Target.createTarget", { url: "about:blank" })
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true })
  const session = String(sessionId)
  // before the page is there, so that nothing it says is missed
  for (const domain of ["Page", "Runtime", "Log", "DOM"]) await send(`${domain}.enable`, {}, session)
  if (early !== undefined) await send("Page.addScriptToEvaluateOnNewDocument", { source: early }, session)
  await send("Page.navigate", { url }, session)
  const evaluate = async (expression: string): Promise<unknown> => {
    const { exceptionDetails, result } = await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, session)
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return (result as { readonly value?: unknown }).value
  }
  for (
    let waited = 0;
    await evaluate("document.readyState") !== "complete" || await evaluate("location.href") === "about:blank";
    waited += 20
  ) {
    if (waited > 60_000) throw new Error(`${url} was not loaded`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // frames do not come to a page in the background, so one is waited for at most 100 ms
  const settled = async (): Promise<void> =>
    void await evaluate(`(async () => {
      let changed = true
      const watch = new MutationObserver(() => (changed = true))
      watch.observe(document, { attributes: true, characterData: true, childList: true, subtree: true })
      for (let turn = 0; changed && turn < 50; turn++) {
        changed = false
        for (let frame = 0; frame < 2; frame++) {
          await new Promise((seen) => {
            requestAnimationFrame(seen)
            setTimeout(seen, 100)
          })
        }
        await new Promise((done) => setTimeout(done))
      }
      watch.disconnect()
    })()`)
  const mouse = (type: string, place: { readonly x: number; readonly y: number }, more: object = {}) =>
    send("Input.dispatchMouseEvent", { type, ...place, ...more }, session)
  const middle = async (selector: string) => {
    const place = await evaluate(`(() => {
      const one = document.querySelector(${JSON.stringify(selector)})
      if (one === null) return null
      one.scrollIntoView({ block: "nearest" })
      const { height, left, top, width } = one.getBoundingClientRect()
      return { x: left + width / 2, y: top + height / 2 }
    })()`)
    if (place === null) throw new Error(`there is no ${selector}`)
    return place as { readonly x: number; readonly y: number }
  }
  const press = async (chord: string): Promise<void> => {
    const parts = chord === "+" ? ["+"] : chord.split("+")
    const key = parts.at(-1)!
    const held = parts.slice(0, -1).reduce((sum, name) => sum + modifiers[name]!, 0)
    const isLetter = key.length === 1
    const text = key === "Enter" ? "\r" : isLetter && (held & 7) === 0 ? key : undefined
    const windowsVirtualKeyCode = codes[key] ?? key.toUpperCase().charCodeAt(0)
    const code = isLetter ? /[a-z]/i.test(key) ? `Key${key.toUpperCase()}` : "" : key
    const event = { key, code, windowsVirtualKeyCode, modifiers: held }
    await send("Input.dispatchKeyEvent", {
      type: text === undefined ? "rawKeyDown" : "keyDown",
      ...event,
      ...text === undefined ? {} : { text }
    }, session)
    await send("Input.dispatchKeyEvent", { type: "keyUp", ...event }, session)
  }
  return {
    settled,
    evaluate,
    said,
    look: async ({ dark = false, height, width }) => {
      await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false }, session)
      await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] }, session)
      await settled()
    },
    press: async (...keys) => {
      for (const key of keys) {
        await press(key)
        await settled()
      }
    },
    type: async (text) => {
      await send("Input.insertText", { text }, session)
      await settled()
    },
    point: async (selector, action = "click") => {
      const place = await middle(selector)
      await mouse("mouseMoved", place)
      for (let clickCount = 1; clickCount <= (action === "move" ? 0 : action === "click" ? 1 : 2); clickCount++) {
        for (const type of ["mousePressed", "mouseReleased"]) await mouse(type, place, { button: "left", clickCount })
      }
      await settled()
    },
    wheel: async (selector, down) => {
      await mouse("mouseWheel", await middle(selector), { deltaX: 0, deltaY: down })
      await settled()
    },
    choose: async (selector, files) => {
      const { root } = await send("DOM.getDocument", {}, session)
      const { nodeId } = await send("DOM.querySelector", { nodeId: (root as { readonly nodeId: number }).nodeId, selector }, session)
      await send("DOM.setFileInputFiles", { nodeId, files }, session)
      await settled()
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

/** Waits until an expression has a value in a page, and that has drawn; looks at most so many times, every 50 ms. */
export const untilWithin = (looks: number) => async (page: Page, expression: string, wanted: unknown): Promise<void> => {
  let last: unknown
  for (let look = 0; look < looks; look++) {
    last = await page.evaluate(expression)
    if (last === wanted) return page.settled()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(last, expression).toEqual(wanted)
}
