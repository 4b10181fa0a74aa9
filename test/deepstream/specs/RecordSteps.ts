/** Steps about records. */
import type { DeepstreamError } from "@wirewright/deepstream"
import { type DeepstreamRecord, type Json, type PatternEvent } from "@wirewright/deepstream"
import { Effect, Exit, Stream } from "effect"
import { expect, expectNone, expectOnce, expectSame, type Step, step } from "./Steps.ts"
import { sent, type World } from "./World.ts"

const recordOf = (world: World, name: string): DeepstreamRecord<Json> => {
  const record = world.notes.get(`record ${name}`) as DeepstreamRecord<Json> | undefined
  if (record === undefined) throw new Error(`no record ${name} was created`)
  return record
}

const create = (world: World, name: string): Effect.Effect<void> =>
  world.fork(
    `record ${name}`,
    Effect.tap(world.ds.records.acquire(name), (record) => Effect.sync(() => world.notes.set(`record ${name}`, record)))
  )

const write = (
  world: World,
  name: string,
  run: (record: DeepstreamRecord<Json>, acknowledge: boolean) => Effect.Effect<unknown, DeepstreamError>
) => {
  const acknowledge = world.notes.get(`acknowledge ${name}`) === true
  const results = world.list<string | null>(`writes of ${name}`)
  const writing = run(recordOf(world, name), acknowledge)
  const effect = acknowledge
    ? world.fork(`write ${name}`, writing, (exit) => {
      if (Exit.isSuccess(exit)) results.push(null)
      else {
        for (const reason of exit.cause.reasons) {
          // deepstream's own client says nothing when a merge keeps the other's data; this one does
          if (reason._tag === "Fail") results.push(reason.error.reason._tag === "WriteLost" ? null : reason.error.message)
        }
      }
    })
    : world.fork(`write ${name}`, writing)
  return Effect.andThen(effect, sent)
}

/** Changes go to the one list of the scenario: the steps do not say of which record. */
const watch = (world: World, name: string, path: string | undefined): Effect.Effect<void> => {
  const record = recordOf(world, name)
  const options = { current: false, deliver: "every" } as const
  const changes = path === undefined ? record.changes(options) : record.changesAt(path, options)
  world.notes.set("watched", { record, path })
  return Effect.andThen(
    world.fork(
      `changes of ${name} ${path ?? ""}`,
      Stream.runForEach(changes, (value) => Effect.sync(() => world.list("changes").push(value)))
    ),
    sent
  )
}

const notified = (world: World): Effect.Effect<void> =>
  Effect.gen(function*() {
    const watched = world.notes.get("watched") as { readonly record: DeepstreamRecord<Json>; readonly path: string | undefined } | undefined
    expect(watched !== undefined, () => "nobody subscribed to a record")
    const { path, record } = watched!
    expectOnce(world, "changes", yield* Effect.orDie(path === undefined ? record.get : record.getAt(path)))
  })

