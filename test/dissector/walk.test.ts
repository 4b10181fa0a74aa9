/**
 * The code in Lua that stands in every dissector takes packets apart as the interpreter of the codec does: the same fields at the same places with
 * the same values, and the same refusals at the same bytes, for the packets that others recorded, the examples of the specs, and mutants.
 */
import { Catalog } from "@wirewright/codec"
import type { Model } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { printDissector } from "@wirewright/codegen/dissector/Dissector"
import { models as couchbase } from "@wirewright/couchbase/gen/Model"
import { models as dcp } from "@wirewright/dcp/gen/Model"
import { models as deepstream } from "@wirewright/deepstream/gen/Model"
import { models as memcached } from "@wirewright/memcached/gen/Model"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { all } from "../gallery/All.ts"
import { Recorded } from "../gallery/Conversations.ts"
import { examplesOf, mutated } from "./Questions.ts"
import { interpreted, load, type Question, run, type Running } from "./Lua.ts"

/** Packets of each protocol: all there are for `npm run test:whole`, with more mutants. */
const isWhole = process.env["WIREWRIGHT_WHOLE"] !== undefined
const most = isWhole ? Infinity : 40

/** Some of many, evenly spread. */
const spread = <A>(many: ReadonlyArray<A>): ReadonlyArray<A> =>
  many.length <= most ? many : Array.from({ length: most }, (_, i) => many[Math.floor(i * many.length / most)]!)

const ours: ReadonlyArray<readonly [string, ReadonlyArray<Model>, ReadonlyArray<Question>]> = [
  ["memcached", memcached, examplesOf(memcached)],
  ["Couchbase", couchbase, examplesOf(couchbase)],
  ["DCP", dcp, examplesOf(dcp)],
  ["deepstream", deepstream, examplesOf(deepstream)]
]
const gallery = all.map((one) => {
  const questions = new Recorded(one).packets.map(({ bytes, one: { reading } }): Question => ({ bytes, ...reading }))
  return [one.title, one.models, questions] as const
})

const differences = (catalog: Catalog, questions: ReadonlyArray<Question>, answers: ReadonlyArray<string>): ReadonlyArray<object> =>
  questions.flatMap((question, i) => {
    const [want, got] = [interpreted(catalog, question), answers[i]]
    return want === got ? [] : [{ hex: Buffer.from(question.bytes).toString("hex"), kind: question.kind, want, got }]
  }).slice(0, 3)

describe.each([...ours, ...gallery])("%s", (name, models, questions) => {
  const catalog = Catalog.of(models)
  let lua: Running
  beforeAll(async () => void (lua = await run(models)))
  afterAll(() => lua.close())

  it("packets that are right", () => {
    const some = spread(questions)
    expect(some.length).toBeGreaterThan(0)
    expect(differences(catalog, some, lua.ask(some))).toEqual([])
  })

  it("mutants are refused at the same byte, or read the same", () => {
    const below = random(17)
    const some = spread(questions).flatMap((one) =>
      Array.from({ length: isWhole ? 10 : 1 }, (): Question => ({ ...one, bytes: mutated(one.bytes, below) }))
    )
    expect(differences(catalog, some, lua.ask(some))).toEqual([])
    console.log(`${name}: ${some.length} mutants`)
  })
})

describe("a mistake that is planted is seen", () => {
  const [, models, questions] = gallery.find(([title]) => title === "MQTT")!
  const plants = {
    "an offset": ["self:int(at, t.int, t.order), at + width", "self:int(at, t.int, t.order), at + width + 1"],
    "the order of bytes": ["self:unsigned(at, width, little)", "self:unsigned(at, width, not little)"],
    "a length": ["- length.plus", "- length.plus - 1"]
  } as const

  it.each(Object.entries(plants))("%s", async (_, [right, wrong]) => {
    const { text } = printDissector(models)
    const planted = text.replace(right, wrong)
    expect(planted).not.toBe(text)
    const lua = await load(planted)
    const some = spread(questions)
    expect(differences(Catalog.of(models), some, lua.ask(some)).length).toBeGreaterThan(0)
    lua.close()
  })
})
