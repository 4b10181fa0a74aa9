/**
 * What a browser gets that imports one packet: its encoder and decoder, the frame's header, a framer and a writer. No packet of another
 * name, no table, no model and nothing of effect, whichever door it is imported by.
 */
import { rolldown } from "rolldown"
import { minifySync } from "rolldown/utils"
import { gzipSync } from "node:zlib"
import type { FrameShape, Framer, Reader, Writer } from "@wirewright/codec"
import { describe, expect, it } from "vitest"
import { programOf } from "./Entry.ts"

const entry = "/entry.ts"

interface Bundle {
  /** Minified, in bytes. */
  readonly size: number
  readonly gzipped: number
  /** Modules of which something is left. */
  readonly modules: ReadonlyArray<string>
  readonly code: string
  /** What each module takes when minified alone, largest first. */
  readonly table: ReadonlyArray<readonly [string, number]>
}

const shortName = (id: string): string => id.replaceAll("\\", "/").replace(/^.*\/(?=(packages|node_modules)\/)/, "")

const bundle = async (source: string): Promise<Bundle> => {
  const build = await rolldown({
    ...programOf(source),
    platform: "neutral"
  })
  const { output } = await build.generate({ minify: true })
  const [{ code, modules }] = output
  const left = Object.entries(modules).filter(([id, { renderedLength }]) => renderedLength > 0 && !id.endsWith(entry))
  return {
    code,
    size: Buffer.byteLength(code),
    gzipped: gzipSync(code).length,
    modules: left.map(([id]) => shortName(id)),
    table: left.map(([id, module]): readonly [string, number] => [shortName(id), minifySync("module.js", module.code!).code.length])
      .sort(([, one], [, other]) => other - one)
  }
}

/** What a program that reads and writes a stream of packets imports beside their codecs. */
const runtime = `export { Framer, Writer } from "@wirewright/codec"`

/** Everything that must not be in a bundle of codecs. */
const unwanted = /node_modules|\/(Model|Schemas|Packets|Tables|States)\.ts$|\.json$|Schema\.ts$/

const report = (name: string, { gzipped, size, table }: Bundle): void => {
  const rows = table.map(([module, bytes]) => `${String(bytes).padStart(6)} ${module}`)
  console.log([`${name}: ${size} bytes, ${gzipped} compressed`, ...rows].join("\n"))
}

/** What the bundle of a packet exports. */
interface Program {
  readonly Framer: typeof Framer
  readonly Writer: typeof Writer
  readonly shape: FrameShape
  readonly read: (reader: Reader, at: number, states: undefined, decode: unknown) => unknown
  readonly decode: unknown
  readonly encode: (writer: Writer, packet: object) => void
}

/** Writes a packet and reads it again from chunks of one byte, with nothing but the bundle. */
const run = async (code: string, packet: object): Promise<readonly [hex: string, packets: ReadonlyArray<unknown>]> => {
  const program: Program = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  const writer = new program.Writer()
  program.encode(writer, packet)
  const bytes = writer.take()
  const framer = new program.Framer(program.shape)
  const packets: Array<unknown> = []
  for (const byte of bytes) {
    framer.push(Uint8Array.of(byte), (reader, at) => packets.push(program.read(reader, at, undefined, program.decode)))
  }
  framer.finish()
  return [Buffer.from(bytes).toString("hex"), packets]
}

/** A packet with its codecs, the header's reader and shape, a framer and a writer, under the names of `Program`. */
const whole = (name: string, codecs: string, frame: string, shape = "frameShape", read = "readRequest"): string =>
  [
    `export { decode${name} as decode, encode${name} as encode } from "${codecs}"`,
    `export { ${read} as read, ${shape} as shape } from "${frame}"`,
    runtime
  ].join("\n")

const modbus = "@wirewright/examples/gallery/modbus"

/**
 * Bytes of bundles that read and write one packet of a stream; the aim is 4 kB. Of those of memcached and its extensions, 4.0 kB are framing
 * extras, which any packet may have (`Types`, `NibbleFrames`, `Elements`), and 1.7 kB text in which no byte is lost (`Text`). 1 kB of the framer is
 * what leaves frames where they are that cross chunks.
 */
const budgets = [
  ["Get", "@wirewright/memcached/gen", 13_100, 5_230],
  ["SubdocGet", "@wirewright/couchbase/gen", 14_800, 5_870],
  ["DcpMutation", "@wirewright/dcp/gen", 14_800, 5_870]
] as const

