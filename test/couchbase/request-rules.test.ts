/**
 * The embedded node's table of what requests may say, against kv_engine's validators (`kv-engine-validators.json`), opcode by opcode.
 */
import { Reader } from "@wirewright/codec"
import { decode } from "@wirewright/dcp/gen"
import { models } from "@wirewright/dcp/gen/Model"
import { headerProblem, headerRules, type CheckedCommand } from "../../packages/embedded/src/RequestRules.ts"
import { packet } from "../../packages/memcached/src/RawClient.fixture.ts"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"

type Presence = "none" | "some" | "any"

interface Fact {
  readonly name: string
  readonly key: Presence
  readonly value: Presence
  readonly cas: Presence
  readonly datatypes: number
}

const facts = Object.entries(
  JSON.parse(readFileSync(new URL("../fixtures/kv-engine-validators.json", import.meta.url), "utf8")) as { readonly [opcode: string]: Fact }
)

/** Commands by opcode. What the server asks its authentication provider has opcodes of its own. */
const tags = new Map(
  models.flatMap((model) => model.kind === "binary" ? model.commands : [])
    .filter(({ name }) => Object.hasOwn(headerRules, name))
    .map(({ name, opcode }) => [opcode, name as CheckedCommand] as const)
)

/** Whether what is there is not what may be there. */
const broken = (fact: Presence, there: boolean): boolean => fact !== "any" && (fact === "some") !== there

describe("what a request may say is what kv_engine's validators let through", () => {
  it.each(facts.map(([opcode, fact]) => [`${opcode} ${fact.name}`, Number(opcode), fact] as const))("%s", (_, opcode, fact) => {
    const tag = tags.get(opcode)!
    assert.isDefined(headerRules[tag], `${tag} has no rule`)
    for (const key of [false, true]) {
      for (const value of [false, true]) {
        for (const cas of [false, true]) {
          for (const datatype of [0, 1, 2, 4]) {
            const bytes = packet(opcode, { key: key ? "\0key" : "", value: value ? "{}" : "", cas: cas ? 1n : 0n })
            bytes[5] = datatype
            const reader = new Reader(new Uint8Array(bytes))
            const where = JSON.stringify({ key, value, cas, datatype })
            const wrong = broken(fact.key, key) || broken(fact.value, value) || broken(fact.cas, cas) || (datatype & ~fact.datatypes) !== 0
            const found = headerProblem(tag, reader, 0)
            if (!wrong) assert.isUndefined(found, where)
            else if (found === undefined) assert.throws(() => decode(reader, 0, { collections: true }), undefined, undefined, where)
          }
        }
      }
    }
  })

  it("for every command that has a rule", () => {
    const known = new Set(facts.map(([opcode]) => tags.get(Number(opcode))))
    for (const tag of Object.keys(headerRules)) assert.isTrue(known.has(tag as CheckedCommand), tag)
  })
})
