/**
 * Printed dissectors in Debian's tshark: what others recorded of every protocol of the gallery has the same values there as `decode --json` says,
 * field by field.
 */
import type { Model } from "@wirewright/codec/Model"
import { Catalog } from "@wirewright/codec"
import type { Customs } from "@wirewright/codec/Catalog"
import * as dcpCode from "@wirewright/dcp/gen"
import * as deepstreamCode from "@wirewright/deepstream/gen"
import { models as dcp } from "@wirewright/dcp/gen/Model"
import { models as deepstream } from "@wirewright/deepstream/gen/Model"
import { models as text } from "@wirewright/memcached/text/Model"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { afterAll, describe, expect, it } from "vitest"
import { readFileSync } from "node:fs"
import { all } from "../gallery/All.ts"
import type { Conversation, Gallery } from "../gallery/Conversations.ts"
import type { DissectorOptions } from "@wirewright/codegen/dissector/Dissector"
import { loadProtocol } from "../../packages/cli/src/Protocols.ts"
import { examplesOf } from "../dissector/Questions.ts"
import { draw, encoderOf } from "./dissector/Draw.ts"
import { cleanUp, compareConversations, comparePackets, compareRecording, readerOf, type Result, written } from "./dissector/Run.ts"

afterAll(cleanUp)

const conversationsOf = ({ conversations = [], fixtures }: Gallery): ReadonlyArray<Conversation> => [
  ...fixtures.flatMap((fixture) => {
    const file = new URL(`../fixtures/gallery/${fixture}.json`, import.meta.url)
    return (JSON.parse(readFileSync(file, "utf8")) as { readonly conversations: ReadonlyArray<Conversation> }).conversations
  }),
  ...conversations
]

/** What a dissector is told of a protocol; conversations of which something else is to be told are apart. */
const told: { readonly [title: string]: (conversation: Conversation) => DissectorOptions } = {
  MQTT: () => ({ states: { version: 4 }, learn: [{ state: "version", packet: "Connect", field: "protocolVersion" }] }),
  TLS: ({ transport }) =>
    transport.startsWith("TLS") ? { kind: "handshakeMessage", states: { version: transport === "TLS 1.3" ? 13 : 12 } } : {}
}

/** Conversations that only who knows more than the model can follow, and why. */
const apart: { readonly [title: string]: { readonly [name: string]: string } } = {
  "AMQP 0-9-1": { "another protocol's version": "the server answers with what no phase lets it say" },
  MQTT: { "raw 5 unsupported version": "the server answers by the rules of another version than was asked for" }
}

/** Least share of a protocol's fields that must have been compared. */
const least = 0.95
/** Where it is less: NATS has 19 fields, and one of them, `content`, is what is left of a packet that the spec does not know. */
const leastOf: { readonly [title: string]: number } = { NATS: 18 / 19 }

