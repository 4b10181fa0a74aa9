/**
 * A consumer whose cost is measured: `dcp.ts PORT EVENTS [ENDPOINT] [silent]`. With a port of a management endpoint it serves that; `silent`
 * publishes no metrics of the consumer.
 */
import * as Operations from "@wirewright/connection/Operations"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { consuming, measured } from "../dcp/Run.ts"

const [port, count, ...telemetry] = process.argv.slice(2)
const metrics = !telemetry.includes("silent")
const endpoint = telemetry.find((argument) => argument !== "silent")
if (endpoint !== undefined) Effect.runFork(Layer.launch(Operations.layer({ port: Number(endpoint) })))
const found = await measured(Number(count), consuming(Number(port), { metrics }))
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0))
