/**
 * Many answers of one packet, a field of which says whether more come (as `more` of rows, or a flag of fragments): client and server take it from
 * the spec, and the end of answers that do not end is a fault of the server.
 */
import * as D from "@wirewright/dsl"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { compile, protocolOf } from "../words/Harness.ts"

const frame = D.frame("Rows", {
  sections: ["body"],
  kinds: {
    question: { headers: [{ fields: { length: D.bodyLength(D.u16), type: D.opcode(D.u8) } }], sender: "client" },
    answer: { headers: [{ fields: { length: D.bodyLength(D.u16), type: D.opcode(D.u8) } }], sender: "server" }
  }
})
const rows = D.protocol(frame, {
  name: "rows",
  module: "./rows",
  commands: [
    D.packetsOf(frame, "question")("Query", { opcode: 1, fields: { text: D.utf8() }, answeredBy: ["Row", "Note"], last: { more: 0 } }),
    D.packetsOf(frame, "answer")("Row", { opcode: 2, fields: { flags: D.bits(D.u8, { more: D.slice(0) }), n: D.u8 } }),
    D.packetsOf(frame, "answer")("Note", { opcode: 3, fields: { more: D.u8, text: D.utf8() } })
  ]
})

const program = `
import { Client, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Rows from "./index.ts"

export const talk = Effect.gen(function*() {
  const server = yield* Server.make(Rows, {
    Query: ({ text }) =>
      Effect.succeed(text === "rows"
        ? [{ _tag: "Row" as const, more: 1, n: 1 }, { _tag: "Row" as const, more: 1, n: 2 }, { _tag: "Row" as const, more: 0, n: 3 }]
        : [{ _tag: "Row" as const, more: 1, n: 9 }, { _tag: "Note" as const, more: 0, text }])
  }, { listen: false })
  const { transport } = yield* MemoryLink.make(server.accept)
  const client = yield* Client.make(Rows, transport)
  const asked = (text: string) => Stream.runCollect(client.stream(Rows.Query, { text }))
  const [one, other] = yield* Effect.all([asked("rows"), asked("note")], { concurrency: "unbounded" })
  return [one, other].map((answers) => answers.map((answer) => answer._tag === "Row" ? answer.n : answer.text))
})
`

let directory: string
beforeAll(async () => {
  ;({ directory } = await protocolOf(rows))
  Fs.writeFileSync(`${directory}/Talk.ts`, program)
})
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

it("ends where the field says so, the last answer included", async () => {
  const { talk } = await import(`${directory}/Talk.ts`) as { readonly talk: Effect.Effect<ReadonlyArray<unknown>, unknown, Scope.Scope> }
  expect(await Effect.runPromise(Effect.scoped(talk))).toEqual([[1, 2, 3], [9, "note"]])
})

it("type-checks", () => {
  expect(compile([directory]).split("\n").filter((line) => line.startsWith(".wirewright"))).toEqual([])
})
