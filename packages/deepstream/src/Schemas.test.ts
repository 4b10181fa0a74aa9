/** Whatever a schema generates goes through the codec, and JSON keeps it. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { decodeClientMessage, decodeServerMessage } from "./gen/Decode.ts"
import { encode } from "./gen/Encode.ts"
import type { Packet } from "./gen/Messages.ts"
import * as Schemas from "./gen/Schemas.ts"
import * as TextSchemas from "./gen7/Schemas.ts"

describe("schemas", () => {
  it.each(Object.entries(Schemas as unknown as { readonly [name: string]: Schema.Codec<Packet> }))("%s", async (_, schema) => {
    const json = Schema.toCodecJson(schema)
    const samples = await Effect.runPromise(Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: 20, seed: 7 }))
    for (const message of samples) {
      const text = encode(message)
      const back = decodes(text).map((one) => encode(one))
      expect(back).toContain(text)
      expect(encode(Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(message)))))).toBe(text)
    }
  })

  it("refuse separators", () => {
    const is = Schema.is(Schemas.EventSubscribe)
    expect(is({ _tag: "EventSubscribe", name: "a" })).toBe(true)
    expect(is({ _tag: "EventSubscribe", name: "a\x1f" })).toBe(false)
  })

  it("exist for the changed messages too", () => expect(Object.keys(TextSchemas).length).toBe(10))
})

const decodes = (text: string): ReadonlyArray<Packet> =>
  [decodeClientMessage, decodeServerMessage].flatMap((decode) => {
    try {
      const message = decode(text, 0, text.length - 1)
      return [message]
    } catch {
      return []
    }
  })
