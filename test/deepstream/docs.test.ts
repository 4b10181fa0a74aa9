/**
 * The guide of `packages/deepstream`: its programs run, its picture is the table of states, its table is made of the options.
 *
 * `npm run docs` writes what is missing.
 */
import { Deepstream } from "@wirewright/deepstream"
import { diagram, transitions } from "../../packages/deepstream/src/ConnectionState.ts"
import { WebSockets } from "@wirewright/testing"
import { Effect, Layer, Logger } from "effect"
import { Socket } from "effect/socket"
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { expectGuide, path, snippet, table } from "../docs/Guide.ts"
import { program } from "./GuideSnippets.ts"
import { oblige } from "./Obliging.ts"

/** Reasons with deepstream's name and what their comments say. */
const reasons = (): string => {
  const source = readFileSync(path("packages/deepstream/src/DeepstreamError.ts"), "utf8")
  const found = [...source.matchAll(/\/\*\* ([^\n]*) \*\/\nexport class (\w+)\s+extends Data\.TaggedClass\([\s\S]*?(?=\n\/\*\* |\n\n\/)/g)]
  expect(found.length).toBeGreaterThan(30)
  expect(found.length).toBe(source.split("extends Data.TaggedClass(").length - 1)
  const rows = found.map(([body, said, name]) =>
    `| \`${name}\` | ${/readonly code = ("[^"]+")/.exec(body)?.[1] ?? "as the server says"} | ${said} |`
  )
  return ["| reason | code | when |", "|---|---|---|", ...rows].join("\n")
}

const file = "test/deepstream/GuideSnippets.ts"

it("the guide shows what the code is and does", () => {
  const snippets = ["record", "counter", "events", "listen", "rpc", "states"].map((name) =>
    [`snippet ${name}`, () => snippet(file, name)] as const
  )
  expectGuide("packages/deepstream/README.md", {
    ...Object.fromEntries(snippets),
    picture: () => `\`\`\`mermaid\n${diagram()}\n\`\`\``,
    settings: () => table("packages/deepstream/src/DeepstreamOptions.ts", "DeepstreamOptions"),
    reasons
  })
})

it("its programs run", async () => {
  const network = new WebSockets()
  oblige(network, "ws://server/deepstream")
  const client = Deepstream.layerNoWebSocket({ url: "ws://server", credentials: {} }).pipe(
    Layer.provide(Layer.succeed(Socket.WebSocketConstructor, network.dial))
  )
  const result = await Effect.runPromise(program.pipe(Effect.provide(client), Effect.provide(Logger.layer([]))))
  expect(result).toEqual({ lastname: "Owen", counted: "stored", events: ["hi"], answer: { a: 1 } })
})

it("the picture has every state and every way between two", () => {
  const lines = diagram().split("\n").filter((line) => line.includes(" --> ") && !line.includes("[*]"))
  for (const [from, inputs] of Object.entries(transitions)) {
    for (const [input, to] of Object.entries(inputs)) {
      if (from !== to) {
        expect(lines.some((line) => line.includes(`${from} --> ${to}: `) && line.includes(input)), `${from} ${input}`).toBe(true)
      }
    }
  }
})
