/**
 * What a browser gets that imports one packet: its encoder and decoder, the frame's header, and the runtime they call. No packet of another
 * name, no table, no model and nothing of effect, whichever door it is imported by.
 */
import { rolldown } from "rolldown"
import { minifySync } from "rolldown/utils"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"

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
    input: "entry",
    cwd: import.meta.dirname,
    platform: "neutral",
    resolve: { conditionNames: ["@wirewright/source", "import", "default"] },
    plugins: [{
      name: "entry",
      resolveId: (id) => id === "entry" ? `${import.meta.dirname}${entry}` : undefined,
      load: (id) => id.endsWith(entry) ? source : undefined
    }]
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

const runtime = `export { Framer, Reader, Writer } from "@wirewright/codec"`
const header = `export { beginRequest, finishRequest, frameShape, readRequest } from "@wirewright/memcached/gen"`

/** Everything that must not be in a bundle of codecs. */
const unwanted = /node_modules|\/(Model|Schemas|Packets|Tables|States)\.ts$|\.json$|Schema\.ts$/

const packets = [
  ["memcached", "@wirewright/memcached/gen", "Get"],
  ["couchbase", "@wirewright/couchbase/gen", "SubdocGet"],
  ["dcp", "@wirewright/dcp/gen", "DcpMutation"]
] as const

describe.each(packets)("one packet of %s", (_, from, name) => {
  const codecs = `export { decode${name}, encode${name} } from "${from}"`

  it("brings its own module, the frame and the runtime", async () => {
    const { code, gzipped, modules, size, table } = await bundle([codecs, header, runtime].join("\n"))
    const { size: shared } = await bundle([header, runtime].join("\n"))
    console.log(
      [
        `${name}: ${size} bytes, ${gzipped} compressed; ${size - shared} of them for the packet`,
        ...table.map(([module, bytes]) => `${String(bytes).padStart(6)} ${module}`)
      ].join("\n")
    )
    expect(modules.filter((id) => unwanted.test(id))).toEqual([])
    expect(modules.filter((id) => /\/gen\d*\//.test(id)).length).toBeLessThanOrEqual(4)
    expect(code).not.toContain("effect")
    expect(size - shared).toBeLessThanOrEqual(2_400)
    expect(size).toBeLessThanOrEqual(16_050)
    expect(gzipped).toBeLessThanOrEqual(5_900)
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

describe("one packet of a protocol with a small frame (Modbus/TCP)", () => {
  const codecs = `export { decodeReadCoils, encodeReadCoils } from "@wirewright/examples/gallery/modbus"`

  it.each([
    ["with its frame, a writer and a framer", `${codecs}\n${runtime}`, 7_650],
    ["alone", codecs, 2_050],
    ["to be written", codecs.replace("decodeReadCoils, ", ""), 1_300]
  ])("%s", async (what, source, most) => {
    const { modules, size, table } = await bundle(source)
    console.log(
      [`ReadCoils, ${what}: ${size} bytes`, ...table.map(([module, bytes]) => `${String(bytes).padStart(6)} ${module}`)].join("\n")
    )
    expect(modules.filter((id) => unwanted.test(id) || id.includes("/Types.ts"))).toEqual([])
    expect(size).toBeLessThanOrEqual(most)
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
