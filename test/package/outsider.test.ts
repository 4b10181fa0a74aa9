/**
 * A stranger installs the packages outside of this repository, adds an opcode to DCP and a protocol of their own, and gets typed codecs
 * that work: the published packages are complete, and extension needs nothing that only this repository has.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { missingTargets, Outside, published } from "./Outside.ts"

let outside: Outside
/** Milliseconds for what compiles or installs: half a minute on a fast machine, many times that on a busy one. */
const slow = 600_000
beforeAll(() => {
  outside = Outside.make()
}, slow)
afterAll(() => outside?.remove(), slow)

const names = published.map((path) => path === "packages/cli" ? "wirewright" : `@wirewright/${path.replace("packages/", "")}`)

describe("the published packages", () => {
  test.each(names)("%s has what it exports", (name) => {
    const { files, manifest } = outside.installed(name)
    expect(missingTargets(manifest.exports, files)).toEqual([])
    expect(Object.values(manifest.bin ?? {}).filter((path) => !files.includes(path.replace("./", "")))).toEqual([])
    expect(files.filter((file) => /\.(test|fixture)\.|\.tsbuildinfo$|^test\//.test(file))).toEqual([])
    expect(existsSync(join(outside.directory, "node_modules", name, "node_modules", "@wirewright"))).toBe(false)
  })

  test("a missing target is noticed", () => {
    const exports = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./*": "./dist/*.js", "./internal/*": null }
    expect(missingTargets(exports, ["dist/index.js"])).toEqual(["./dist/index.d.ts"])
    expect(missingTargets(exports, ["src/index.ts"])).toEqual(["./dist/index.d.ts", "./dist/index.js", "./dist/*.js"])
  })
})

describe("a stranger", () => {
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
