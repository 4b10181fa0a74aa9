/** Which modules commands are printed into. */
import { expect, test } from "vitest"
import { joinedFamilies } from "./Families.ts"

const familiesOf = (...commands: ReadonlyArray<readonly [name: string, file: string, ...answeredBy: ReadonlyArray<string>]>) => {
  const members = commands.map(([name, file, ...answeredBy]) => ({ name, file, answeredBy }))
  return Object.fromEntries([...joinedFamilies(members, ({ file }) => file)].map(([{ name }, family]) => [name, family]))
}

test("a module for each spec file, whatever it imports", () => {
  expect(familiesOf(["Get", "Reads", "Value"], ["Set", "Writes", "Done"], ["Value", "Answers"], ["Done", "Answers"]))
    .toEqual({ Get: "Reads", Set: "Writes", Value: "Answers", Done: "Answers" })
})

test("files whose requests are answered by packets of one another share the first by name", () => {
  expect(
    familiesOf(["Get", "Reads", "Value"], ["Value", "Answers"], ["Ping", "Answers", "Pong"], ["Pong", "Reads"], ["Set", "Writes", "Value"])
  )
    .toEqual({ Get: "Answers", Value: "Answers", Ping: "Answers", Pong: "Answers", Set: "Writes" })
})

test("a circle through a third file", () => {
  expect(familiesOf(["A", "One", "B"], ["B", "Two", "C"], ["C", "Three", "A"])).toEqual({ A: "One", B: "One", C: "One" })
})

test("answers of a base are in none of its modules", () => expect(familiesOf(["Get", "Reads", "BaseValue"])).toEqual({ Get: "Reads" }))
