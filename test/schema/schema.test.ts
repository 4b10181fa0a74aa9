/**
 * JSON Schemas of every protocol of this repository: samples as `decode --json` prints them, and what others recorded, are valid; changed ones
 * are not. The validator is Ajv, in its strict mode.
 */
import { packetToJson } from "@wirewright/codec/Json"
import { jsonSchemaOf } from "@wirewright/codegen/schema/JsonSchema"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import { Ajv2020 } from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { all as gallery } from "../gallery/All.ts"
import { Recorded } from "../gallery/Conversations.ts"
import { protocols } from "../sample/Protocols.ts"

const count = process.env["SAMPLES"] === "full" ? 2_000 : 60
const ajv = () => new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: false })

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe.each(protocols.map((one) => [one.title, one] as const))("%s", (title, protocol) => {
  const isValid = ajv().compile(jsonSchemaOf(protocol.catalog))

  it("what is decoded is valid", () => {
    const sampler = new Sampler(protocol.catalog, { seed: 3 })
    const wrong: Array<string> = []
    let tried = 0
    for (const sample of sampler.all({ count })) {
      const json = asJson(sampler.json(sample))
      tried++
      if (!isValid(json)) wrong.push(`${JSON.stringify(json)} ${JSON.stringify(isValid.errors?.slice(0, 3))}`)
      // a packet of another name, one with a field more, and one without its kind
      for (
        const other of [{ ...json as object, packet: "Nothing" }, { ...json as object, more: 1 }, { ...json as object, kind: undefined }]
      ) {
        if (isValid(asJson(other))) wrong.push(`valid: ${JSON.stringify(other)}`)
      }
      if (wrong.length > 2) break
    }
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(20)
  })

  it("what others recorded is valid", () => {
    const found = gallery.find((one) => one.title === title)
    if (found === undefined) return
    const recorded = new Recorded(found)
    const wrong: Array<string> = []
    for (const { bytes, one: { packet } } of recorded.packets) {
      const json = asJson(packetToJson(recorded.catalog, packet, bytes.length))
      if (!isValid(json)) wrong.push(`${JSON.stringify(json)} ${JSON.stringify(isValid.errors?.slice(0, 3))}`)
      if (wrong.length > 2) break
    }
    expect(wrong).toEqual([])
  })
})
