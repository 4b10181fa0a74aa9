/** Samples to programs of others, which take more than a thousand of each protocol as they were meant. */
import { describe, expect, it } from "vitest"
import { protocolTitled } from "../sample/Protocols.ts"
import { deepstreamPrograms } from "./samples/Deepstream.ts"
import { expectEnough, judge, spoilt, written } from "./samples/Judge.ts"
import { kafkajs } from "./samples/Kafka.ts"
import { natsServer } from "./samples/Nats.ts"
import type { ProgramCase } from "./samples/Programs.ts"

const programs: ReadonlyArray<ProgramCase> = [kafkajs, natsServer, ...deepstreamPrograms]

describe.each(programs.map((one) => [`${one.title}, ${one.program}`, one] as const))("%s", (_, one) => {
  it.skipIf(!one.isThere())("reads samples as they were meant", async () => {
    const protocol = protocolTitled(one.title)
    const samples = written(protocol, one)
    expectEnough(protocol, { name: one.program, version: one.version() }, one, samples, await one.read(samples))
  }, 240_000)

  it.skipIf(!one.isThere())("sees that a letter is another", async () => {
    const samples = spoilt(written(protocolTitled(one.title), { ...one, draws: 400 })).slice(0, 100)
    const { apart, right, wrong } = judge(one, samples, await one.read(samples))
    console.log(`${one.title}, ${one.program}: ${samples.length} spoilt, ${wrong.length} seen, ${right.length} not`)
    expect(samples.length).toBeGreaterThan(20)
    expect(right.map(({ tag }) => tag)).toEqual([])
    expect(wrong.length).toBeGreaterThan(samples.length * 0.8 - [...apart.values()].reduce((sum, count) => sum + count, 0))
  })
})
