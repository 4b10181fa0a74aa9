/** Comparing: rows by path, what only one has where it has it, and which bytes differ. */
import type { FieldSpan } from "@wirewright/codec/Layout"
import { expect, it } from "vitest"
import { compare, differing } from "./Compare.ts"

const span = (path: string, offset: number, length: number): FieldSpan => ({
  path,
  section: "body",
  offset,
  length,
  type: "",
  value: undefined,
  text: "",
  reserved: false
})

it("says of each field whether it is the same, elsewhere, different, or only in one", () => {
  const left = { fields: [span("a", 0, 1), span("b", 1, 2), span("c", 3, 1), span("e", 4, 1)], bytes: Uint8Array.of(1, 2, 3, 4, 5) }
  const right = {
    fields: [span("a", 0, 1), span("b", 1, 1), span("d", 2, 2), span("e", 4, 0), span("f", 4, 1)],
    bytes: Uint8Array.of(1, 2, 9, 9, 7)
  }
  const rows = compare(left, right)
  expect(rows.map(({ path, verdict }) => `${path} ${verdict}`)).toEqual([
    "a same",
    "b changed",
    "c left",
    "d right",
    "e changed",
    "f right"
  ])
  expect([...differing(rows, "left")]).toEqual([1, 2, 3, 4])
  expect([...differing(rows, "right")]).toEqual([1, 2, 3, 4])
})

it("the same bytes elsewhere are no difference", () => {
  const left = { fields: [span("n", 0, 1), span("k", 1, 1)], bytes: Uint8Array.of(1, 7) }
  const right = { fields: [span("n", 0, 2), span("k", 2, 1)], bytes: Uint8Array.of(0, 1, 7) }
  const rows = compare(left, right)
  expect(rows.map(({ verdict }) => verdict)).toEqual(["changed", "moved"])
  expect([...differing(rows, "right")]).toEqual([0, 1])
})
