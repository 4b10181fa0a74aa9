/** The codes that errors are told by are those of the specs, in both dialects. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { codes } from "./MessageRouter.ts"

interface Field {
  readonly name: string
  readonly type: { readonly kind: string; readonly hex?: string; readonly fields?: ReadonlyArray<Field> }
}

interface Model {
  readonly commands: ReadonlyArray<{
    readonly name: string
    readonly request: ReadonlyArray<{ readonly sections: ReadonlyArray<{ readonly fields: ReadonlyArray<Field> }> }>
  }>
}

/** The code of each message that has only one. */
const inSpec = (path: string): ReadonlyMap<string, string> => {
  const { commands } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Model
  return new Map(commands.flatMap(({ name, request }) => {
    const fields = request.flatMap(({ sections }) => sections.flatMap((section) => section.fields.flatMap(({ type }) => type.fields ?? [])))
    const code = fields.find((field) => field.name === "code" && field.type.kind === "literal")?.type.hex
    return code === undefined ? [] : [[name, Buffer.from(code, "hex").toString("latin1")] as const]
  }))
}

it("errors that only name what they are about have the specs' codes", () => {
  const [classic, text] = [inSpec("gen/deepstream.model.json"), inSpec("gen7/deepstreamText.model.json")]
  expect(classic.get("RpcNoProvider")).toBe("NO_RPC_PROVIDER")
  for (const [tag, code] of Object.entries(codes)) {
    const found = [classic.get(tag), text.get(tag)].filter((known) => known !== undefined)
    expect([tag, ...new Set(found)]).toEqual([tag, code])
  }
})
