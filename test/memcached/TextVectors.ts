/**
 * Plays the conversations of test/fixtures/memcached-text.json, which memcached 1.6.18 had, over streams in memory: no time passes, and what a
 * server has not said after some turns of the event loop it does not say.
 */
import { readFileSync } from "node:fs"
import { type Duplex, duplexPair } from "node:stream"

type Text = string | { readonly repeat: string; readonly times: number } | ReadonlyArray<Text>
type Step = Text | { readonly sleep: number } | { readonly send: Text; readonly capture?: { readonly [name: string]: string } }

/** A conversation: what is sent, and what memcached answered. */
export interface Vector {
  readonly id: string
  readonly about: string
  readonly options?: ReadonlyArray<string>
  readonly authfile?: string
  readonly transport?: "udp"
  /** Depends on what the server's process has done before. */
  readonly needsFresh?: boolean
  /** What happened before, on another connection. */
  readonly state?: ReadonlyArray<Step>
  readonly send: Text
  /** Where what is sent is cut into several writes. */
  readonly split?: ReadonlyArray<number>
  readonly answer: { readonly text?: Text; readonly parts?: Text; readonly pattern?: string }
  readonly closes: boolean
}

/** All of them. */
export const vectors = JSON.parse(
  readFileSync(new URL("../fixtures/memcached-text.json", import.meta.url), "utf8")
) as ReadonlyArray<Vector>

/** Bytes of a text, one for each character. */
export const bytesOf = (text: Text, names: ReadonlyMap<string, string> = new Map()): Buffer => {
  if (typeof text === "string") return Buffer.from(text.replaceAll(/\$\{(\w+)\}/g, (whole, name) => names.get(name) ?? whole), "latin1")
  if (Array.isArray(text)) return Buffer.concat(text.map((part) => bytesOf(part, names)))
  const { repeat, times } = text as { readonly repeat: string; readonly times: number }
  return Buffer.alloc(repeat.length * times, repeat, "latin1")
}

/** Turns of the event loop without a byte after which a server has said all it has to say. */
const silentTurns = 12

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** One client. */
export class Talk {
  received = Buffer.alloc(0)
  closed = false
  private readonly stream: Duplex

  constructor(accept: (stream: Duplex) => void) {
    const [ours, theirs] = duplexPair()
    this.stream = ours
    ours.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    ours.on("error", () => {})
    for (const event of ["end", "close"]) ours.on(event, () => (this.closed = true))
    theirs.on("close", () => (this.closed = true))
    accept(theirs)
  }

  /** Sends bytes, and waits until nothing more is answered. */
  async say(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0 && !this.closed) this.stream.write(bytes)
    await this.settle()
  }

  /** Sends bytes and waits for nothing. */
  write(bytes: Uint8Array): void {
    this.stream.write(bytes)
  }

  /** Sends bytes in several writes, and waits after each. */
  async saySplit(bytes: Uint8Array, cuts: ReadonlyArray<number>): Promise<void> {
    const ends = [...cuts, bytes.length]
    for (let i = 0; i < ends.length; i++) await this.say(bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]))
  }

  /** What came since the last time. */
  take(): string {
    const text = this.received.toString("latin1")
    this.received = Buffer.alloc(0)
    return text
  }

  end(): void {
    this.stream.destroy()
  }

  private async settle(): Promise<void> {
    for (let silent = 0, length = this.received.length; silent < silentTurns; silent++) {
      await turn()
      if (this.received.length === length) continue
      length = this.received.length
      silent = 0
    }
  }
}

/** What was answered, and what should have been. */
export interface Played {
  readonly got: string
  /** The text, or the pattern that the whole answer matches. */
  readonly want: string | RegExp
  readonly closed: boolean
}

/** Plays a conversation; `sleep` passes seconds. */
export const play = async (
  { answer, send, split = [], state = [] }: Vector,
  accept: (stream: Duplex) => void,
  sleep: (seconds: number) => void = () => {},
  cuts: ReadonlyArray<number> = split
): Promise<Played> => {
  const names = new Map<string, string>()
  if (state.length > 0) {
    const before = new Talk(accept)
    for (const step of state) {
      if (typeof step === "object" && "sleep" in step) {
        sleep(step.sleep)
        continue
      }
      const said = typeof step === "object" && "send" in step ? step : { send: step }
      await before.say(bytesOf(said.send, names))
      const answered = before.take()
      for (const [name, pattern] of Object.entries("capture" in said ? said.capture ?? {} : {})) {
        names.set(name, new RegExp(pattern).exec(answered)![1]!)
      }
    }
    before.end()
  }
  const talk = new Talk(accept)
  await talk.saySplit(bytesOf(send, names), cuts)
  const { closed } = talk
  const got = talk.take()
  talk.end()
  const want = answer.pattern === undefined
    ? bytesOf(answer.text ?? answer.parts!, names).toString("latin1")
    : new RegExp(`^(?:${answer.pattern.replaceAll(/\$\{(\w+)\}/g, (whole, name) => names.get(name) ?? whole)})$`, "s")
  return { got, want, closed }
}

/** Whether a conversation went as memcached's did. */
export const agrees = ({ closes }: Vector, { closed, got, want }: Played): boolean =>
  closed === closes && (typeof want === "string" ? got === want : want.test(got))
