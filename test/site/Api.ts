/** The API of the packages as their sources say it: every name behind a public door, its comment and its signature. Nothing is compiled. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { root, source } from "./Pages.ts"

/** A name that a package exports. */
export interface Exported {
  readonly name: string
  readonly kind: string
  readonly doc: string
  readonly signature: string
}

/** A door of a package: what is imported from. */
export interface Door {
  readonly specifier: string
  readonly names: ReadonlyArray<Exported>
}

interface Manifest {
  readonly name: string
  readonly description: string
  readonly private?: boolean
  readonly exports?: { readonly [door: string]: null | string | { readonly [condition: string]: string } }
}

/** Directories of what is published. */
export const packages = ["spec", "codegen", ...Fs.readdirSync(Path.join(root, "packages")).sort().map((name) => `packages/${name}`)]
  .filter((path) => Fs.existsSync(Path.join(root, path, "package.json")) && manifestOf(path).private !== true)

/** The manifest of a package. */
export function manifestOf(path: string): Manifest {
  return JSON.parse(source(`${path}/package.json`)) as Manifest
}

/** Doors that say nothing to readers: generated code, which the protocols' pages describe, and what packages share among themselves. */
const isHidden = (door: string): boolean => /^\.\/(gen\d*|text|datagram|internal|package\.json)(\/|$)/.test(door) || door.includes("*")

const declaration = /^export (?:declare )?(?:abstract )?(?:async )?(const|function\*?|class|interface|type|enum) ([\w$]+)/gm

const commentBefore = (text: string, at: number): string => {
  const before = text.slice(0, at).trimEnd()
  if (!before.endsWith("*/")) return ""
  return before.slice(before.lastIndexOf("/**") + 3, -2).split("\n").map((line) => line.replace(/^\s*\*? ?/, "").trimEnd()).join("\n")
    .trim()
}

/** Where brackets are closed again. */
const depthAt = (text: string, stop: (rest: string, depth: number) => boolean): number => {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (stop(text.slice(i, i + 4), depth)) return i
    if ("([{".includes(character)) depth++
    else if (")]}".includes(character)) depth--
    else if (character === "\"" || character === "`") i = Math.max(i, text.indexOf(character, i + 1))
  }
  return text.length
}

