/** Runs the command in this process, one after another: what it prints is caught, its exit code is the one `main` would end with. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import { run } from "../src/Run.ts"
import type { Outcome } from "./RunCli.ts"

/** Catches what is written to a stream until it is put back. */
const caught = (stream: NodeJS.WriteStream): { readonly text: () => string; readonly restore: () => void } => {
  const { write } = stream
  let text = ""
  stream.write = ((chunk: string | Uint8Array, ...rest: ReadonlyArray<unknown>): boolean => {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString()
    const done = rest.at(-1)
    if (typeof done === "function") (done as () => void)()
    return true
  }) as typeof write
  return { text: () => text, restore: () => void (stream.write = write) }
}

/** Runs it; `interruptWhen` says when to press Ctrl-C. */
export const runHere = (args: ReadonlyArray<string>, interruptWhen?: (out: string) => boolean): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    const [out, err] = [caught(process.stdout), caught(process.stderr)]
    const restore = Effect.sync(() => {
      out.restore()
      err.restore()
    })
    return yield* Effect.ensuring(
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(run(args))
        if (interruptWhen !== undefined) {
          for (let i = 0; i < 2000 && !interruptWhen(out.text()); i++) yield* Effect.sleep(5)
          yield* Fiber.interrupt(fiber)
        }
        const exit = yield* Fiber.await(fiber)
        let code: number | null = null
        Runtime.defaultTeardown(exit, (ended) => code = ended)
        return { code, out: out.text(), err: err.text() }
      }),
      restore
    )
  })

let before: Promise<unknown> = Promise.resolve()

/** Runs several that are asked for at once, one after another. */
export const oneByOne = (args: ReadonlyArray<string>): Promise<Outcome> => {
  const run = before.then(() => Effect.runPromise(runHere(args)))
  before = run.catch(() => {})
  return run
}
