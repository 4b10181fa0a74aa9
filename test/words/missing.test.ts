/** Values with a hole: whatever is not given, at whatever depth, is an `EncodeError` that names the place, and never a plain `TypeError`. */
import { EncodeError, encodeWith } from "@wirewright/codec"
import { afterAll, describe, expect, it } from "vitest"
import { random } from "../../packages/codec/src/Random.fixture.ts"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { groups, states } from "./Groups.ts"
import { encodeGetKResponse, encodeSet } from "@wirewright/memcached/gen"
import { Generated, plain } from "./Harness.ts"
import { RandomSpec } from "./RandomSpec.ts"

const made: Array<Generated> = []
afterAll(() => made.forEach((one) => one.remove()))

type Step = string | number

const isParent = (value: unknown): value is object => typeof value === "object" && value !== null && !(value instanceof Uint8Array)

/** Paths to all that a value consists of. */
const places = (value: unknown, path: ReadonlyArray<Step> = []): ReadonlyArray<ReadonlyArray<Step>> =>
  isParent(value)
    ? (Array.isArray(value) ? value.map((one, i) => [i, one] as const) : Object.entries(value)).flatMap(([step, one]) => [
      [...path, step],
      ...places(one, [...path, step])
    ])
    : []

/** A value with something else at a place. */
const replaced = (value: unknown, [step, ...rest]: ReadonlyArray<Step>, by: unknown): unknown => {
  if (step === undefined) return by
  const copy = (Array.isArray(value) ? [...value as Array<unknown>] : { ...value as object }) as Record<Step, unknown>
  copy[step] = replaced(copy[step], rest, by)
  return copy
}

const text = (path: ReadonlyArray<Step>): string =>
  path.map((step, i) => typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`).join("")

/** What comes of encoding. */
const outcome = (run: () => void): EncodeError | "written" => {
  try {
    run()
    return "written"
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    return error
  }
}

/** How holes of a value are met: those that may be, and those that the error does not name as they stand. */
const holes = (g: Generated, name: string, value: unknown, around: object): { readonly written: number; readonly named: number } => {
  let [written, named] = [0, 0]
  for (const path of places(value)) {
    for (const hole of [undefined, null]) {
      const where = `${name} ${text(path)} = ${hole} in ${JSON.stringify(plain(value))}`
      let error: EncodeError | "written"
      try {
        error = outcome(() => g.encode(name, replaced(value, path, hole), around))
      } catch (thrown) {
        throw new Error(`${where}: ${String(thrown)}`)
      }
      if (error === "written") {
        written++
        continue
      }
      expect(error.packet, where).not.toBe("")
      if (error.path === text(path)) named++
      // a sibling may be wrong without it: then the error says why; a case without a name has no tag
      else if (path.at(-1) === "_tag" ? error.path !== `${text(path.slice(0, -1))}.tag` : !error.expected.includes(String(path.at(-1)))) {
        throw new Error(`${where}: ${error.message}`)
      }
    }
  }
  return { written, named }
}

describe("what is not given", () => {
  it.each(Object.entries(groups))("is said, in %s", async (group, entries) => {
    const g = await Generated.of(`${group}-missing`, entries.map(({ type }) => type), { states })
    made.push(g)
    let named = 0
    for (const { examples, type } of entries) {
      for (const { hex: _hex, value, ...around } of examples) named += holes(g, type.name, value, around).named
    }
    expect(named).toBeGreaterThan(20)
  })

  it("is said, in words within words", async () => {
    const next = random(11)
    const specs = Array.from({ length: tried(40, 150) }, (_, i) => new RandomSpec(next, `S${i}`).struct(3, i % 3 === 0))
    const g = await Generated.of("random-missing", specs.map(({ type }) => type))
    made.push(g)
    let named = 0
    for (const { type, value } of specs) for (let i = 0; i < 3; i++) named += holes(g, type.name, value(), {}).named
    expect(named).toBeGreaterThan(20 * specs.length)
  })

  it("is said of packets", () => {
    const set = { flags: 0, expiration: 0, key: "k", value: Uint8Array.of(1) }
    for (const field of ["flags", "expiration", "key", "value"] as const) {
      const error = outcome(() => encodeWith((writer) => encodeSet(writer, { ...set, [field]: undefined as never })))
      expect(error).toMatchObject({ reason: "Missing", packet: "Set", path: field })
    }
    expect(outcome(() => encodeWith((writer) => encodeGetKResponse(writer, { flags: 0, key: "k", value: undefined as never }))))
      .toMatchObject({ reason: "Missing", packet: "GetKResponse", path: "value" })
  })
})