const memberLine = /^ {2}(?!private|protected|#|\*|\/)(?:static |readonly |override |get |async )*[\w[\]]+[(<?:].*$/

/** The public members of a class, a line each. */
const membersOf = (body: string): ReadonlyArray<string> =>
  body.split("\n").filter((line) => memberLine.test(line) && !/^ {2}constructor|\bprivate\b/.test(line)).map((line) =>
    line.replace(/\s*\{$/, "").replace(/ = .*$/, "")
  )

const signatureOf = (kind: string, text: string): string => {
  if (kind === "interface" || kind === "enum") {
    return text.slice(0, text.indexOf("\n}") < 0 ? text.indexOf("}") + 1 : text.indexOf("\n}") + 2)
  }
  if (kind === "class") {
    const end = text.indexOf("\n}")
    const open = text.indexOf("{\n")
    if (open < 0 || end < open) return text.split("\n")[0]!
    return [text.slice(0, open + 1), ...membersOf(text.slice(open + 1, end)), "}"].join("\n")
  }
  if (kind === "type") {
    return text.slice(0, depthAt(text, (rest, depth) => depth <= 0 && /^\n(\n|\/\*|export|const|type)/.test(rest))).trimEnd()
  }
  if (kind === "const") {
    const end = depthAt(text, (rest, depth) => depth === 0 && (rest.startsWith(" = ") || rest.startsWith(" =\n")))
    const rest = text.slice(end + 3)
    if (text.slice(0, end).includes(":") || !/^(async )?(<|\()/.test(rest)) return text.slice(0, end)
    const arrow = depthAt(rest, (part, depth) => depth === 0 && part.startsWith(" =>"))
    return `${text.slice(0, end)} = ${rest.slice(0, arrow)}`
  }
  return text.slice(0, depthAt(text, (rest, depth) => depth === 0 && rest.startsWith(" {")))
}

const fileOf = (specifier: string, from: string): string | undefined => {
  if (specifier.startsWith(".")) return Path.posix.join(Path.posix.dirname(from), specifier)
  const owner = packages.find((path) => specifier === manifestOf(path).name || specifier.startsWith(`${manifestOf(path).name}/`))
  if (owner === undefined) return undefined
  const { exports = {}, name } = manifestOf(owner)
  const door = `.${specifier.slice(name.length)}`
  const star = door.replace(/[^/]+$/, "*")
  const target = exports[door] ?? exports[star]
  const file = typeof target === "object" && target !== null
    ? target["@wirewright/source"]?.replace("*", door.slice(star.length - 1))
    : undefined
  return file === undefined ? undefined : Path.posix.join(owner, file)
}

const cache = new Map<string, ReadonlyMap<string, Exported>>()

/** What a module exports. */
const exportsOf = (path: string, seen: ReadonlySet<string> = new Set()): ReadonlyMap<string, Exported> => {
  const known = cache.get(path)
  if (known !== undefined) return known
  if (seen.has(path) || !Fs.existsSync(Path.join(root, path))) return new Map()
  const text = source(path)
  const inner = new Set([...seen, path])
  const found = new Map<string, Exported>()
  for (const match of text.matchAll(declaration)) {
    const [, kind, name] = match
    const earlier = found.get(name!)
    // a value and its type have one name
    const signature = signatureOf(kind!, text.slice(match.index)).replace(/^export /, "")
    found.set(name!, {
      name: name!,
      kind: kind!.replace("*", ""),
      doc: commentBefore(text, match.index) || earlier?.doc || "",
      signature: earlier === undefined ? signature : `${earlier.signature}\n${signature}`
    })
  }
  for (const [, names, specifier] of text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?/gm)) {
    const from = specifier === undefined ? undefined : fileOf(specifier, path)
    const all = from === undefined ? undefined : exportsOf(from, inner)
    for (const one of names!.split(",").map((part) => part.trim().replace(/^type /, "")).filter((part) => part !== "")) {
      const [own, as = own] = one.split(" as ")
      // what was imported is passed on by its name
      const origin = new RegExp(`^import (?:type )?\\{[^}]*\\b${own}\\b[^}]*\\} from "([^"]+)"`, "m").exec(text)?.[1]
      const imported = from === undefined && origin !== undefined ? fileOf(origin, path) : undefined
      const of = all?.get(own!) ?? (imported === undefined ? undefined : exportsOf(imported, inner).get(own!))
      found.set(as!, of === undefined ? { name: as!, kind: "", doc: "", signature: "" } : { ...of, name: as! })
    }
  }
  for (const [, namespace, specifier] of text.matchAll(/^export \* (?:as ([\w$]+) )?from "([^"]+)"/gm)) {
    const from = fileOf(specifier!, path)
    if (namespace !== undefined) {
      const doc = from === undefined ? "" : /^\/\*\*([^]*?)\*\//.exec(source(from))?.[1]?.replaceAll(/^\s*\* ?/gm, "").trim() ?? ""
      const names = from === undefined ? [] : [...exportsOf(from, inner).keys()]
      found.set(namespace, {
        name: namespace,
        kind: "namespace",
        doc,
        signature: names.length === 0 ? "" : `namespace ${namespace} { ${names.join(", ")} }`
      })
    } else if (from !== undefined) { for (const [name, one] of exportsOf(from, inner)) if (!found.has(name)) found.set(name, one) }
  }
  if (seen.size === 0) cache.set(path, found)
  return found
}

/** The public doors of a package, with what is behind each. */
export const doorsOf = (path: string): ReadonlyArray<Door> => {
  const { exports = {}, name } = manifestOf(path)
  return Object.entries(exports).flatMap(([door, target]) => {
    if (isHidden(door) || target === null || typeof target === "string") return []
    const file = target["@wirewright/source"]
    if (file === undefined) return []
    const names = [...exportsOf(Path.posix.join(path, file)).values()].sort((a, b) => a.name < b.name ? -1 : 1)
    return [{ specifier: `${name}${door.slice(1)}`, names }]
  })
}
