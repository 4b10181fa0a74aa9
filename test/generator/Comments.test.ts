/**
 * A comment in a spec belongs to what it stands before: to the fields of that name, or to the value that is made there. Fields that share a
 * value share the comment of the value, and never each other's.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, expect, it } from "vitest"
import { runGenerator } from "./Run.ts"

/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-comments")

const spec = `import { decimal, enumeration, frame, literal, optional, packetsOf, protocol, tokens, utf8, u8 } from "@wirewright/dsl"
const f = frame("F", { sections: ["content"], kinds: { request: { headers: [], sender: "client" } } })
const request = packetsOf(f, "request")

const number = decimal()
/** Seconds from now. */
const time = decimal({ signed: true })
/** What a thing is. */
const Type = enumeration("Type", u8, { Small: 1 })

const stored = {
  /** Kept for the client. */
  flags: number,
  /** When it ends. */
  until: time
}
const named = {
  /** At most 250 bytes. */
  key: utf8({ max: 250 })
}
const line = (fields) => tokens(" ", fields, { until: "\\r\\n" })
const command = (name, fields) => request(name, { fields: { line: line({ verb: literal(name), ...fields }) } })
const typed = (name, fields) => request(name, { fields: { verb: literal(name), ...fields, line: line({ rest: utf8() }) } })

export const lines = protocol(f, {
  name: "lines",
  module: "comments/lines",
  commands: [
    request("Set", { fields: { line: line({ verb: literal("Set"), ...stored, ...named }) } }),
    command("Count", { hits: number, flags: number, ...named }),
    command("Touch", { wait: time, later: optional(time), note: utf8() }),
    request("Typed", { fields: {
      verb: literal("T"),
      /** Of this packet alone. */
      type: Type,
      line: line({ rest: utf8() })
    } }),
    typed("Small", { kind: Type })
  ]
})
`

interface Field {
  readonly name: string
  readonly doc?: string
  readonly type: { readonly fields?: ReadonlyArray<Field> }
}

interface Model {
  readonly commands: ReadonlyArray<{
    readonly name: string
    readonly request: ReadonlyArray<{ readonly sections: ReadonlyArray<{ readonly fields: ReadonlyArray<Field> }> }>
  }>
}

afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

it("comments go with the field they stand before, or with the value that is made there", () => {
  Fs.mkdirSync(work, { recursive: true })
  Fs.writeFileSync(Path.join(work, "package.json"), JSON.stringify({ name: "comments", type: "module" }))
  Fs.writeFileSync(Path.join(work, "lines.ts"), spec)
  const { findings } = runGenerator({ cwd: work, targets: [{ spec: "lines.ts", protocol: "lines", out: "out" }] })
  expect(findings).toEqual([])
  const { commands } = JSON.parse(Fs.readFileSync(Path.join(work, "out/lines.model.json"), "utf8")) as Model
  const docs = Object.fromEntries(commands.map(({ name, request }) => {
    const fields = request.flatMap(({ sections }) => sections.flatMap((section) => section.fields))
    const all = fields.flatMap((field) => field.type.fields ?? [field])
    return [name, Object.fromEntries(all.map((field) => [field.name, field.doc]).filter(([name]) => name !== "verb"))]
  }))
  expect(docs).toEqual({
    Set: { flags: "Kept for the client.", until: "When it ends.", key: "At most 250 bytes." },
    // the fields of an argument are not followed, their values are
    Count: { hits: undefined, flags: undefined, key: "At most 250 bytes." },
    Touch: { wait: "Seconds from now.", later: undefined, note: undefined },
    Typed: { type: "Of this packet alone.", rest: undefined },
    // the type itself says it
    Small: { kind: undefined, rest: undefined }
  })
})
