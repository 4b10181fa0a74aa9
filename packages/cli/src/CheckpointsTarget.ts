/**
 * Where checkpoints are, for commands that look at them or change them: a directory, the documents of a bucket, or a table of SQLite or PostgreSQL; and
 * which group is meant. It prints nothing.
 */
import type { CheckpointArchive, StoredGroup } from "@wirewright/dcp"
import type { KvCommands } from "@wirewright/couchbase"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Failure, failureOf, usage } from "./Failure.ts"

/** A store of checkpoints. */
export interface CheckpointsTarget {
  /** As it was named. */
  readonly place: string
  readonly archive: CheckpointArchive
  /** The bucket that has them, where one does. */
  readonly documents: { readonly kv: KvCommands; readonly bucket: string } | undefined
}

/** Whether a text is a connection string, and no directory. */
export const isUrl = (text: string): boolean => /^couchbases?:\/\//i.test(text)

/** The file of a `sqlite:FILE`. */
const sqliteFile = (text: string): string | undefined => /^sqlite:(.+)$/i.exec(text)?.[1]

const isPostgres = (text: string): boolean => /^postgres(ql)?:\/\//i.test(text)

/** An address without its password. */
const shown = (place: string): string => place.replace(/(\/\/[^:@/]*):[^@/]*@/, "$1@")

/** The client of PostgreSQL, which only those install that need it: in the directory where the command runs, or beside the command. */
const postgresClient = (): Promise<PostgresModule> => {
  const name = "@effect/sql-pg/PgClient"
  try {
    return import(pathToFileURL(createRequire(join(process.cwd(), "package.json")).resolve(name)).href)
  } catch {
    return import(name)
  }
}

interface PostgresModule {
  readonly layer: (options: {
    readonly url: Redacted.Redacted
    readonly password?: Redacted.Redacted
    readonly maxConnections: number
  }) => Layer.Layer<SqlClient, SqlError>
}

const postgresLayer = (
  place: string,
  password: Redacted.Redacted<string> | undefined
): Effect.Effect<Layer.Layer<SqlClient, SqlError>, Failure> =>
  Effect.map(
    Effect.tryPromise({
      try: postgresClient,
      catch: () => usage("PostgreSQL needs @effect/sql-pg beside wirewright: npm install @effect/sql-pg")
    }),
    ({ layer }) => layer({ url: Redacted.make(place), maxConnections: 1, ...password === undefined ? {} : { password } })
  )

/** The table of a database; undefined when a text names none. */
const tableOf = (place: string, password: Redacted.Redacted<string> | undefined) =>
  Effect.gen(function*() {
    const filename = sqliteFile(place)
    if (filename === undefined && !isPostgres(place)) return undefined
    const [{ SqlClient }, { sqlCheckpointStore }] = yield* Effect.promise(() =>
      Promise.all([import("effect/sql/SqlClient"), import("@wirewright/dcp/sql")])
    )
    const layer = filename === undefined
      ? yield* postgresLayer(place, password)
      : (yield* Effect.promise(() => import("@wirewright/sqlite"))).SqliteClient.layer({ filename })
    const services = yield* Effect.mapError(Layer.build(layer), (error) =>
      new Failure({ exit: "unreachable", error: "DatabaseUnavailable", message: `${shown(place)}: ${error.message}` }))
    return sqlCheckpointStore(Context.get(services, SqlClient))
  })

/** Opens what a text names. A directory that does not exist has no groups. */
export const openCheckpoints = (
  place: string,
  password: Redacted.Redacted<string> | undefined
): Effect.Effect<CheckpointsTarget, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const table = yield* tableOf(place, password)
    if (table !== undefined) return { place: shown(place), archive: table, documents: undefined }
    const { documentStore, fileStore } = yield* Effect.promise(() => import("@wirewright/dcp"))
    if (!isUrl(place)) {
      return { place, archive: fileStore(place), documents: undefined }
    }
    const { KvClient, optionsOfUrl } = yield* Effect.promise(() => import("@wirewright/couchbase"))
    const options = yield* Effect.mapError(optionsOfUrl(place, password), failureOf)
    if (options.bucket === undefined) return yield* usage("the URL names no bucket; expected couchbase://host/bucket")
    const kv = yield* Effect.mapError(KvClient.make(options), failureOf)
    return { place, archive: documentStore(kv), documents: { kv, bucket: options.bucket } }
  })

/** A directory or file has to be there when nothing is to be written. */
export const mustExist = (place: string): Effect.Effect<void, Failure> => {
  const file = sqliteFile(place)
  if (file !== undefined) return existsSync(file) ? Effect.void : Effect.fail(usage(`${file}: no such file`))
  return isUrl(place) || isPostgres(place) || existsSync(place)
    ? Effect.void
    : Effect.fail(usage(`${place}: no such directory, and no couchbase://user@host/bucket, sqlite:FILE or postgres://user@host/database`))
}

/**
 * The group's full name, `BUCKET/GROUP`: as it was given, or that of the bucket `bucket`, or the only one in the store of that name; and what is
 * stored of it.
 */
export const findGroup = (
  { archive, documents, place }: CheckpointsTarget,
  given: string,
  bucket: string | undefined = documents?.bucket
): Effect.Effect<{ readonly name: string; readonly stored: StoredGroup | undefined }, Failure> =>
  Effect.gen(function*() {
    const look = (name: string) => Effect.mapError(archive.look(name), failureOf)
    const named = yield* look(given)
    if (named !== undefined) return { name: given, stored: named }
    if (bucket !== undefined) {
      const name = `${bucket}/${given}`
      return { name, stored: yield* look(name) }
    }
    const there = documents === undefined ? yield* Effect.mapError(archive.groups, failureOf) : []
    const [name, ...others] = there.filter((one) => one.endsWith(`/${given}`))
    if (others.length > 0) return yield* usage(`${place} has ${[name, ...others].join(" and ")}: name one of them`)
    if (name !== undefined) return { name, stored: yield* look(name) }
    return { name: given, stored: undefined }
  })

/** There is no such group. */
export const noGroup = (target: CheckpointsTarget, given: string): Effect.Effect<Failure> =>
  Effect.map(Effect.orElseSucceed(target.archive.groups, () => []), (groups) =>
    new Failure({
      exit: "findings",
      error: "NotFound",
      message: `${given}: there is no such group`,
      hint: groups.length === 0 ? undefined : `there are ${groups.slice(0, 10).join(", ")}${groups.length > 10 ? ", …" : ""}`
    }))
