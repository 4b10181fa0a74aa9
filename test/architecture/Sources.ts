/** The repository's modules and what they import, read from the files themselves. It knows no rule. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { fileURLToPath } from "node:url"

/** One import as a file states it. */
export interface Import {
  readonly specifier: string
  /** Whether nothing is left of it at run time. */
  readonly typeOnly: boolean
}

/** One module. */
export interface Module {
  /** Path from the repository's root, with slashes. */
  readonly path: string
  /** Name of the package it belongs to; empty for the root's own files. */
  readonly owner: string
  readonly generated: boolean
  /** Tests and what only tests use. */
  readonly test: boolean
  readonly imports: ReadonlyArray<Import>
  readonly text: string
}

/** As much of a package.json as rules look at. */
export interface Manifest {
  readonly name: string
  readonly directory: string
  readonly dependencies: ReadonlyArray<string>
  readonly peerDependencies: ReadonlyArray<string>
  /** Targets by path; a target is a file, files by condition, or nothing. */
  readonly exports: { readonly [path: string]: null | string | { readonly [condition: string]: string } }
}

const statement = /^(import|export)\s+(type\s+)?([\w$*{][^"'`;]*?\sfrom\s+)?"([^"\n]+)"/gm
const dynamic = /\bimport\(\s*"([^"\n]+)"\s*\)/g

/** The imports of a module. Statements start their line, which keeps code inside of strings out. */
export const importsOf = (text: string): ReadonlyArray<Import> => {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")
  const statements = [...code.matchAll(statement)].filter(([, word, , from]) => word === "import" || from !== undefined)
  return [
    ...statements.map(([, , type, from, specifier]) => ({ specifier: specifier!, typeOnly: type !== undefined || onlyTypes(from) })),
    ...[...code.matchAll(dynamic)].map(([, specifier]) => ({ specifier: specifier!, typeOnly: false }))
  ]
}

const onlyTypes = (from: string | undefined): boolean => {
  const names = /^\{([^}]*)\}/.exec(from ?? "")?.[1]?.split(",").map((name) => name.trim()).filter((name) => name !== "")
  return names !== undefined && names.length > 0 && names.every((name) => name.startsWith("type "))
}

/** `@scope/name` or `name` of a specifier; undefined for relative ones. */
export const packageOf = (specifier: string): string | undefined =>
  specifier.startsWith(".") ? undefined : /^(?:@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0]

/** A module as rules see it. `generated`: whether the directory's generated.json lists it. */
export const moduleOf = (path: string, owner: string, text: string, generated = false): Module => ({
  path,
  owner,
  text,
  imports: importsOf(text),
  generated,
  test: /\.(test|fixture)\.ts$/.test(path) || owner === "@wirewright/test" || /^packages\/[^/]+\/test\//.test(path)
})

const root = fileURLToPath(new URL("../..", import.meta.url))
const json = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8")) as Record<string, unknown>
const keys = (value: unknown): ReadonlyArray<string> => Object.keys(value ?? {})

const directories = (): ReadonlyArray<string> => [
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`).filter((path) => existsSync(join(root, path, "package.json"))),
  "spec",
  "codegen",
  "test"
]

/** The workspaces' manifests. */
export const readManifests = (): ReadonlyArray<Manifest> =>
  directories().map((directory) => {
    const manifest = json(`${directory}/package.json`)
    return {
      name: String(manifest["name"]),
      directory,
      dependencies: keys(manifest["dependencies"]),
      peerDependencies: keys(manifest["peerDependencies"]),
      exports: (manifest["exports"] ?? {}) as Manifest["exports"]
    }
  })

/** Paths of what the generator says it has written, whatever the directory is called. */
const listed = (directory: string): ReadonlyArray<string> => {
  const path = `${directory}/generated.json`
  return existsSync(join(root, path)) ? (json(path)["files"] as ReadonlyArray<string>).map((name) => `${directory}/${name}`) : []
}

const leftOut = /(^|\/)(node_modules|dist|bundle|fixtures|\.[^/]+)(\/|$)|\.d\.ts$|\.tmp\.mjs$/

/** Every module of the repository, in the order of their paths. */
export const readModules = (): ReadonlyArray<Module> => {
  const inside = (directory: string, owner: string) => {
    const paths = readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
      .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
      .filter((path) => /\.(ts|js|mjs)$/.test(path) && !leftOut.test(path))
      .sort()
    const generated = new Set([...new Set(paths.map((path) => posix.dirname(path)))].flatMap(listed))
    return paths.map((path) => moduleOf(path, owner, readFileSync(join(root, path), "utf8"), generated.has(path)))
  }
  return [
    ...readManifests().flatMap(({ directory, name }) => inside(directory, name)),
    ...(existsSync(join(root, "scripts")) ? inside("scripts", "") : []),
    ...["vitest.config.ts", "wirewright.config.ts"].map((path) => moduleOf(path, "", readFileSync(join(root, path), "utf8")))
  ]
}
