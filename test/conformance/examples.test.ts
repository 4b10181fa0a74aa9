/** Every example of every spec of this repository, through the code generated from it: decoded, compared and encoded again. */
import { runExample, runTextExample } from "@wirewright/codec/Examples"
import * as Classic from "@wirewright/deepstream/gen"
import { customs, models as classicModels } from "@wirewright/deepstream/gen/Model"
import * as Text from "@wirewright/deepstream/gen7"
import { models as textModels } from "@wirewright/deepstream/gen7/Model"
import * as Measured from "../../packages/examples/src/gen/index.ts"
import { models as measuredModels } from "../../packages/examples/src/gen/Model.ts"
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

const overText = [[classicModels, Classic], [textModels, Text]] as const

const functionsOf = ({ decodeClientMessage, decodeServerMessage, encode }: typeof Classic | typeof Text) => ({
  decoders: { clientMessage: decodeClientMessage, serverMessage: decodeServerMessage },
  encode
})

for (const [models, protocol] of overText) {
  const { commands, name } = models.at(-1)!
  describe(name, () => {
    for (const command of commands) {
      command.examples.forEach((example, index) => {
        it(`${command.name} ${index + 1}: ${example.origin}`, () => {
          count(name, runTextExample(models, functionsOf(protocol), command, example, customs))
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
    dcp: 55,
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
    const [models] = overText[0]
    const command = models[0]!.commands.find(({ examples }) => examples.some(({ fields }) => fields !== undefined))!
    const text = command.examples.find(({ fields }) => fields !== undefined)!
    const run = (of: typeof command, example: typeof text) => () => runTextExample(models, functionsOf(Classic), of, example, customs)
    expect(run(command, text)).not.toThrow()
    const name = Object.keys(text.fields!)[0]!
    expect(run(command, { ...text, fields: { [name]: "another" } })).toThrow(/expected "another"/)
    expect(run({ ...command, name: "Other" }, text)).toThrow(/not Other/)
  })
})
