/**
 * A view that follows a bucket: how many orders each city has and what they are worth, kept right while the connection breaks and a node is lost
 * together with writes that nobody else had.
 *
 * The view undoes: it remembers what each change replaced. When the stream says `Rollback`, it takes back what it did behind that seqno; the
 * rest is the stream's business. At the end the view is compared with the node, document by document.
 *
 * Run: `npm start`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { KvClient } from "@wirewright/couchbase"
import { type Change, CheckpointStore, Dcp, type DocumentChange } from "@wirewright/dcp"
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"

interface Order {
  readonly city: string
  readonly amount: number
}

interface Done {
  readonly seqno: bigint
  readonly key: string
  readonly before: Order | undefined
}

const cities = ["Aarhus", "Bergen", "Cork", "Dresden", "Évora", "Faro", "Graz", "Haarlem"]

/** Orders and their worth by city. */
export class CityView {
  readonly orders = new Map<string, Order>()
  readonly totals = new Map<string, { count: number; amount: number }>()
  undone = 0
  private readonly journals = new Map<number, Array<Done>>()

  /** Last seqno of a vbucket that the view has. */
  seqno(vbucket: number): bigint {
    return this.journals.get(vbucket)?.at(-1)?.seqno ?? 0n
  }

  change(event: Change): void {
    switch (event._tag) {
      case "Mutation":
        return this.apply(event, JSON.parse(new TextDecoder().decode(event.value)) as Order)
      case "Deletion":
      case "Expiration":
        return this.apply(event, undefined)
    }
  }

  private apply({ key, seqno, vbucket }: DocumentChange, order: Order | undefined): void {
    // what comes a second time, after a connection was lost, takes the place of the first
    if (seqno <= this.seqno(vbucket)) this.undo(vbucket, seqno - 1n)
    const journal = this.journals.get(vbucket) ?? []
    this.journals.set(vbucket, journal)
    journal.push({ seqno, key, before: this.orders.get(key) })
    this.put(key, order)
  }

  undo(vbucket: number, to: bigint): void {
    const journal = this.journals.get(vbucket) ?? []
    while (journal.length > 0 && journal.at(-1)!.seqno > to) {
      const { before, key } = journal.pop()!
      this.put(key, before)
      this.undone++
    }
  }

  private put(key: string, order: Order | undefined): void {
    const before = this.orders.get(key)
    if (before !== undefined) this.count(before, -1)
    if (order === undefined) this.orders.delete(key)
    else {
      this.orders.set(key, order)
      this.count(order, 1)
    }
  }

  private count({ amount, city }: Order, sign: 1 | -1): void {
    const total = this.totals.get(city) ?? { count: 0, amount: 0 }
    total.count += sign
    total.amount += sign * amount
    this.totals.set(city, total)
  }
}

/** What the view should hold, straight from the nodes' memory. */
const expected = (cluster: CouchbaseCluster): ReadonlyMap<string, Order> =>
  new Map(
    [...cluster.buckets.values()].flatMap((bucket) =>
      bucket.allVbuckets.flatMap(({ history }) =>
        [...history.image.values()].flatMap((change) =>
          change.kind === "mutation"
            ? [[change.document.key, JSON.parse(new TextDecoder().decode(change.document.value)) as Order] as const]
            : []
        )
      )
    )
  )

/** How the view differs from what it should hold. */
export const differences = (view: CityView, orders: ReadonlyMap<string, Order>): ReadonlyArray<string> => {
  const keys = new Set([...view.orders.keys(), ...orders.keys()])
  const wrong = [...keys].filter((key) => {
    const [ours, theirs] = [view.orders.get(key), orders.get(key)]
    return ours?.city !== theirs?.city || ours?.amount !== theirs?.amount
  })
  const totals = cities.filter((city) => {
    const of = [...orders.values()].filter((order) => order.city === city)
    const { amount, count } = view.totals.get(city) ?? { count: 0, amount: 0 }
    return count !== of.length || amount !== of.reduce((sum, order) => sum + order.amount, 0)
  })
  return [...wrong, ...totals]
}

/** Where the program says what it does. */
export interface Screen {
  /** A line that stays. */
  readonly say: (text: string) => void
  /** A line that the next one replaces. */
  readonly status: (text: string) => void
}

