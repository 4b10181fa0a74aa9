/** Headers of different sizes: a frame is as long as its own header says, whichever magic or direction tells which that is. */
import type { headerShape } from "@wirewright/codec"
import { Reader, Writer } from "@wirewright/codec"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runGenerator } from "./Run.ts"

const work = Path.resolve(import.meta.dirname, "../.wirewright-header-sizes")

/** An answer has a status, and so a header that is larger by one. */
const spec = (magic: boolean): string => {
  const header = (number: number, more: string): string =>
    magic
      ? `[{ magic: ${number}, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16), id: u32${more} } }]`
      : `[{ fields: { type: opcode(u8), length: bodyLength(u16), id: u32${more} } }]`
  return `import { bodyLength, commandsOf, frame, magic, opcode, protocol, status, statusCode, statuses, u16, u32, u8, utf8 } from "@wirewright/dsl"
const table = statuses("Result", u8, { Success: status(0, "success"), Failed: status(1, "fatal") })
const f = frame("F", { sections: ["body"], statuses: table,
  kinds: { ask: { headers: ${header(1, "")} }, answer: { answers: "ask", headers: ${header(2, ", status: statusCode(u8)")} } } })
const command = commandsOf(f, "ask")
export const p = protocol(f, { name: "p", module: "./p", commands: [
  command("Say", { opcode: 7, request: { body: { text: utf8() } }, responses: { Success: { body: { text: utf8() } } } })
] })
`
}

type Gen = { readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown }

describe.each([["a magic tells", true], ["the direction tells", false]] as const)("%s", (_, isMagic) => {
  let gen: Gen
  const folder = Path.join(work, String(isMagic))
  beforeAll(async () => {
    Fs.mkdirSync(folder, { recursive: true })
    Fs.writeFileSync(Path.join(folder, "spec.ts"), spec(isMagic))
    const { findings } = runGenerator({ targets: [{ spec: "spec.ts", out: "gen" }], cwd: folder })
    expect(findings).toEqual([])
    gen = await import(Path.join(folder, "gen/index.ts")) as Gen
  })
  afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

  const written = (name: string, packet: object): Uint8Array => {
    const writer = new Writer()
    gen[`encode${name}`]!(writer, packet)
    return writer.take()
  }

  it("each packet is as long as its frame", () => {
    const magic = isMagic ? ["01", "02"] : ["", ""]
    const ask = written("Say", { id: 5, text: "hi" })
    const answer = written("SayResponse", { id: 5, text: "hi" })
    expect(Buffer.from(ask).toString("hex")).toBe(`${magic[0]}07${"0002"}00000005${"6869"}`)
    expect(Buffer.from(answer).toString("hex")).toBe(`${magic[1]}07${"0002"}0000000500${"6869"}`)
    const shapes = gen as unknown as { readonly [name: string]: ReturnType<typeof headerShape> }
    for (const [kind, bytes] of [["ask", ask], ["answer", answer]] as const) {
      const shape = shapes["frameShape"] ?? shapes[`${kind}Shape`]!
      expect(shape.sizeAt(new Reader(bytes), 0, bytes.length), kind).toBe(bytes.length)
      const reader = new Reader(bytes)
      expect(gen[kind === "ask" ? "decodeAsk" : "decodeAnswer"]!(reader, 0)).toMatchObject({ id: 5, text: "hi" })
      if (!isMagic) expect(reader.next).toBe(bytes.length)
      if (isMagic) expect(gen["endAt"]!(reader, 0)).toBe(bytes.length)
      if (isMagic) expect(gen["bodyAt"]!(reader, 0)).toBe(bytes.length - 2)
    }
  })
})
