/**
 * Checkpoints in files of a directory. A file is written beside its place, brought to the disk, and renamed into its place, so that after a
 * crash at any step it is the old one or the new one, never a part of one.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"
import { type CheckpointArchive, CheckpointStore, overTexts, type TextStore } from "./CheckpointStore.ts"
import { CheckpointError } from "./DcpError.ts"

/** The steps that a file is written in; a test can make each fail. */
export interface FileSteps {
  /** Creates the directory of a file. */
  readonly directory: (path: string) => Promise<unknown>
  readonly read: (path: string) => Promise<string>
  /** Paths of the files below a directory; none when it is missing. */
  readonly list: (directory: string) => Promise<ReadonlyArray<string>>
  /** Writes a file and brings it to the disk. */
  readonly write: (path: string, text: string) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  /** Brings the names of a directory to the disk. */
  readonly settle: (directory: string) => Promise<void>
}

/** Steps on the real disk. */
export const diskSteps: FileSteps = {
  directory: (path) => mkdir(dirname(path), { recursive: true }),
  read: (path) => readFile(path, "utf8"),
  list: async (directory) => {
    const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return []
      throw error
    })
    return found.filter((entry) => entry.isFile()).map(({ name, parentPath }) => join(parentPath, name))
  },
  write: async (path, text) => {
    const file = await open(path, "w")
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  rename,
  settle: async (directory) => {
    // not every system lets a directory be opened
    const handle = await open(directory, "r").catch(() => undefined)
    if (handle === undefined) return
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}

const unavailable = (path: string, cause: unknown): CheckpointError =>
  new CheckpointError({
    reason: "Unavailable",
    message: `${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
    cause
  })

const texts = (root: string, steps: FileSteps): TextStore => {
  const pathOf = (name: string): string => join(root, `${name}.json`)
  const attempt = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, CheckpointError> =>
    Effect.tryPromise({ try: run, catch: (cause) => unavailable(path, cause) })
  return {
    names: Effect.map(
      attempt(root, () => steps.list(root)),
      (paths) =>
        paths.flatMap((path) => path.endsWith(".json") ? [relative(root, path).slice(0, -".json".length).replaceAll(sep, "/")] : [])
    ),
    place: pathOf,
    get: (name) => {
      const path = pathOf(name)
      return Effect.tryPromise({ try: () => steps.read(path), catch: (cause) => cause }).pipe(
        Effect.map((text) => ({ text, version: 0n })),
        Effect.catch((cause) =>
          (cause as NodeJS.ErrnoException).code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(unavailable(path, cause))
        )
      )
    },
    put: (name, text) => {
      const path = pathOf(name)
      const beside = `${path}.new`
      return Effect.uninterruptible(
        attempt(path, () => steps.directory(path)).pipe(
          Effect.andThen(attempt(beside, () => steps.write(beside, text))),
          Effect.andThen(attempt(path, () => steps.rename(beside, path))),
          Effect.andThen(attempt(path, () => steps.settle(dirname(path)))),
          Effect.as(0n)
        )
      )
    }
  }
}

/**
 * A store in the files of a directory, which is made when it is missing. Consumers of one group must not share it across machines: files cannot
 * be compared and replaced, so two owners that write at the same instant are not told apart.
 */
export const fileStore = (directory: string, steps: FileSteps = diskSteps): CheckpointArchive => {
  const { groups, look, open, openFree } = overTexts(texts(directory, steps))
  const one = Semaphore.makeUnsafe(1).withPermits(1)
  const alone = (opening: typeof open): typeof open => (group) =>
    Effect.map(one(opening(group)), ({ clear, epoch, load, save }) => ({
      epoch,
      load,
      save: (checkpoints) => one(save(checkpoints)),
      clear: one(clear)
    }))
  return { groups, look, open: alone(open), openFree: alone(openFree) }
}

/** A store in the files of a directory. */
export const layerFile = (directory: string): Layer.Layer<CheckpointStore> => Layer.sync(CheckpointStore, () => fileStore(directory))
