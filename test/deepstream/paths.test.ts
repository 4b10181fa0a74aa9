/** The client's paths against a table of what real servers make of them. */
import { type Json, setPath } from "@wirewright/deepstream"
import { sameJson } from "../../packages/deepstream/src/Json.ts"
import { applyPath, leadsThroughNull } from "../../packages/deepstream/src/JsonPath.ts"
import { Typed } from "@wirewright/deepstream/Typed"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"

interface Case {
  readonly data: Json
  readonly path: string
  readonly value: string
  readonly classic: { readonly data: Json } | { readonly failed: string }
  readonly text: { readonly data: Json } | { readonly failed: string }
}

const cases = JSON.parse(readFileSync(new URL("../fixtures/deepstream-paths/paths.json", import.meta.url), "utf8")) as ReadonlyArray<Case>

/** The data after it; undefined when the path is refused. */
const tried = (run: () => Json): Json | undefined => {
  try {
    return run()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const valueOf = (value: string): Json | undefined => new Typed(value).value as Json | undefined

const nameOf = ({ data, path, value }: Case): string => `${JSON.stringify(data)} ${path} ${value}`

describe("paths", () => {
  it.each(cases.map((found) => [nameOf(found), found] as const))("%s is what both servers make of it, or refused", (_, found) => {
    const { classic, data, path, text, value } = found
    const own = tried(() => setPath(data, path, valueOf(value)))
    // what the client sends: nothing, a patch, or the whole record, of which nobody needs to know the path
    const sent = own !== undefined && own !== data && !leadsThroughNull(data, path)
    const told = leadsThroughNull(data, path) ? undefined : tried(() => applyPath(data, path, valueOf(value)))
    for (const server of [classic, text]) {
      if (sent || told !== undefined) expect(server).toHaveProperty("data")
      if (!("data" in server)) continue
      if (sent) expect(own).toEqual(server.data)
      if (told !== undefined) expect(told).toEqual(server.data)
    }
  })

  it("are not refused without need", () => {
    const refused = cases.filter(({ data, path, value }) => value === "N1" && tried(() => setPath(data, path, 1)) === undefined)
    const needless = refused.filter(({ classic, data, path, text }) => {
      if (!("data" in classic) || !("data" in text) || !sameJson(classic.data, text.data)) return false
      // the value is where the path says, in data of both
      return sameJson(classic.data, tried(() => applyPath(data, path.replaceAll(/[[\]]+/g, "."), 1)))
    })
    // of an object it would be a member, of an array nothing
    expect(needless.map(nameOf)).toEqual(["{\"a\":{}} a[-1] N1"])
    const kept = cases.filter(({ data, path, value }) => value === "N1" && tried(() => setPath(data, path, 1)) !== undefined)
    expect(kept.length).toBeGreaterThan(refused.length)
  })

  it("lead through null only as a whole record", () => {
    const through = cases.filter(({ classic, path, text }) => "failed" in classic && "failed" in text && !/__proto__|length|429/.test(path))
    expect(through.length).toBeGreaterThan(4)
    for (const { data, path } of through) expect(leadsThroughNull(data, path), path).toBe(true)
  })
})
