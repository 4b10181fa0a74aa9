/** Every example of every spec of this repository, through the code generated from it: decoded, compared and encoded again. */
import { runExample } from "@wirewright/codec/Examples"
import { runTextExample } from "@wirewright/codec/TextExamples"
import type { TextModel } from "@wirewright/codec/TextModel"
import * as Classic from "@wirewright/deepstream/gen"
import * as Text from "@wirewright/deepstream/gen7"
import * as Measured from "../../packages/examples/src/gen/index.ts"
import { models as measuredModels } from "../../packages/examples/src/gen/Model.ts"
import { readFileSync } from "node:fs"
import { afterAll, describe, expect, it } from "vitest"
import { protocols } from "./Vectors.fixture.ts"

const counts = new Map<string, number>()
const count = (name: string, more = 1): Map<string, number> => counts.set(name, (counts.get(name) ?? 0) + more)

for (const protocol of [...protocols, { name: "measured", models: measuredModels, ...Measured }]) {
  describe(protocol.name, () => {
    for (const command of protocol.models.at(-1)!.commands) {
      command.examples.forEach((example, index) => {
        it(`${command.name} ${example.kind} ${index + 1}: ${example.origin}`, () => {
          runExample(protocol.models, protocol as never, command, example)
          count(protocol.name)
        })
      })
    }
  })
}

const textModel = (path: string): TextModel =>
  JSON.parse(readFileSync(new URL(`../../packages/deepstream/src/${path}`, import.meta.url), "utf8")) as TextModel

for (
  const [model, protocol] of [
    [textModel("gen/deepstream.model.json"), Classic],
    [textModel("gen7/deepstreamText.model.json"), Text]
  ] as const
) {
  describe(model.name, () => {
    for (const message of model.messages) {
      message.examples.forEach((example, index) => {
        it(`${message.name} ${index + 1}: ${example.origin}`, () => {
          count(model.name, runTextExample(protocol, message, example))
        })
      })
    }
  })
}

afterAll(() => {
  console.log(`examples: ${[...counts].map(([name, of]) => `${name} ${of}`).join(", ")}`)
})

it("there are as many as the specs have", () => {
  expect(Object.fromEntries(counts)).toEqual({
    memcached: 64,
    couchbase: 248,
    dcp: 54,
    measured: 2,
    deepstream: 142,
    deepstreamText: 10
  })
})

describe("an example that is wrong", () => {
  const [protocol] = protocols
  const command = protocol!.models.at(-1)!.commands.find(({ name }) => name === "Get")!
  const example = command.examples.find(({ kind }) => kind === "request")!
  const run = (change: Partial<typeof example>) => () => runExample(protocol!.models, protocol as never, command, { ...example, ...change })

  it("is noticed: another packet, another field, bytes that are written otherwise", () => {
    expect(run({})).not.toThrow()
    expect(run({ hex: `${example.hex.slice(0, 2)}0a${"0".repeat(44)}` })).toThrow(/decoded as Noop/)
    expect(run({ fields: { key: "another" } })).toThrow(/field key: expected "another"/)
  })

  it("is noticed in text too", () => {
    const model = textModel("gen/deepstream.model.json")
    const message = model.messages.find(({ examples }) => examples.some(({ fields }) => fields !== undefined))!
    const text = message.examples.find(({ fields }) => fields !== undefined)!
    expect(() => runTextExample(Classic, message, text)).not.toThrow()
    const name = Object.keys(text.fields!)[0]!
    expect(() => runTextExample(Classic, message, { ...text, fields: { [name]: "another" } })).toThrow(/expected the fields/)
    expect(() => runTextExample(Classic, { ...message, name: "Other" }, text)).toThrow(/not Other/)
  })
})
