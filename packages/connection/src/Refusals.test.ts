/** What is said of refused clients: when it begins, when it is over, and nothing between. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { TestClock } from "effect/testing"
import { expect } from "vitest"
import { Refusals } from "./Refusals.ts"
import { timers } from "./Timers.ts"

it.effect("a line when it begins, one 10 s after the last, and the same again", () =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatStructured, ({ annotations, level, message }) => {
      lines.push(`${level} ${String(message)} ${JSON.stringify(annotations)}`)
    })
    const refusals = new Refusals(
      () => "127.0.0.1:1",
      (line) => Effect.runSync(Effect.provide(line, Logger.layer([logger]))),
      yield* timers
    )
    for (let second = 0; second < 60; second++) {
      if (second % 2 === 0) refusals.noPlace(7)
      else refusals.noFile(64)
      yield* TestClock.adjust("1 second")
    }
    const begun = "WARN clients are refused {\"server\":\"127.0.0.1:1\",\"cause\":\"there are 7, and more may not be (maxConnections)\"}"
    const over = (refused: number, milliseconds: number) =>
      `INFO clients are no longer refused {"server":"127.0.0.1:1","refused":${refused},"milliseconds":${milliseconds}}`
    expect(lines.splice(0)).toEqual([begun])
    yield* TestClock.adjust("8999 millis")
    expect(lines).toEqual([])
    yield* TestClock.adjust("1 minute")
    expect(lines.splice(0)).toEqual([over(60, 59_000)])
    refusals.noPlace(7)
    yield* TestClock.adjust("10 seconds")
    expect(lines.splice(0)).toEqual([begun, over(1, 0)])
    // a server that ends says nothing afterwards
    refusals.noPlace(7)
    refusals.stop()
    yield* TestClock.adjust("1 minute")
    expect(lines).toEqual([begun])
  }))
