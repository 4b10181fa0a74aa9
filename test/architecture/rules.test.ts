/** Every rule of the house can fail, and does not complain about what is right. */
import { describe, expect, test } from "vitest"
import * as Duplicates from "./Duplicates.ts"
import * as Literals from "./Literals.ts"
import * as Rules from "./Rules.ts"
import { importsOf, moduleOf } from "./Sources.ts"
import * as Surface from "./Surface.ts"
import * as Tags from "./Tags.ts"
import * as Time from "./Time.ts"

const codec = (name: string, text: string) => moduleOf(`packages/codec/src/${name}`, "@wirewright/codec", text)
const codegen = (name: string, text: string) => moduleOf(`codegen/src/${name}`, "@wirewright/codegen", text)
const gen = (name: string, text: string) => moduleOf(`packages/dcp/src/gen/${name}`, "@wirewright/dcp", text, true)

describe("imports", () => {
  test("all forms are seen, types are told apart", () => {
    const text = [
      "import a, { b } from \"one\"",
      "import * as C from \"two\"",
      "import \"three\"",
      "import type { D } from \"four\"",
      "import { type E, type F } from \"five\"",
      "import {\n  type G,\n  h\n} from \"six\";",
      "export * from \"seven\"",
      "export { i } from \"eight\"",
      "const j = await import(\"nine\")"
    ].join("\n")
    expect(importsOf(text).map(({ specifier }) => specifier)).toEqual([
      "one",
      "two",
      "three",
      "four",
      "five",
      "six",
      "seven",
      "eight",
      "nine"
    ])
    expect(importsOf(text).filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier)).toEqual(["four", "five"])
  })

  test("comments, strings and exported values are none", () => {
    expect(importsOf("/**\n * import x from \"y\"\n */\n// import \"z\"\nconst s = `import { a } from \"b\"`\nexport const t = \"u\"\n"))
      .toEqual([])
  })
})

test("directions", () => {
  expect(Rules.wrongDirections([codec("A.ts", "import * as D from \"@wirewright/dcp\"")])).toEqual([
    "packages/codec/src/A.ts: @wirewright/codec may not import @wirewright/dcp"
  ])
  expect(Rules.wrongDirections([codegen("A.ts", "import type { X } from \"@wirewright/memcached\"")])).toHaveLength(1)
  expect(Rules.wrongDirections([codec("A.ts", "import left from \"left-pad\"")])).toHaveLength(1)
  expect(
    Rules.wrongDirections([
      gen("A.ts", "import { Reader } from \"@wirewright/codec\"\nimport { B } from \"@wirewright/couchbase/gen/Types\"")
    ])
  ).toEqual([])
  expect(Rules.wrongDirections([codec("A.test.ts", "import * as D from \"@wirewright/dcp\"")])).toEqual([])
})

test("relative imports", () => {
  expect(Rules.escapes([codec("A.ts", "import { x } from \"../../dcp/src/B.ts\"")])).toHaveLength(1)
  expect(Rules.escapes([codec("A.ts", "import { x } from \"./B.fixture.ts\"")])).toHaveLength(1)
  expect(Rules.escapes([codegen("text/A.ts", "import { x } from \"../B.ts\"")])).toEqual([])
})

test("generated code", () => {
  expect(Rules.generatedImports([gen("A.ts", "import { x } from \"../Hand.ts\"")])).toHaveLength(1)
  expect(Rules.generatedImports([gen("Schemas.ts", "import * as S from \"effect/Schema\"")])).toHaveLength(1)
  expect(Rules.generatedImports([gen("A.ts", "import { test } from \"vitest\"")])).toHaveLength(1)
  expect(Rules.generatedImports([gen("A.ts", "import { x } from \"@wirewright/couchbase\"")])).toHaveLength(1)
  expect(Rules.generatedImports([
    gen("Schemas.ts", "import { packetSchema } from \"@wirewright/codec/PacketSchema\"\nimport { models } from \"./Model.ts\""),
    gen("Types.ts", "import { x } from \"@wirewright/codec/Model\"\nimport * as B from \"@wirewright/couchbase/gen/Types\"")
  ])).toEqual([])
})

