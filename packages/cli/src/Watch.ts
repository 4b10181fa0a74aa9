/**
 * `--watch`: runs a command again whenever a file changes that it has loaded. Each run is a process of its own, because Node keeps every module
 * it has loaded; it tells which files those were.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { existsSync, type FSWatcher, statSync, watch } from "node:fs"
import { registerHooks } from "node:module"
import { basename, dirname, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { counted } from "./Failure.ts"
import { say } from "./Output.ts"

const marker = "WIREWRIGHT_WATCHED"

/** Milliseconds without a change before the command runs again: editors write several files, and some of them twice. */
const quiet = 100

/** Packages do not change while one writes a spec. */
const isOwn = (path: string): boolean => !path.split(sep).includes("node_modules")

interface Told {
  readonly files: ReadonlyArray<string>
}

/** Runs what loads files; tells a process that watches which files it loaded, also those that were looked for and are not there. */
export const told = async <A>(cwd: string, files: ReadonlyArray<string>, run: () => Promise<A>): Promise<A> => {
  if (process.env[marker] === undefined || process.send === undefined) return run()
  const loaded = new Set(files.map((file) => resolve(cwd, file)))
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (/^\.{0,2}\//.test(specifier) && context.parentURL?.startsWith("file:") === true) {
        const path = fileURLToPath(new URL(specifier, context.parentURL))
        if (isOwn(path)) loaded.add(path)
      }
      return next(specifier, context)
    },
    load: (url, context, next) => {
      if (url.startsWith("file:") && isOwn(fileURLToPath(url))) loaded.add(fileURLToPath(url))
      return next(url, context)
    }
  })
  try {
    return await run()
  } finally {
    hooks.deregister()
    await new Promise<void>((done) => process.send?.({ files: [...loaded] } satisfies Told, undefined, undefined, () => done()))
    process.disconnect?.()
  }
}

/** What is there: changes when the file does. */
const stamp = (path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? "" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`
}

/** The directory that a file is in, or the nearest above it that exists. */
const watchable = (path: string): string => {
  const parent = dirname(path)
  return existsSync(parent) || parent === path ? parent : watchable(parent)
}

const bin = fileURLToPath(new URL("../bin/wirewright.js", import.meta.url))

class Watching {
  private readonly args: ReadonlyArray<string>
  private readonly cwd: string
  private files = new Map<string, string>()
  private watchers: Array<FSWatcher> = []
  private child: ChildProcess | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(args: ReadonlyArray<string>, cwd: string, files: ReadonlyArray<string>) {
    this.args = args
    this.cwd = cwd
    for (const file of files) this.files.set(resolve(cwd, file), "")
  }

  start(): void {
    for (const file of this.files.keys()) this.files.set(file, stamp(file))
    let heard: ReadonlyArray<string> = [...this.files.keys()]
    const child = fork(bin, this.args, {
      cwd: this.cwd,
      env: { ...process.env, [marker]: "1" },
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    })
    this.child = child
    const before = new Map(this.files)
    const begun = Date.now()
    child.on("message", ({ files }: Told) => heard = files)
    child.on("error", (error) => say(`cannot run again: ${error.message}`))
    child.on("close", () => {
      this.child = undefined
      // what changed after it was loaded is loaded again; of files that were not known before, only their time tells
      const isNewer = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > begun
      this.files = new Map(heard.map((file) => [file, before.get(file) ?? (isNewer(file) ? "newer" : stamp(file))]))
      this.listen()
      say(`watching ${counted(this.files.size, "file")}; Ctrl-C ends`)
      this.changed()
    })
  }

  stop(): void {
    clearTimeout(this.timer)
    for (const one of this.watchers) one.close()
    this.watchers = []
    this.child?.kill()
  }

  private listen(): void {
    for (const one of this.watchers) one.close()
    const names = new Map<string, Set<string>>()
    for (const file of this.files.keys()) {
      const directory = watchable(file)
      const known = names.get(directory) ?? new Set()
      names.set(directory, known.add(relative(directory, file).split(sep)[0] ?? basename(file)))
    }
    this.watchers = [...names].map(([directory, known]) =>
      watch(directory, (_, name) => {
        if (name === null || known.has(name)) this.changed()
      }).on("error", () => {})
    )
  }

  private changed(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      if (this.child !== undefined) return
      const changed = [...this.files].filter(([file, before]) => stamp(file) !== before).map(([file]) => relative(this.cwd, file))
      if (changed.length === 0) return
      say(`${changed.join(", ")} changed`)
      this.start()
    }, quiet)
  }
}

/** Runs the command with `args` now and after every change; `files` are looked at even when a run tells of none. Ends on Ctrl-C, with exit code 0. */
export const watching = (args: ReadonlyArray<string>, cwd: string, files: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.callback<void>(() => {
    const run = new Watching(args, cwd, files)
    const end = (): void => {
      run.stop()
      process.exit(0)
    }
    const signals = ["SIGINT", "SIGTERM"] as const
    // before the listener that would make an interruption of it
    for (const signal of signals) process.prependListener(signal, end)
    run.start()
    return Effect.sync(() => {
      for (const signal of signals) process.off(signal, end)
      run.stop()
    })
  })
