/**
 * Honest clients beside hostile ones: servers in a process each, hostile clients in another, and honest ones here, who write and read what is
 * theirs. It says which answers were wrong and how long answers took; what is too long is for whoever asks.
 */
import { random } from "@wirewright/codec/Random.fixture"
import { KvClient as BucketClient } from "@wirewright/couchbase"
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
  /** Its kind, by which answers are counted. */
  readonly name: string
  readonly set: (key: string, value: string) => Promise<void>
  readonly get: (key: string) => Promise<string | undefined>
  readonly remove: (key: string) => Promise<boolean>
  readonly close: () => Promise<void>
}

/** Connects an honest client; it has had a first answer when it is there. */
export type Connect = (ports: { readonly memcached: number; readonly couchbase: number }) => Promise<Honest>

/** How it is played. */
export interface SoakOptions {
  readonly seconds: number
  readonly hostile: number
  readonly honest: number
  /** Kinds of honest clients, dealt out in turn. Default: `ours`. */
  readonly clients?: ReadonlyArray<Connect>
}

/** How long answers took, in milliseconds. */
export interface Waits {
  readonly clients: number
  readonly answers: number
  /** How long they took at most, of the given share of them. */
  readonly percentile: (share: number) => number
  readonly longest: number
}

/** What came of it. */
export interface SoakOutcome {
  readonly wrong: ReadonlyArray<string>
  /** By the name of the honest clients. */
  readonly waits: ReadonlyMap<string, Waits>
  readonly attacks: ReadonlyArray<readonly [kind: string, times: number]>
  readonly longest: number
  /** Longest time in milliseconds for which this process itself did nothing, which is in all the others. */
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
    remove: (key) =>
      Effect.runPromise(
        kv.remove(key).pipe(Effect.as(true), Effect.catchReason("KvError", "NotFound", () => Effect.succeed(false)))
      ),
    close
  }
}

/** Our clients of both servers. */
export const ours: ReadonlyArray<Connect> = [ourMemcached, ourBucket]

/** User and password of the Couchbase node. */
export const account = { user: "app", password }

const script = fileURLToPath(new URL("Hostile.ts", import.meta.url))

/** After so many milliseconds an answer is not waited for any longer: some clients do not tell that their connection is gone. */
const patience = 10_000

const answered = async <A>(ask: Promise<A>): Promise<A> => {
  const waiting = new AbortController()
  const given = sleep(patience, undefined, { signal: waiting.signal }).then(() => {
    throw new Error(`no answer in ${patience} ms`)
  })
  try {
    return await Promise.race([ask, given])
  } finally {
    given.catch(() => {})
    waiting.abort()
  }
}