test("circles", () => {
  const circle = [
    codec("A.ts", "import { b } from \"./B.ts\""),
    codec("B.ts", "import { c } from \"./C.ts\""),
    codec("C.ts", "import { a, type A } from \"./A.ts\"")
  ]
  expect(Rules.cycles(circle)).toEqual([
    "packages/codec/src/A.ts → packages/codec/src/B.ts → packages/codec/src/C.ts → packages/codec/src/A.ts"
  ])
  expect(Rules.cycles(circle.slice(0, 2))).toEqual([])
  expect(Rules.cycles([...circle.slice(0, 2), codec("C.ts", "import type { A } from \"./A.ts\"")])).toEqual([])
  expect(Rules.cycles([codec("A.ts", "import \"./A.ts\"")])).toHaveLength(1)
  const types = ["A", "B"].map((name, index, all) =>
    moduleOf(`packages/dcp/src/${name}.ts`, "@wirewright/dcp", `import type { T } from "./${all[1 - index]}.ts"`)
  )
  expect(Rules.cycles(types)).toEqual(["packages/dcp/src/A.ts → packages/dcp/src/B.ts → packages/dcp/src/A.ts"])
})

test("browsers", () => {
  expect(Rules.platformUses([codec("A.ts", "import * as Fs from \"node:fs\"")])).toHaveLength(1)
  expect(Rules.platformUses([codec("A.ts", "const a = Buffer.from([])")])).toHaveLength(1)
  expect(Rules.platformUses([codec("A.ts", "const f = (b: Buffer) => b")])).toHaveLength(1)
  expect(Rules.platformUses([codec("A.ts", "const f = process.version")])).toHaveLength(1)
  expect(Rules.platformUses([codec("A.ts", "/** No Buffer.from here. */\nconst a: ArrayBuffer = x")])).toEqual([])
  expect(Rules.platformUses([codec("A.test.ts", "import * as Fs from \"node:fs\"")])).toEqual([])
  const browser = (text: string) => Rules.platformUses([moduleOf("packages/deepstream/src/A.ts", "@wirewright/deepstream", text)])
  expect(browser("import { SlotPool } from \"@wirewright/connection\"")).toHaveLength(1)
  expect(browser("import type { SlotPool } from \"@wirewright/connection\"")).toEqual([])
  expect(browser("import { Attempts } from \"@wirewright/connection/Reconnect\"")).toEqual([])
  const reconnect = (text: string) => Rules.platformUses([moduleOf("packages/connection/src/Reconnect.ts", "@wirewright/connection", text)])
  expect(reconnect("import * as Net from \"node:net\"")).toHaveLength(1)
  expect(reconnect("import { connect } from \"./Transport.ts\"")).toHaveLength(1)
  expect(reconnect("import * as Duration from \"effect/Duration\"")).toEqual([])
})

