/**
 * Reference pages say where the bytes are. Every grid and every line of every protocol is read back, and compared with the model, and with what
 * the golden bytes of the examples are taken apart into.
 */
import { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { annotate, type FieldSpan } from "@wirewright/codec/Layout"
import type { ExampleModel, Model } from "@wirewright/codec/Model"
import { decodeText } from "@wirewright/codec/Text"
import { docsOf } from "@wirewright/codegen/docs/index"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { faultsOf, wantedOf } from "./Expected.ts"
import { expectGuide } from "./Guide.ts"
import { parseGrid, parseLine, patternOf, type Shown, shownIn, type Stretch } from "./Grids.ts"
import { random } from "../../packages/codec/src/Random.fixture.ts"
import { modelOf } from "../words/Harness.ts"
import { RandomSpec } from "../words/RandomSpec.ts"
import { described } from "./Protocols.ts"

const all = await described()
const pages = new Map(all.map(({ models, name }) => [name, docsOf(models)] as const))

/** What the pages of a protocol show elsewhere than its models say. */
const faults = (models: ReadonlyArray<Model>, shown = docsOf(models)): ReadonlyArray<string> => {
  const catalog = Catalog.of(models)
  return [...wantedOf(models)].flatMap(([path, wanted]) => {
    const page = shown.get(path)
    return page === undefined ? [`no page ${path}`] : faultsOf(catalog, wanted, shownIn(page))
  })
}

/** Where a grid says that a field stands, given where the parts of variable size before it end. */
const placeOf = (stretches: ReadonlyArray<Stretch>, stretch: Stretch, ends: ReadonlyMap<string, number>): number | undefined => {
  if (stretch.base === 0) return stretch.offset / 8
  const before = stretches.filter(({ bits }) => bits === undefined)[stretch.base - 1]!
  const end = ends.get(before.name)
  return end === undefined ? undefined : end + stretch.offset / 8
}

/** What of an example stands elsewhere than the grid that fits it says. */
const misplaced = (
  catalog: Catalog,
  example: ExampleModel,
  grids: ReadonlyArray<ReadonlyArray<Stretch>>,
  frame: ReadonlyArray<ReadonlyArray<Stretch>>
): ReadonlyArray<string> | undefined => {
  const bytes = bytesOfHex(example.hex)
  const { fields } = annotate(catalog, bytes, { kind: example.kind, states: new Set(example.states) })
  // pages show the preferred header; the others are on the frame's
  const preferred = catalog.kind(example.kind)?.headers[0]?.magic
  if (preferred !== undefined && bytes[0] !== preferred) return misplacedIn(fields, frame)
  return misplacedIn(fields, grids)
}

const misplacedIn = (fields: ReadonlyArray<FieldSpan>, grids: ReadonlyArray<ReadonlyArray<Stretch>>): ReadonlyArray<string> | undefined => {
  const ends = new Map(fields.map(({ length, offset, path }) => [path.split(/[.[]/)[0]!, offset + length]))
  const spans = new Map(fields.map((one) => [one.path, one]))
  const tried = grids.map((stretches) =>
    stretches.flatMap((stretch) => {
      const span = spans.get(stretch.name)
      if (span === undefined || stretch.bits === undefined || stretch.bits % 8 !== 0 || stretch.offset % 8 !== 0) return []
      const place = placeOf(stretches, stretch, ends)
      if (place === undefined || place === span.offset && stretch.bits / 8 === span.length) return []
      return [`${stretch.name} at ${span.offset} (${span.length} bytes), the grid says ${place} (${stretch.bits / 8})`]
    })
  )
  return tried.toSorted((a, b) => a.length - b.length)[0]
}

describe.each(all.map(({ models, name }) => [name, models] as const))("%s", (name, models) => {
  it("every grid has the offsets and sizes of the model, every line its fields in their order", () => {
    const shown = pages.get(name)!
    const count = { grid: 0, line: 0, nothing: 0 }
    for (const path of wantedOf(models).keys()) for (const { kind } of shownIn(shown.get(path)!)) count[kind]++
    expect(faults(models, shown)).toEqual([])
    expect(count.grid + count.line).toBeGreaterThan(0)
    console.log(`${name}: ${count.grid} grids, ${count.line} lines, ${count.nothing} without bytes`)
  })

  it("golden bytes stand where the grids say, and are the text that the lines say", () => {
    const catalog = Catalog.of(models)
    const gridsOf = (page: string | undefined): ReadonlyArray<ReadonlyArray<Stretch>> =>
      page === undefined ? [] : shownIn(page).flatMap((one: Shown) => one.kind === "grid" ? [one.stretches] : [])
    const frame = gridsOf(pages.get(name)!.get("frame.md"))
    let compared = 0
    for (const command of catalog.commands) {
      const page = pages.get(name)!.get(`packets/${command.name}.md`)!
      const grids = gridsOf(page)
      const lines = shownIn(page).flatMap((one: Shown) => one.kind === "line" ? [one.line] : [])
      for (const example of command.examples) {
        const bytes = bytesOfHex(example.hex)
        if (grids.length > 0) expect(misplaced(catalog, example, grids, frame), `${command.name} ${example.hex}`).toEqual([])
        else {
          const text = decodeText(bytes, 0, bytes.length)
          expect(lines.some((line) => patternOf(parseLine(line)).test(text)), `${command.name} ${JSON.stringify(text)}`).toBe(true)
        }
        compared++
      }
    }
    if (compared > 0) console.log(`${name}: ${compared} examples`)
  })

  it("every link leads to a page, and every anchor to a heading of it", () => {
    const shown = pages.get(name)!
    const anchors = (page: string): ReadonlySet<string> =>
      new Set(
        [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
          heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
        )
      )
    const broken = [...shown].flatMap(([path, page]) =>
      [...page.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
        const [file, fragment] = target!.split("#")
        const to = shown.get(Path.posix.join(Path.posix.dirname(path), file!))
        return to !== undefined && (fragment === undefined || anchors(to).has(fragment)) ? [] : [`${path}: ${target}`]
      })
    )
    expect(broken).toEqual([])
  })
})

it("so it is with the records of random specs", () => {
  const next = random(Number(process.env["WORDS_SEED"] ?? 1))
  const made = Array.from(
    { length: Number(process.env["WORDS_SPECS"] ?? 200) },
    (_, i) => new RandomSpec(next, `S${i}`).struct(3, i % 3 === 0)
  )
  const models = [modelOf("random", made.map(({ type }) => type))]
  const own = docsOf(models)
  expect(faults(models, own)).toEqual([])
  const shown = shownIn(own.get("types.md")!)
  const stretches = shown.flatMap((one) => one.kind === "grid" ? one.stretches : [])
  expect(stretches.length).toBeGreaterThan(made.length)
  console.log(`${shown.length} layouts, ${stretches.length} stretches`)
})

describe("mistakes are seen", () => {
  const { models } = all.find(({ name }) => name === "dcp")!
  const own = pages.get("dcp")!
  const mutation = "packets/DcpMutation.md"

  it("a field that is wider than its grid says", () => {
    const wider = JSON.parse(
      JSON.stringify(models).replace(
        "\"name\":\"reservedSeqno\",\"doc\":\"Always 0.\",\"type\":{\"kind\":\"int\",\"int\":\"u32\"}",
        "\"name\":\"reservedSeqno\",\"doc\":\"Always 0.\",\"type\":{\"kind\":\"int\",\"int\":\"u64\"}"
      )
    ) as ReadonlyArray<Model>
    expect(JSON.stringify(wider)).not.toBe(JSON.stringify(models))
    expect(faults(wider, own).join("\n")).toContain("DcpOpen")
  })

  it("a row with another offset, and cells that changed places", () => {
    const page = own.get("packets/DcpOpen.md")!
    const shifted = page.replace("    24| reservedSeqno", "    28| reservedSeqno")
    expect(shifted).not.toBe(page)
    expect(() => shownIn(shifted)).toThrow(/row 28 stands at 24/)
    const swapped = page.replace(/\| opaque {56}\|/, "| oqapue                                                        |")
    expect(swapped).not.toBe(page)
    expect(faults(models, new Map([...own, ["packets/DcpOpen.md", swapped]])).join("\n")).toContain("oqapue")
  })

  it("two fields of one size that changed places, by the golden bytes alone", () => {
    const catalog = Catalog.of(models)
    const { examples } = catalog.commandNamed("DcpMutation")!
    const grids = shownIn(own.get(mutation)!).flatMap((one) => one.kind === "grid" ? [one.stretches] : [])
    const request = grids.filter((stretches) => stretches.some(({ name }) => name === "bySeqno"))
    const swap: { readonly [name: string]: string } = { bySeqno: "revSeqno", revSeqno: "bySeqno" }
    const wrong = request.map((stretches) => stretches.map((one) => ({ ...one, name: swap[one.name] ?? one.name })))
    const example = examples.find(({ kind }) => kind !== "response")!
    expect(misplaced(catalog, example, request, [])).toEqual([])
    expect(misplaced(catalog, example, wrong, [])!.join()).toContain("bySeqno")
  })

  it("a line without one of its fields", () => {
    const { models: text } = all.find(({ name }) => name === "memcachedText")!
    const shown = pages.get("memcachedText")!
    const page = shown.get("packets/Set.md")!
    const without = page.replace(" <expiration>", "")
    expect(without).not.toBe(page)
    expect(faults(text, new Map([...shown, ["packets/Set.md", without]])).join("\n")).toContain("expiration")
  })
})

it("a grid of every form is read back", () => {
  const grid = `    Byte/     0       |       1       |       2       |       3       |
       /              |               |               |               |
      |0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|
      +---------------+---------------+---------------+---------------+
     0| opcode = 0x50 | kind  |a|b| 0 | keyLength                     |
      +---------------+-------+-+-+---+-------------------------------+
     4| cas                                                           |
      +                                                               +
     8|                                                               |
      +---------------+---------------+---------------+---------------+
    12: digest: 32 bytes                                              :
      +---------------+---------------+---------------+---------------+
    44/ key: 0-250 bytes (keyLength)                                  /
      +---------------+---------------+---------------+---------------+
    +0? expiry: 4 bytes (if kind is 1)                                ?
      +---------------+---------------+---------------+---------------+
    +0| seqno                                                         |
      +---------------+---------------+---------------+---------------+`
  expect(all.every(({ name }) => pages.get(name)!.get("notation.md")!.includes(grid))).toBe(true)
  expect(parseGrid(grid, "`a` `isFirst`, `b` `isLast = 1`")).toEqual([
    { name: "opcode", value: "0x50", base: 0, offset: 0, bits: 8 },
    { name: "kind", base: 0, offset: 8, bits: 4 },
    { name: "isFirst", base: 0, offset: 12, bits: 1 },
    { name: "isLast", value: "1", base: 0, offset: 13, bits: 1 },
    { name: "0", base: 0, offset: 14, bits: 2 },
    { name: "keyLength", base: 0, offset: 16, bits: 16 },
    { name: "cas", base: 0, offset: 32, bits: 64 },
    { name: "digest", base: 0, offset: 96, bits: 256 },
    { name: "key", base: 0, offset: 352, least: 0, most: 250 },
    { name: "expiry", base: 1, offset: 0, least: 4, most: 4, isOptional: true },
    { name: "seqno", base: 2, offset: 0, bits: 32 }
  ])
})

it("the command's README shows one", () => {
  const page = pages.get("dcp")!.get("packets/DcpOpen.md")!
  const grid = /^```text\n( {4}Byte[^]*?)\n```$/m.exec(page)![1]!
  expectGuide("packages/cli/README.md", { "a page": () => grid.split("\n").map((line) => `    ${line}`).join("\n") })
})
