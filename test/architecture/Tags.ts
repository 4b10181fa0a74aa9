/**
 * Names by which things are told apart while a program runs: the tags of classes and the keys of services. Two that are the same make
 * `catchTag` catch the wrong one, and one service hide another, without a word of the compiler.
 */
import type { Complaints } from "./Rules.ts"
import type { Module } from "./Sources.ts"

interface Named {
  readonly path: string
  readonly owner: string
  /** The class or constant. */
  readonly name: string
  /** What it is called at run time. */
  readonly text: string
}

const tagged = [
  /\bclass (\w+)\s+extends\s+(?:(?:Data|Schema)\.)?Tagged\w+(?:<[^()]*>)?\((?:\)\()?\s*"([^"]+)"/g,
  /\bclass (\w+)[^{}]*\{(?:(?!\n\})[\s\S])*?\n  (?:override )?readonly _tag(?:: "[^"]+")? = "([^"]+)"/g
]
const keyed = [
  /\bclass (\w+)\s+extends\s+Context\.Service<[^()]*(?:\([^()]*\)[^()]*)*>\(\)\(\s*"([^"]+)"/g,
  /\bconst (\w+) = Context\.Reference<[^()]*(?:\([^()]*\)[^()]*)*>\(\s*"([^"]+)"/g
]

const found = (modules: ReadonlyArray<Module>, patterns: ReadonlyArray<RegExp>): ReadonlyArray<Named> =>
  modules.filter(({ generated, test }) => !generated && !test).flatMap(({ owner, path, text }) =>
    patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name, said]) => ({ path, owner, name: name!, text: said! })))
  )

/** Classes with a tag. */
export const tagsOf = (modules: ReadonlyArray<Module>): ReadonlyArray<Named> => found(modules, tagged)

/** Services and references, by their keys. */
export const keysOf = (modules: ReadonlyArray<Module>): ReadonlyArray<Named> => found(modules, keyed)

/** No two classes have one tag, and a tag is the name of its class. */
export const sharedTags = (modules: ReadonlyArray<Module>): Complaints => {
  const all = tagsOf(modules)
  return all.flatMap((one, index) => {
    const before = all.slice(0, index).find(({ text }) => text === one.text)
    return [
      ...(before === undefined ? [] : [`${one.path}: the tag ${one.text} is taken by ${before.path}`]),
      ...(one.name === one.text ? [] : [`${one.path}: ${one.name} has the tag ${one.text}`])
    ]
  })
}

/** Keys of services are spelled one way: the package, a slash, the service. */
export const oddKeys = (modules: ReadonlyArray<Module>): Complaints =>
  keysOf(modules).flatMap(({ name, owner, path, text }) =>
    text === `${owner}/${name}` ? [] : [`${path}: the key of ${name} is ${text}, not ${owner}/${name}`]
  )