describe("numbers of packets", () => {
  const proxy = (text: string, allowed: ReadonlyArray<Literals.LiteralAllowance> = []) =>
    Literals.packetLiterals([moduleOf("packages/proxy/src/A.ts", "@wirewright/proxy", text)], allowed)

  test.each([
    ["offset", "const opaque = reader.view.getUint32(at + 12)"],
    ["offset", "const size = view.getUint32(this.at + 8)"],
    ["offset", "const size = view.getBigUint64(24 + at, true)"],
    ["offset", "new DataView(copy.buffer).setUint32(12, opaque)"],
    ["offset", "const key = buffer.readUInt16BE(2)"],
    ["offset", "buffer.writeUInt16BE(size, at + 2)"],
    ["offset", "const body = frame.subarray(24)"],
    ["offset", "const body = this.bytes!.subarray(at + 24, end)"],
    ["index", "const opcode = reader.bytes[at + 1]!"],
    ["index", "writer.bytes[to + 1] = 1 + opcode"],
    ["index", "const wrong = copy[4]! > 0"],
    ["code", "if (reader.opcode !== 1) return"],
    ["code", "if ((packet as Get).status! === 1) f()"],
    ["code", "if (0 === answer.status) f()"],
    ["code", "if ((packet.datatype & 2) !== 0) f()"],
    ["code", "switch (packet.opcode) {\n  case 10:\n    f()\n}"],
    ["code", "const head = { opcode: 10, key }"],
    ["code", "const requestMagics = [128, other]"],
    ["code", "const headerSize = 24"],
    ["code", "class A {\n  readonly mutationExtras = 31\n}"],
    ["code", "features.has(30)"],
    ["code", "const tolerated = [Status.Success, 10]"],
    ["hexadecimal", "if (bytes[at] !== 0x80) f()"],
    ["hexadecimal", "const flexible = 0x08"],
    ["hexadecimal", "if (kind === 0x83) f()"],
    ["hexadecimal", "const reactions = { 0x30: slow }"]
  ])("%s: %s", (kind, line) => {
    const text = /^(if|switch|features|new|buffer|writer)/.test(line) ? `function g() {\n${line}\n}` : line
    const kinds = proxy(text).map((one) => one.split(": ")[1])
    expect(kinds).toContain(kind)
    // what is allowed is so for its kind alone
    const allowed = { path: /proxy\/src\/A\.ts$/, kinds: [kind as "code"], why: "" }
    expect(proxy(text, [allowed]).map((one) => one.split(": ")[1])).toEqual(kinds.filter((one) => one !== kind))
  })

  test("names, limits, masks and places that are counted are fine", () => {
    const fine = [
      "const opaque = opaqueAt(reader, at) // at + 12",
      "const end = at + headerSize",
      "const byte = bytes[at]!",
      "const view = value.getUint8(at)",
      "const most = [0xffff, 0xffff_ffff, 0xffff_ffff_ffff_ffffn, 0x1_0000, 0x7fff_ffff, 0xff]",
      "const head = { opcode: Opcode.Get, datatype: 0 }",
      "const plain = (packet.datatype & ~legal) === 0",
      "const name = `status 0x${status.toString(16).padStart(4, \"0\")}`",
      "const kinds = [0, Number.MAX_SAFE_INTEGER]",
      "const rest = bytes.subarray(at, at + size)"
    ]
    expect(fine.flatMap((line) => proxy(line))).toEqual([])
  })

  test("generated code, tests and packages without packets may have them", () => {
    const text = "const opcode = 0x24"
    expect(Literals.packetLiterals([gen("Frame.ts", text), codec("A.ts", text)], [])).toEqual([])
    expect(Literals.packetLiterals([moduleOf("packages/proxy/src/A.test.ts", "@wirewright/proxy", text)], [])).toEqual([])
  })

  test("an allowance that nothing needs", () => {
    expect(proxy("const a = 1", [{ path: /A\.ts$/, kinds: ["code"], why: "" }])).toEqual(["A\\.ts$ code: is allowed, and there is none"])
  })
})

