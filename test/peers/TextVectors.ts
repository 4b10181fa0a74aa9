/** Plays conversations of memcached's text protocol over sockets, against servers that take their time. */
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { agrees, bytesOf, type Vector } from "../memcached/TextVectors.ts"

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

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
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

const shown = (text: string): string =>
  JSON.stringify(text.length <= 300 ? text : `${text.slice(0, 200)}…${text.slice(-60)} (${text.length} bytes)`)

/** Plays one; what is wrong, in words, or nothing. */
export const complaintOf = async (port: number, vector: Vector): Promise<string | undefined> => {
  const { answer, closes, send, split = [], state = [] } = vector
  const names = new Map<string, string>()
  const before = new Line(port)
  for (const step of state) {
    if (typeof step === "object" && "sleep" in step) {
      await sleep(step.sleep * 1_000)
      continue
    }
    const said = typeof step === "object" && "send" in step ? step : { send: step }
    before.received = ""
    // its answer is over when a barrier's comes
    before.send(Buffer.concat([bytesOf(said.send, names), Buffer.from("mn\r\n")]))
    await before.until(() => before.received.endsWith("MN\r\n"))
    for (const [name, pattern] of Object.entries("capture" in said ? said.capture ?? {} : {})) {
      names.set(name, new RegExp(pattern).exec(before.received)![1]!)
    }
  }
  before.end()
  const want = answer.pattern === undefined
    ? bytesOf(answer.text ?? answer.parts!, names).toString("latin1")
    : new RegExp(`^(?:${answer.pattern.replaceAll(/\$\{(\w+)\}/g, (whole, name) => names.get(name) ?? whole)})$`, "s")
  const line = new Line(port)
  const bytes = bytesOf(send, names)
  for (const [index, at] of [0, ...split].entries()) {
    if (index > 0) await sleep(30)
    line.send(bytes.subarray(at, [...split, bytes.length][index]))
  }
  await line.until(() => !closes && (typeof want === "string" ? line.received.length >= want.length : want.test(line.received)))
  if (!line.closed) await sleep(quiet)
  line.end()
  const { closed, received } = line
  if (agrees(vector, { got: received, want, closed })) return undefined
  return `expected ${shown(String(want))}, received ${shown(received)}, ${closed ? "closed" : "open"}`
}
