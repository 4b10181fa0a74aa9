/** What a tarball has in it, what it should have, and what it weighs. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./Blocks.ts"

/** Files in every tarball. */
const always: ReadonlyArray<string> = ["AGENTS.md", "LICENSE", "README.md", "package.json"]

/** Files beside what is compiled, by the package's directory. */
const others: { readonly [path: string]: ReadonlyArray<string> } = {
  "packages/cli": ["bin/wirewright.js", "bundle/index.js", "bundle/main.js", "decode.schema.json", "stderr.schema.json"],
  "packages/connection": ["METRICS.md", "grafana/wirewright.json"],
  "packages/dcp": ["OPERATING.md"],
  "packages/dsl": ["WORDS.md"],
  // the page is bundled from its sources when it is opened
  "packages/inspector": ["src/page/page.css"]
}

/** Files whose names a bundler makes, by the package's directory. */
const made: { readonly [path: string]: RegExp } = { "packages/cli": /^bundle\/[\w.-]+\.js$/ }

/** Packages that bring a bundle: of what the compiler made, they have declarations alone. */
const isBundled = (path: string): boolean => path in made

interface Listed {
  readonly files: ReadonlyArray<string>
}

/**
 * The files that the tarball of a package has to have: each module in `src`, and what the compiler makes of it; of generated modules without maps;
 * models once, in `dist`; no tests and no fixtures.
 */
export const contentsOf = (path: string): ReadonlyArray<string> => {
  const src = join(root, path, "src")
  const names = readdirSync(src, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"))
  const listed = (name: string): Listed => JSON.parse(readFileSync(join(src, name), "utf8")) as Listed
  const generated = new Set(
    names.filter((name) => name.endsWith("/generated.json"))
      .flatMap((name) => listed(name).files.map((file) => join(dirname(name), file).replaceAll("\\", "/")))
  )
  const modules = names.filter((name) => /\.ts$/.test(name) && !/\.(test|fixture)\.ts$/.test(name))
  return [
    ...always,
    ...existsSync(join(root, path, "CHANGELOG.md")) ? ["CHANGELOG.md"] : [],
    ...(others[path] ?? []),
    ...modules.map((name) => `src/${name}`),
    ...modules.flatMap((name) => {
      const stem = `dist/${name.replace(/\.ts$/, "")}`
      if (isBundled(path)) return [`${stem}.d.ts`]
      return generated.has(name) ? [`${stem}.js`, `${stem}.d.ts`] : [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`, `${stem}.d.ts.map`]
    }),
    ...names.filter((name) => name.endsWith(".model.json")).map((name) => `dist/${name}`)
  ].toSorted()
}

/** How the files of a tarball differ from those it should have. */
export const differences = (path: string, files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const wanted = new Set(contentsOf(path))
  return [
    ...files.filter((file) => !wanted.has(file) && !made[path]?.test(file)).map((file) => `should not be there: ${file}`),
    ...[...wanted].filter((file) => !files.includes(file)).map((file) => `missing: ${file}`)
  ]
}

/** What a tarball weighs. */
export interface Weight {
  /** The tarball, in bytes. */
  readonly packed: number
  /** Its files, in bytes. */
  readonly unpacked: number
  readonly files: number
}

/** Where weights are written down. */
const table = join(root, "test/package/WEIGHTS.md")

const kilobytes = (bytes: number): string => String(Math.ceil(bytes / 1000))

/** The table of weights, as it is written down. */
export const tableOf = (weights: ReadonlyMap<string, Weight>): string =>
  [
    "# What the packages weigh",
    "",
    "In kilobytes (1000 bytes). `WIREWRIGHT_WHOLE=1 npx vitest run test/package/outsider.test.ts` fails when a tarball is more than a tenth heavier or lighter",
    "than this table says; with `UPDATE_WEIGHTS=1` it writes the table.",
    "",
    "| package | tarball | unpacked | files |",
    "|---|---:|---:|---:|",
    ...[...weights].map(([name, { files, packed, unpacked }]) => `| ${name} | ${kilobytes(packed)} | ${kilobytes(unpacked)} | ${files} |`),
    ""
  ].join("\n")

/** The weights that are written down. */
export const written = (): ReadonlyMap<string, Weight> =>
  new Map(
    existsSync(table)
      ? [...readFileSync(table, "utf8").matchAll(/^\| (@?wirewright\S*) \| (\d+) \| (\d+) \| (\d+) \|$/gm)].map((
        [, name, packed, unpacked, files]
      ) => [name!, { packed: Number(packed) * 1000, unpacked: Number(unpacked) * 1000, files: Number(files) }] as const)
      : []
  )

/** Weights that are others than those written down, by more than a tenth and more than 5 kilobytes. */
export const strays = (weights: ReadonlyMap<string, Weight>, expected: ReadonlyMap<string, Weight>): ReadonlyArray<string> => {
  const isFar = (is: number, was: number): boolean => Math.abs(is - was) > Math.max(5000, was / 10)
  return [...new Set([...weights.keys(), ...expected.keys()])].flatMap((name) => {
    const is = weights.get(name)
    const was = expected.get(name)
    if (is === undefined || was === undefined) return [`${name}: only ${is === undefined ? "in the table" : "packed"}`]
    return (["packed", "unpacked"] as const).filter((one) => isFar(is[one], was[one])).map((one) =>
      `${name}: ${one} ${kilobytes(is[one])} kB, the table says ${kilobytes(was[one])} kB`
    )
  })
}

export { table as weightsTable }
