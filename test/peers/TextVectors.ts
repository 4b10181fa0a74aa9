/** Plays conversations of memcached's text protocol over sockets, against servers that take their time. */
import { setTimeout as sleep } from "node:timers/promises"
import { TextLine } from "../../packages/proxy/src/TextLine.fixture.ts"
import { agrees, bytesOf, type Vector } from "../memcached/TextVectors.ts"

/** Time for an answer, and time in which nothing more may come after it. */
const [patience, quiet] = [10_000, 60]

const shown = (text: string): string =>
  JSON.stringify(text.length <= 300 ? text : `${text.slice(0, 200)}…${text.slice(-60)} (${text.length} bytes)`)

/** Plays one; what is wrong, in words, or nothing. */
export const complaintOf = async (port: number, vector: Vector): Promise<string | undefined> => {
  const { answer, closes, send, split = [], state = [] } = vector
  const names = new Map<string, string>()
  const before = await TextLine.connect(port)
  for (const step of state) {
    if (typeof step === "object" && "sleep" in step) {
      await sleep(step.sleep * 1_000)
      continue
    }
    const said = typeof step === "object" && "send" in step ? step : { send: step }
    before.received = ""
    // its answer is over when a barrier's comes
    before.send(`${bytesOf(said.send, names).toString("latin1")}mn\r\n`)
    await before.settle(() => before.received.endsWith("MN\r\n"), patience)
    for (const [name, pattern] of Object.entries("capture" in said ? said.capture ?? {} : {})) {
      names.set(name, new RegExp(pattern).exec(before.received)![1]!)
    }
  }
  before.end()
  const want = answer.pattern === undefined
    ? bytesOf(answer.text ?? answer.parts!, names).toString("latin1")
    : new RegExp(`^(?:${answer.pattern.replaceAll(/\$\{(\w+)\}/g, (whole, name) => names.get(name) ?? whole)})$`, "s")
  const line = await TextLine.connect(port)
  const bytes = bytesOf(send, names).toString("latin1")
  for (const [index, at] of [0, ...split].entries()) {
    if (index > 0) await sleep(30)
    line.send(bytes.slice(at, [...split, bytes.length][index]))
  }
  await line.settle(() => !closes && (typeof want === "string" ? line.received.length >= want.length : want.test(line.received)), patience)
  if (!line.closed) await sleep(quiet)
  line.end()
  const { closed, received } = line
  if (agrees(vector, { got: received, want, closed })) return undefined
  return `expected ${shown(String(want))}, received ${shown(received)}, ${closed ? "closed" : "open"}`
}
