/**
 * Where checkpoints are, for commands that look at them or change them: a directory, or the documents of a bucket; and which group is meant.
 * It prints nothing.
 */
import type { CheckpointArchive, StoredGroup } from "@wirewright/dcp"
import type { KvCommands } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import { Failure, failureOf, usage } from "./Failure.ts"

/** A store of checkpoints. */
export interface CheckpointsTarget {
  /** As it was named. */
  readonly place: string
  readonly archive: CheckpointArchive
  /** The bucket that has them; nothing for a directory. */
  readonly documents: { readonly kv: KvCommands; readonly bucket: string } | undefined
}

/** Whether a text is a connection string, and no directory. */
export const isUrl = (text: string): boolean => /^couchbases?:\/\//i.test(text)

/** Opens what a text names. A directory that does not exist has no groups. */
export const openCheckpoints = (
  place: string,
  password: Redacted.Redacted<string> | undefined
): Effect.Effect<CheckpointsTarget, Failure, Scope.Scope> =>
  Effect.gen(function*() {
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

/** A directory has to be there when nothing is to be written. */
export const mustExist = (place: string): Effect.Effect<void, Failure> =>
  isUrl(place) || existsSync(place)
    ? Effect.void
    : Effect.fail(usage(`${place}: no such directory, and no couchbase://user@host/bucket`))

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
