/** What a browser gets that has a client of deepstream: what comes with the page, and what is loaded when a schema or the environment is asked for. */
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"
import { minifySync } from "rolldown/utils"
import { expect, it } from "vitest"
import { programOf } from "./Entry.ts"

/** A program that uses all of the client's services. */
const source = `
import { Deepstream } from "@wirewright/deepstream"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const program = Effect.gen(function*() {
  const { events, presence, records, rpc } = yield* Deepstream
  yield* events.emit("renamed", "user/lisa")
  yield* Effect.forkScoped(Stream.runForEach(events.subscribe("renamed"), (value) => Effect.sync(() => console.log(value))))
  const record = yield* records.open("user/lisa")
  yield* record.patch("lastname", "Owen", { acknowledge: true })
  yield* Stream.runForEach(record.changes(), (data) => Effect.sync(() => console.log(data)))
  console.log(yield* rpc.request("sum", [1, 2]), yield* presence.getAll)
})
Effect.runFork(Effect.scoped(Effect.provide(program, Deepstream.layer({ url: "ws://127.0.0.1:6020", credentials: {} }))))
`

interface Part {
  readonly bytes: number
  readonly gzipped: number
  /** Bytes of each group of modules, minified one by one, largest first. */
  readonly table: ReadonlyArray<readonly [string, number]>
}

const nameOf = (id: string): string =>
  id.replace(/^.*\/(?=(packages|node_modules)\/)/, "").replace("node_modules/", "").replace("/dist/", "/")

const partOf = (code: string, modules: { readonly [id: string]: { readonly code: string | null } }): Part => ({
  bytes: Buffer.byteLength(code),
  gzipped: gzipSync(code).length,
  table: Object.entries(modules).flatMap(([id, module]): ReadonlyArray<readonly [string, number]> =>
    module.code === null || module.code === "" ? [] : [[nameOf(id), minifySync("module.js", module.code).code.length]]
  ).sort(([, one], [, other]) => other - one)
})

const bundle = async (): Promise<{ readonly first: Part; readonly later: ReadonlyArray<Part> }> => {
  const build = await rolldown({
    ...programOf(source),
    platform: "browser"
  })
  const { output } = await build.generate({ minify: true })
  await build.close()
  const chunks = output.flatMap((one) => one.type === "chunk" ? [one] : [])
  const entry = chunks.find(({ isEntry }) => isEntry)!
  const byFile = new Map(chunks.map((chunk) => [chunk.fileName, chunk]))
  const first = new Set<string>()
  const load = (file: string): void => {
    const chunk = byFile.get(file)
    if (chunk === undefined || first.has(file)) return
    first.add(file)
    chunk.imports.forEach(load)
  }
  load(entry.fileName)
  const together = [...first].map((file) => byFile.get(file)!)
  return {
    first: partOf(together.map(({ code }) => code).join("\n"), Object.assign({}, ...together.map(({ modules }) => modules))),
    later: chunks.filter(({ fileName }) => !first.has(fileName)).map(({ code, modules }) => partOf(code, modules))
  }
}

it("a client in a browser is small, and schemas come when they are asked for", async () => {
  const { first, later } = await bundle()
  const rows = first.table.slice(0, 60).map(([module, bytes]) => `${String(bytes).padStart(7)} ${module}`)
  console.log([`first: ${first.bytes} bytes, ${first.gzipped} compressed`, ...rows].join("\n"))
  for (const { bytes, gzipped, table } of later) {
    console.log(`later: ${bytes} bytes, ${gzipped} compressed: ${table.slice(0, 5).map(([module]) => module).join(", ")}`)
  }
  expect(first.table.map(([module]) => module).filter((module) => /effect\/(Schema|Config)/.test(module))).toEqual([])
  expect(first.gzipped).toBeLessThanOrEqual(71_700)
})
