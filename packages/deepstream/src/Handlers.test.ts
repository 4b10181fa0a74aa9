/** Topics, actions and codes are those of the specs, and every message has a handler below its own topic. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { heads as classic } from "./gen/Heads.ts"
import { heads as text } from "./gen7/Heads.ts"
import type { Handlers, HandlersOf } from "./Handlers.ts"

interface Field {
  readonly name: string
  readonly type: { readonly kind: string; readonly hex?: string; readonly fields?: ReadonlyArray<Field> }
}

interface Model {
  readonly commands: ReadonlyArray<{
    readonly name: string
    readonly lifecycle: string
    readonly request: ReadonlyArray<{ readonly sections: ReadonlyArray<{ readonly fields: ReadonlyArray<Field> }> }>
  }>
}

const hexOf = (texts: ReadonlyArray<string>): ReadonlyArray<string> => texts.map((one) => Buffer.from(one).toString("hex"))

/** What each message of a model begins with, in hex. */
const inSpec = (path: string): ReadonlyMap<string, ReadonlyArray<string> | undefined> => {
  const { commands } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Model
  return new Map(commands.map(({ lifecycle, name, request }) => {
    const fields = request.flatMap(({ sections }) => sections.flatMap((section) => section.fields.flatMap(({ type }) => type.fields ?? [])))
    const leading: Array<string> = []
    for (const { type } of fields) {
      if (type.hex === undefined) break
      leading.push(type.hex)
    }
    return [name, lifecycle === "removed" ? undefined : leading]
  }))
}

const shown = (heads: { readonly [name: string]: ReadonlyArray<string> }) =>
  Object.fromEntries(Object.entries(heads).map(([name, head]) => [name, hexOf(head)]).sort())

const sorted = (spec: ReadonlyMap<string, ReadonlyArray<string> | undefined>) =>
  Object.fromEntries([...spec].filter(([, head]) => head !== undefined).sort())

describe("what messages begin with", () => {
  const [base, own] = [inSpec("gen/deepstream.model.json"), inSpec("gen7/deepstreamText.model.json")]

  it("is what the spec says", () => {
    expect(shown(classic)).toEqual(sorted(base))
    expect(classic.RpcNoProvider).toEqual(["P", "E", "NO_RPC_PROVIDER"])
  })

  it("is in an extension what its base says, without what it removes", () => {
    expect(shown(text)).toEqual(sorted(new Map([...base, ...own])))
    expect(text).not.toHaveProperty("RpcMultipleAck")
  })
})

it("a message without a handler, below another topic or unknown is an error of types", () => {
  const nothing = (): void => undefined
  const everywhere: HandlersOf<"X"> = { GlobalUnknownTopic: nothing, GlobalMessageParseError: nothing, GlobalError: nothing }
  // @ts-expect-error a message has no handler
  const missing: HandlersOf<"X"> = { GlobalUnknownTopic: nothing, GlobalError: nothing }
  // @ts-expect-error a handler of another topic
  const foreign: HandlersOf<"X"> = { ...everywhere, EventEmit: nothing, GlobalError: nothing, RpcNoSuchThing: nothing }
  // @ts-expect-error all messages, but only those of a topic
  const all: Handlers = { ...everywhere, UnknownMessage: nothing }
  expect([missing, foreign, all]).toHaveLength(3)
})