describe.each(budgets)("one packet of the mcbp family: %s", (name, from, most, mostCompressed) => {
  const codecs = `export { decode${name}, encode${name} } from "${from}"`

  it("brings its own module, the frame and the runtime", async () => {
    const all = await bundle(whole(name, from, "@wirewright/memcached/gen"))
    report(name, all)
    const { code, gzipped, modules, size } = all
    expect(modules.filter((id) => unwanted.test(id))).toEqual([])
    expect(modules.filter((id) => /\/gen\d*\//.test(id)).length).toBeLessThanOrEqual(4)
    // nothing of effect, no table of statuses, no other packet of the base
    expect(code).not.toMatch(/effect|KeyEnoent|retry|`Set`|`Stat`/)
    expect(size).toBeLessThanOrEqual(most)
    expect(gzipped).toBeLessThanOrEqual(mostCompressed)
  })

  it("is the same by the door of its module", async () => {
    const module = { Get: "Classic", SubdocGet: "SubDocument", DcpMutation: "Mutation" }[name]
    const [index, direct] = await Promise.all([bundle(codecs), bundle(codecs.replace("/gen\"", `/gen/${module}"`))])
    expect(index.code).toBe(direct.code)
  })

  it("to be written needs no decoder", async () => {
    const { code, modules } = await bundle(`export { encode${name} } from "${from}"`)
    expect(modules.filter((id) => unwanted.test(id) || /Reader|Framer/.test(id))).toEqual([])
    expect(code).not.toMatch(/getUint(16|32)/)
  })
})

describe("one packet of a protocol with a plain header (Modbus/TCP)", () => {
  const codecs = `export { decodeReadCoils, encodeReadCoils } from "${modbus}"`

  it.each([
    ["with its frame, a framer and a writer", whole("ReadCoils", modbus, modbus, "requestShape"), 5_850],
    ["its codecs alone", codecs, 1_850],
    ["its encoder alone", codecs.replace("decodeReadCoils, ", ""), 1_250]
  ])("%s", async (what, source, most) => {
    const all = await bundle(source)
    report(`ReadCoils, ${what}`, all)
    expect(all.modules.filter((id) => unwanted.test(id) || id.includes("/Types.ts"))).toEqual([])
    // text, byte fields and variable-length integers are for packets that have them
    expect(all.code).not.toMatch(/TextDecoder|utf8|charCodeAt/)
    expect(all.size).toBeLessThanOrEqual(most)
  })
})

it("the framer and the writer take less than 3.9 kB with their errors", async () => {
  const all = await bundle(runtime)
  report("Framer and Writer", all)
  expect(all.size).toBeLessThanOrEqual(3_900)
})

describe("a bundle has all it takes to read and write a stream", () => {
  it("of Modbus/TCP: the request that the specification prints (MODBUS Application Protocol V1.1b3, 6.1) in its header", async () => {
    const { code } = await bundle(whole("ReadCoils", modbus, modbus, "requestShape"))
    const packet = { transaction: 1, unit: 0x11, address: 0x13, quantity: 0x13 }
    const [hex, packets] = await run(code, packet)
    expect(hex).toBe("000100000006" + "11" + "0100130013")
    expect(packets).toEqual([{ _tag: "ReadCoils", functionCode: 1, ...packet }])
  })

  it("of memcached: the Get of its document (memcached/docs/protocol-binary.txt)", async () => {
    const { code } = await bundle(whole("Get", "@wirewright/memcached/gen", "@wirewright/memcached/gen"))
    const [hex, packets] = await run(code, { key: "Hello" })
    expect(hex).toBe("800000050000000000000005000000000000000000000000" + "48656c6c6f")
    expect(packets).toMatchObject([{ _tag: "Get", opcode: 0, key: "Hello" }])
  })
})

it("a framer has no code for headers that say how long they are elsewhere, and a writer no pool", async () => {
  const { code } = await bundle(runtime)
  expect(code).not.toMatch(/lengthWidth|takeSegments|allocUnsafeSlow/)
})

it("what is unwanted is seen", async () => {
  const all = await bundle(`export { decode } from "@wirewright/dcp/gen"\nexport { Get } from "@wirewright/memcached/gen/Schemas"`)
  expect(all.modules.filter((id) => unwanted.test(id)).map((id) => id.replace(/^node_modules\/(@?\w+).*/, "$1"))).toEqual(
    expect.arrayContaining(["effect", "packages/memcached/src/gen/memcached.model.json", "packages/dcp/src/gen/Packets.ts"])
  )
})
