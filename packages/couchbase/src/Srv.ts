/**
 * Where the nodes of a cluster are by DNS: the SRV records of one name, in the order in which they are to be tried.
 *
 * Clusters that are managed have names like `cb.example.cloud.couchbase.com`, which stand for no host. Sources: RFC 2782; gocbconnstr and
 * couchbase-cxx-client for when they are asked for.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Resolver } from "node:dns/promises"
import type { Seed } from "./ConnectionString.ts"

/** One record, as `node:dns` has it. */
export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Finds the records of a name such as `_couchbases._tcp.cb.example`; a failure is taken for none. */
export type ResolveSrv = (name: string) => Effect.Effect<ReadonlyArray<SrvRecord>, unknown>

/** Asks name servers, such as `127.0.0.1:5353`. Default: the system's */
export const resolveSrvBy = (servers?: ReadonlyArray<string>): ResolveSrv => (name) =>
  Effect.callback((resume) => {
    const resolver = new Resolver()
    if (servers !== undefined) resolver.setServers(servers)
    resolver.resolveSrv(name).then(
      (records) => resume(Effect.succeed(records)),
      (error: unknown) => resume(Effect.fail(error))
    )
    return Effect.sync(() => resolver.cancel())
  })

/** How records are found: replace it to ask other name servers (`resolveSrvBy`), or none. */
export const SrvResolver = Context.Reference<ResolveSrv>("@wirewright/couchbase/SrvResolver", { defaultValue: () => resolveSrvBy() })

/** Takes one of those that have the same priority; a heavier one more often. */
const draw = (records: ReadonlyArray<SrvRecord>, chance: number): SrvRecord => {
  const sum = records.reduce((total, { weight }) => total + weight, 0)
  const drawn = Math.floor(chance * (sum + 1))
  let running = 0
  return records.find(({ weight }) => (running += weight) >= drawn)!
}

/** Where to begin, first the records with the lowest priority number. `random` gives numbers from [0, 1). */
export const seedsOfRecords = (records: ReadonlyArray<SrvRecord>, random: () => number): ReadonlyArray<Seed> => {
  const usable = records.filter(({ name, port }) => port > 0 && !/^\.?$/.test(name))
  let left = usable.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight)
  const seeds: Array<Seed> = []
  while (left.length > 0) {
    const { priority } = left[0]!
    const drawn = draw(left.filter((one) => one.priority === priority), random())
    seeds.push({ host: drawn.name.replace(/\.$/, ""), port: drawn.port })
    left = left.filter((one) => one !== drawn)
  }
  return seeds
}
