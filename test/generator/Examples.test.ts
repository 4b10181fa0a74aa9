/** The test of a spec's examples that the generator writes when it is asked to: for the runner that was named, and none by default. */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { reportsOf } from "./Run.ts"

const root = Path.resolve(import.meta.dirname, "../..")
/** From where `@wirewright/*` resolves. */
const work = Path.join(root, "test/.wirewright-examples")

const specs = [["spec/src/memcached.ts", "memcached"], ["spec/src/deepstream.ts", "deepstream"]] as const

const runners = [undefined, "none", "vitest", "node"] as const

const outOf = (protocol: string, runner: typeof runners[number]): string => Path.join(work, `${protocol}-${runner ?? "default"}`)

const testOf = (out: string): string | undefined => {
  const path = Path.join(out, "Examples.test.ts")
  return Fs.existsSync(path) ? Fs.readFileSync(path, "utf8") : undefined
}

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  reportsOf(specs.flatMap(([spec, protocol]) =>
    runners.map((runner) => [
      "generate",
      {
        cwd: root,
        targets: [{ spec, protocol, out: outOf(protocol, runner) }],
        ...(runner === undefined ? {} : { testRunner: runner })
      }
    ])
  ))
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

describe.each(specs)("%s", (_, protocol) => {
  it("brings no test by default, nor when none is asked for", () => {
    expect(testOf(outOf(protocol, undefined))).toBeUndefined()
    expect(testOf(outOf(protocol, "none"))).toBeUndefined()
  })

  it("brings one for vitest", () => {
    expect(testOf(outOf(protocol, "vitest"))).toContain("import { describe, it } from \"vitest\"")
  })

  it("brings one for Node's runner, which passes, and fails when the code is wrong", () => {
    const out = outOf(protocol, "node")
    expect(testOf(out)).toContain("import { describe, it } from \"node:test\"")
    const run = () =>
      ChildProcess.spawnSync(process.execPath, ["--conditions=@wirewright/source", "--test", "--test-reporter=tap", "Examples.test.ts"], {
        cwd: out,
        encoding: "utf8",
        env: { ...process.env, NODE_OPTIONS: "" }
      }).stdout
    const passed = run()
    expect(passed).toMatch(/^# fail 0$/m)
    expect(Number(/^# pass (\d+)$/m.exec(passed)?.[1])).toBeGreaterThanOrEqual(64)
    const [file, right, wrong] = protocol === "memcached"
      ? ["Connection.ts", "\"Noop\", 0x0a)", "\"Noop\", 0x0b)"]
      : ["Encode.ts", "\"C\\x1fPI\\x1e\"", "\"C\\x1fPX\\x1e\""]
    const code = Fs.readFileSync(Path.join(out, file), "utf8")
    expect(code).toContain(right)
    Fs.writeFileSync(Path.join(out, file), code.replaceAll(right, wrong))
    expect(run()).not.toMatch(/^# fail 0$/m)
  })
})
