/** Guides that show what the code is and does: marked regions of a Markdown file, made anew and compared. `npm run docs` writes them. */
import { readFileSync, writeFileSync } from "node:fs"
import { expect } from "vitest"

const root = new URL("../../", import.meta.url)

/** A file of the repository. */
export const path = (name: string): string => new URL(name, root).pathname

/** A property of an interface: its type on one line, and what its comment says. */
export interface Member {
  readonly name: string
  readonly type: string
  readonly said: string
}

/**
 * The properties of an interface of a formatted source, in their order. Every line between its braces has to be part of a comment or of a
 * `readonly` property; anything else throws, so that nothing can be left out unnoticed.
 */
export const membersOf = (source: string, name: string): ReadonlyArray<Member> => {
  const open = `export interface ${name} {\n`
  const start = source.indexOf(open)
  if (start < 0) throw new Error(`there is no ${open}`)
  const end = source.indexOf("\n}", start)
  const members: Array<Member> = []
  const one = /(?: {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)? {2}readonly (\w+)\??: (.+(?:\n(?: {3,}.*| {2}[}\])>].*))*)(?:\n|$)/y
  const body = source.slice(start + open.length, end)
  while (one.lastIndex < body.length) {
    const at = one.lastIndex
    const found = one.exec(body)
    if (found === null) throw new Error(`${name} has what is no property: ${body.slice(at).split("\n")[0]}`)
    const [, said = "", property, type] = found
    members.push({
      name: property!,
      type: type!.split("\n").map((line) => line.trim()).join(" "),
      said: said.replace(/(?:^|\n)\s*\*\s?/g, " ").trim()
    })
  }
  return members
}

/** A table of the properties of an interface with what their comments say. */
export const table = (file: string, name: string): string => {
  const rows = membersOf(readFileSync(path(file), "utf8"), name).map((member) =>
    `| \`${member.name}\` | \`${member.type.replaceAll("|", "\\|")}\` | ${member.said} |`
  )
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