export const recordSteps: ReadonlyArray<Step> = [
  step(/^the client creates a record named "([^"]*)"$/, (world, name = "") => Effect.andThen(create(world, name), sent)),
  step(/^the client discards the record named "([^"]*)"$/, (world, name = "") => Effect.andThen(world.stop(`record ${name}`), sent)),
  step(
    /^the client deletes the record named "([^"]*)"$/,
    (world, name = "") => Effect.andThen(world.fork(`deletion of ${name}`, recordOf(world, name).delete), sent)
  ),
  step(
    /^the client record "([^"]*)" data is (.*)$/,
    (world, name = "", json = "") => Effect.map(Effect.orDie(recordOf(world, name).get), (data) => expectSame(data, JSON.parse(json), name))
  ),
  step(
    /^the client sets the record "([^"]*)" "([^"]*)" to "(.+)"$/,
    (world, name = "", path = "", value) => write(world, name, (record, acknowledge) => record.patch(path, value, { acknowledge }))
  ),
  step(
    /^the client sets the record "([^"]*)" to (.+)$/,
    (world, name = "", json = "") => write(world, name, (record, acknowledge) => record.set(JSON.parse(json) as Json, { acknowledge }))
  ),
  step(/^the client requires write acknowledgement on record "([^"]*)"$/, (world, name = "") => {
    world.notes.set(`acknowledge ${name}`, true)
  }),
  step(
    /^the client is notified that the record "([^"]*)" was written without error$/,
    (world, name = "") => expectOnce(world, `writes of ${name}`, null)
  ),
  step(
    /^the client is notified that the record "([^"]*)" was written with error "([^"]*)"$/,
    (world, name = "", message) => expectOnce(world, `writes of ${name}`, message)
  ),
  step(/^the client subscribes to the entire record "([^"]*)" changes$/, (world, name = "") => watch(world, name, undefined)),
  step(/^the client subscribes to "([^"]*)" for the record "([^"]*)"$/, (world, path = "", name = "") => watch(world, name, path)),
  step(
    /^the client unsubscribes to the entire record "([^"]*)" changes$/,
    (world, name = "") => Effect.andThen(world.stop(`changes of ${name} `), sent)
  ),
  step(
    /^the client unsubscribes to "([^"]*)" for the record "([^"]*)"$/,
    (world, path = "", name = "") => Effect.andThen(world.stop(`changes of ${name} ${path}`), sent)
  ),
  step(/^the client will be notified of the record change$/, notified),
  step(/^the client will be notified of the second record change$/, notified),
  step(/^the client will be notified of the partial record change$/, notified),
  step(/^the client will not be notified of the record change$/, (world) => expectNone(world, "changes")),
  step(/^the client requests a snapshot for the record "([^"]*)"$/, (world, name = "") => {
    const results = world.list<unknown>(`snapshots of ${name}`)
    const snapshot = world.ds.records.snapshot(name)
    return Effect.andThen(
      world.fork(`snapshot of ${name}`, snapshot, (exit) => results.push(Exit.isSuccess(exit) ? exit.value : "error")),
      sent
    )
  }),
  step(
    /^the client has no response for the snapshot of record "([^"]*)"$/,
    (world, name = "") => expectNone(world, `snapshots of ${name}`)
  ),
  step(
    /^the client is told the record "([^"]*)" encountered an error retrieving snapshot$/,
    (world, name = "") => expectOnce(world, `snapshots of ${name}`, "error")
  ),
  step(
    /^the client is provided the snapshot for record "([^"]*)" with data "(.*)"$/,
    (world, name = "", json = "") => expectOnce(world, `snapshots of ${name}`, JSON.parse(json))
  ),
  step(/^the client checks if the server has the record "([^"]*)"$/, (world, name = "") => {
    const results = world.list<boolean>("existence")
    return Effect.andThen(
      world.fork(`has ${name}`, Effect.tap(world.ds.records.has(name), (has) => Effect.sync(() => results.push(has)))),
      sent
    )
  }),
  // the features name another record than the one that was asked about: the latest answer counts
  step(/^the client is told the record "([^"]*)" exists$/, (world) => expectOnce(world, "existence", true)),
  step(/^the client is told the record "([^"]*)" doesn't exist$/, (world) => expectOnce(world, "existence", false)),
  step(/^the client listens to a record matching "([^"]*)"$/, (world, pattern = "") => {
    const note = (event: PatternEvent) =>
      Effect.sync(() => world.list(event._tag === "Found" ? "record match" : "record match removal").push(event.name))
    const found = world.ds.records.listen(pattern, { onAckTimeout: "report" })
    return Effect.andThen(world.fork(`record pattern ${pattern}`, Stream.runForEach(found, note)), sent)
  }),
  step(
    /^the client unlistens to a record matching "([^"]*)"$/,
    (world, pattern = "") => Effect.andThen(world.stop(`record pattern ${pattern}`), sent)
  ),
  step(/^the client will be notified of new record match "([^"]*)"$/, (world, name) => expectOnce(world, "record match", name)),
  step(/^the client will be notified of record match removal "([^"]*)"$/, (world, name) => expectOnce(world, "record match removal", name))
]
