/** The site's pages: every link of every text leads somewhere, every word of the DSL and every name of the packages has its place. */
import * as D from "@wirewright/dsl"
import { describe, expect, it } from "vitest"
import { doorsOf, packages } from "./Api.ts"
import { allPages, llmsText, sidebarOf } from "./Content.ts"
import { addressOf, anchorsOf, brokenLinks, fileOf, type Page, siteOf, source } from "./Pages.ts"

const pages = await allPages()
const site = siteOf(pages)

it("no two pages have one address, and each says what it is", () => {
  const slugs = pages.map(({ slug }) => slug)
  expect(slugs.filter((slug, i) => slugs.indexOf(slug) !== i)).toEqual([])
  expect(pages.filter(({ description, title }) => title.trim() === "" || description.trim() === "").map(({ slug }) => slug)).toEqual([])
  console.log(`${pages.length} pages`)
})

it("every link leads to a page, an anchor of it, or a file of the repository", () => {
  expect(pages.flatMap((page) => brokenLinks(site, page))).toEqual([])
})

it("a link that leads nowhere is found, and so is an anchor that is not there", () => {
  const page: Page = {
    slug: "x",
    title: "X",
    description: "x",
    from: "packages/dsl/README.md",
    body: "[a](NOWHERE.md) [b](WORDS.md#no-such) `[c](no)`"
  }
  expect(brokenLinks(site, page)).toEqual(["x (packages/dsl/README.md): NOWHERE.md", "x (packages/dsl/README.md): WORDS.md#no-such"])
})

it("the sidebar and llms.txt lead to pages", () => {
  const known = new Set(pages.map(({ slug }) => addressOf(slug)))
  const links = JSON.stringify(sidebarOf(pages)).match(/(?<="link":")[^"]+/g)!
  const listed = [...llmsText(pages).matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
  expect([...links, ...listed].filter((link) => !known.has(link))).toEqual([])
})

describe("words", () => {
  it("every word that the DSL exports has its place on a page, most with a picture of its bytes", () => {
    const own = pages.filter(({ slug }) => slug.startsWith("words/"))
    const text = own.map(({ body }) => body).join("\n")
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!).join(" ")
    const missing = Object.keys(D).filter((word) => !["mark", "callSite"].includes(word) && !new RegExp(`\\b${word}\\b`).test(headings))
    expect(missing).toEqual([])
    const typed = [...text.matchAll(/^In TypeScript: `.*`\.$/gm)].length
    expect(typed).toBe([...text.matchAll(/^## /gm)].length)
    const pictures = [...text.matchAll(/^```text$/gm)].length
    console.log(`${Object.keys(D).length - 2} words, ${pictures} pictures`)
    expect(pictures).toBeGreaterThan(30)
  })
})

describe("the API", () => {
  it("every name behind a public door is described", () => {
    const empty = packages.flatMap((path) =>
      doorsOf(path).flatMap(({ names, specifier }) =>
        names.filter(({ doc, signature }) => doc === "" && signature === "").map(({ name }) => `${specifier} ${name}`)
      )
    )
    expect(empty).toEqual([])
    const page = pages.find(({ slug }) => slug === "api/codec")!
    expect(anchorsOf(page).has("reader")).toBe(true)
    expect(page.body).toContain("class Reader")
  })
})

/** The tests that run the programs of a text, by the text. */
const runners: ReadonlyArray<readonly [from: RegExp, test: string, says: RegExp]> = [
  [/^README\.md/, "test/package/readme.test.ts", /Every block of the README is executed/],
  [/^packages\/dcp\/README\.md$/, "test/dcp/docs.test.ts", /packages\/dcp\/README\.md/],
  [/^packages\/deepstream\/README\.md$/, "test/deepstream/docs.test.ts", /packages\/deepstream\/README\.md/],
  [/^packages\/dsl\/WORDS\.md$/, "test/docs/words.test.ts", /packages\/dsl\/WORDS\.md/],
  [/^FINDINGS\.md$/, "test/generator/Codes.test.ts", /FINDINGS\.md/],
  [/^packages\/examples\/src\/\w+\.ts$/, "test/examples/examples.test.ts", /examples/],
  [/^packages\/examples\/src\/(spec|clients|servers)\//, "test/gallery/All.ts", /gallery/],
  [/^(packages\/\w+|spec|codegen)\/README\.md$/, "test/package/published.test.ts", /programs of READMEs/]
]

it("every program on the site is run by a test: its text is one of those that tests take apart", () => {
  const programs = pages.filter(({ body, from }) => /^```(ts|sh)/m.test(body) && !from.endsWith("package.json"))
  const unrun = programs.filter(({ from }) => !runners.some(([text, test, says]) => text.test(from) && says.test(source(test))))
  expect(unrun.map(({ from, slug }) => `${slug} (${from})`)).toEqual([])
  console.log(`${programs.length} pages with programs`)
})

it("pages are written with their links resolved and without comments", () => {
  const start = fileOf(site, pages.find(({ slug }) => slug === "start")!)
  expect(start).toContain("](/guides/dcp/)")
  expect(start).toContain("](/words/)")
  expect(start).not.toContain("<!--")
})
