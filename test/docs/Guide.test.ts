/** The tables of the guides have every property: first, last, in between, and of whatever type. */
import { expect, it } from "vitest"
import { membersOf, table } from "./Guide.ts"

const source = `
export interface Other {
  readonly other: string
}

/** Of all kinds. */
export interface Kinds {
  readonly bare: string
  /** Says something. */
  readonly said?: number | string
  /**
   * Says more:
   * two lines.
   */
  readonly object: {
    readonly inner: boolean
  }
  readonly generic: Record<
    string,
    number
  >
  /** The last. */
  readonly last: () => void
}
`

it("every property is there, the first and the last too", () => {
  expect(membersOf(source, "Kinds")).toEqual([
    { name: "bare", type: "string", said: "" },
    { name: "said", type: "number | string", said: "Says something." },
    { name: "object", type: "{ readonly inner: boolean }", said: "Says more: two lines." },
    { name: "generic", type: "Record< string, number >", said: "" },
    { name: "last", type: "() => void", said: "The last." }
  ])
})

it("what is no property is an error, and so is an interface that is not there", () => {
  expect(() => membersOf(source.replace("  readonly last", "  last"), "Kinds")).toThrow(/Kinds has what is no property/)
  expect(() => membersOf(source.replace("  readonly bare: string", "  call(): void"), "Kinds")).toThrow(/call/)
  expect(() => membersOf(source, "Nobody")).toThrow(/no export interface Nobody/)
})

it("the options of a change stream end with the one that was missing", () => {
  expect(table("packages/dcp/src/ChangesOptions.ts", "ChangesOptions")).toContain("| `connectBudget` |")
})
