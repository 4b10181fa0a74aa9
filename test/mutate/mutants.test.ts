/** The mutation proof's own parts: that it finds what it says, that each mutant is what it says, and that without one nothing changes. */
import { expect, it } from "vitest"
import { mutate } from "./Mutants.ts"
import { outdated, reasonOf } from "./Survivors.ts"

const source = `
const log = []
const add = (n) => log.push(n)
const f = (a, b) => {
  add(a)
  let most = a
  if (a < b && !log.empty) most = b
  for (let i = 0; i < 2; i++) add(i)
  return log.filter((n) => n > 0).length + most
}
`
const mutated = mutate("f.ts", source, 1)
const run = (id: number, a: number, b: number): unknown =>
  new Function(
    `${mutated.print({ prelude: "const MUTANT_SHIFT = (v) => v + 1; ", chosen: (one) => String(one === id) })}; return f(${a}, ${b})`
  )()
const find = (change: string): number => {
  const found = mutated.mutants.filter((mutant) => mutant.change === change)
  expect(found.map((mutant) => mutant.change)).toEqual([change])
  return found[0]!.id
}

it("without a mutant, a module is what it was", () => {
  expect([run(0, 1, 2), run(0, 2, 1), run(0, 0, 0)]).toEqual([4, 4, 1])
})

it.each([
  ["a < b → a >= b", 2, 1, 3],
  ["i < 2 → i <= 2", 1, 2, 5],
  ["a < b && !log.empty → a < b || !log.empty", 2, 1, 3],
  ["!log.empty → log.empty", 1, 2, 3],
  ["a → a + 1", 2, 1, 5],
  ["i++ → i--", 1, 2, "endless"],
  ["add(a) → ", 1, 2, 3],
  ["most = b → ", 1, 2, 3],
  ["log.filter((n) => n > 0) → log", 1, 2, 5],
  ["log.filter((n) => n > 0).length + most → log.filter((n) => n > 0).length - most", 1, 2, 0],
  ["2 → (2 + 1)", 1, 2, 5],
  ["2 → (2 - 1)", 1, 2, 3]
])("%s", (change, a, b, result) => {
  if (change === "a → a + 1") {
    // the argument and the value of the variable
    expect(mutated.mutants.filter((mutant) => mutant.change === change).map(({ id, numeric }) => [numeric, run(id, a, b)])).toEqual([
      [true, 4],
      [true, 5]
    ])
    return
  }
  const id = find(change)
  if (result !== "endless") expect(run(id, a, b)).toBe(result)
})

it("knows its survivors by the text of their lines", () => {
  const mutant = mutated.mutants[find("2 → (2 + 1)") - 1]!
  const survivor = { file: "f.ts", line: mutant.text, operator: "shift", change: mutant.change, reason: "because" }
  expect(reasonOf([survivor], mutant)).toBe("because")
  expect(reasonOf([{ ...survivor, reason: " " }], mutant)).toBeUndefined()
  expect(reasonOf([{ ...survivor, line: "another" }], mutant)).toBeUndefined()
  expect(outdated([survivor], new Set(["f.ts"]), [mutant])).toEqual([])
  expect(outdated([survivor], new Set(["f.ts"]), [])).toEqual([survivor])
  expect(outdated([survivor], new Set(["g.ts"]), [])).toEqual([])
})
