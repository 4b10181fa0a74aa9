/**
 * A stranger installs the packages outside of this repository, adds an opcode to DCP and a protocol of their own, and gets typed codecs
 * that work: the published packages are complete, and extension needs nothing that only this repository has. Another one begins with an
 * empty directory and does what the README says.
 */
import { TcpRecorder } from "@wirewright/capture"
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { isWhole } from "../../packages/codec/src/Whole.fixture.ts"
import { Beginner, pnpm, sectionOf } from "./Beginner.ts"
import { root } from "./Blocks.ts"
import { missingTargets, Outside, published } from "./Outside.ts"
import { importing, specifiersOf, typed, wrongTypes } from "./Doors.ts"
import { contentsOf, differences, strays, tableOf, type Weight, weightsTable, written } from "./Tarballs.ts"

/** Building, packing and installing everything takes minutes: in the whole run alone. */
const whole = describe.runIf(isWhole)

let outside: Outside
/** Milliseconds for what compiles or installs: half a minute on a fast machine, many times that on a busy one. */
const slow = 600_000
beforeAll(() => {
  if (isWhole) outside = Outside.make()
}, slow)
afterAll(() => outside?.remove(), slow)

/** What publint says of an installed package. */
const linted = async (directory: string): Promise<ReadonlyArray<string | undefined>> => {
  const { messages, pkg } = await publint({ pkgDir: directory, pack: false, strict: true })
  return messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }))
}

const nameOf = (path: string): string => path === "packages/cli" ? "wirewright" : `@wirewright/${path.replace("packages/", "")}`
const names = published.map(nameOf)
/** What can be imported from a package. */
const specifiers = (name: string): ReadonlyArray<string> => {
  const { files, manifest } = outside.installed(name)
  return specifiersOf(manifest, files)
}

