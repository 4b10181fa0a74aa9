/**
 * How deepstream's servers read paths: each case is a record, a path and a value, written with a patch by hand, and the record as the
 * server gives it afterwards. None of our client has a part in it.
 */
import type { Server } from "./DeepstreamServers.ts"

/** What is patched: a value as the protocol spells it, such as `N1`; `U` removes. */
export interface PathCase {
  readonly data: object
  readonly path: string
  readonly value: string
}

/** What a server makes of it: the record, or what it does instead. */
export type PathOutcome = { readonly data: unknown } | { readonly failed: "server ends" | "no write" }

const paths = (data: object, ...all: ReadonlyArray<string>): ReadonlyArray<PathCase> =>
  all.flatMap((path) => [{ data, path, value: "N1" }, { data, path, value: "U" }])

/** Paths that are read in one way by everybody, and those that are not. */
export const pathCases: ReadonlyArray<PathCase> = [
  ...paths({}, "a", "a.b", "a.0", "a[0]", "a[2]", "a[0].b", "a[0][1]", "a.b[1].c", "a[00]", "a[01]", "a[1e0]", "a[0x1]", "a[ 1 ]"),
  ...paths({}, "a[-1]", "a[b]", "a[1.5]", "a[0]b", "a[0]b.c", "a]0[", "a[]", "a[].b", "a[[0]]", "a[0", "a0]", "a[0][b]"),
  ...paths({}, "[2]", "[0]", "[0].a", "[b]", "[", "a.[0]", "a.[0].b", "0", "0.a", "00"),
  ...paths({}, ".", "..", " ", "a..b", ".a", "a.", " a ", "a . b", "a .b", "a\tb", "\u00a0a", "a b"),
  ...paths({}, "constructor", "constructor.x", "toString", "toString.x", "hasOwnProperty.x", "length", "length.x", "a.length"),
  ...paths({ a: 1 }, "a.b", "a[0]", "a.b.c", "a"),
  ...paths({ a: "text" }, "a.b", "a[0]", "a.length"),
  ...paths({ a: true }, "a.b", "a[1]"),
  ...paths({ a: null }, "a", "a.b", "a[0]"),
  ...paths({ a: {} }, "a[0]", "a[2]", "a.0", "a[-1]", "a[b]", "a[1.5]", "a[4294967294]", "a[12345678901234567890123]", "a[00]", "a.00"),
  ...paths({ a: { "": 5, "0": 6, "00": 7, NaN: 8 } }, "a[0]", "a[00]", "a[b]", "a.[0]", "a."),
  ...paths(
    { a: [0, 1] },
    "a[0]",
    "a[1]",
    "a[2]",
    "a[5]",
    "a[00]",
    "a.0",
    "a.1",
    "a.2",
    "a.5",
    "a.00",
    "a.-1",
    "a.b",
    "a[-1]",
    "a[b]",
    "a[1.5]"
  ),
  ...paths({ a: [0, 1] }, "a.length", "a[0].b", "a[2].b", "a[2][1]", "a.b.c", "a", "a.constructor", "a.push.x", "a.1.b", "a[-1].b"),
  ...paths({ a: [0, null, 2] }, "a[1]", "a[1].b"),
  ...paths([0, 1], "[2]", "[0]", "0", "1", "2", "4", "00", "a", "0.a", "2.a", "2[1]", "a.b", "length", "-1"),
  ...paths([], "0", "1", "0.a"),
  ...paths({ "": 1, "[0]": 2, "a.b": 3, "a[0]": 4 }, "[0]", "a.b", "a[0]"),
  ...[1024, 1025, 1026].map((index) => ({ data: {}, path: `a[${index}]`, value: "N1" })),
  { data: {}, path: "__proto__.x", value: "N1" },
  { data: {}, path: "a.__proto__.x", value: "N1" },
  { data: { a: {} }, path: "a.__proto__", value: "O{\"x\":1}" },
  { data: {}, path: "__proto__", value: "O{\"x\":1}" },
  { data: {}, path: "constructor.prototype.x", value: "N1" },
  { data: { a: [] }, path: "a[4294967295]", value: "N1" },
  { data: { a: [] }, path: "a[4294967294]", value: "N1" },
  { data: {}, path: "a.b", value: "O{\"c\":[1,null]}" },
  { data: { a: { b: { c: 1 } } }, path: "a.b", value: "O{\"d\":2}" }
]

const wire = (text: string): string => text.replaceAll("|", "\x1f").replaceAll("+", "\x1e")

/** A connection by hand. */
class Raw {
  private readonly socket: WebSocket
  private readonly heard: Array<string> = []
  private waiting: (() => void) | undefined
  closed = false

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.addEventListener("message", ({ data }) => {
      for (const message of String(data).split("\x1e")) {
        if (message === "C\x1fPI") socket.send(wire("C|PO+"))
        else if (message !== "") this.heard.push(message.replaceAll("\x1f", "|"))
      }
      this.waiting?.()
    })
    socket.addEventListener("close", () => {
      this.closed = true
      this.waiting?.()
    })
  }

  static async open(server: Server): Promise<Raw> {
    const raw = new Raw(new WebSocket(server.url))
    await raw.until((message) => message.startsWith("C|"))
    if (server.kind === "classic") {
      raw.send(`C|CHR|${server.url}+`)
      await raw.until((message) => message === "C|A")
    }
    raw.send("A|REQ|{}+")
    await raw.until((message) => message.startsWith("A|A"))
    return raw
  }

  send(text: string): void {
    this.socket.send(wire(text))
  }

  /** The next message of this kind; undefined when the connection closes, or after 3 seconds. */
  async until(fits: (message: string) => boolean, millis = 3000): Promise<string | undefined> {
    const end = Date.now() + millis
    while (Date.now() < end) {
      const at = this.heard.findIndex(fits)
      if (at >= 0) return this.heard.splice(0, at + 1).at(-1)
      if (this.closed) return undefined
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now())
        this.waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return undefined
  }

  close(): void {
    this.socket.close()
  }
}

/** Plays the cases against a server, which is started again whenever a case ends it. */
export const measure = async (server: Server, cases: ReadonlyArray<PathCase>): Promise<ReadonlyArray<PathOutcome>> => {
  const outcomes: Array<PathOutcome> = []
  let raw = await Raw.open(server)
  for (const [index, { data, path, value }] of cases.entries()) {
    const name = `case${index}`
    const dataOf = (message: string | undefined): unknown =>
      message === undefined ? undefined : JSON.parse(message.split("|").slice(4).join("|"))
    const acknowledged = (message: string): boolean => message.startsWith(`R|WA|${name}|`)
    raw.send(`R|CU|${name}|-1|${JSON.stringify(data)}|{"writeSuccess":true}+`)
    await raw.until(acknowledged)
    raw.send(`R|P|${name}|2|${path}|${value}|{"writeSuccess":true}+`)
    await raw.until(acknowledged, 500)
    raw.send(`R|SN|${name}+`)
    const after = await raw.until((message) => message.startsWith(`R|R|${name}|`), 2000)
    if (after !== undefined) outcomes.push(after.startsWith(`R|R|${name}|2|`) ? { data: dataOf(after) } : { failed: "no write" })
    else outcomes.push({ failed: raw.closed ? "server ends" : "no write" })
    const spoils = path.includes("__proto__") || after === undefined
    if (!spoils) continue
    // a spoiled prototype shows in every record after it
    raw.close()
    await server.restart()
    raw = await Raw.open(server)
  }
  raw.close()
  return outcomes
}
