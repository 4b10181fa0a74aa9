/**
 * An indexer that is killed with -9, again and again, while documents are written and nodes fail over and lose changes; and what its tables are
 * afterwards, beside those of an index that was made from nothing.
 *
 * Half of the kills come at random instants; the others come before a statement, the first of a life, then the second and so on, so that each place
 * between two statements is met. An indexer with a mistake in it, such as a checkpoint that is saved outside of the transaction, shows that they do.
 * What was applied twice is looked for after each kill, because a rollback would hide it.
 */
import { Dcp } from "@wirewright/dcp"
import { processInTransactions } from "@wirewright/dcp/sql"
import { type CouchbaseNode, serveCouchbase } from "@wirewright/embedded"
import { random } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { SqlClient } from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { clientOf, postgresClient } from "./Databases.ts"
import { createIndex, doubles, indexer, rowsOf } from "./Index.ts"

/** How often and by what it is drawn. */
export interface KillsOptions {
  readonly kills: number
  readonly seed: number
  /** Address of the database, and of one for the index that is made from nothing. */
  readonly database: string
  readonly fresh: string
  readonly vbuckets?: number
  /** What is wrong with the indexer. Default: nothing. The first six kills find it. */
  readonly mistake?: Mistake
}

/** The checkpoint is saved outside of the transaction: before it begins, or after it was committed. */
export type Mistake = "before" | "after"

/** What came of it. */
export interface Killed {
  readonly writes: number
  readonly failovers: number
  /** Kills that came while changes were being applied, and while a rollback was being undone. */
  readonly inChanges: number
  readonly inRollback: number
  /** Kills that came before a statement. */
  readonly atStatements: number
  /** Rollbacks undone to the end. */
  readonly undone: number
  readonly transactions: number
  readonly rows: number
  /** Changes that were applied twice; rows that a fresh index has and this one does not, and the other way round. */
  readonly doubles: ReadonlyArray<unknown>
  readonly missing: ReadonlyArray<string>
  readonly extra: ReadonlyArray<string>
  /** The same, against the documents that the node has. */
  readonly wrong: ReadonlyArray<string>
}

const beside = (name: string): string => new URL(name, import.meta.url).pathname

const [transaction, save] = ["sql.withTransaction(once)", "yield* group.save(later)"]

/** The processing in transactions, with a mistake. */
const mistaken = (source: string, mistake: Mistake): string => {
  for (const part of [transaction, save]) {
    if (source.split(part).length !== 2) throw new Error(`the mistake has no place: ${part} is not there once`)
  }
  const order = mistake === "before" ? `group.save(later), ${transaction}` : `${transaction}, group.save(later)`
  return source.replace(save, "").replace(transaction, `Effect.andThen(${order})`)
}

/** The indexer in one file, which starts in a fraction of the time: its path. */
const bundled = async (database: string, folder: string, mistake: Mistake | undefined): Promise<string> => {
  const databases = `from ${JSON.stringify(beside("./Databases.ts"))}`
  const lines = database.startsWith("sqlite:")
    ? [`import { sqliteOf as clientOf } ${databases}`]
    : [
      `import { postgresOf } ${databases}`,
      `import { layer } from ${JSON.stringify(postgresClient())}`,
      "const clientOf = postgresOf({ layer })"
    ]
  const entry = join(folder, "entry.mjs")
  const file = join(folder, "indexer.mjs")
  writeFileSync(
    entry,
    [`import { run } from ${JSON.stringify(beside("./IndexerProcess.ts"))}`, ...lines, "await run(clientOf)", ""].join("\n")
  )
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    external: /^node:/,
    plugins: mistake === undefined ? [] : [{
      name: "mistake",
      transform: { filter: { id: /dcp\/src\/Transactions\.ts$/ }, handler: (source) => mistaken(source, mistake) }
    }],
    resolve: { conditionNames: ["@wirewright/source", "import", "node", "default"] }
  })
  await bundle.write({ file, format: "esm", codeSplitting: false })
  await bundle.close()
  return file
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** One life of the indexer. */
class Life {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  private printed = ""

  constructor(program: string, environment: Record<string, string>) {
    this.child = spawn(process.execPath, [program], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"]
    })
    this.child.stdout!.on("data", (chunk: Buffer) => this.printed += chunk.toString())
    this.ended = new Promise((resolve) => this.child.once("close", (code) => resolve(code)))
  }

  get words(): ReadonlyArray<string> {
    return this.printed.split("\n").slice(0, -1)
  }

  count(word: string): number {
    return this.words.filter((one) => one === word).length
  }

  /** Until it has said something more than so often, or is over. */
  async says(word: string, times: number, longest: number): Promise<void> {
    for (let waited = 0; waited < longest && this.count(word) <= times && this.child.exitCode === null; waited += 5) await sleep(5)
  }
}

const images = (node: CouchbaseNode): ReadonlyArray<string> => {
  const bucket = node.buckets.get("default")!
  const all = [...bucket.allVbuckets].flatMap(({ id }) =>
    [...bucket.store.space(id).items.values()].flatMap(({ deleted, key, seqno, value }) =>
      deleted ? [] : [`${id} ${key} ${seqno} ${new TextDecoder().decode(value)}`]
    )
  )
  return all.sort()
}