describe("what stands twice", () => {
  const body = Array.from({ length: 8 }, (_, i) => `  const a${i} = first(b${i}, c${i}, ${i})`).join("\n")
  const one = codec("A.ts", `/** One. */\nimport { first } from "./First.ts"\nexport const one = () => {\n${body}\n}\n`)
  const twin = (text: string) => codec("B.ts", `// Two.\nexport const two = (d: number) => {\n${text}\n  return d\n}\n`)

  test("is found in another file and in the same, whatever comments say", () => {
    const [clone, ...others] = Duplicates.clonesOf([one, twin(body.replaceAll("\n", " // another\n"))])
    expect(others).toEqual([])
    expect(clone).toMatchObject({ paths: ["packages/codec/src/A.ts", "packages/codec/src/B.ts"], lines: [3, 2], length: 9 })
    expect(Duplicates.clonesOf([twin(`${body}\n  const middle = 1\n${body}`)])).toHaveLength(1)
    expect(Duplicates.duplicates([one, twin(body)], [])).toEqual([
      expect.stringMatching(/^packages\/codec\/src\/B\.ts:2: 9 lines \(\d+ tokens\) as in packages\/codec\/src\/A\.ts:3$/)
    ])
    expect(Duplicates.duplicates([one, twin(body)], [{ paths: ["src/A.ts", "src/B.ts"], why: "" }])).toEqual([])
    expect(Duplicates.duplicates([one], [{ paths: ["src/A.ts", "src/B.ts"], why: "" }])).toHaveLength(1)
  })

  test("counts from so many tokens and lines on", () => {
    const { tokens } = Duplicates.clonesOf([one, twin(body)])[0]!
    const found = (limits: Duplicates.CloneLimits) => Duplicates.clonesOf([one, twin(body)], limits).length
    expect([found({ tokens, lines: 9 }), found({ tokens: tokens + 1, lines: 9 }), found({ tokens, lines: 10 })]).toEqual([1, 0, 0])
    expect(Duplicates.clonesOf([one, twin(body.replace("c4", "x").replace("c1", "x"))])).toEqual([])
  })

  test("is no matter of imports, nor of generated code", () => {
    const names = Array.from({ length: 40 }, (_, i) => `  name${i}`).join(",\n")
    const importing = (name: string) => codec(name, `import {\n${names}\n} from "./Names.ts"\nexport const a = 1\n`)
    expect(Duplicates.clonesOf([importing("A.ts"), importing("B.ts")])).toEqual([])
    expect(Duplicates.duplicates([{ ...one, generated: true }, twin(body)], [])).toEqual([])
  })
})

test("time and chance", () => {
  const dcp = (text: string, name = "A.ts") => moduleOf(`packages/dcp/src/${name}`, "@wirewright/dcp", text)
  const wrong = [
    "const now = performance.now()",
    "const now = new Date()",
    "const { setTimeout } = globalThis",
    "return inside(Date.now)",
    "const id = Crypto.randomUUID()",
    "const chance = Math.random() * 2",
    "Effect.runFork(Effect.ignore(asked))"
  ]
  expect(wrong.filter((line) => Time.clockUses([dcp(line)], []).length !== 1)).toEqual([])
  const fine =
    "/** Not `Math.random`. */\nconst at = new Date(0) // Date.now()\nEffect.runForkWith(services)(line)\nsetImmediate(go)\nqueueMicrotask(go)"
  expect(Time.clockUses([dcp(fine), dcp(wrong[0]!, "A.test.ts")], [])).toEqual([])
  const allowed = [{ path: "packages/dcp/src/A.ts", uses: ["Math.random", "Date.now"], why: "" }]
  expect(Time.clockUses([dcp(wrong[5]!)], allowed)).toEqual(["packages/dcp/src/A.ts: is allowed Date.now, which it does not use"])
})

test("ts-morph", () => {
  expect(Rules.tsMorphUses([codegen("A.ts", "import { Project } from \"ts-morph\"")])).toHaveLength(1)
  expect(Rules.tsMorphUses([codegen("TsMorph.ts", "import { Project } from \"ts-morph\"")])).toEqual([])
})

test("effect in the runtime", () => {
  expect(Rules.codecEffects([codec("A.ts", "import * as E from \"effect/Effect\"")])).toHaveLength(1)
  expect(Rules.codecEffects([codec("A.ts", "import { Data } from \"effect\"")])).toHaveLength(1)
  expect(Rules.codecEffects([codec("A.ts", "import * as D from \"effect/Data\"")])).toHaveLength(1)
  expect(Rules.codecEffects([codec("PacketSchema.ts", "import * as E from \"effect/Effect\"")])).toHaveLength(1)
  expect(Rules.codecEffects([codec("A.ts", "import * as S from \"effect/Schema\"")])).toHaveLength(1)
  expect(
    Rules.codecEffects([
      codec("WireSchema.ts", "import * as S from \"effect/Schema\""),
      codec("PacketSchema.ts", "import * as S from \"effect/Schema\"")
    ])
  ).toEqual([])
})

