/**
 * A number in the header says which request an answer is to, and packets say what answers them (RADIUS, RFC 2865): whether the header is integers at
 * fixed places or is read field by field, answers may come in another order.
 */
import * as D from "@wirewright/dsl"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { duplexPair } from "node:stream"
import { afterAll, expect, it } from "vitest"
import { compile, protocolOf } from "../words/Harness.ts"

const made: Array<string> = []
afterAll(() => made.forEach((directory) => Fs.rmSync(directory, { recursive: true, force: true })))

/** Requests and answers of RADIUS, without attributes. */
const radius = (name: string, more: D.HeaderFields) => {
  const header = { code: D.opcode(D.u8), id: D.u8, length: D.bodyLength(D.u16, { from: "frame" }), ...more }
  const frame = D.frame("Radius", {
    sections: ["text"],
    correlation: "id",
    kinds: { question: { headers: [{ fields: header }], sender: "client" }, answer: { headers: [{ fields: header }], sender: "server" } }
  })
  const fields = { text: D.utf8() }
  return D.protocol(frame, {
    name,
    module: `./${name}`,
    commands: [
      D.packetsOf(frame, "question")("AccessRequest", { opcode: 1, fields, answeredBy: ["AccessAccept", "AccessReject"] }),
      D.packetsOf(frame, "answer")("AccessAccept", { opcode: 2, fields }),
      D.packetsOf(frame, "answer")("AccessReject", { opcode: 3, fields })
    ]
  })
}

/** A program against the generated code, for the compiler and to be run: two requests at a time, of a server and of a peer that is played. */
const program = `
import { Client, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Effect from "effect/Effect"
import * as Radius from "./index.ts"

const MORE = {}

const ask = (link: Effect.Success<ReturnType<typeof MemoryLink.make>>["transport"]) =>
  Effect.gen(function*() {
    const client = yield* Client.make(Radius, link)
    const order: Array<string> = []
    const call = (text: string) =>
      Effect.tap(client.call(Radius.AccessRequest, { text, ...MORE }), (answer) => Effect.sync(() => order.push(text + answer._tag + answer.text)))
    yield* Effect.all([call("one"), call("two")], { concurrency: "unbounded" })
    return order
  })

export const served = Effect.gen(function*() {
  const server = yield* Server.make(Radius, {
    AccessRequest: ({ text }) => Effect.succeed({ _tag: text === "one" ? "AccessAccept" as const : "AccessReject" as const, text, ...MORE })
  }, { listen: false })
  const { transport } = yield* MemoryLink.make(server.accept)
  return yield* ask(transport)
})

export const asked = ask
`

/** Answers two requests, the second one first: what it heard, with the code of an AccessAccept. */
const played = () => ({
  host: "memory",
  port: 0,
  dial: () => {
    const [own, peer] = duplexPair()
    let heard = Buffer.alloc(0)
    peer.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      const size = heard.length < 4 ? Infinity : heard.readUInt16BE(2)
      if (heard.length < 2 * size) return
      const answers = [heard.subarray(size), heard.subarray(0, size)]
      for (const answer of answers) answer[0] = 2
      for (const answer of answers) peer.write(answer)
    })
    return own
  }
})

interface Talk {
  readonly served: Effect.Effect<ReadonlyArray<string>, unknown, Scope.Scope>
  readonly asked: (link: object) => Talk["served"]
}

const headers = [
  ["read field by field", "radiusRun", { authenticator: D.bytes({ size: 16 }) }, "{ authenticator: new Uint8Array(16) }"],
  ["at fixed places", "radiusFixed", { spare: D.u32 }, "{ spare: 0 }"]
] as const

it.each(headers)("answers find their requests by a header %s", async (_, name, fields, more) => {
  const { directory } = await protocolOf(radius(name, fields))
  made.push(directory)
  Fs.writeFileSync(`${directory}/Talk.ts`, program.replace("MORE = {}", `MORE = ${more}`))
  const { asked, served } = await import(`${directory}/Talk.ts`) as Talk
  const run = (talk: Talk["served"]) => Effect.runPromise(Effect.scoped(talk))
  expect(await run(served)).toEqual(["oneAccessAcceptone", "twoAccessRejecttwo"])
  expect(await run(asked(played()))).toEqual(["twoAccessAccepttwo", "oneAccessAcceptone"])
})

it("and the number is nobody's to give", () => {
  // the compiler is not told of Node here, which what is beside the programs asks for
  expect(compile(made).split("\n").filter((line) => line.startsWith(".wirewright"))).toEqual([])
})
