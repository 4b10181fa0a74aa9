/**
 * The guide of `packages/dcp`: its examples are the programs of `packages/examples` with what they print, its tables are made of the types.
 *
 * `UPDATE_DOCS=1 npx vitest run test/dcp/docs.test.ts` writes what is missing.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { expect, it } from "vitest"

const root = new URL("../../", import.meta.url)
const path = (name: string): string => new URL(name, root).pathname
const guide = path("packages/dcp/README.md")

/** The properties of an interface with what their comments say. */
const table = (file: string, name: string): string => {
  const source = readFileSync(path(file), "utf8")
  const start = source.indexOf(`export interface ${name} {`)
  const body = source.slice(start, source.indexOf("\n}", start))
  const rows = [...body.matchAll(/(?:\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*)?readonly (\w+)\??: ([^\n]+)\n/g)].map(
    ([, said = "", property, type]) => {
      const text = said.replace(/\n\s*\*\s?/g, " ").trim()
      return `| \`${property}\` | \`${type!.replaceAll("|", "\\|")}\` | ${text} |`
    }
  )
  expect(rows.length, name).toBeGreaterThan(5)
  return ["| name | type | meaning |", "|---|---|---|", ...rows].join("\n")
}

/** A program and what it prints. */
const example = (name: string): string => {
  const file = path(`packages/examples/src/${name}`)
  const { status, stdout } = spawnSync(process.execPath, ["--conditions=@wirewright/source", file], { encoding: "utf8" })
  expect(status, name).toBe(0)
  const link = `[\`packages/examples/src/${name}\`](../examples/src/${name})`
  return `${link}:\n\n\`\`\`ts\n${readFileSync(file, "utf8").trim()}\n\`\`\`\n\nprints\n\n\`\`\`text\n${stdout.trim()}\n\`\`\``
}

const regions: { readonly [name: string]: () => string } = {
  "example 06_restart.ts": () => example("06_restart.ts"),
  "example 07_rollback.ts": () => example("07_rollback.ts"),
  "settings": () => table("packages/dcp/src/ChangesOptions.ts", "ChangesOptions"),
  "metrics": () => table("packages/dcp/src/ChangesOptions.ts", "DcpStatus")
}

it("the guide shows what the code is and does", () => {
  let text = readFileSync(guide, "utf8")
  const before = text
  for (const [name, content] of Object.entries(regions)) {
    const mark = `<!-- ${name} -->`
    expect(text, name).toContain(mark)
    const start = text.indexOf(mark) + mark.length
    const end = text.indexOf("<!-- end -->", start)
    const next = text.indexOf("\n## ", start)
    const has = end >= 0 && (next < 0 || end < next)
    const rest = has ? text.slice(end + "<!-- end -->".length) : text.slice(start)
    text = `${text.slice(0, start)}\n\n${content()}\n\n<!-- end -->${rest}`
  }
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(guide, text)
  else expect(before).toBe(text)
}, 60_000)
