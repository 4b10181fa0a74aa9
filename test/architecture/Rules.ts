/**
 * The rules of the house as functions from modules to complaints; no complaint, no violation.
 *
 * TypeScript's project references do not refuse an undeclared import, hence these. Each rule is shown to be able to fail in
 * `rules.test.ts` and applied to the repository in `architecture.test.ts`.
 */
import { posix } from "node:path"
import { type Manifest, type Module, packageOf } from "./Sources.ts"

/** What is wrong, starting with the path of the file. */
export type Complaints = ReadonlyArray<string>

/** Packages that the shipped modules of each package may import, besides themselves. Arrows run one way. */
export const directions: { readonly [owner: string]: ReadonlyArray<string> } = {
  "@wirewright/dsl": [],
  "@wirewright/codec": ["effect"],
  "@wirewright/spec": ["@wirewright/dsl"],
  "@wirewright/codegen": ["@dprint/formatter", "@dprint/typescript", "@wirewright/dsl", "@wirewright/codec", "ts-morph"],
  "@wirewright/capture": ["@wirewright/codec", "effect"],
  // the management endpoint alone needs an HTTP server
  "@wirewright/connection": ["@wirewright/codec", "@effect/platform-node", "effect"],
  "@wirewright/memcached": ["@wirewright/codec", "@wirewright/connection", "effect"],
  "@wirewright/couchbase": ["@wirewright/codec", "@wirewright/connection", "@wirewright/memcached", "effect"],
  "@wirewright/dcp": [
    "@wirewright/codec",
    "@wirewright/connection",
    "@wirewright/memcached",
    "@wirewright/couchbase",
    "hysnappy",
    "effect"
  ],
  "@wirewright/embedded": [
    "@wirewright/codec",
    "@wirewright/connection",
    "@wirewright/memcached",
    "@wirewright/couchbase",
    "@wirewright/dcp",
    "effect"
  ],
  "@wirewright/sqlite": ["effect"],
  "@wirewright/proxy": ["@wirewright/codec", "@wirewright/connection", "@wirewright/memcached", "@wirewright/couchbase", "effect"],
  "@wirewright/testing": [
    "@wirewright/codec",
    "@wirewright/connection",
    "@wirewright/memcached",
    "@wirewright/couchbase",
    "@wirewright/dcp",
    "@wirewright/deepstream",
    "@wirewright/embedded",
    "@sinonjs/fake-timers",
    "effect"
  ],
  "@wirewright/examples": [
    "@wirewright/codec",
    "@wirewright/connection",
    "@wirewright/dsl",
    "@wirewright/spec",
    "@wirewright/memcached",
    "@wirewright/couchbase",
    "@wirewright/dcp",
    "@wirewright/deepstream",
    "@wirewright/embedded",
    "@wirewright/proxy",
    "@wirewright/sqlite",
    "@effect/platform-node",
    "effect"
  ],
  "@wirewright/deepstream": ["@wirewright/codec", "@wirewright/connection", "effect"],
  // what is known of protocols beside their models; the page's code is bundled when it is made
  "@wirewright/inspector": ["@wirewright/capture", "@wirewright/codec", "@wirewright/couchbase", "@wirewright/memcached", "rolldown"],
  "wirewright": [
    "@wirewright/capture",
    "@wirewright/codec",
    "@wirewright/codegen",
    "@wirewright/connection",
    "@wirewright/couchbase",
    "@wirewright/dcp",
    "@wirewright/deepstream",
    "@wirewright/embedded",
    "@wirewright/inspector",
    "@wirewright/memcached",
    "@wirewright/proxy",
    "@wirewright/sqlite",
    "@effect/platform-node",
    "effect"
  ]
}

/** What the command loads by a name it is given; nothing in its sources imports it. */
const loadedByName: { readonly [owner: string]: ReadonlyArray<string> } = {
  "wirewright": ["@wirewright/memcached", "@wirewright/couchbase", "@wirewright/dcp"]
}

/** Packages that run anywhere: no `node:` module, no Buffer. Generated code does so in every package. */
export const portable = [
  "@wirewright/dsl",
  "@wirewright/codec",
  "@wirewright/capture",
  "@wirewright/deepstream",
  "@wirewright/inspector"
]

/** Modules of those that make something on a machine with Node; nothing that runs anywhere imports them. */
export const makers: ReadonlyArray<string> = ["index", "PageBundle", "PageServer"].map((name) => `packages/inspector/src/${name}.ts`)

