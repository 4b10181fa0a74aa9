/** Links are read as they were made, and whatever else stands in an address does no harm. */
import { expect, it } from "vitest"
import { fragmentOf, maxLinked, placeOf } from "./Links.ts"

it("a place comes back from its fragment", () => {
  const place = {
    protocol: "dcp",
    bytes: Uint8Array.of(0x80, 0x0a),
    packet: undefined,
    direction: "c2s" as const,
    kind: "request",
    phase: "start & ready",
    states: { collections: true, level: 5 },
    field: "framing[0].level"
  }
  const fragment = fragmentOf({ ...place, states: { ...place.states, off: false, zero: 0 } })
  expect(fragment).not.toContain("off")
  expect(placeOf(`#${fragment}`)).toEqual(place)
  expect(placeOf(fragmentOf({ packet: 17 }))).toMatchObject({ packet: 17, bytes: undefined, states: {} })
})

it("long packets are left out, and nonsense is too", () => {
  expect(fragmentOf({ bytes: new Uint8Array(maxLinked + 1) })).toBe("")
  expect(placeOf("#hex=8&n=-1&d=both&%&state=__proto__&n=x")).toMatchObject({ bytes: undefined, packet: undefined, direction: undefined })
  expect(placeOf("#hex=zz").bytes).toBeUndefined()
  expect(placeOf("").bytes).toBeUndefined()
})
