/**
 * A shared todo list over deepstream: every todo is a record with a schema, a list holds their names, and procedures add and complete them, so
 * that only whoever provides those writes.
 *
 *     node 08_todo_list.ts URL serve               provides the procedures
 *     node 08_todo_list.ts URL add "Buy milk"      asks for a todo
 *     node 08_todo_list.ts URL done todo/1         completes one
 *     node 08_todo_list.ts URL watch               shows the list whenever it changes
 *     node 08_todo_list.ts URL                     all of it in one program
 */
import { Deepstream, type DeepstreamError } from "@wirewright/deepstream"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const Todo = Schema.Struct({ title: Schema.String, done: Schema.Boolean })

const listName = "todos"

/** The list as text. */
const show = (names: ReadonlyArray<string>): Effect.Effect<string, DeepstreamError, Deepstream> =>
  Effect.gen(function*() {
    const { records } = yield* Deepstream
    const lines = yield* Effect.forEach(names, (name) =>
      Effect.map(records.snapshot(name, Todo), ({ done, title }) => `${done ? "[x]" : "[ ]"} ${name}  ${title}`))
    return lines.join("\n")
  })

/** Provides what changes the list, as long as the scope is open. */
export const serve: Effect.Effect<void, DeepstreamError, Deepstream | Scope.Scope> = Effect.gen(function*() {
  const { records, rpc } = yield* Deepstream
  const list = yield* records.openList(listName)
  yield* rpc.provide("todos/add", (title) =>
    Effect.gen(function*() {
      if (typeof title !== "string" || title === "") return yield* Effect.fail(new Error("a todo needs a title"))
      const name = `todo/${(yield* list.entries).length + 1}`
      yield* records.upsert(name, { title, done: false }, { acknowledge: true })
      yield* list.add(name, { acknowledge: true })
      return name
    }), { concurrency: 1 })
  yield* rpc.provide("todos/complete", (name) =>
    Effect.gen(function*() {
      if (typeof name !== "string" || !(yield* list.entries).includes(name)) return yield* Effect.fail(new Error("there is no such todo"))
      const todo = yield* records.open(name, Todo)
      yield* todo.patch("done", true, { acknowledge: true })
      return name
    }).pipe(Effect.scoped))
})

/** Adds a todo and says its name. */
export const add = (title: string) => Deepstream.request("todos/add", title)

/** Completes a todo. */
export const complete = (name: string) => Deepstream.request("todos/complete", name)

/** The list whenever an entry is added, or a todo in it changes. */
export const watch: Stream.Stream<string, DeepstreamError, Deepstream> = Stream.unwrap(
  Effect.gen(function*() {
    const { records } = yield* Deepstream
    const list = yield* records.openList(listName)
    return Stream.switchMap(list.changes(), (names) =>
      Stream.mapEffect(
        Stream.mergeAll(
          names.map((name) => Stream.unwrap(Effect.map(records.open(name, Todo), (todo) => todo.changes()))),
          { concurrency: "unbounded" }
        ),
        () => show(names)
      ))
  })
)

/** All of it: somebody serves, somebody else adds and completes, a third one looks. Each has a connection of its own. */
export const demo = (url: string): Effect.Effect<void, DeepstreamError> => {
  const somebody = () => Deepstream.layer({ url, credentials: {} })
  const asks = Effect.gen(function*() {
    yield* add("Buy milk")
    const second = yield* add("Read the mail")
    yield* complete(String(second))
  })
  const looks = watch.pipe(Stream.filter((text) => text.includes("[x]")), Stream.take(1), Stream.runForEach(Console.log))
  return serve.pipe(
    Effect.andThen(Effect.provide(asks, somebody())),
    Effect.andThen(Effect.provide(looks, somebody())),
    Effect.scoped,
    Effect.provide(somebody())
  )
}

/** What the command line asks for. */
export const command = (url: string, [verb, argument = ""]: ReadonlyArray<string>): Effect.Effect<void, DeepstreamError> => {
  const person = Effect.provide(Deepstream.layer({ url, credentials: {} }))
  switch (verb) {
    case "serve":
      return Effect.andThen(serve, Effect.never).pipe(Effect.scoped, person)
    case "add":
      return Effect.flatMap(add(argument), Console.log).pipe(person)
    case "done":
      return Effect.asVoid(complete(argument)).pipe(person)
    case "watch":
      return Stream.runForEach(watch, Console.log).pipe(person)
    default:
      return demo(url)
  }
}

const [url, ...rest] = process.argv.slice(2)
if (process.argv[1]?.includes("08_todo_list") === true && url !== undefined) {
  Effect.runPromise(command(url, rest)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