/** Modules that run anywhere although their packages do not: they import no other module of theirs. */
export const portableModules: { readonly [specifier: string]: string } = {
  "@wirewright/connection/Health": "packages/connection/src/Health.ts",
  "@wirewright/connection/MetricTable": "packages/connection/src/MetricTable.ts",
  "@wirewright/connection/Metrics": "packages/connection/src/Metrics.ts",
  "@wirewright/connection/Reconnect": "packages/connection/src/Reconnect.ts",
  "@wirewright/connection/Spans": "packages/connection/src/Spans.ts",
  "@wirewright/connection/TaggedErrors": "packages/connection/src/TaggedErrors.ts"
}

const shipped = (modules: ReadonlyArray<Module>) => modules.filter((module) => !module.test && module.owner !== "")

/** Imports between packages run in the allowed direction only. */
export const wrongDirections = (modules: ReadonlyArray<Module>): Complaints =>
  shipped(modules).flatMap((module) =>
    module.imports.flatMap(({ specifier }) => {
      const to = packageOf(specifier)
      if (to === undefined || to === module.owner || to.startsWith("node:")) return []
      return directions[module.owner]?.includes(to) === true ? [] : [`${module.path}: ${module.owner} may not import ${specifier}`]
    })
  )

/** Relative imports stay inside of their package; shipped modules do not import tests. */
export const escapes = (modules: ReadonlyArray<Module>): Complaints =>
  shipped(modules).flatMap((module) =>
    module.imports.flatMap(({ specifier }) => {
      if (!specifier.startsWith(".")) return []
      const to = posix.join(posix.dirname(module.path), specifier)
      const inside = module.path.split("/").slice(0, module.path.startsWith("packages/") ? 2 : 1).join("/")
      if (!to.startsWith(`${inside}/`)) return [`${module.path}: ${specifier} leaves the package`]
      return /\.(test|fixture)\.ts$/.test(to) ? [`${module.path}: ${specifier} is a test's`] : []
    })
  )

const generatedMayImport = (module: Module, specifier: string): boolean =>
  /^@wirewright\/codec(\/|$)/.test(specifier)
  || /^@wirewright\/[a-z]+\/gen\d*(\/|$)/.test(specifier)
  // a custom field has its code in the package that the generated code is for
  || specifier === `${module.owner}/${specifier.split("/").at(-1)}`
  || /^\.\/[\w.]+$/.test(specifier)
  || /^(\.\.\/)+custom\/\w+\.ts$/.test(specifier)

/** Generated code imports the runtime of codecs, the generated code it extends, and the custom fields' own code. */
export const generatedImports = (modules: ReadonlyArray<Module>): Complaints =>
  modules.filter((module) => module.generated).flatMap((module) =>
    module.imports.flatMap(({ specifier }) =>
      generatedMayImport(module, specifier) ? [] : [`${module.path}: generated code may not import ${specifier}`]
    )
  )

/** Packages whose types are recursive: a word of the grammar is made of words, and each has a file. */
const recursive: ReadonlyArray<string> = ["@wirewright/dsl", "@wirewright/codec", "@wirewright/codegen"]

/** No module needs itself, not even for a type: what two modules need of each other is a third. */
export const cycles = (modules: ReadonlyArray<Module>): Complaints => {
  const known = new Map(modules.map((module) => [module.path, module]))
  const targets = (module: Module) =>
    module.imports.flatMap(({ specifier, typeOnly }) => {
      if (!specifier.startsWith(".") || typeOnly && recursive.includes(module.owner)) return []
      const to = known.get(posix.join(posix.dirname(module.path), specifier))
      return to === undefined ? [] : [to]
    })
  const done = new Set<Module>()
  const way: Array<Module> = []
  const found: Array<string> = []
  const visit = (module: Module): void => {
    if (way.includes(module)) found.push([...way.slice(way.indexOf(module)), module].map(({ path }) => path).join(" → "))
    if (done.has(module) || way.includes(module)) return
    way.push(module)
    for (const target of targets(module)) visit(target)
    way.pop()
    done.add(module)
  }
  for (const module of modules) visit(module)
  return found
}

export const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1")

const isPortable = ({ generated, owner, path }: Module): boolean =>
  portable.includes(owner) && !makers.includes(path) || generated || Object.values(portableModules).includes(path)

/** Packages of ours whose modules do not all run anywhere. */
const bound = (specifier: string): boolean => {
  const to = packageOf(specifier) ?? ""
  return to.startsWith("@wirewright/") && !portable.includes(to) && !/^@wirewright\/[a-z]+\/gen\d*(\/|$)/.test(specifier)
}

