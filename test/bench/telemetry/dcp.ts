/**
 * A consumer whose cost is measured: `dcp.ts PORT EVENTS [ENDPOINT] [silent]`. With a port of a management endpoint it serves that; `silent`
 * publishes no metrics of the consumer.
 */
import * as Operations from "@wirewright/connection/Operations"
import { Dcp } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { measured } from "../dcp/Run.ts"

const [port, count, ...telemetry] = process.argv.slice(2)
const metrics = !telemetry.includes("silent")
const endpoint = telemetry.find((argument) => argument !== "silent")
if (endpoint !== undefined) Effect.runFork(Layer.launch(Operations.layer({ port: Number(endpoint) })))
const found = await measured(Number(count), (onChange) => {
  const stop = new AbortController()
  void Effect.runPromiseExit(
    Dcp.changes({ from: "beginning", metrics }).pipe(
      Stream.runForEachArray((all) =>
        Effect.sync(() => {
          for (const event of all) if (event._tag === "Mutation") onChange(event.seqno, event.key, event.value)
        })
      ),
      Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: Number(port) }], bucket: "default" }))
    ),
    { signal: stop.signal }
  )
  return () => stop.abort()
})
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0))
