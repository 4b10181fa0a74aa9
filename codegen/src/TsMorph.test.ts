/** Comments in a spec's source are found for what they stand before. */
import { expect, it } from "vitest"
import { Sources } from "./TsMorph.ts"

const source = `/** Of a constant. */
const one = packet("One", {})
/** Of the list, and of none in it. */
const all = [
  /** Of an element. */
  packet("Two", {}),
  packet("Three", {}),
  {
    /** Of a property. */
    four: packet("Four", {})
  }
]
`

it("the comment of the constant, array element or property that holds a call", () => {
  const sources = new Sources({ read: () => source, resolve: () => undefined })
  const lines = source.split("\n")
  const docOf = (name: string): string | undefined => {
    const line = lines.findIndex((text) => text.includes(`packet("${name}"`))
    return sources.call("/spec.ts", line + 1, lines[line]!.indexOf("packet(") + 1)?.doc
  }
  expect(["One", "Two", "Three", "Four"].map(docOf)).toEqual(["Of a constant.", "Of an element.", undefined, "Of a property."])
})
