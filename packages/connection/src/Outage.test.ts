/** What is logged of a peer with several connections: an outage begins and ends once, and attempts are told ever more rarely. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { expect, it } from "vitest"
import { ConnectionError, ConnectionLost } from "./Errors.ts"
import { Outage } from "./Outage.ts"

it("is lost once, not reached more and more rarely, and found again once, however many connections it has", async () => {
  const lines: Array<readonly [level: string, message: unknown, attempt: unknown]> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push([logLevel, message, fiber.getRef(References.CurrentLogAnnotations)["attempt"]])
  })
  const outage = new Outage("server", "a:1")
  const lost = outage.lost(new ConnectionError({ reason: new ConnectionLost({ cause: "cut" }), address: "a:1", ambiguous: false }))
  const failed = outage.failed(new Error("refused"))
  const all = [outage.found, lost, lost, ...Array.from({ length: 9 }, () => failed), outage.found, outage.found]
  await Effect.runPromise(Effect.provide(Effect.all(all), Logger.layer([logger])))
  expect(lines).toEqual([
    ["Warn", ["server lost"], undefined],
    ["Warn", ["server not reached"], 1],
    ["Warn", ["server not reached"], 2],
    ["Warn", ["server not reached"], 4],
    ["Warn", ["server not reached"], 8],
    ["Info", ["server found again"], 10]
  ])
  expect([outage.count, outage.ongoing]).toEqual([1, undefined])
})