test("lengths", () => {
  const long = codec("Long.ts", "\n".repeat(8))
  const short = codec("Short.ts", "a\n")
  expect(Rules.longFiles([long, short, short], { most: 7, median: 5 })).toEqual(["packages/codec/src/Long.ts: 8 lines"])
  expect(Rules.longFiles([long, long, short], { most: 8, median: 5 })).toEqual(["the median file has 8 lines"])
  expect(Rules.longFiles([gen("Long.ts", "\n".repeat(8))], { most: 7, median: 5 })).toEqual([])
})

test("opening comments and marks", () => {
  expect(Rules.silentFiles([codec("A.ts", "import \"b\"\n/** Late. */\n")])).toHaveLength(1)
  expect(Rules.silentFiles([codec("A.ts", "/** What it is. */\n"), codec("b.js", "#!/usr/bin/env node\n/** What it is. */\n")])).toEqual([])
  expect(Rules.unmarkedFiles([gen("A.ts", "/** Mine. */\n")])).toHaveLength(1)
  expect(Rules.unmarkedFiles([codec("A.ts", "// @generated\n")])).toHaveLength(1)
})

test("manifests", () => {
  const manifest = { name: "@wirewright/codec", directory: "packages/codec", dependencies: [], peerDependencies: ["effect"], exports: {} }
  const uses = codec("A.ts", "import * as D from \"effect/Data\"")
  expect(Rules.undeclared([uses], [manifest])).toEqual([])
  expect(Rules.undeclared([uses], [{ ...manifest, peerDependencies: [] }])).toEqual([
    "packages/codec/package.json: does not declare effect"
  ])
  expect(Rules.undeclared([codec("A.ts", "")], [manifest])).toEqual(["packages/codec/package.json: declares effect without using it"])
  const sibling = {
    name: "@wirewright/capture",
    directory: "packages/capture",
    dependencies: ["@wirewright/codec"],
    peerDependencies: ["effect"],
    exports: {}
  }
  const capture = moduleOf("packages/capture/src/A.ts", sibling.name, "import { x } from \"@wirewright/codec\"")
  expect(Rules.undeclared([uses, capture], [manifest, sibling])).toEqual([])
})

