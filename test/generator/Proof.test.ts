/**
 * The proof against the search: what is proved of the repository's specs, and of those that use every word, has no counterexample among small
 * values; and small values of it are read by the interpreter. A proof that proved too much would be found here.
 */
import { buildModel, type Built } from "@wirewright/codegen/Build"
import { Origin } from "@wirewright/codegen/Origin"
import { load } from "@wirewright/codegen/Load"
import { prove, runsOf, wholeOf } from "@wirewright/codegen/check/Proof"
import { type Alternative, search } from "@wirewright/codegen/check/ProofSearch"
import { Samples } from "@wirewright/codegen/check/ProofSamples"
import { stateSets, typesIn } from "@wirewright/codegen/sample/Within"
import { Context } from "@wirewright/codegen/print/Context"
import { packetsOf } from "@wirewright/codegen/print/Plans"
import { Catalog } from "@wirewright/codec/Catalog"
import { LayoutWalk } from "@wirewright/codec/LayoutWalk"
import type { Model } from "@wirewright/codec/Model"
import { Scope } from "@wirewright/codec/words/Word"
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"

const root = Path.resolve(import.meta.dirname, "../..")
const origin = await Origin.make()
const models = new Map<object, Built>()

const built = (value: Protocol | TypesOnly): Built => {
  const known = models.get(value)
  if (known !== undefined) return known
  const one = buildModel(value, origin, value.kind === "protocol" && value.base !== undefined ? built(value.base).model : undefined)
  models.set(value, one)
  return one
}

const chains = new Map<Model, ReadonlyArray<Model>>()
const specs = [
  "spec/src/memcached.ts",
  "spec/src/couchbase.ts",
  "spec/src/dcp.ts",
  "spec/src/capture.ts",
  "test/generator/fixtures/Fine.ts"
]
for (const spec of specs) {
  for (const value of await load(root, spec)) {
    let chain: ReadonlyArray<Model> = []
    for (let one: Protocol | TypesOnly | undefined = value; one !== undefined; one = one.kind === "protocol" ? one.base : undefined) {
      chain = [built(one).model, ...chain]
    }
    chains.set(built(value).model, chain)
  }
}
const all = [...models.values()].filter(({ model }) => chains.has(model))

/** What is read as one: records, cases, layouts of packets. */
const contents = (one: Built): ReadonlyArray<Alternative> => {
  const context = new Context(one.model, ".ts")
  const records = one.model.types.flatMap((type) =>
    type.kind === "struct"
      ? [{ label: type.name, fields: type.fields }]
      : type.kind === "choice"
      ? type.cases.map((of) => ({ label: `${type.name} ${of.name}`, fields: of.fields }))
      : []
  )
  const packets = one.model.commands.flatMap((command) => packetsOf(context, command)).flatMap((packet) =>
    packet.layouts.map((layout) => wholeOf(`${packet.tag} ${layout.name ?? ""}`, runsOf(packet.kind, one.model.frame.sections, layout)))
  )
  return [...records, ...packets]
}

describe("what is proved", () => {
  it("is a lot", () => {
    expect(all.map(({ model }) => model.name).sort()).toEqual(
      [
        "capture",
        "couchbase",
        "dcp",
        "dhcp",
        "memcached",
        "memcachedDatagram",
        "memcachedText",
        "meta",
        "modbus",
        "mqtt",
        "postgres",
        "records",
        "resp"
      ]
    )
    expect(all.flatMap(contents).length).toBeGreaterThan(500)
  })

  it("leaves what is meant for the rest undecided, and nothing else", () => {
    const proofs = all.map(prove)
    expect(proofs.flatMap(({ findings }) => findings)).toEqual([])
    expect(proofs.flatMap(({ notices }) => notices.map(({ message }) => message)).sort()).toEqual([
      expect.stringContaining("DcpSystemEvent: layout Other is for what")
    ])
  })

  it.each(all.map((one) => [one.model.name, one] as const))("has no two values with the same bytes: %s", (_, one) => {
    const catalog = Catalog.of(chains.get(one.model)!)
    let searched = 0
    for (const content of contents(one)) {
      for (const states of stateSets(typesIn(catalog, content.fields))) {
        expect(search(catalog, [content], states, false), content.label).toBeUndefined()
        searched++
      }
    }
    expect(searched).toBeGreaterThan(0)
  })

  it.each(all.map((one) => [one.model.name, one] as const))("is read as it is written: %s", (_, one) => {
    const catalog = Catalog.of(chains.get(one.model)!)
    let read = 0
    for (const { fields, label } of contents(one)) {
      // what only the sections' lengths tell is no field
      if (fields.some(({ name, type }) => name.endsWith(" length") || type.kind === "checksum")) continue
      for (const states of stateSets(typesIn(catalog, fields))) {
        for (const sample of new Samples(catalog, states, [], 24).record(fields)) {
          const bytes = Uint8Array.from(sample)
          const walk = new LayoutWalk(catalog, bytes, new Map(states))
          expect([label, walk.fields(fields, "", 0, bytes.length, new Scope(0))]).toEqual([label, bytes.length])
          read++
        }
      }
    }
    expect(read).toBeGreaterThan(0)
  })
})
