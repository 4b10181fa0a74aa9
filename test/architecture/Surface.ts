/**
 * What packages show: the doors in their `package.json`, and the names that each door exports, read from the sources.
 *
 * A root has what people call, few enough to be read; packets are behind `/gen`, and what only the repository's own packages need has a door
 * that says so. There is no door to every file.
 */
import { posix } from "node:path"
import type { Complaints } from "./Rules.ts"
import type { Manifest, Module } from "./Sources.ts"

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1")

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum|namespace) (?:([\w$]+)|[{[]([^=]*)[}\]] =)/gm
const list = /^export (?:type )?\{([^}]*)\}/gm
const whole = /^export \* (?:as ([\w$]+) )?from "([^"]+)"/gm

const namesIn = (text: string): ReadonlyArray<string> =>
  text.split(",").map((one) => one.trim().replace(/^type /, "").split(/ as |: /).at(-1)!.trim()).filter((name) => name !== "")

/** What is looked at. */
export interface House {
  readonly modules: ReadonlyMap<string, Module>
  readonly manifests: ReadonlyArray<Manifest>
}

/** The source that a door leads to; undefined when it leads to none. */
const sourceOf = (target: Manifest["exports"][string] | undefined): string | undefined =>
  target === null || typeof target === "string" ? undefined : target?.["@wirewright/source"]

/** The path of the module that a specifier means; undefined for what is not of this repository. */
const pathOf = (specifier: string, from: string, { manifests }: House): string | undefined => {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier)
  const owner = manifests.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  if (owner === undefined) return undefined
  const door = `.${specifier.slice(owner.name.length)}`
  const star = door.replace(/[^/]+$/, "*")
  const source = sourceOf(owner.exports[door]) ?? sourceOf(owner.exports[star])?.replace("*", door.slice(star.length - 1))
  return source === undefined ? undefined : posix.join(owner.directory, source)
}

/** The names that a module exports, those it passes on among them, whichever package they are of. */
export const namesOf = (path: string, house: House, seen: ReadonlySet<string> = new Set()): ReadonlySet<string> => {
  const module = house.modules.get(path)
  if (module === undefined || seen.has(path)) return new Set()
  const text = withoutComments(module.text)
  const names = new Set<string>()
  for (const [, one, several] of text.matchAll(declaration)) {
    for (const name of one === undefined ? namesIn(several!) : [one]) names.add(name)
  }
  for (const [, listed] of text.matchAll(list)) for (const name of namesIn(listed!)) names.add(name)
  for (const [, namespace, specifier] of text.matchAll(whole)) {
    const from = pathOf(specifier!, path, house)
    if (namespace !== undefined) names.add(namespace)
    else if (from !== undefined) { for (const name of namesOf(from, house, new Set([...seen, path]))) names.add(name) }
  }
  return names
}

/** A door of a package. */
export interface Door {
  /** As it is imported, such as `@wirewright/dcp/gen`. */
  readonly specifier: string
  /** The module it leads to; with a star, where it leads to several. */
  readonly path: string
  readonly names: number
}

/** The doors of a package that lead to modules. */
export const doorsOf = (manifest: Manifest, house: House): ReadonlyArray<Door> =>
  Object.entries(manifest.exports).flatMap(([door, target]) => {
    const source = sourceOf(target)
    if (source === undefined) return []
    const path = posix.join(manifest.directory, source)
    return [{ specifier: `${manifest.name}${door.slice(1)}`, path, names: namesOf(path, house).size }]
  })

/** Doors to generated code, of which each module is one. */
const generated = /\/(?:gen\d*|text)(?:\/\*)?$/

/** Every door leads somewhere, no door but that to generated code leads to every file, and none is too wide to be read. */
export const wideDoors = (shown: ReadonlyArray<Manifest>, house: House, most: number): Complaints => {
  const leads = (path: string): boolean => {
    const [start = "", end] = path.split("*")
    return end === undefined ? house.modules.has(path) : [...house.modules.keys()].some((one) => one.startsWith(start) && one.endsWith(end))
  }
  return shown.flatMap((manifest) =>
    doorsOf(manifest, house).flatMap(({ names, path, specifier }) => [
      ...(leads(path) ? [] : [`${manifest.directory}/package.json: ${specifier} leads to ${path}, which is not there`]),
      ...(generated.test(specifier) ? [] : [
        ...(path.includes("*") ? [`${manifest.directory}/package.json: ${specifier} makes every file public`] : []),
        ...(names > most ? [`${path}: ${specifier} has ${names} names`] : [])
      ])
    ])
  )
}

/** What a member takes that is sent: a packet, what writes one, or a request. */
const sendable = /\b(?:WritePacket|Sendable)\b|\(writer: Writer/

/** The members of a class, those for itself alone apart, which take something that is sent. */
export const waysToSend = (text: string): ReadonlyArray<string> => [
  ...new Set(
    [...withoutComments(text).matchAll(/^ {2}(\w+)(?:<[^\n(]*>)?\(([\s\S]*?)\)(?:: | \{)/gm)]
      .flatMap(([, name, parameters]) => name !== "constructor" && sendable.test(parameters!) ? [name!] : [])
  )
]
