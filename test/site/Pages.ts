/** Pages of the site: what they are, and how the links of the repository's texts become links between them. */
import * as Fs from "node:fs"
import * as Path from "node:path"

/** The repository. */
export const root = Path.resolve(import.meta.dirname, "../..")

/** A file of the repository. */
export const source = (path: string): string => Fs.readFileSync(Path.join(root, path), "utf8")

/** A page. */
export interface Page {
  /** Its address without slashes at the ends, such as `words/numbers`; empty for the first page. */
  readonly slug: string
  readonly title: string
  readonly description: string
  /** Markdown without a first heading. Links are as in `from`. */
  readonly body: string
  /** The file that it is made of, from the repository's root. */
  readonly from: string
  /** Further lines of its head. */
  readonly head?: ReadonlyArray<string>
}

/** The address of a page. */
export const addressOf = (slug: string): string => slug === "" ? "/" : `/${slug}/`

/** The anchor that a heading has. */
export const anchorOf = (heading: string): string =>
  heading.replaceAll(/[`*\\]/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-")

const withoutCode = (text: string): string => text.replaceAll(/^```[^]*?^```$/gm, "")

/** The anchors of a page. */
export const anchorsOf = ({ body }: Page): ReadonlySet<string> =>
  new Set([...withoutCode(body).matchAll(/^#{2,6} (.*)$/gm)].map(([, heading]) => anchorOf(heading!)))

/** The parts of a text between headings of a level. The first has no heading. */
export const partsOf = (text: string, level: number): ReadonlyArray<{ readonly heading: string; readonly text: string }> => {
  const mark = `${"#".repeat(level)} `
  const parts: Array<{ heading: string; text: string }> = [{ heading: "", text: "" }]
  let isCode = false
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) isCode = !isCode
    if (!isCode && line.startsWith(mark)) parts.push({ heading: line.slice(mark.length).trim(), text: "" })
    else parts.at(-1)!.text += `${line}\n`
  }
  return parts
}

/** The first sentence of a text, without markup. */
export const firstSentence = (text: string): string => {
  const flat =
    withoutCode(text).replaceAll(/<!--[^]*?-->/g, "").split(/\n\n+/).map((one) => one.trim()).find((one) => /^[A-Z`[*]/.test(one)) ?? ""
  const plain = flat.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "").replaceAll(/\\([[\]_*])/g, "$1").replaceAll(
    "&lt;",
    "<"
  )
    .replaceAll("&amp;", "&").replaceAll(/\s+/g, " ")
  return /^.*?[.:](?=\s|$)/.exec(plain)?.[0].replace(/:$/, ".") ?? plain
}

/** What the site is made of, for finding out where a link leads. */
export interface Site {
  readonly pages: ReadonlyArray<Page>
  /** Pages by the files that they are made of; several where a file is split. */
  readonly byFile: ReadonlyMap<string, ReadonlyArray<Page>>
}

export const siteOf = (pages: ReadonlyArray<Page>): Site => {
  const byFile = new Map<string, Array<Page>>()
  for (const page of pages) byFile.set(page.from, [...byFile.get(page.from) ?? [], page])
  return { pages, byFile }
}

const repository = "https://github.com/wirewright/wirewright/blob/main/"

/** Where a link of a page leads: another page, or what the site does not have, in the repository. Undefined when it leads nowhere. */
export const resolved = ({ byFile, pages }: Site, page: Page, target: string): string | undefined => {
  if (/^[a-z]+:/.test(target)) return target
  const [path = "", fragment] = target.split("#")
  if (path.startsWith("/")) {
    const to = pages.find(({ slug }) => addressOf(slug) === path)
    return to !== undefined && (fragment === undefined || anchorsOf(to).has(fragment)) ? target : undefined
  }
  const file = path === "" ? page.from : Path.posix.join(Path.posix.dirname(page.from), path)
  const candidates = byFile.get(file) ?? byFile.get(`${file}/README.md`) ?? []
  const own = path === "" && candidates.includes(page) ? [page, ...candidates] : candidates
  const to = fragment === undefined ? own[0] : own.find((one) => anchorsOf(one).has(fragment) || anchorOf(one.title) === fragment)
  if (to !== undefined) {
    const hash = fragment === undefined || !anchorsOf(to).has(fragment) ? "" : `#${fragment}`
    return to === page && hash !== "" ? hash : `${addressOf(to.slug)}${hash}`
  }
  return own.length === 0 && fragment === undefined && Fs.existsSync(Path.join(root, file)) ? `${repository}${file}` : undefined
}

const link = /(\]\()([^)\s]+)(\))/g

/** Does something with the text outside of blocks and spans of code. */
const outsideCode = (text: string, run: (part: string) => string): string =>
  text.split(/(^```[^]*?^```$|`[^`\n]+`)/m).map((part, i) => i % 2 === 1 ? part : run(part)).join("")

/** Links of a page that lead nowhere. */
export const brokenLinks = (site: Site, page: Page): ReadonlyArray<string> => {
  const broken: Array<string> = []
  outsideCode(page.body, (part) => {
    for (const [, , target] of part.matchAll(link)) {
      if (resolved(site, page, target!) === undefined) broken.push(`${page.slug || "index"} (${page.from}): ${target}`)
    }
    return part
  })
  return broken
}

/** The file of a page as the site's builder reads it. */
export const fileOf = (site: Site, page: Page): string => {
  const body = outsideCode(
    page.body.replaceAll(/<!--[^]*?-->\n*/g, ""),
    (part) =>
      part.replaceAll(link, (whole, open: string, target: string, close: string) => {
        const to = resolved(site, page, target)
        return to === undefined ? whole : `${open}${to}${close}`
      })
  )
  return [
    "---",
    `title: ${JSON.stringify(page.title)}`,
    `description: ${JSON.stringify(page.description)}`,
    ...page.head ?? [],
    "---",
    "",
    body.trim(),
    ""
  ].join("\n")
}
