/**
 * The generated code of this repository stays small and reads like what people write: its lines and bytes have a budget, no line is longer
 * than a hand-written one may be, and the formatter has nothing to say.
 *
 * The budget counts the protocols that packages speak, in their `gen` folders. The gallery of the examples and memcached's text lines show
 * what the language can say; they keep to the style, and have no budget.
 */
import { formatter, style } from "@wirewright/codegen/Format"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

interface File {
  readonly path: string
  readonly text: string
}

/** Everything that is generated here, as the lists beside it say. */
const everything: ReadonlyArray<File> = readdirSync(`${root}packages`).flatMap((name) => {
  const sources = `packages/${name}/src`
  return readdirSync(root + sources, { recursive: true, encoding: "utf8" }).map((path) => `${sources}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith("/generated.json"))
    .flatMap((list) =>
      (JSON.parse(readFileSync(root + list, "utf8")) as { readonly files: ReadonlyArray<string> }).files
        .filter((file) => file.endsWith(".ts"))
        .map((file) => list.replace("generated.json", file))
    )
    .map((path) => ({ path, text: readFileSync(root + path, "utf8") }))
})

/** What has a budget. */
const files = everything.filter(({ path }) => /\/src\/gen\d*\//.test(path))

const lines = ({ text }: File): ReadonlyArray<string> => text.split("\n").slice(0, -1)

/** What clients and servers need beside codecs: commands as values, what is known of their protocol, what messages begin with. */
const isRole = ({ path }: File): boolean => /\/((Client|Server)Protocol|Heads)\.ts$/.test(path)
const commandValue = /^export const \w+: \w+Command<[^=]* = \{(?: .*\}|\n(?: .*\n)*\})\n\n?/gm

/** What the codecs of all protocols together may take, and what commands as values may take beside them. What is added here is read by people. */
const budget = { lines: 28_000, bytes: 1_163_000 }
const rolesBudget = { lines: 1120, bytes: 43_500 }

/** Style of hand-written code, as the repository's configuration has it. */
const written = JSON.parse(readFileSync(`${root}dprint.json`, "utf8")) as {
  readonly [name: string]: unknown
  readonly excludes: ReadonlyArray<string>
}

describe("generated code", () => {
  it("keeps to its budget of lines and bytes", () => {
    const totals = new Map<string, { lines: number; bytes: number }>()
    const codecs = files.filter((file) => !isRole(file)).map((file) => ({ ...file, text: file.text.replace(commandValue, "") }))
    const whole = files.reduce(
      (sum, file) => ({ lines: sum.lines + lines(file).length, bytes: sum.bytes + Buffer.byteLength(file.text) }),
      {
        lines: 0,
        bytes: 0
      }
    )
    for (const file of codecs) {
      const name = file.path.split("/")[1]!
      const total = totals.get(name) ?? { lines: 0, bytes: 0 }
      totals.set(name, { lines: total.lines + lines(file).length, bytes: total.bytes + Buffer.byteLength(file.text) })
    }
    const all = [...totals.values()].reduce((sum, one) => ({ lines: sum.lines + one.lines, bytes: sum.bytes + one.bytes }))
    const roles = { lines: whole.lines - all.lines, bytes: whole.bytes - all.bytes }
    console.log(
      [...totals, ["all", all] as const, ["commands as values", roles] as const].map(([name, total]) =>
        `${name} ${total.lines} lines ${total.bytes} bytes`
      ).join("; ")
    )
    expect(files.length).toBeGreaterThan(60)
    expect(all.lines).toBeLessThanOrEqual(budget.lines)
    expect(all.bytes).toBeLessThanOrEqual(budget.bytes)
    expect(roles.lines).toBeGreaterThan(300)
    expect(roles.lines).toBeLessThanOrEqual(rolesBudget.lines)
    expect(roles.bytes).toBeLessThanOrEqual(rolesBudget.bytes)
  })

  it("has no line that is longer than a hand-written one may be", () => {
    const long = everything.flatMap((file) =>
      lines(file).flatMap((line, index) => line.length > style.general.lineWidth ? [`${file.path}:${index + 1}: ${line.length}`] : [])
    )
    expect(long).toEqual([])
  })

  it("is formatted", () => {
    const format = formatter()
    expect(everything.length).toBeGreaterThan(files.length + 100)
    expect(everything.filter(({ path, text }) => format(path, text) !== text).map(({ path }) => path)).toEqual([])
    expect(format("a.ts", "export const a = {b: 'c'};\n")).toBe("export const a = { b: \"c\" }\n")
  })

  it("is formatted like hand-written code, which the formatter of the repository checks too", () => {
    const { typescript, lineWidth, newLineKind, useTabs, indentWidth } = written
    expect({ general: { lineWidth, newLineKind, useTabs, indentWidth }, typescript }).toEqual(style)
    expect(written.excludes.filter((path) => path.includes("gen"))).toEqual([])
  })

  it("defines a thing once: what an extension shares with its base it passes on", () => {
    const interfaces = new Map<string, Array<string>>()
    for (const { path, text } of files.filter(({ path }) => /\/(memcached|couchbase|dcp)\//.test(path))) {
      for (const [declaration] of text.matchAll(/^export interface \w+[^{]*\{\n(?: .*\n)+\}/gm)) {
        interfaces.set(declaration, [...interfaces.get(declaration) ?? [], path])
      }
    }
    expect(interfaces.size).toBeGreaterThan(100)
    expect([...interfaces].filter(([, paths]) => paths.length > 1).map(([text, paths]) => [text.split("\n")[0], ...paths])).toEqual([])
  })
})