/** The program; its result says how the view differs from the node. */
export const program = ({ say, status }: Screen, documents = 20_000) =>
  Effect.gen(function*() {
    const cluster = yield* serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "orders", vbuckets: 64 }] })
    const bucket = cluster.buckets.get("orders")!
    const seeds = cluster.nodes.map(({ host, port }) => ({ host, port })) as unknown as readonly [{ host: string; port: number }]
    const view = new CityView()
    let processed = 0
    say(`two nodes with 64 vbuckets: ${cluster.nodes.map(({ server }) => server.address).join(", ")}`)

    const kv = yield* KvClient.make({ seeds, bucket: "orders" })
    const write = (first: number, count: number) =>
      Effect.forEach(
        Array.from({ length: count }, (_, i) => first + i),
        // a write whose connection was lost may have happened; this one may happen twice
        (n) => Effect.retry(kv.upsert(`order::${n}`, { city: cities[(n * 7) % cities.length]!, amount: n % 97 }), { times: 5 }),
        { concurrency: 256, discard: true }
      )

    const { consumer, events } = yield* Dcp.run({ group: "city-view", commitInterval: 100, noopInterval: 1_000 }, {
      change: (change) =>
        Effect.sync(() => {
          view.change(change)
          processed++
        }),
      rollback: ({ to, vbucket }) => Effect.sync(() => view.undo(vbucket, to))
    }).pipe(
      Effect.provideService(CheckpointStore, CheckpointStore.memory()),
      Effect.provide(Dcp.layer({ seeds, bucket: "orders" }))
    )
    yield* Effect.forkScoped(Stream.runDrain(events))

    const lag = (): number =>
      bucket.allVbuckets.reduce((sum, { history, id }) => sum + Math.max(0, Number(history.highSeqno - view.seqno(id))), 0)
    let before = 0
    const show = Effect.sync(() => {
      const { connections, rollbacks, streaming, vbuckets } = consumer.status
      const ahead = connections.reduce((sum, one) => sum + one.outstanding, 0)
      const rate = (processed - before) * 10
      before = processed
      status(
        `${streaming}/${vbuckets} vbuckets  ${processed} events  ${rate}/s  lag ${lag()}  window ${ahead} B  rollbacks ${rollbacks}`
      )
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(show, Effect.sleep(100))))

    const caughtUp = Effect.gen(function*() {
      for (let tries = 0; tries < 400; tries++) {
        if (lag() === 0 && bucket.allVbuckets.every(({ history, id }) => view.seqno(id) === history.highSeqno)) return
        yield* Effect.sleep(25)
      }
    })

    yield* write(0, documents)
    yield* caughtUp
    say(`${documents} orders written and seen; the view has ${view.orders.size}`)

    const connections = cluster.nodes.reduce((sum, node) => sum + node.disconnect(true), 0)
    yield* write(documents, documents / 10)
    yield* caughtUp
    say(`${connections} connections cut, ${documents / 10} more orders written; the view has ${view.orders.size}`)

    // the view has seen these writes, and then they never happened
    yield* write(0, documents / 20)
    yield* caughtUp
    const lost = cluster.failover(0, { lost: 5 })
    say(`node 1 failed; node 2 took over without the last ${lost} writes`)
    yield* write(documents * 2, documents / 10)
    yield* caughtUp

    const wrong = differences(view, expected(cluster))
    const { rollbacks } = consumer.status
    say(`${rollbacks} rollbacks took back ${view.undone} changes; the view has ${view.orders.size} orders`)
    for (const city of cities) {
      const { amount, count } = view.totals.get(city)!
      say(`  ${city.padEnd(8)} ${String(count).padStart(6)} orders ${String(amount).padStart(9)}`)
    }
    say(wrong.length === 0 ? "view = node" : `the view differs from the node: ${wrong.slice(0, 5).join(", ")}`)
    return { differences: wrong, rollbacks, lost }
  }).pipe(Effect.scoped)

if (import.meta.main) {
  const live = process.stdout.isTTY === true
  const screen: Screen = {
    say: (text) => void process.stdout.write(`${live ? "\r\u001b[K" : ""}${text}\n`),
    status: (text) => {
      if (live) process.stdout.write(`\r\u001b[K${text}`)
    }
  }
  program(screen).pipe(
    Effect.tap(({ differences: wrong }) => Effect.sync(() => process.exitCode = wrong.length === 0 ? 0 : 1)),
    // what operators read is beside what the program shows
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)])),
    NodeRuntime.runMain
  )
}
