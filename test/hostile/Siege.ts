/**
 * Honest clients beside hostile ones: servers in a process each, hostile clients in another, and honest ones here, who write and read what is
 * theirs. It says which answers were wrong and how long answers took; what is too long is for whoever asks.
 */
import { random } from "@wirewright/codec/Random.fixture"
import { KvClient as BucketClient } from "@wirewright/couchbase/KvClient"
import { KvClient } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { serve } from "../peers/Serve.ts"

/** What an honest client does. Each may fail; that is a wrong answer. */
export interface Honest {
  readonly name: string
  readonly set: (key: string, value: string) => Promise<void>
  readonly get: (key: string) => Promise<string | undefined>
  readonly remove: (key: string) => Promise<boolean>
  readonly close: () => Promise<void>
}

/** Connects an honest client. */
export type Connect = (ports: { readonly memcached: number; readonly couchbase: number }) => Promise<Honest>

/** How it is played. */
export interface SoakOptions {
  readonly seconds: number
  readonly hostile: number
  readonly honest: number
  /** Kinds of honest clients, dealt out in turn. Default: our clients of both servers. */
  readonly clients?: ReadonlyArray<Connect>
}

/** What came of it. Times are in milliseconds. */
export interface SoakOutcome {
  readonly wrong: ReadonlyArray<string>
  readonly answers: ReadonlyMap<string, number>
  readonly attacks: ReadonlyArray<readonly [kind: string, times: number]>
  readonly longest: number
  /** How long answers took at most, of the given share of them. */
  readonly percentile: (share: number) => number
  /** Longest time for which this process itself did nothing, which is in all the others. */
  readonly ownDelay: number
  readonly load: number
}

const password = "s3cret-of-the-soak"
const text = (value: Uint8Array): string => new TextDecoder().decode(value)

const running = async <A>(make: Effect.Effect<A, unknown, Scope.Scope>): Promise<readonly [A, () => Promise<void>]> => {
  const scope = Scope.makeUnsafe()
  const made = await Effect.runPromise(Effect.provideService(make, Scope.Scope, scope))
  return [made, () => Effect.runPromise(Scope.close(scope, Exit.void))]
}

/** Our client of memcached. */
export const ourMemcached: Connect = async ({ memcached }) => {
  const [kv, close] = await running(KvClient.make({ port: memcached }))
  return {
    name: "our memcached client",
    set: (key, value) => Effect.runPromise(Effect.asVoid(kv.set(key, value))),
    get: async (key) => Option.getOrUndefined(Option.map(await Effect.runPromise(kv.get(key)), ({ value }) => text(value))),
    remove: (key) => Effect.runPromise(kv.remove(key)),
    close
  }
}

/** Our client of a bucket. */
export const ourBucket: Connect = async ({ couchbase }) => {
  const [kv, close] = await running(BucketClient.makeUrl(`couchbase://app@127.0.0.1:${couchbase}/default`, Redacted.make(password)))
  return {
    name: "our Couchbase client",
    set: (key, value) => Effect.runPromise(Effect.asVoid(kv.upsert(key, value, { format: "text" }))),
    get: async (key) => Option.getOrUndefined(Option.map(await Effect.runPromise(kv.get(key)), ({ value }) => text(value))),
    remove: (key) => Effect.runPromise(Effect.map(Effect.exit(kv.remove(key)), Exit.isSuccess)),
    close
  }
}

/** User and password of the Couchbase node. */
export const account = { user: "app", password }

const script = fileURLToPath(new URL("Hostile.ts", import.meta.url))

/** Plays it. */
export const soak = async ({ clients = [ourMemcached, ourBucket], honest, hostile, seconds }: SoakOptions): Promise<SoakOutcome> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-soak-"))
  writeFileSync(join(folder, "password"), password)
  const memcached = await serve(["--memcached"])
  const couchbase = await serve(["--user", account.user, "--password-file", join(folder, "password")])
  const ports = { memcached: Number(memcached.ready["port"]), couchbase: Number(couchbase.ready["port"]) }
  const wrong: Array<string> = []
  const times: Array<number> = []
  const answers = new Map<string, number>()
  const people: Array<Honest> = []
  for (let index = 0; index < honest; index++) people.push(await clients[index % clients.length]!(ports))
  const attackers = fork(script, [hostile, ports.memcached, ports.couchbase].map(String), {
    execArgv: ["--conditions=@wirewright/source", "--disable-warning=ExperimentalWarning"]
  })
  const attacks = new Promise<SoakOutcome["attacks"]>((resolve) => {
    attackers.once("message", (kinds) => resolve(kinds as SoakOutcome["attacks"]))
    attackers.once("exit", () => resolve([]))
  })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const end = performance.now() + seconds * 1000

  const live = async (one: Honest, index: number): Promise<void> => {
    const below = random(index + 1)
    const known = new Map<string, string>()
    const timed = async <A>(what: string, ask: Promise<A>): Promise<A | undefined> => {
      const begun = performance.now()
      try {
        const answer = await ask
        times.push(performance.now() - begun)
        answers.set(one.name, (answers.get(one.name) ?? 0) + 1)
        return answer
      } catch (error) {
        wrong.push(`${one.name} ${index}: ${what} failed: ${error}`)
        return undefined
      }
    }
    for (let turn = 0; performance.now() < end && wrong.length < 100; turn++) {
      const key = `honest${index}:${below(20)}`
      switch (below(3)) {
        case 0: {
          const value = `${turn} ${"v".repeat(below(below(10) === 0 ? 100_000 : 200))}`
          await timed(`set ${key}`, one.set(key, value))
          known.set(key, value)
          break
        }
        case 1: {
          const removed = await timed(`remove ${key}`, one.remove(key))
          // a memcached that is full forgets
          if (removed === true && !known.has(key)) wrong.push(`${one.name} ${index}: ${key} was there to be removed`)
          known.delete(key)
          break
        }
        default: {
          const failed = wrong.length
          const found = await timed(`get ${key}`, one.get(key))
          if (wrong.length === failed && found !== known.get(key) && !(found === undefined && one.name.includes("mem"))) {
            wrong.push(`${one.name} ${index}: ${key} is ${found?.slice(0, 40)}, not ${known.get(key)?.slice(0, 40)}`)
          }
        }
      }
      await sleep(10 + below(30))
    }
  }
  await Promise.all(people.map(live))
  delay.disable()
  if (attackers.connected) attackers.send("end")
  const kinds = await attacks
  await Promise.all(people.map((one) => one.close()))
  await memcached.stop()
  await couchbase.stop()
  rmSync(folder, { recursive: true, force: true })
  const sorted = times.toSorted((a, b) => a - b)
  return {
    wrong,
    answers,
    attacks: kinds,
    longest: sorted.at(-1) ?? 0,
    percentile: (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0,
    ownDelay: delay.max / 1e6,
    load: loadavg()[0]!
  }
}

/** What came of it, for people. */
export const told = ({ answers, attacks, load, longest, ownDelay, percentile, wrong }: SoakOutcome): string =>
  [
    ...[...answers].map(([name, count]) => `${name}: ${count} answers`),
    attacks.map(([kind, times]) => `${times} ${kind}`).join(", "),
    `answers took ${[0.5, 0.99, 0.999].map((share) => `${percentile(share).toFixed(1)} ms (${share * 100} %)`).join(", ")}, at most ${
      longest.toFixed(0)
    } ms; this process itself stood still for ${ownDelay.toFixed(0)} ms; load ${load.toFixed(1)}`,
    `${wrong.length} wrong answers`,
    ...wrong.slice(0, 10)
  ].join("\n")