const grouped = <A>(all: ReadonlyArray<A>, keyOf: (one: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const out = new Map<string, Array<A>>()
  for (const one of all) out.set(keyOf(one), [...out.get(keyOf(one)) ?? [], one])
  return out
}

/** Says how it went, and expects no difference; at least so much of the protocol's fields must have been compared. */
const expectSame = (title: string, result: Result, share: number): void => {
  console.log(`${title}: ${String(result)}`)
  if (process.env["WIREWRIGHT_UNSEEN"] !== undefined) console.log(`${title}, never seen: ${result.unseen.join(" ")}`)
  expect(result.faults.slice(0, 5)).toEqual([])
  expect(result.differences.slice(0, 10)).toEqual([])
  expect(result.same.size / result.filters.size).toBeGreaterThanOrEqual(share)
}

/** States that packets are drawn in; of Kafka's versions some, as each takes a run of tshark. */
const states: { readonly [name: string]: (below: (bound: number) => number) => Readonly<Record<string, number>> } = {
  MQTT: (below) => ({ version: 4 + below(2) }),
  TLS: (below) => ({ version: 12 + below(2) }),
  Kafka: (below) => ({ apiKey: 0, apiVersion: [1, 7, 12][below(3)]! }),
  dcp: (below) => ({ collections: below(2) })
}

/** Compares packets that were drawn, in groups that the dissector is told of. */
const compareDrawn = (name: string, models: ReadonlyArray<Model>, generated: object, customs: Customs | undefined): Result => {
  const catalog = Catalog.of(models, customs)
  const isText = catalog.frame.over === "text"
  const questions = draw(catalog, encoderOf(generated, isText), states[name] ?? (() => ({})))
  const isTold = "decode" in generated
  const read = readerOf(generated, catalog)
  const groups = grouped([...questions, ...examplesOf(models)], (one) => JSON.stringify([one.states, isTold ? undefined : one.kind]))
  return [...groups.values()].map((some) => {
    const [{ kind, states: on } = {}] = some
    return comparePackets(models, some, read, {
      states: Object.fromEntries(Object.entries(on ?? {}).map(([state, value]) => [state, Number(value)])),
      ...(isTold || kind === undefined ? {} : { kind })
    })
  }).reduce((sum, one) => sum.with(one))
}

describe.each(all.map((one) => [one.title, one] as const))("%s", (title, gallery) => {
  it("has the same values in tshark", () => {
    const groups = grouped(
      conversationsOf(gallery).filter(({ name }) => !name.endsWith(": upgrade") && apart[title]?.[name] === undefined),
      (one) => JSON.stringify([told[title]?.(one) ?? {}, one.transport === "udp"])
    )
    const recorded = [...groups].map(([key, some]) => compareConversations(gallery, some, (JSON.parse(key) as [DissectorOptions])[0]))
      .reduce((sum, one) => sum.with(one))
    console.log(`${title}, recorded by others: ${String(recorded)}`)
    expectSame(title, recorded.with(compareDrawn(title, gallery.models, gallery.generated, gallery.customs)), leastOf[title] ?? least)
  })
})

it.each([["dcp", dcp, dcpCode], ["deepstream", deepstream, deepstreamCode]] as const)(
  "%s has the same values in tshark",
  (name, models, generated) => {
    const { customs } = generated as { readonly customs?: Customs }
    expectSame(name, compareDrawn(name, models, generated, customs), least)
  }
)

const recorded: ReadonlyArray<readonly [file: string, port: number, models: ReadonlyArray<Model>, name: string, learn: DissectorOptions]> =
  [
    ["couchbase-6.0-session", 31_210, dcp, "dcp", {}],
    ["couchbase-6.5-collections", 31_265, dcp, "dcp", {
      learn: [{ state: "collections", packet: "HelloResponse", field: "features", member: 0x12 }]
    }],
    ["memcached-1.6.18-text", 21_711, text, "memcached-text", {}]
  ]

it.each(recorded)("%s has the values that decode --json prints", async (name, port, models, protocol, options) => {
  const file = written(`${name}.pcapng`, gunzipSync(readFileSync(new URL(`../fixtures/captures/${name}.pcapng.gz`, import.meta.url))))
  const bin = fileURLToPath(new URL("../../packages/cli/bin/wirewright.js", import.meta.url))
  const { stdout } = spawnSync(process.execPath, [bin, "decode", file, "--json", "--port", String(port)], {
    encoding: "utf8",
    maxBuffer: 1024 ** 3
  })
  const lines = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as { readonly [name: string]: unknown })
    .filter((one) => one["packet"] !== undefined && (one["protocol"] ?? "dcp") === (protocol === "dcp" ? "dcp" : "memcachedText"))
  expect(lines.length).toBeGreaterThan(20)
  const result = compareRecording({ models, adapter: await loadProtocol(protocol) }, { file, port, lines, ...options })
  expectSame(name, result, 0)
})
