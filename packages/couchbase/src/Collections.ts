/**
 * Names of collections, and their ids as far as they are known.
 *
 * Pure: the cache is told what servers answered. Ids change when a collection is dropped and made again, so one that a server does not know
 * is forgotten.
 */
import * as Result from "effect/Result"

/** A collection by name. */
export interface CollectionName {
  readonly scope: string
  readonly collection: string
}

/** Path of the collection every bucket has; its id is always 0. */
export const defaultPath = "_default._default"

const part = /^(?:_default|_system|[A-Za-z0-9-][A-Za-z0-9_%-]{0,250}|_[A-Za-z][A-Za-z0-9_%-]{0,249})$/

/** Reads `scope.collection`, or a collection of the default scope. */
export const parseCollection = (text: string): Result.Result<CollectionName, string> => {
  const parts = text.split(".")
  const [scope, collection] = parts.length === 1 ? ["_default", parts[0]!] : parts
  return parts.length > 2 || !part.test(scope!) || !part.test(collection!)
    ? Result.fail(`${JSON.stringify(text)} is no collection; expected scope.collection of letters, digits, _ - %`)
    : Result.succeed({ scope: scope!, collection: collection! })
}

/** `scope.collection`, as GetCollectionId takes it. */
export const pathOf = ({ collection, scope }: CollectionName): string => `${scope}.${collection}`

/** Ids of collections by path. */
export class CollectionIds {
  private readonly ids = new Map<string, number>([[defaultPath, 0]])

  /** The id, when it is known. */
  idOf(path: string): number | undefined {
    return this.ids.get(path)
  }

  /** Remembers an id. */
  learn(path: string, id: number): void {
    this.ids.set(path, id)
  }

  /** Forgets an id a server does not know, unless another has been learnt since. Returns whether asking again may help. */
  forget(path: string, id: number): boolean {
    if (path === defaultPath) return false
    if (this.ids.get(path) === id) this.ids.delete(path)
    return true
  }
}