const within = <A, E>(url: string, effect: Effect.Effect<A, E, SqlClient>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provide(effect, clientOf(url))))

/** Statements before which it is killed in turn: as many as a transaction has. So many kills at random instants come after those. */
const places = 6

/** Kills it so many times. */
export const killAgainAndAgain = async ({ database, fresh, kills, mistake, seed, vbuckets = 8 }: KillsOptions): Promise<Killed> => {
  const scope = Scope.makeUnsafe()
  const folder = mkdtempSync(join(tmpdir(), "wirewright-indexer-"))
  const program = await bundled(database, folder, mistake)
  const below = random(seed)
  const node = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets }] }), scope))
  const bucket = node.buckets.get("default")!
  let writes = 0
  let failovers = 0
  const write = (): void => {
    const vbucket = below(vbuckets)
    const key = `v${vbucket}-${below(40)}`
    const space = bucket.store.space(vbucket)
    if (below(6) === 0) bucket.store.remove(space, key)
    else bucket.store.set(space, key, { value: new TextEncoder().encode(`value ${writes}`) })
    writes++
  }
  const writing = setInterval(() => {
    for (let i = 0; i < 3; i++) write()
  }, 15)
  const lives: Array<Life> = []
  const live = (more: Record<string, string>): Life => {
    const life = new Life(program, { BUCKET: `couchbase://127.0.0.1:${node.port}/default`, DATABASE: database, ...more })
    lives.push(life)
    return life
  }
  let inChanges = 0
  let inRollback = 0
  let atStatements = 0
  const fail = (): void => {
    node.cluster.failover(0, { lost: 1 + below(6) })
    failovers++
  }
  /** At a random instant: of its start, of a transaction, at work on the rollback, between two of them, or after. */
  const atRandom = async (kill: number): Promise<Life> => {
    const life = live({ PAUSE: "5" })
    // some do not live long enough to connect
    if (kill % 6 === 2) await sleep(below(500))
    else {
      await life.says("done", 1, 20_000)
      await sleep(below(150))
      if (kill % 4 !== 0) {
        const undone = life.count("undone")
        fail()
        if (kill % 4 < 3) await life.says("rollback", undone, 3_000)
        await sleep(below(120))
      }
    }
    return life
  }
  /** Before a statement, each in turn. */
  const atStatement = async (kill: number, word: "changes" | "rollback"): Promise<Life> => {
    if (word === "rollback") fail()
    const life = live({ DIES_IN: word, DIES_BEFORE: String(1 + kill % places) })
    atStatements++
    await Promise.race([life.ended, sleep(20_000)])
    return life
  }
  const twice: Array<unknown> = []
  await within(database, createIndex)
  try {
    for (let kill = 0; kill < kills; kill++) {
      const turn = Math.floor(kill / places) % 4
      const life = turn % 2 === 1 ? await atRandom(kill) : await atStatement(kill, turn === 0 ? "changes" : "rollback")
      life.child.kill("SIGKILL")
      await life.ended
      const last = life.words.at(-1)
      if (last === "changes") inChanges++
      if (last === "rollback") inRollback++
      twice.push(...await within(database, doubles))
    }
    clearInterval(writing)
    const code = await live({ TO: "now" }).ended
    if (code !== 0) throw new Error(`the last life ended with ${code}`)
    const url = `couchbase://127.0.0.1:${node.port}/default`
    const afresh = Stream.runDrain(processInTransactions({ group: "fresh", to: "now" }, indexer()))
    await within(fresh, Effect.andThen(createIndex, Effect.provide(afresh, Dcp.layerUrl(url))))
    const expected = await within(fresh, rowsOf)
    const found = await within(database, rowsOf)
    twice.push(...await within(database, doubles))
    const image = images(node)
    const sum = (word: string): number => lives.reduce((all, life) => all + life.count(word), 0)
    const [left, right] = [new Set(found), new Set(expected)]
    return {
      writes,
      failovers,
      inChanges,
      inRollback,
      atStatements,
      undone: sum("undone"),
      transactions: sum("done") + sum("undone"),
      rows: found.length,
      doubles: twice,
      missing: expected.filter((row) => !left.has(row)),
      extra: found.filter((row) => !right.has(row)),
      wrong: [...image.filter((row) => !left.has(row)), ...found.filter((row) => !image.includes(row))]
    }
  } finally {
    clearInterval(writing)
    for (const { child } of lives) if (child.exitCode === null) child.kill("SIGKILL")
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In a line. */
export const summary = (name: string, kills: number, seed: number, killed: Killed): string =>
  `${name}, seed ${seed}: ${kills} kills (${killed.inChanges} while changes were applied, ${killed.inRollback} while a rollback was undone, `
  + `${killed.atStatements} before a statement), `
  + `${killed.writes} writes, ${killed.failovers} failovers, ${killed.transactions} transactions, ${killed.undone} rollbacks undone, `
  + `${killed.rows} rows, ${killed.doubles.length} applied twice, ${killed.missing.length} missing, ${killed.extra.length} too many`
