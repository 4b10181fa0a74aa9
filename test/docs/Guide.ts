/** Guides that show what the code is and does: marked regions of a Markdown file, made anew and compared. `UPDATE_DOCS=1` writes them. */
import { readFileSync, writeFileSync } from "node:fs"
import { expect } from "vitest"

const root = new URL("../../", import.meta.url)

/** A file of the repository. */
export const path = (name: string): string => new URL(name, root).pathname

/** The properties of an interface with what their comments say. */
export const table = (file: string, name: string): string => {
  const source = readFileSync(path(file), "utf8")
  const start = source.indexOf(`export interface ${name} {`)
  const body = source.slice(start, source.indexOf("\n}", start))
  const rows = [...body.matchAll(/(?:\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*)?readonly (\w+)\??: ([^\n]+)\n/g)].map(
    ([, said = "", property, type]) => {
      const text = said.replace(/(?:^|\n)\s*\*\s?/g, " ").trim()
      return `| \`${property}\` | \`${type!.replaceAll("|", "\\|")}\` | ${text} |`
    }
  )
  expect(rows.length, name).toBeGreaterThan(5)
  return ["| name | type | meaning |", "|---|---|---|", ...rows].join("\n")
}

/** A part of a program, between `// #region NAME` and `// #endregion`, without what it is indented by. */
export const snippet = (file: string, name: string): string => {
  const source = readFileSync(path(file), "utf8")
  const mark = `// #region ${name}\n`
  const start = source.indexOf(mark)
  expect(start, name).toBeGreaterThan(0)
  const body = source.slice(start + mark.length, source.indexOf("// #endregion", start)).trimEnd()
  const indent = /^ */.exec(body)![0].length
  return `\`\`\`ts\n${body.split("\n").map((text) => text.slice(Math.min(indent, text.search(/\S|$/)))).join("\n")}\n\`\`\``
}

/** Compares a guide with what its regions should be: from `<!-- NAME -->` to `<!-- end -->`. */
export const expectGuide = (file: string, regions: { readonly [name: string]: () => string }): void => {
  const guide = path(file)
  const before = readFileSync(guide, "utf8")
  let text = before
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
}
