/**
 * One client in a process of its own, which opens records or subscribes to events in steps and says how much heap it has after each, without
 * garbage: `held.ts NAME KIND URL STEP STEPS`, under `--expose-gc`.
 */
import { make } from "../../../packages/deepstream/src/Deepstream.ts"
import { Effect, Scope, Stream } from "effect"
import { Socket } from "effect/socket"
import { fromPeers } from "./Contenders.ts"

const [name = "", kind = "", url = "", step = "0", steps = "0"] = process.argv.slice(2)

/** Opens one; done when the server has answered. */
type Open = (index: number) => Promise<void>

interface Official {
  login(credentials: object, done: () => void): void
  on(name: string, heard: () => void): void
  readonly event: { subscribe(name: string, heard: (value: unknown) => void): void }
  readonly record: { getRecord(name: string): { whenReady(done: () => void): void } }
}

const official = async (): Promise<Open> => {
  const connect = fromPeers("deepstream.io-client-js") as (url: string, options: object) => Official
  const client = connect(url, {
    silentDeprecation: true,
    subscriptionTimeout: 60_000,
    recordReadAckTimeout: 60_000,
    recordReadTimeout: 60_000
  })
  client.on("error", () => {})
  await new Promise<void>((resolve) => client.login({}, resolve))
  return async (index) => {
    if (kind === "record") await new Promise<void>((resolve) => client.record.getRecord(`r${index}`).whenReady(resolve))
    else client.event.subscribe(`e${index}`, () => {})
  }
}

const ours = async (): Promise<Open> => {
  const scope = Effect.runSync(Scope.make())
  const client = await Effect.runPromise(
    make({ url, credentials: {}, subscriptionTimeout: 60_000, recordReadAckTimeout: 60_000, recordReadTimeout: 60_000 }).pipe(
      Scope.provide(scope),
      Effect.provide(Socket.layerWebSocketConstructorGlobal)
    )
  )
  const held: Array<unknown> = []
  return async (index) => {
    if (kind === "record") held.push(await Effect.runPromise(Scope.provide(client.records.open(`r${index}`), scope)))
    else Effect.runFork(Stream.runForEach(client.events.subscribe(`e${index}`), () => Effect.void))
  }
}

const heap = async (): Promise<number> => {
  // what the server still has to say
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}

const open = await (name === "wirewright" ? ours() : official())
const seen: Array<number> = []
let count = 0
for (let i = 0; i <= Number(steps); i++) {
  // the first makes what there is one of
  const group = i === 0 ? 100 : Number(step)
  for (let done = 0; done < group; done += 100) {
    await Promise.all(Array.from({ length: Math.min(100, group - done) }, () => open(count++)))
  }
  seen.push(await heap())
}
process.send!({ seen })
process.exit(0)
