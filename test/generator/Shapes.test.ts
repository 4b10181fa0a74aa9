/**
 * Packets that look alike share code, those of an extension that did not change are its base's: whatever the names and outcomes are, what is
 * generated compiles and works.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { runGenerator } from "./Run.ts"

const root = Path.resolve(import.meta.dirname, "../..")
/** From where `@wirewright/*` resolves. */
const work = Path.join(root, "test/.wirewright-shapes")

const spec =
  `import { bodyLength, commandsOf, extend, frame, magic, opcode, protocol, reserved, status, statusCode, statuses, u16, u32, u8, when } from "@wirewright/dsl"
const table = statuses("Status", u16, { Success: status(0, "success"), Miss: status(1, "miss"), Busy: status(2, "retry") })
const f = frame("F", {
  sections: ["body"],
  statuses: table,
  states: { version: "both sides agreed on it" },
  kinds: {
    request: { headers: [{ magic: 1, fields: { magic: magic(u8), opcode: opcode(u8), length: bodyLength(u16), unused: reserved(u16, "ignore") } }] },
    response: {
      answers: "request",
      headers: [{ magic: 2, fields: { magic: magic(u8), opcode: opcode(u8), length: bodyLength(u16), status: statusCode(u16) } }]
    }
  }
})
const command = commandsOf(f, "request")
const asks = { body: { a: u8 } }
const responses = { Success: { body: { b: u16 } }, Miss: { body: { c: u8 } } }
export const base = protocol(f, {
  name: "base",
  module: "shapes/base",
  commands: [
    command("One", { opcode: 1, request: asks, responses }),
    command("OneLike", { opcode: 2, request: asks, responses }),
    command("Bare", { opcode: 3, request: {}, responses: { Success: {}, Busy: "Success" } }),
    command("Old", { opcode: 4, request: asks, responses }),
    command("Since", { opcode: 5, request: { body: { a: u8, b: when("version", u16, { from: 2 }) } }, responses: { Success: {} } }),
    command("SinceToo", { opcode: 6, request: { body: { a: u8, b: when("version", u16, { from: 2 }) } }, responses: { Success: {} } }),
    command("SinceOther", { opcode: 7, request: { body: { c: when("version", u8, { from: 3 }) } }, responses: { Success: {} } })
  ]
})
export const top = extend(base, {
  name: "top",
  module: "shapes/top",
  commands: [
    command("One", { opcode: 1, request: { body: { a: u32 } }, responses }),
    command("Old", { opcode: 4, lifecycle: "removed", request: asks, responses })
  ]
})
`