/** What runs in browsers has no `node:` module and no Buffer, and imports nothing that has. */
export const platformUses = (modules: ReadonlyArray<Module>): Complaints =>
  modules.filter((module) => !module.test && isPortable(module)).flatMap((module) => [
    ...module.imports.flatMap(({ specifier }) => specifier.startsWith("node:") ? [`${module.path}: imports ${specifier}`] : []),
    ...module.imports.flatMap(({ specifier, typeOnly }) => {
      const own = specifier.startsWith(".") && !portable.includes(module.owner) && !module.generated
      const away = portable.includes(module.owner) && bound(specifier) && !(specifier in portableModules)
      const made = makers.includes(posix.join(posix.dirname(module.path), specifier))
      return !typeOnly && (own || away || made) ? [`${module.path}: imports ${specifier}, which may need Node`] : []
    }),
    ...(/\bBuffer\s*[.(<]|\b(new|extends|instanceof|as) Buffer\b|: Buffer\b|\bprocess\s*\./.test(withoutComments(module.text))
      ? [`${module.path}: uses Node's globals`]
      : [])
  ])

/** ts-morph is known to one file. */
export const tsMorphUses = (modules: ReadonlyArray<Module>): Complaints =>
  modules.flatMap((module) =>
    module.path !== "codegen/src/TsMorph.ts" && module.imports.some(({ specifier }) => packageOf(specifier) === "ts-morph")
      ? [`${module.path}: imports ts-morph`]
      : []
  )

/** Of effect the runtime of codecs knows its schemas, in files that the packet path never loads. */
export const codecEffects = (modules: ReadonlyArray<Module>): Complaints =>
  shipped(modules).filter(({ owner }) => owner === "@wirewright/codec").flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier }) => {
      const fine = packageOf(specifier) !== "effect"
        || /\/(Wire|Packet|Text|Error)Schema\.ts$/.test(path) && /^effect\/Schema(Getter|Transformation|Issue|AST)?$/.test(specifier)
      return fine ? [] : [`${path}: imports ${specifier}`]
    })
  )

const lines = (text: string): number => text.split("\n").length - (text.endsWith("\n") ? 1 : 0)

/** Nothing written by hand is longer than `most` lines, and half of it is not longer than `median`. */
export const longFiles = (modules: ReadonlyArray<Module>, limits: { readonly most: number; readonly median: number }): Complaints => {
  const written = modules.filter((module) => !module.generated).map(({ path, text }) => ({ path, lines: lines(text) }))
  const middle = written.map((one) => one.lines).sort((a, b) => a - b)[Math.floor(written.length / 2)] ?? 0
  return [
    ...written.filter((one) => one.lines > limits.most).map((one) => `${one.path}: ${one.lines} lines`),
    ...(middle > limits.median ? [`the median file has ${middle} lines`] : [])
  ]
}

/** Every module starts by saying what it is. */
export const silentFiles = (modules: ReadonlyArray<Module>): Complaints =>
  modules.filter(({ text }) => !/^(#!.*\n)?(\/\*\*|\/\/ @generated)/.test(text)).map(({ path }) => `${path}: no opening comment`)

/** Generated files say so in their first line, and nothing else does. */
export const unmarkedFiles = (modules: ReadonlyArray<Module>): Complaints =>
  modules.filter(({ generated, text }) => generated !== text.startsWith("// @generated")).map(({ path, generated }) =>
    generated ? `${path}: listed in generated.json without the mark` : `${path}: marked as generated`
  )

/**
 * A package declares what its shipped modules import, and nothing else.
 *
 * A package named in a string counts as used (the command loads the generator by name). `effect` may be declared for the sake of a
 * sibling whose peer it is.
 */
export const undeclared = (modules: ReadonlyArray<Module>, manifests: ReadonlyArray<Manifest>): Complaints =>
  manifests.filter(({ name }) => name !== "@wirewright/test").flatMap((manifest) => {
    const own = shipped(modules).filter(({ owner }) => owner === manifest.name)
    const used = new Set(own.flatMap(({ imports }) => imports.flatMap(({ specifier }) => packageOf(specifier) ?? [])))
    const declared = [...manifest.dependencies, ...manifest.peerDependencies]
    const needed = [...used].filter((name) => !name.startsWith("node:") && name !== manifest.name)
    const mentioned = (name: string) =>
      own.some(({ text }) => text.includes(`"${name}`)) || loadedByName[manifest.name]?.includes(name) === true
    const inherited = (name: string) =>
      manifests.some((other) => manifest.dependencies.includes(other.name) && other.peerDependencies.includes(name))
    return [
      ...needed.filter((name) => !declared.includes(name)).map((name) => `${manifest.directory}/package.json: does not declare ${name}`),
      ...declared.filter((name) => !mentioned(name) && !inherited(name)).map((name) =>
        `${manifest.directory}/package.json: declares ${name} without using it`
      )
    ]
  })
