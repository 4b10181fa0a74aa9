/**
 * Every packet's page has a worked example, recorded or made. The bytes that a page shows are read back from it, given to the generated decoder, and
 * are to be what stands beside them.
 */
import { Catalog } from "@wirewright/codec/Catalog"
import { DecodeError } from "@wirewright/codec/Errors"
import { hexdump } from "@wirewright/codec/Hexdump"
import { annotate, kindWords } from "@wirewright/codec/Layout"
import { packetOf } from "@wirewright/codec/LayoutPacket"
import { madeFor } from "@wirewright/codegen/docs/Examples"
import { docsOf } from "@wirewright/codegen/docs/index"
import { isDeepStrictEqual } from "node:util"
import { describe, expect, it } from "vitest"
import { decoded, type Protocol, protocols } from "../sample/Protocols.ts"
import { plain } from "../words/Harness.ts"
import { described } from "./Protocols.ts"

/** An example as its page shows it. */
interface ShownExample {
  readonly isMade: boolean
  readonly dump: string
  readonly bytes: Uint8Array
  readonly states: ReadonlyMap<string, number>
}

/** The bytes of a dump: each stands in its column, and some in several rows. */
const bytesOfDump = (dump: string): Uint8Array => {
  const [title, head, ...rows] = dump.split("\n")
  const size = Number(/ · (\d+) bytes?/.exec(title!)![1])
  const bytes = new Uint8Array(size)
  const seen = new Set<number>()
  const left = head!.indexOf("00")
  for (const row of rows) {
    const line = Number.parseInt(row.slice(0, left), 16)
    for (let column = 0; column < 8; column++) {
      const text = row.slice(left + column * 3, left + column * 3 + 2)
      if (!/^[0-9a-f]{2}$/.test(text)) continue
      bytes[line + column] = Number.parseInt(text, 16)
      seen.add(line + column)
    }
  }
  if (seen.size !== size) throw new Error(`${seen.size} of ${size} bytes are shown:\n${dump}`)
  return bytes
}

/** Examples of a page, but for those that are too long to be shown whole. */
const examplesIn = (page: string): ReadonlyArray<ShownExample> => {
  const blocks = (page.split("\n## Examples\n")[1] ?? "").trim().split(/\n\n(?=From |Made by )/)
  return blocks.flatMap((block) => {
    const [, said, dump] = /^((?:From|Made by) [^\n]*)\n\n```text\n([^]*?)\n```$/.exec(block) ?? []
    if (said === undefined || dump!.includes(" … ") && / more bytes?$/m.test(dump!)) return []
    const states = / The connection has (.*)\.$/.exec(said)?.[1] ?? ""
    return [{
      isMade: said.startsWith("Made by "),
      dump: dump!,
      bytes: bytesOfDump(dump!),
      states: new Map([...states.matchAll(/`(\w+)(?: = (\d+))?`/g)].map(([, name, value = "1"]) => [name!, Number(value)]))
    }]
  })
}

/** What of an example is not what its bytes are. */
const faultOf = (protocol: Protocol, { bytes, dump, states }: ShownExample): string | undefined => {
  const { catalog } = protocol
  const title = dump.split("\n")[0]!.split(" · ")[0]!
  const kind = catalog.frame.kinds.toSorted((a, b) => b.name.length - a.name.length)
    .find(({ name }) => new RegExp(` ${kindWords(name)}( \\(|$)`).test(title))!.name
  const annotation = annotate(catalog, bytes, { kind, states })
  const again = hexdump(annotation, bytes, { perLine: 8 }).trimEnd()
  if (again !== dump) return `the bytes are\n${again}\nand not\n${dump}`
  const theirs = decoded(protocol, bytes, kind, states)
  if (theirs instanceof DecodeError) return `${theirs.message}\n${dump}`
  return isDeepStrictEqual(plain(theirs), plain(packetOf(catalog, annotation, states)))
    ? undefined
    : `the decoder reads other values\n${dump}`
}

