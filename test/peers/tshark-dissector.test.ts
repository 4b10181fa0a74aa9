/**
 * Printed dissectors in Debian's tshark: what others recorded of every protocol of the gallery has the same values there as `decode --json` says,
 * field by field.
 */
import { afterAll, describe, expect, it } from "vitest"
import { readFileSync } from "node:fs"
import { all } from "../gallery/All.ts"
import type { Conversation, Gallery } from "../gallery/Conversations.ts"
import type { DissectorOptions } from "@wirewright/codegen/dissector/Dissector"
import { cleanUp, compareConversations, type Result } from "./dissector/Run.ts"

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

const grouped = <A>(all: ReadonlyArray<A>, keyOf: (one: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const out = new Map<string, Array<A>>()
  for (const one of all) out.set(keyOf(one), [...out.get(keyOf(one)) ?? [], one])
  return out
}

const joined = (results: ReadonlyArray<Result>): Result => ({
  packets: results.reduce((sum, one) => sum + one.packets, 0),
  values: results.reduce((sum, one) => sum + one.values, 0),
  filters: new Set(results.flatMap(({ filters }) => [...filters])),
  differences: results.flatMap(({ differences }) => differences),
  faults: results.flatMap(({ faults }) => faults)
})

describe.each(all.map((one) => [one.title, one] as const))("%s", (title, gallery) => {
  it("has the same values in tshark", () => {
    const groups = grouped(
      conversationsOf(gallery).filter(({ name }) => !name.endsWith(": upgrade") && apart[title]?.[name] === undefined),
      (one) => JSON.stringify([told[title]?.(one) ?? {}, one.transport === "udp"])
    )
    const result = joined([...groups].map(([key, some]) => compareConversations(gallery, some, (JSON.parse(key) as [DissectorOptions])[0])))
    console.log(
      `${title}: ${result.packets} packets, ${result.values} values of ${result.filters.size} fields, ${result.differences.length} differences`
    )
    expect(result.faults.slice(0, 5)).toEqual([])
    expect(result.differences.slice(0, 10)).toEqual([])
    expect(result.packets).toBeGreaterThan(0)
  })
})
