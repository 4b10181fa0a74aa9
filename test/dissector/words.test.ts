/**
 * Every word of the grammar in the dissector's Lua: bytes written by hand, all their beginnings, what must be refused, and mutants, each taken apart
 * there as by the interpreter of the codec.
 */
import { Catalog } from "@wirewright/codec"
import type { CommandModel, KindModel, Model } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { expect, it } from "vitest"
import { groups, states } from "../words/Groups.ts"
import type { Surroundings } from "../words/Harness.ts"
import { bytesOf, modelOf } from "../words/Harness.ts"
import { interpreted, type Question, run } from "./Lua.ts"
import { mutated } from "./Questions.ts"

/** Records as packets that fill a datagram, each of a kind of its own. */
const framed = (model: Model, names: ReadonlyArray<string>): Model => ({
  ...model,
  frame: {
    name: "Words",
    sections: ["body"],
    maxFrame: 65_535,
    kinds: names.map((name): KindModel => ({ name, headers: [], shared: [], run: { fields: [], trailer: [], end: "datagram" } }))
  },
  commands: names.map((name): CommandModel => ({
    name,
    family: "Words",
    opcode: 0,
    isOpcodeless: true,
    label: name,
    sender: "both",
    lifecycle: "active",
    reply: "none",
    kinds: { request: name },
    request: [{ sections: [{ section: "body", fields: [{ name: "value", type: { kind: "struct", ref: name } }] }] }],
    responses: [],
    examples: []
  }))
})

it.each(Object.entries(groups))("%s", async (group, entries) => {
  const kept = entries.filter(({ type }) => type.kind === "struct")
  const model = framed(modelOf(group, entries.map(({ type }) => type), states), kept.map(({ type }) => type.name))
  const catalog = Catalog.of([model])
  const lua = await run([model])
  const below = random(5)
  const questions = kept.flatMap(({ alike = [], examples, type, wrong = [] }) =>
    [...examples, ...alike.map((hex) => ({ hex })), ...wrong].flatMap(
      ({ hex, littleEndian, states: on }: Surroundings & { readonly hex: string }): ReadonlyArray<Question> => {
        // the order that a record is given stands in no packet by itself
        if (littleEndian !== undefined) return []
        const bytes = bytesOf(hex)
        const beginnings = Array.from({ length: Math.min(bytes.length, 24) }, (_, size) => bytes.subarray(0, size))
        const others = Array.from({ length: 4 }, () => mutated(bytes, below))
        return [bytes, ...beginnings, ...others].map((one) => ({ bytes: one, kind: type.name, states: on }))
      }
    )
  )
  const answers = lua.ask(questions)
  const differences = questions.flatMap((question, i) => {
    const want = interpreted(catalog, question)
    return want === answers[i] ? [] : [{ hex: Buffer.from(question.bytes).toString("hex"), kind: question.kind, want, got: answers[i] }]
  })
  lua.close()
  expect(differences.slice(0, 3)).toEqual([])
  expect(questions.length).toBeGreaterThan(20)
})