const pagesOf = ({ catalog, models }: Protocol): ReadonlyMap<string, string> => docsOf(models, { customs: catalog.customs })

it("all protocols are looked at", async () => {
  const names = new Set(protocols.map(({ catalog }) => catalog.name))
  const withPackets = (await described()).filter(({ models }) => models.some(({ commands }) => commands.length > 0))
  expect(withPackets.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([])
})

describe.each(protocols.map((one) => [one.title, one] as const))("%s", (_, protocol) => {
  it("each packet has an example, whose bytes are what its page says", () => {
    const { catalog } = protocol
    const shown = pagesOf(protocol)
    const wrong: Array<string> = []
    const count = { recorded: 0, made: 0 }
    for (const { examples, kinds, lifecycle, name, responses } of catalog.commands) {
      if (lifecycle === "removed") continue
      const page = shown.get(`packets/${name}.md`)!
      const found = examplesIn(page)
      const made = found.filter(({ isMade }) => isMade)
      count.made += made.length
      count.recorded += found.length - made.length
      const isRecorded = (kind: string): boolean => examples.some((one) => one.kind === kind)
      const { response } = kinds
      const wanted = [kinds.request, ...kinds.also ?? []].some(isRecorded) ? 0 : 1
      const answers = response === undefined || responses.length === 0 || isRecorded(response) ? 0 : 1
      if (made.length < wanted + answers || wanted + answers === 0 && made.length > 0) wrong.push(`${name}: ${made.length} made`)
      if (examples.length + made.length === 0) wrong.push(`${name} has none`)
      wrong.push(...found.flatMap((one) => faultOf(protocol, one) ?? []))
    }
    console.log(`${catalog.name}: ${count.recorded} recorded, ${count.made} made`)
    expect(wrong.slice(0, 3)).toEqual([])
  })
})

describe("mistakes are seen", () => {
  const mqtt = protocols.find(({ catalog }) => catalog.name === "mqtt")!
  const [example] = examplesIn(pagesOf(mqtt).get("packets/Subscribe.md")!)

  it("another byte, another value, another state", () => {
    const { dump, states } = example!
    expect(faultOf(mqtt, example!)).toBeUndefined()
    const other = dump.replace("66 6f 6f", "66 6f 70")
    expect(faultOf(mqtt, { ...example!, dump: other, bytes: bytesOfDump(other) })).toContain("\"fop\"")
    expect(faultOf(mqtt, { ...example!, dump: dump.replace("\"foo\"", "\"fob\"") })).toContain("\"fob\"")
    expect([...states]).toEqual([["version", 5]])
    expect(faultOf(mqtt, { ...example!, states: new Map([["version", 4]]) })).toContain("and not")
    expect(() => bytesOfDump(dump.replace("66 6f 6f", "66 6f   "))).toThrow("12 of 13 bytes")
  })
})

it("what only code of its own reads is said to have none", () => {
  const { catalog, models } = protocols.find(({ catalog: { name } }) => name === "deepstream")!
  const name = "RecordPatch"
  const bare = models.map((model) => ({ ...model, commands: model.commands.map((one) => ({ ...one, examples: [] })) }))
  const refusing = Object.fromEntries(
    Object.entries(catalog.customs).map(([custom, face]) => [custom, {
      ...face,
      read: () => {
        throw new RangeError("nothing is right")
      }
    }])
  )
  const { missing, samples } = madeFor(Catalog.of(bare, refusing), Catalog.of(bare, refusing).commandNamed(name)!)
  expect([samples, missing]).toEqual([[], ["clientMessage"]])
  expect(docsOf(bare, { customs: refusing }).get(`packets/${name}.md`)).toContain("none can be made: code of its own reads it.")
  expect(madeFor(Catalog.of(bare, catalog.customs), Catalog.of(bare, catalog.customs).commandNamed(name)!).missing).toEqual([])
})