const waitsOf = (clients: number, times: ReadonlyArray<number>): Waits => {
  const sorted = times.toSorted((a, b) => a - b)
  return {
    clients,
    answers: sorted.length,
    percentile: (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0,
    longest: sorted.at(-1) ?? 0
  }
}

/**
 * One honest client until `end`: it alone has its keys, so it knows every answer. What is wrong goes to `wrong`, how long an answer took to
 * `times`.
 */
const live = async (one: Honest, index: number, end: number, wrong: Array<string>, times: Array<number>): Promise<void> => {
  const below = random(index + 1)
  const known = new Map<string, string>()
  const say = (what: string): unknown => wrong.push(`${one.name} ${index}: ${what}`)
  const ask = async <A>(what: string, asked: Promise<A>, check: (answer: A) => string | undefined): Promise<void> => {
    const begun = performance.now()
    try {
      const answer = await answered(asked)
      times.push(performance.now() - begun)
      const fault = check(answer)
      if (fault !== undefined) say(`${what}: ${fault}`)
    } catch (error) {
      say(`${what} failed: ${error}`)
    }
  }
  for (let turn = 0; performance.now() < end && wrong.length < 100; turn++) {
    const key = `honest${index}:${below(20)}`
    const before = known.get(key)
    switch (below(3)) {
      case 0: {
        const value = `${turn} ${"v".repeat(below(below(10) === 0 ? 100_000 : 200))}`
        known.set(key, value)
        await ask(`set ${key}`, one.set(key, value), () => undefined)
        break
      }
      case 1:
        known.delete(key)
        await ask(
          `remove ${key}`,
          one.remove(key),
          (removed) => removed === (before !== undefined) ? undefined : `it was ${removed ? "" : "not "}there to be removed`
        )
        break
      default:
        await ask(
          `get ${key}`,
          one.get(key),
          (found) => found === before ? undefined : `it is ${found?.slice(0, 40)}, not ${before?.slice(0, 40)}`
        )
    }
    await sleep(10 + below(30))
  }
}

/** Plays it. */
export const soak = async (options: SoakOptions): Promise<SoakOutcome> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-soak-"))
  const ends: Array<() => unknown> = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    writeFileSync(join(folder, "password"), password)
    const memcached = await serve(["--memcached"])
    ends.unshift(memcached.stop)
    const couchbase = await serve(["--user", account.user, "--password-file", join(folder, "password")])
    ends.unshift(couchbase.stop)
    return await play(options, { memcached: Number(memcached.ready["port"]), couchbase: Number(couchbase.ready["port"]) }, ends)
  } finally {
    for (const end of ends) await end()
  }
}

const play = async (
  { clients = ours, honest, hostile, seconds }: SoakOptions,
  ports: Parameters<Connect>[0],
  ends: Array<() => unknown>
): Promise<SoakOutcome> => {
  const wrong: Array<string> = []
  const times = new Map<string, Array<number>>()
  const people: Array<Honest> = []
  for (let index = 0; index < honest; index++) {
    const one = await clients[index % clients.length]!(ports)
    ends.unshift(one.close)
    people.push(one)
    if (!times.has(one.name)) times.set(one.name, [])
  }
  const attackers = fork(script, [hostile, ports.memcached, ports.couchbase].map(String), {
    execArgv: ["--conditions=@wirewright/source", "--disable-warning=ExperimentalWarning"]
  })
  ends.unshift(() => attackers.kill())
  const attacks = new Promise<SoakOutcome["attacks"]>((resolve, reject) => {
    attackers.once("message", (kinds) => resolve(kinds as SoakOutcome["attacks"]))
    attackers.once("exit", (code) => reject(new Error(`the hostile clients ended with ${code} before they were told to`)))
  })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const end = performance.now() + seconds * 1000
  const peace = Promise.all(people.map((one, index) => live(one, index, end, wrong, times.get(one.name)!))).then(() => {
    delay.disable()
    if (attackers.connected) attackers.send("end")
  })
  const [kinds] = await Promise.all([attacks, peace])
  const waits = new Map(
    [...times].map(([name, took]) => [name, waitsOf(people.filter((one) => one.name === name).length, took)] as const)
  )
  return {
    wrong,
    waits,
    attacks: kinds,
    longest: Math.max(...[...waits.values()].map(({ longest }) => longest)),
    ownDelay: delay.max / 1e6,
    load: loadavg()[0]!
  }
}

/** What came of it, for people. */
export const told = ({ attacks, load, longest, ownDelay, waits, wrong }: SoakOutcome): string =>
  [
    ...[...waits].map(([name, { answers, clients, longest: most, percentile }]) =>
      `${clients} x ${name}: ${answers} answers, ${
        [0.5, 0.99, 0.999].map((share) => `${percentile(share).toFixed(1)} ms (${share * 100} %)`).join(", ")
      }, at most ${most.toFixed(0)} ms`
    ),
    attacks.map(([kind, times]) => `${times} ${kind}`).join(", "),
    `answers took at most ${longest.toFixed(0)} ms; this process itself stood still for ${ownDelay.toFixed(0)} ms; load ${load.toFixed(1)}`,
    `${wrong.length} wrong answers`,
    ...wrong.slice(0, 10)
  ].join("\n")
