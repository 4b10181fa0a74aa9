/** What metrics are read from is not kept by them: who is gone leaves what it counted, and nothing else. */
import { Metrics } from "@wirewright/connection/Metrics"
import { clientRows, dcpRows } from "@wirewright/connection/MetricTable"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const metrics = () => {
  const context = Context.make(Metric.MetricRegistry, new Map()) as unknown as Context.Context<never>
  return { context, metrics: Metrics.of(context) }
}

it("sources that are gone can be collected, those of counters too, whose values stay", async () => {
  const { context, metrics: own } = metrics()
  const leave = (row: typeof clientRows.reconnects | typeof clientRows.connections): WeakRef<object> => {
    const source = { counted: 3 }
    own.read(row, { "server.address": "a" }, () => source.counted)()
    return new WeakRef(source)
  }
  const gone = [leave(clientRows.reconnects), leave(clientRows.connections)]
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    collect()
  }
  expect(gone.map((one) => one.deref())).toEqual([undefined, undefined])
  expect(Metric.snapshotUnsafe(context).map(({ id, state }) => [id, state])).toEqual([
    [clientRows.reconnects.name, { count: 3, incremental: true }]
  ])
})

it("of what is told by several with the same attributes, sums are told, and of ages the largest", () => {
  const { context, metrics: own } = metrics()
  for (const value of [2, 5, 3]) {
    own.read(dcpRows.unsettled, {}, () => value)
    own.read(dcpRows.unsettledAge, {}, () => value)
  }
  expect(Metric.snapshotUnsafe(context).map(({ state }) => state)).toEqual([{ value: 10 }, { value: 5 }])
})