const use = `import { encodeWith, Reader } from "@wirewright/codec"
import * as Base from "./base/index.ts"
import * as Top from "./top/index.ts"
const shown = (packet: Top.Packet | Base.Packet): string => JSON.stringify(packet, (_, value) => value instanceof Uint8Array ? [...value] : value)
const out: Array<string> = []
const bytes = [
  encodeWith((writer) => Base.encodeOne(writer, { a: 1 })),
  encodeWith((writer) => Top.encodeOne(writer, { a: 1 })),
  encodeWith((writer) => Top.encodeOneLike(writer, { a: 2 })),
  encodeWith((writer) => Top.encodeOneResponse(writer, { b: 3 })),
  encodeWith((writer) => Top.encodeOneMiss(writer, { c: 4 })),
  encodeWith((writer) => Top.encodeOneLikeMiss(writer, { c: 5 })),
  encodeWith((writer) => Top.encodeBareResponse(writer, { status: 2 })),
  encodeWith((writer) => Base.encodeOld(writer, { a: 6 }))
]
for (const one of bytes.slice(1)) {
  const packet = Top.decode(new Reader(one))
  out.push(shown(packet))
  const again = encodeWith((writer) => Top.encode(writer, packet))
  if (again.join() !== one.join()) throw new Error(\`\${packet._tag}: \${again.join()} is not \${one.join()}\`)
}
out.push(shown(Base.decode(new Reader(bytes[0]!))), shown(Base.decode(new Reader(bytes[7]!))))
const later = { version: 2 }
for (const encode of [Base.encodeSince, Base.encodeSinceToo]) {
  const given = encodeWith((writer) => encode(writer, { a: 7, b: 8 }, later))
  const packet = Top.decode(new Reader(given), 0, later)
  const again = encodeWith((writer) => Top.encode(writer, packet, later))
  out.push(shown(packet), given.join(), again.join())
}
out.push(encodeWith((writer) => Base.encodeSinceOther(writer, {}, later)).join())
const outcome: Top.OneOutcome["_tag"] = "OneMiss"
const miss: Top.OneMiss = Top.decode(new Reader(bytes[4]!)) as Base.OneMiss
out.push(outcome, String(Top.requestCommands[4]?.lifecycle), String(miss.c))
console.log(JSON.stringify(out))
`

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
  Fs.writeFileSync(Path.join(work, "family.ts"), spec)
  Fs.writeFileSync(Path.join(work, "use.ts"), use)
  const exports = Object.fromEntries(
    ["base", "top"].flatMap((name) => [[`./${name}`, `./${name}/index.ts`], [`./${name}/*`, `./${name}/*.ts`]])
  )
  Fs.writeFileSync(Path.join(work, "package.json"), JSON.stringify({ name: "shapes", type: "module", exports }))
  Fs.writeFileSync(
    Path.join(work, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: { composite: false, incremental: false, noEmit: true, types: ["node"], skipLibCheck: true },
      include: ["use.ts", "base", "top"]
    })
  )
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

const node = (...args: ReadonlyArray<string>): string => {
  const { status, stdout, stderr } = ChildProcess.spawnSync(process.execPath, args, {
    cwd: work,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "" }
  })
  if (status !== 0) throw new Error(stdout + stderr)
  return stdout
}

it("compiles and works", () => {
  const report = runGenerator({
    cwd: work,
    targets: [{ spec: "family.ts", protocol: "base", out: "base" }, { spec: "family.ts", protocol: "top", out: "top" }]
  })
  expect(report.findings).toEqual([])
  const printed = (path: string) => Fs.readFileSync(Path.join(work, path), "utf8")
  // the shape of One is not called like the packet OneLike, and the answers of an extension are its base's
  expect(printed("base/Family.ts")).toContain("export interface OneAlike<")
  expect(printed("top/Family.ts")).toContain("from \"shapes/base/Family\"")
  node(Path.join(root, "node_modules/typescript/bin/tsc"), "-p", ".")
  const head = (tag: string, opcode: number, status?: number) =>
    status === undefined ? { _tag: tag, opcode, magic: 1 } : { _tag: tag, opcode, magic: 2, status }
  expect(
    (JSON.parse(node("--conditions=@wirewright/source", "use.ts")) as ReadonlyArray<string>).map((one) =>
      one.startsWith("{") ? JSON.parse(one) as unknown : one
    )
  ).toEqual([
    { ...head("One", 1), a: 1 },
    { ...head("OneLike", 2), a: 2 },
    { ...head("OneResponse", 1, 0), b: 3 },
    { ...head("OneMiss", 1, 1), c: 4 },
    { ...head("OneLikeMiss", 2, 1), c: 5 },
    head("BareResponse", 3, 2),
    { ...head("UnknownRequest", 4), body: [6] },
    { ...head("One", 1), a: 1 },
    { ...head("Old", 4), a: 6 },
    ...[["Since", 5] as const, ["SinceToo", 6] as const].flatMap(([tag, opcode]) => {
      // by hand: magic, opcode, length, unused, a, b
      const bytes = `1,${opcode},0,3,0,0,7,0,8`
      return [{ ...head(tag, opcode), a: 7, b: 8 }, bytes, bytes]
    }),
    "1,7,0,0,0,0",
    "OneMiss",
    "removed",
    "4"
  ])
})
