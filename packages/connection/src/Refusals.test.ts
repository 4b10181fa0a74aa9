/** What is said of refused clients: when it begins, when it is over, and nothing between. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { expect, test } from "vitest"
import { Refusals } from "./Refusals.ts"

test("a line when it begins, one 10 s after the last, and the same again", () => {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.formatStructured, ({ annotations, level, message }) => {
    lines.push(`${level} ${String(message)} ${JSON.stringify(annotations)}`)
  })
  const refusals = new Refusals(() => "127.0.0.1:1", (line) => Effect.runSync(Effect.provide(line, Logger.layer([logger]))))
  refusals.check(0)
  expect(lines).toEqual([])
  for (let now = 1_000; now <= 60_000; now += 1_000) {
    refusals.refused(now === 1_000 ? "the first" : "another", now)
    refusals.check(now)
  }
  const begun = "WARN clients are refused {\"server\":\"127.0.0.1:1\",\"cause\":\"the first\"}"
  expect(lines.splice(0)).toEqual([begun])
  refusals.check(69_999)
  expect(lines).toEqual([])
  refusals.check(70_000)
  refusals.check(71_000)
  expect(lines.splice(0)).toEqual([
    "INFO clients are no longer refused {\"server\":\"127.0.0.1:1\",\"refused\":60,\"milliseconds\":59000}"
  ])
  refusals.refused("the first", 80_000)
  refusals.check(90_000)
  expect(lines).toEqual([
    begun,
    "INFO clients are no longer refused {\"server\":\"127.0.0.1:1\",\"refused\":1,\"milliseconds\":0}"
  ])
})