whole("the published packages", () => {
  test.each(names)("%s has what it exports", (name) => {
    const { files, manifest } = outside.installed(name)
    expect(missingTargets(manifest.exports, files)).toEqual([])
    expect(Object.values(manifest.bin ?? {}).filter((path) => !files.includes(path.replace("./", "")))).toEqual([])
    expect(existsSync(join(outside.directory, "node_modules", name, "node_modules", "@wirewright"))).toBe(false)
  })

  test.each(published)("%s has in its tarball what it should, and nothing else", (path) => {
    expect(differences(path, outside.installed(nameOf(path)).files)).toEqual([])
  })

  test("weigh what the table says", () => {
    const weights = new Map(published.map((path): readonly [string, Weight] => {
      const name = nameOf(path)
      const { files } = outside.installed(name)
      const unpacked = files.reduce((sum, file) => sum + statSync(join(outside.directory, "node_modules", name, file)).size, 0)
      return [name, { files: files.length, packed: statSync(outside.tarballs.get(name)!).size, unpacked }]
    }))
    if (process.env["UPDATE_WEIGHTS"] === "1") writeFileSync(weightsTable, tableOf(weights))
    expect(strays(weights, written())).toEqual([])
    const heavier = new Map(
      [...weights].map(([name, one]) => [name, name === "@wirewright/dcp" ? { ...one, unpacked: one.unpacked * 1.3 } : one])
    )
    expect(strays(heavier, written())).toHaveLength(1)
  })

  test.each(published)("%s: publint has nothing to say", async (path) => {
    expect(await linted(join(outside.directory, "node_modules", nameOf(path)))).toEqual([])
  }, slow)

  test("publint looks at what is installed: a door that leads nowhere, and types after the code, are noticed", async () => {
    const directory = join(outside.directory, "mistaken")
    cpSync(join(outside.directory, "node_modules", "@wirewright/sqlite"), directory, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as object
    const exports = { ".": { default: "./dist/index.js", types: "./dist/index.d.ts" }, "./more": "./dist/more.js" }
    writeFileSync(join(directory, "package.json"), JSON.stringify({ ...manifest, exports }))
    expect(await linted(directory)).toEqual([
      expect.stringMatching(/types should be the first/),
      expect.stringMatching(/default should be the last/),
      expect.stringMatching(/more\.js.*does not exist/)
    ])
  }, slow)

  test.each(published)("%s: its types are those of its code at every door (attw)", async (path) => {
    const name = nameOf(path)
    expect(await wrongTypes(outside.tarballs.get(name)!, specifiers(name), name)).toEqual([])
  }, slow)

  test("types that are not there, and code of another kind than its types, are noticed", async () => {
    const directory = join(outside.directory, "mistyped")
    cpSync(join(outside.directory, "node_modules", "@wirewright/sqlite"), directory, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as object
    const exports = { ".": { types: "./dist/index.d.cts", default: "./dist/index.js" }, "./other": "./dist/other.js" }
    writeFileSync(join(directory, "package.json"), JSON.stringify({ ...manifest, exports }))
    writeFileSync(join(directory, "dist/index.d.cts"), "export const x: 1\n")
    writeFileSync(join(directory, "dist/other.js"), "export const x = 1\n")
    outside.runIn(directory, "npm", "pack", "--silent", "--ignore-scripts")
    const said = await wrongTypes(
      join(directory, `wirewright-sqlite-${outside.installed("@wirewright/sqlite").manifest.version}.tgz`),
      ["@wirewright/sqlite", "@wirewright/sqlite/other"],
      "@wirewright/sqlite"
    )
    expect(said.join("\n")).toContain("FalseCJS")
    expect(said.join("\n")).toContain("UntypedResolution")
  }, slow)

  test("everything that they export can be imported, and has types", () => {
    const all = names.flatMap(specifiers)
    expect(all.length).toBeGreaterThan(100)
    outside.write("every.mjs", importing(all))
    expect(JSON.parse(outside.run("node", "every.mjs"))).toMatchObject({ imported: all.length })
    outside.write("every/every.ts", typed(all))
    outside.write("every/tsconfig.json", JSON.stringify({ extends: "../tsconfig.json", include: ["every.ts"] }))
    outside.run("npx", "tsc", "-p", "every")
    expect(outside.run("npx", "wirewright", "--version")).toContain(outside.installed("wirewright").manifest.version)
  }, slow)
})

describe("what a package has", () => {
  test("a test, a map of generated code, a model that is there twice, and a module that is not there are noticed", () => {
    const path = "packages/dcp"
    const more = ["src/Dcp.test.ts", "dist/gen/index.js.map", "src/gen/dcp.model.json"]
    const files = contentsOf(path).filter((file) => file !== "dist/gen/index.js")
    expect(differences(path, [...files, ...more])).toEqual([
      ...more.map((file) => `should not be there: ${file}`),
      "missing: dist/gen/index.js"
    ])
  })

  test("is noticed when it is missing from its exports", () => {
    const exports = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./*": "./dist/*.js", "./internal/*": null }
    expect(missingTargets(exports, ["dist/index.js"])).toEqual(["./dist/index.d.ts"])
    expect(missingTargets(exports, ["src/index.ts"])).toEqual(["./dist/index.d.ts", "./dist/index.js", "./dist/*.js"])
  })
})

whole("a stranger", () => {
  test("generates code for an extension of DCP and for a protocol from scratch", () => {
    const said = outside.run("npx", "wirewright", "generate", "my-spec.ts", "--out", "src/gen", "--test-runner", "node")
    expect(said).toContain("wrote src/gen/audited/Packets.ts")
    expect(said).toContain("wrote src/gen/canvas/Packets.ts")
    outside.run("npx", "wirewright", "check", "my-spec.ts", "--out", "src/gen", "--test-runner", "node")
  }, slow)

  test("type-checks it in strict mode", () => {
    outside.run("npx", "tsc", "-p", ".")
  }, slow)

  test("writes, reads, and still reads the packets of the base", () => {
    expect(JSON.parse(outside.run("node", "round-trip.ts"))).toEqual({
      note: "80eb0003010000000000000a0000000700000000000000000261626368656c6c6f21",
      text: "hello!",
      bufferBytes: 4096,
      noop: "Noop",
      drawing: "000e0102686900010002ffff0003",
      drawn: { name: "hi", points: [{ x: 1, y: 2 }, { x: -1, y: 3 }] },
      color: 0xff_00_ff
    })
  }, slow)

  test("gets tests of the examples that pass", () => {
    const said = outside.run("node", "--test", "--test-reporter=tap", "src/gen/audited/Examples.test.ts", "src/gen/canvas/Examples.test.ts")
    expect(said).toMatch(/^# fail 0$/m)
    expect(Number(/^# pass (\d+)$/m.exec(said)?.[1])).toBeGreaterThanOrEqual(4)
  }, slow)

  test("shows a packet of a protocol that comes compiled", () => {
    const said = outside.run("npx", "wirewright", "decode", "--hex", "800a00000000000000000000000000000000000000000000")
    expect(said).toContain("Noop")
  }, slow)
})

const readme = readFileSync(join(root, "README.md"), "utf8")
/** What a beginner reads, in this order. */
const headings = ["Install", "Spec → generate → use", "A client, and a node to try it on"]
const heading = "A protocol of your own"

/** A pcapng file of a connection to port 4000, in which both sides say these bytes. */
const captured = (c2s: string, s2c: string): Uint8Array => {
  const recorder = new TcpRecorder()
  const begin = recorder.begin()
  const { bytes, recorded } = recorder.open({ host: "10.0.0.2", port: 40_000 }, { host: "10.0.0.1", port: 4000 }, BigInt(1))
  return Buffer.concat([
    ...begin,
    ...bytes,
    ...recorder.packet(recorded, "client", Buffer.from(c2s, "hex"), BigInt(2)),
    ...recorder.packet(recorded, "server", Buffer.from(s2c, "hex"), BigInt(3)),
    ...recorder.close(recorded, BigInt(4))
  ])
}

const hexOf = (text: string): string => Buffer.from(text).toString("hex")

// by hand: opcode, length, then little-endian; 1.5 is 0x3fc00000
const reading = "01" + "0b" + "0201" + "07000000" + "01" + "0000c03f"
const sensors = "02" + "05" + "0161" + "026263"
const put = hexOf("PUT a 3\r\n") + "010203" + hexOf("\r\n")
const hush = "0005" + "03" + "0005"
const say = "0005" + "01" + hexOf("hi")

whole("a beginner with an empty directory", () => {
  let beginner: Beginner

  test("does what the README says, and sees what it says", () => {
    beginner = new Beginner(outside, "npm")
    const seen = beginner.follow(sectionOf(readme, heading))
    expect(seen.length).toBeGreaterThanOrEqual(2)
    for (const { expected, printed } of seen) expect(printed).toBe(expected)
  }, slow)

  test("describes a little-endian protocol, one of lines, and an extension; protocols of their own are strict TypeScript", () => {
    for (const name of ["meter", "box", "loud"]) {
      beginner.write(`${name}.ts`, readFileSync(join(root, "test/fixtures/stranger", `${name}.ts`)))
      expect(beginner.sh(`npx wirewright generate ${name}.ts --out src/${name}`)).toContain(`wrote src/${name}/Packets.ts`)
      if (name === "box") beginner.sh("npx tsc --noEmit")
    }
    beginner.write("src/use.ts", readFileSync(join(root, "test/fixtures/stranger/use.ts")))
  }, slow)

  test("an extension of a protocol whose opcode has another name is strict TypeScript", () => {
    beginner.sh("npx tsc --noEmit")
  }, slow)

  test("writes packets of theirs", () => {
    expect(JSON.parse(beginner.sh("node src/use.ts"))).toEqual({ meter: reading + sensors, box: put, size: 3, loud: hush + say })
  }, slow)

  test.each<readonly [name: string, c2s: string, s2c: string, packets: ReadonlyArray<readonly [string, string]>]>([
    ["meter", reading + sensors, sensors, [["Reading", "c2s"], ["Names", "c2s"], ["Names", "s2c"]]],
    ["box", put + hexOf("TAKE a\r\n"), put, [["Put", "c2s"], ["Take", "c2s"], ["Put", "s2c"]]],
    ["loud", hush + say, say, [["Hush", "c2s"], ["Say", "c2s"], ["Say", "s2c"]]]
  ])("looks into a capture of %s, and encodes it again", (name, c2s, s2c, packets) => {
    beginner.write(`${name}.pcapng`, captured(c2s, s2c))
    const said = beginner.sh(`npx wirewright decode ${name}.pcapng --protocol src/${name} --json`)
    const lines = said.trim().split("\n").map((line) => JSON.parse(line) as { readonly packet: string; readonly direction: string })
    expect(lines.map(({ direction, packet }) => [packet, direction])).toEqual(packets)
    beginner.write(`${name}.ndjson`, said)
    const encoded = beginner.sh(`npx wirewright encode --protocol src/${name} < ${name}.ndjson`)
    expect(encoded.replaceAll("\n", "")).toBe(c2s + s2c)
  }, slow)

  test("needs no .ts imports: importExtension .js compiles with what tsc --init says, and the compiled code is a protocol, too", () => {
    beginner.write(
      "wirewright.config.ts",
      "import { defineConfig } from \"wirewright\"\n\nexport default defineConfig({\n  targets: [{ spec: \"chat.ts\", out: \"js/chat\" }],\n" +
        "  importExtension: \".js\"\n})\n"
    )
    beginner.sh("npx wirewright generate")
    beginner.sh("rm tsconfig.json; npx tsc --init > made.txt")
    const config = readFileSync(join(beginner.directory, "tsconfig.json"), "utf8")
    beginner.write("tsconfig.json", config.replace(/}\s*$/, ", \"include\": [\"chat.ts\", \"js\"] }"))
    beginner.sh("npx tsc --outDir dist")
    for (const directory of ["js/chat", "dist/js/chat"]) {
      expect(beginner.sh(`npx wirewright decode --hex ${say} --protocol ${directory}`)).toMatch(/^Say message · 5 bytes · Chat$/m)
    }
  }, slow)
})

const hasPnpm = isWhole && spawnSync("npx", [...pnpm, "--version"], { encoding: "utf8", shell: process.platform === "win32" }).status === 0

describe.skipIf(!hasPnpm)("a beginner with pnpm, which shows only the packages that were asked for", () => {
  test("imports everything from the packages they asked for, and has the command", () => {
    const beginner = new Beginner(outside, "pnpm", "every")
    beginner.sh(`npm install ${[...names, "effect"].join(" ")}`)
    const all = names.flatMap(specifiers)
    beginner.write("every.mjs", importing(all))
    expect(JSON.parse(beginner.sh("node every.mjs"))).toMatchObject({ imported: all.length })
    expect(beginner.sh("npx wirewright --version")).toContain(outside.installed("wirewright").manifest.version)
  }, slow)

  test("does what the README says, and sees what it says", () => {
    const beginner = new Beginner(outside, "pnpm")
    const first = headings.flatMap((one) => beginner.follow(sectionOf(readme, one)))
    expect(first.length).toBeGreaterThanOrEqual(3)
    for (const { expected, printed } of first) expect(printed).toBe(expected)
    for (const { expected, printed } of beginner.follow(sectionOf(readme, heading))) expect(printed).toBe(expected)
    // what comes with the command is found by the command
    expect(beginner.sh("npx wirewright decode --hex 800a00000000000000000000000000000000000000000000")).toContain("Noop request")
  }, slow)
})
