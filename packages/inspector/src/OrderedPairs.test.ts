/** Answers find their requests where only the order of packets, and what they repeat, says which. */
import { assert, describe, it } from "@effect/vitest"
import { OrderedPairs } from "./OrderedPairs.ts"

const get = { answeredBy: ["Value", "Miss", "Error"] }
const quiet = { ...get, leftOut: ["Miss"] }
const list = { answeredBy: ["Item", "End", "Error"], isLast: (answer: object) => (answer as { _tag: string })._tag !== "Item" }
const barrier = { answeredBy: ["Done", "Error"] }

const make = () => new OrderedPairs<number>(new Set(["Error"]))
const answer = (pairs: OrderedPairs<number>, name: string, repeated = {}) => pairs.answer(name, { _tag: name }, repeated)

describe("pairs in order", () => {
  it("an answer is to the oldest request that it may answer", () => {
    const pairs = make()
    pairs.ask(1, get, {})
    pairs.ask(2, barrier, {})
    pairs.ask(3, get, {})
    assert.deepStrictEqual(answer(pairs, "Miss"), { asked: 1, leftOut: 0 })
    assert.deepStrictEqual(answer(pairs, "Done"), { asked: 2, leftOut: 0 })
    assert.deepStrictEqual(answer(pairs, "Error"), { asked: 3, leftOut: 0 })
    assert.isUndefined(answer(pairs, "Value"))
  })

  it("many answers are to one request, up to the last", () => {
    const pairs = make()
    pairs.ask(1, list, {})
    pairs.ask(2, list, {})
    assert.deepStrictEqual(["Item", "Item", "End", "Error"].map((name) => answer(pairs, name)?.asked), [1, 1, 1, 2])
    assert.isUndefined(answer(pairs, "Item"))
  })

  it("requests that left their answer out are over when a younger one is answered, and no sooner", () => {
    const pairs = make()
    for (const asked of [1, 2, 3]) pairs.ask(asked, quiet, {})
    pairs.ask(4, barrier, {})
    assert.deepStrictEqual(answer(pairs, "Value"), { asked: 1, leftOut: 0 })
    assert.deepStrictEqual(answer(pairs, "Done"), { asked: 4, leftOut: 2 })
    assert.isUndefined(answer(pairs, "Value"))
    pairs.ask(5, quiet, {})
    pairs.ask(6, get, {})
    // a miss is left out of 5, so it is 6 that missed
    assert.deepStrictEqual(answer(pairs, "Miss"), { asked: 6, leftOut: 1 })
  })

  it("an opaque is the request's, a key is where both have one; mistakes have neither", () => {
    const pairs = make()
    pairs.ask(1, quiet, { opaque: "a" })
    pairs.ask(2, quiet, { key: "k" })
    pairs.ask(3, quiet, { key: "l" })
    pairs.ask(4, quiet, { opaque: "b" })
    assert.deepStrictEqual(answer(pairs, "Value", { key: "l" }), { asked: 3, leftOut: 2 })
    assert.deepStrictEqual(answer(pairs, "Error"), { asked: 4, leftOut: 0 })
  })

  it("a number is the request's, whatever the order", () => {
    const pairs = make()
    pairs.ask(1, get, { number: 7 })
    pairs.ask(2, quiet, { number: 8 })
    pairs.ask(3, get, { number: 9 })
    assert.deepStrictEqual(answer(pairs, "Value", { number: 9 }), { asked: 3, leftOut: 0 })
    assert.deepStrictEqual(answer(pairs, "Value", { number: 8 }), { asked: 2, leftOut: 0 })
    assert.isUndefined(answer(pairs, "Value", { number: 6 }))
    assert.deepStrictEqual(answer(pairs, "Value", { number: 7 }), { asked: 1, leftOut: 0 })
  })

  it("what is no request of the protocol is answered by a mistake", () => {
    const pairs = make()
    pairs.askUnknown(1)
    pairs.ask(2, get, {})
    assert.deepStrictEqual(answer(pairs, "Error"), { asked: 1, leftOut: 0 })
    assert.deepStrictEqual(answer(pairs, "Value"), { asked: 2, leftOut: 0 })
  })

  it("the oldest requests are forgotten when too many wait", () => {
    const pairs = make()
    for (let asked = 0; asked < 65_537; asked++) pairs.ask(asked, get, {})
    assert.strictEqual(answer(pairs, "Value")?.asked, 1)
    pairs.ask(-1, barrier, {})
    assert.strictEqual(answer(pairs, "Done")?.asked, -1)
  })

  it("all are forgotten when an answer is to none of very many", () => {
    const pairs = make()
    for (let asked = 0; asked < 4096; asked++) pairs.ask(asked, get, {})
    assert.isUndefined(answer(pairs, "Done"))
    pairs.ask(4096, get, {})
    assert.strictEqual(answer(pairs, "Value")?.asked, 0)
    pairs.ask(4097, get, {})
    assert.isUndefined(answer(pairs, "Done"))
    assert.isUndefined(answer(pairs, "Value"))
  })
})
