/**
 * Plays the vectors of test/fixtures/memcached-text.json against a server: what is sent, in which pieces, and what must come back, byte for byte
 * or by a pattern. Its format is that of the file's own checker, which test/fixtures/ORIGIN.md names.
 */
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** Bytes as Latin-1, in parts when they are many. */
type Text = string | ReadonlyArray<string | { readonly repeat: string; readonly times: number }>

type Step = Text | { readonly sleep: number } | { readonly send: Text; readonly capture?: { readonly [name: string]: string } }

/** One conversation. */
export interface Vector {
  readonly id: string
  readonly about: string
  readonly state?: ReadonlyArray<Step>
  readonly options?: ReadonlyArray<string>
  readonly authfile?: string
  readonly transport?: "udp"
  readonly needsFresh?: boolean
  readonly send: Text
  readonly split?: ReadonlyArray<number>
  readonly answer: { readonly text?: string; readonly parts?: Text; readonly pattern?: string }
  readonly closes: boolean
}

/** All of them. */
export const textVectors = JSON.parse(
  readFileSync(new URL("../fixtures/memcached-text.json", import.meta.url), "utf8")
) as ReadonlyArray<Vector>

type Captured = Map<string, string>

const plain = (text: Text, captured: Captured): string =>
  typeof text === "string"
    ? [...captured].reduce((out, [name, value]) => out.replaceAll(`\${${name}}`, value), text)
    : text.map((part) => typeof part === "string" ? plain(part, captured) : part.repeat.repeat(part.times)).join("")

/** Time for an answer, and time in which nothing more may come after it. */
const [patience, quiet] = [10_000, 60]

/** A connection whose bytes are text. */
class Line {
  private readonly socket: Socket
  received = ""
  closed = false
  private wake = (): void => {}

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.socket.setEncoding("latin1").on("data", (chunk: string) => {
      this.received += chunk
      this.wake()
    }).on("error", () => {}).on("close", () => {
      this.closed = true
      this.wake()
    })
  }

  send(text: string): void {
    this.socket.write(text, "latin1")
  }

  /** Waits until what was received is all of it, or for as long as it may take. */
  async until(whole: () => boolean): Promise<void> {
    const end = performance.now() + patience
    while (!whole() && !this.closed && performance.now() < end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now())
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  end(): void {
    this.socket.destroy()
  }
}

const prepare = async (port: number, steps: ReadonlyArray<Step>, captured: Captured): Promise<void> => {
  const line = new Line(port)
  for (const step of steps) {
    if (typeof step === "object" && "sleep" in step) {
      await sleep(step.sleep * 1_000)
      continue
    }
    const { capture = {}, send } = typeof step === "object" && "send" in step ? step : { send: step }
    line.received = ""
    // its answer is over when a barrier's comes
    line.send(`${plain(send, captured)}mn\r\n`)
    await line.until(() => line.received.endsWith("MN\r\n"))
    for (const [name, pattern] of Object.entries(capture)) {
      const found = new RegExp(pattern).exec(line.received)?.[1]
      if (found === undefined) throw new Error(`${JSON.stringify(line.received)} has nothing that matches ${pattern}`)
      captured.set(name, found)
    }
  }
  line.end()
}

const shown = (text: string): string =>
  JSON.stringify(text.length <= 300 ? text : `${text.slice(0, 200)}…${text.slice(-60)} (${text.length} bytes)`)

/** Plays one; what is wrong, in words, or nothing. */
export const play = async (port: number, { answer, closes, send, split = [], state = [] }: Vector): Promise<string | undefined> => {
  const captured: Captured = new Map()
  await prepare(port, state, captured)
  const { parts, pattern, text } = answer
  const expected = pattern === undefined ? plain(text ?? parts!, captured) : undefined
  const matches = pattern === undefined ? undefined : new RegExp(`^(?:${plain(pattern, captured)})$`, "s")
  const line = new Line(port)
  const bytes = plain(send, captured)
  for (const [index, at] of [0, ...split].entries()) {
    if (index > 0) await sleep(30)
    line.send(bytes.slice(at, [...split, bytes.length][index]))
  }
  await line.until(() => !closes && (matches?.test(line.received) ?? line.received.length >= expected!.length))
  if (!line.closed) await sleep(quiet)
  line.end()
  const { closed, received } = line
  if (!(matches?.test(received) ?? received === expected)) return `expected ${shown(pattern ?? expected!)}, received ${shown(received)}`
  return closed === closes ? undefined : closes ? "it stays open" : "it is closed"
}