describe("doors", () => {
  const modules = [
    codec(
      "index.ts",
      [
        "export * from \"./A.ts\"",
        "export * as Space from \"./B.ts\"",
        "export { b, type C as D } from \"./B.ts\"",
        "export type { E } from \"./B.ts\"",
        "// export const no = 1"
      ].join("\n")
    ),
    codec(
      "A.ts",
      "export * from \"./index.ts\"\nexport interface F {}\nexport const F = 1\nexport const { g, h: i } = x\nexport class J {}"
    ),
    codec("B.ts", "export const b = 1\nexport type C = 1\nexport type E = 1\nexport function hidden() {}"),
    gen("index.ts", "export * from \"@wirewright/codec\"\nexport * from \"@wirewright/codec/gen/B\"\nexport * from \"effect\"")
  ]
  const manifest = (exports: { readonly [path: string]: string }) => ({
    name: "@wirewright/codec",
    directory: "packages/codec",
    dependencies: [],
    peerDependencies: [],
    exports: Object.fromEntries(Object.entries(exports).map(([path, source]) => [path, { "@wirewright/source": source }]))
  })
  const houseOf = (exports: { readonly [path: string]: string }) => ({
    manifests: [manifest(exports)],
    modules: new Map(modules.map((module) => [module.path, module]))
  })
  const complaints = (exports: { readonly [path: string]: string }, most = 8) => {
    const house = houseOf(exports)
    return Surface.wideDoors(house.manifests, house, most)
  }

  test("have the names of all they pass on, each once", () => {
    const house = houseOf({ ".": "./src/index.ts", "./gen/*": "./src/*.ts" })
    const names = (path: string) => [...Surface.namesOf(path, house)].sort()
    expect(names("packages/codec/src/index.ts")).toEqual(["D", "E", "F", "J", "Space", "b", "g", "i"])
    expect(names("packages/dcp/src/gen/index.ts")).toEqual(["C", "D", "E", "F", "J", "Space", "b", "g", "hidden", "i"])
  })

  test("are narrow", () => {
    expect(complaints({ ".": "./src/index.ts" })).toEqual([])
    expect(complaints({ ".": "./src/index.ts" }, 7)).toEqual(["packages/codec/src/index.ts: @wirewright/codec has 8 names"])
    expect(complaints({ "./gen": "./src/index.ts", "./gen/*": "./src/*.ts" }, 7)).toEqual([])
  })

  test("lead somewhere, and not everywhere", () => {
    expect(complaints({ "./x": "./src/X.ts" })).toEqual([
      "packages/codec/package.json: @wirewright/codec/x leads to packages/codec/src/X.ts, which is not there"
    ])
    expect(complaints({ "./gen/*": "./src/gen/*.ts" })).toHaveLength(1)
    expect(complaints({ "./*": "./src/*.ts" })).toEqual(["packages/codec/package.json: @wirewright/codec/* makes every file public"])
  })
})

test("tags", () => {
  const one = codec("A.ts", "export class Lost extends Data.TaggedError(\"Lost\")<{ readonly a: 1 }> {}")
  const schema = codec("B.ts", "export class Lost\n  extends Schema.TaggedError<Lost>()(\"Lost\", {})\n{}")
  const plain = codec("C.ts", "export class Lost extends Error {\n  override readonly name = \"Lost\"\n  readonly _tag = \"Lost\"\n}")
  const odd = codec("D.ts", "export class Gone extends Data.TaggedClass(\"Left\")<{}> {}")
  expect(Tags.sharedTags([one])).toEqual([])
  expect(Tags.sharedTags([one, schema, plain])).toEqual([
    "packages/codec/src/B.ts: the tag Lost is taken by packages/codec/src/A.ts",
    "packages/codec/src/C.ts: the tag Lost is taken by packages/codec/src/A.ts"
  ])
  expect(Tags.sharedTags([odd])).toEqual(["packages/codec/src/D.ts: Gone has the tag Left"])
})

test("keys", () => {
  const service = (key: string) => codec("A.ts", `class Store extends Context.Service<Store, { readonly f: () => void }>()("${key}") {}`)
  const reference = codec("B.ts", "export const Limit = Context.Reference<(n: number) => void>(\"codec/Limit\", { defaultValue })")
  expect(Tags.oddKeys([service("@wirewright/codec/Store")])).toEqual([])
  expect(Tags.oddKeys([service("wirewright/Store"), reference])).toEqual([
    "packages/codec/src/A.ts: the key of Store is wirewright/Store, not @wirewright/codec/Store",
    "packages/codec/src/B.ts: the key of Limit is codec/Limit, not @wirewright/codec/Limit"
  ])
})

test("what takes a packet, what writes one, or a request is a way to send", () => {
  const members = [
    "class C {",
    "  constructor(write: WritePacket) {}",
    "  one(write: WritePacket): void",
    "  one(write: WritePacket, many: true): void {}",
    "  two<A, E>(\n    make: (resume: Resume<A, E>) => Sendable<A>,\n    timeout?: number\n  ): void {}",
    "  three(write: (writer: Writer) => void): void {}",
    "  other(text: string): void {}",
    "  private hidden(request: Sendable<A>): void {}",
    "}"
  ]
  expect(Surface.waysToSend(members.join("\n"))).toEqual(["one", "two", "three"])
})
