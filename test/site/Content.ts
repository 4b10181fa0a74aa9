/** Everything that the site shows, made of the repository: texts, words, findings, protocols, sources. */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import { docsOf } from "@wirewright/codegen/docs/index"
import * as Fs from "node:fs"
import * as Path from "node:path"
import config from "../../wirewright.config.ts"
import { doorsOf, manifestOf, packages } from "./Api.ts"
import { addressOf, firstSentence, type Page, partsOf, root, source } from "./Pages.ts"
import { wordPages } from "./Words.ts"

const titled = (text: string): { readonly title: string; readonly body: string } => {
  const [first = "", ...rest] = text.split("\n")
  return { title: first.replace(/^# /, ""), body: rest.join("\n") }
}

const guide = (slug: string, from: string, title?: string): Page => {
  const text = titled(source(from))
  return { slug, title: title ?? text.title, description: firstSentence(text.body), body: text.body, from }
}

/** Sections of the README that stand by themselves. */
const apart = ["Why not …", "What you can rely on", "Compatibility"]

/** The picture of the first page: the packet that its spec describes, as every page of a protocol shows it. */
const picture = [
  "      |0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|",
  "      +---------------+---------------+--",
  "     0| magic = 0x80  | <b>opcode = 0xfa</b> |",
  "      +---------------+---------------+--",
  "      …",
  "      +---------------+---------------+--",
  "    24| <b>rate</b>",
  "      +---------------+---------------+--",
  "    28/ <b>tenant</b>: 0-64 bytes (keyLength)",
  "      +---------------+---------------+--"
]

const readmePages = (): ReadonlyArray<Page> => {
  const from = "README.md"
  const parts = partsOf(titled(source(from)).body, 2)
  const text = (own: typeof parts): string =>
    own.map((part) => part.heading === "" ? part.text : `## ${part.heading}\n${part.text}`).join("\n")
  const intro = parts[0]!.text
  return [
    {
      slug: "",
      title: "Wirewright",
      description: "Declarative packet specs in, typed wire codecs out",
      from: "README.md#first",
      head: [
        "template: splash",
        "hero:",
        "  tagline: Declarative packet specs in, typed wire codecs out — for wire formats that somebody else already chose.",
        "  image:",
        "    html: |",
        `      <pre aria-hidden="true">${picture.join("\n      ")}</pre>`,
        "  actions:",
        "    - { text: Getting started, link: /start/, icon: right-arrow }",
        "    - { text: The words of specs, link: /words/, variant: minimal }",
        "    - { text: Protocols, link: /protocols/, variant: minimal }"
      ],
      body: [
        intro.replaceAll(/^\*\*.*\*\*$/gm, "").trim(),
        "## A spec, and what comes of it",
        partsOf(titled(source(from)).body, 2).find(({ heading }) => heading.startsWith("Spec"))!.text.trim()
      ].join("\n\n")
    },
    {
      slug: "start",
      title: "Getting started",
      description: "Install it, describe a packet, and use the codec that comes of it",
      from,
      body: text(parts.slice(1).filter(({ heading }) => !apart.includes(heading)))
    },
    {
      slug: "why-not",
      title: "Why not …",
      description: "Other tools for wire formats, and what you can rely on with this one",
      from: "README.md",
      body: text(parts.filter(({ heading }) => apart.includes(heading)).sort((a, b) => apart.indexOf(a.heading) - apart.indexOf(b.heading)))
    }
  ]
}

const guidePages = (): ReadonlyArray<Page> => [
  ...packages.map((path) => guide(`guides/${Path.basename(path)}`, `${path}/README.md`)),
  guide("guides/operating", "packages/dcp/OPERATING.md"),
  guide("guides/metrics", "packages/connection/METRICS.md"),
  guide("guides/contributing", "CONTRIBUTING.md")
]

const findingPages = (): ReadonlyArray<Page> => {
  const [intro, ...parts] = partsOf(titled(source("FINDINGS.md")).body, 2)
  const findings = parts.map(({ heading, text }): Page => {
    const [code = "", ...words] = heading.split(": ")
    return {
      slug: `findings/${code.toLowerCase()}`,
      title: `${code}: ${words.join(": ")}`,
      description: firstSentence(text) || words.join(": "),
      from: "FINDINGS.md",
      body: `${text.trim()}\n\n[All findings](/findings/)`
    }
  })
  const index: Page = {
    slug: "findings",
    title: "Findings",
    description: "What check and generate say about specs, by code",
    from: "FINDINGS.md",
    body: [intro!.text.trim(), "## By code", findings.map(({ slug, title }) => `- [${title}](${addressOf(slug)})`).join("\n")].join("\n\n")
  }
  return [index, ...findings]
}

/** What the site calls the protocols, and which of those that the repository generates it leaves out: dialects of one word. */
const left = new Set(["measured", "deepstreamText", "memcachedDatagram"])

/** A protocol as it was generated. */
interface Described {
  readonly name: string
  readonly models: ReadonlyArray<Model>
  /** Faces of the fields that only code can say. */
  readonly customs: Customs
  readonly spec: string
}

const protocolsOf = (): Promise<ReadonlyArray<Described>> =>
  Promise.all(config.targets.map(async ({ out, spec }) => {
    const face = await import(Path.join(root, out, "Model.ts")) as { readonly models: ReadonlyArray<Model>; readonly customs?: Customs }
    const { customs = face.customs ?? {} } = await import(Path.join(root, out, "index.ts")) as { readonly customs?: Customs }
    return { name: face.models.at(-1)!.name, models: face.models, customs, spec }
  }))

const protocolPages = async (): Promise<ReadonlyArray<Page>> => {
  const all = (await protocolsOf()).filter(({ name }) => !left.has(name))
  const names = new Set(all.map(({ name }) => name))
  const pages = all.flatMap(({ customs, models, name }) => {
    const bases = Object.fromEntries(
      models.map((model) => model.name).filter((one) => one !== name && names.has(one)).map((one) => [one, `../${one}/`])
    )
    return [...docsOf(models, { bases, customs })].map(([path, text]): Page => {
      const { body, title } = titled(text.replace(/^<!--.*-->\n\n/, ""))
      const file = path.replace(/\.md$/, "").toLowerCase()
      const isIndex = path === "README.md"
      const crumbs = `[Protocols](/protocols/) › [${name}](${path.includes("/") ? "../" : ""}README.md)`
      return {
        slug: isIndex ? `protocols/${name.toLowerCase()}` : `protocols/${name.toLowerCase()}/${file}`,
        title: isIndex ? name : path.startsWith("packets/") ? title : `${name}: ${title}`,
        description: `${firstSentence(body) || title} (${name})`,
        from: `docs/${name}/${path}`,
        body: isIndex ? body : `${crumbs}\n\n${body}`
      }
    })
  })
  const index: Page = {
    slug: "protocols",
    title: "Protocols",
    description: "Every packet of every protocol that comes with Wirewright, byte by byte",
    from: "docs/README.md",
    body: [
      "Every packet of the protocols that come with Wirewright and of those that it is tried with, byte by byte. The pages are made of the specs by "
      + "`wirewright docs`, which makes them of any spec.",
      "| protocol | packets | spec |\n|---|---|---|\n" +
      all.map(({ models, name, spec }) =>
        `| [${name}](${name}/README.md) | ${models.at(-1)!.commands.length} | [${Path.basename(spec)}](../${spec}) |`
      ).join("\n")
    ].join("\n\n")
  }
  return [index, ...pages]
}

const comment = (text: string): string => /^\/\*\*([^]*?)\*\//.exec(text)?.[1]?.replaceAll(/^\s*\* ?/gm, "").trim() ?? ""

const cookbookPages = (): ReadonlyArray<Page> => {
  const directory = "packages/examples/src"
  const files = ["", "clients", "servers", "spec"].flatMap((folder) =>
    Fs.readdirSync(Path.join(root, directory, folder)).filter((name) => name.endsWith(".ts")).sort().map((name) =>
      Path.posix.join(directory, folder, name)
    )
  )
  const pages = files.map((from): Page => {
    const text = source(from)
    const folder = Path.basename(Path.dirname(from))
    const name = Path.basename(from, ".ts")
    const words = name.replace(/^\d+_/, "").replaceAll("_", " ")
    const said = comment(text)
    const title = folder === "spec"
      ? `Spec: ${name}`
      : folder === "clients"
      ? `Client: ${name}`
      : folder === "servers"
      ? `Server: ${name}`
      : words
    return {
      slug: `cookbook/${folder === "src" ? "" : `${folder}-`}${name.toLowerCase().replaceAll("_", "-")}`,
      title: title.slice(0, 1).toUpperCase() + title.slice(1),
      description: firstSentence(said.slice(0, 1).toUpperCase() + said.slice(1)),
      from,
      body: `${said.replaceAll("<", "&lt;")}\n\n\`\`\`ts title="${from}"\n${text.replace(/^\/\*\*[^]*?\*\/\n/, "").trim()}\n\`\`\``
    }
  })
  const index: Page = {
    slug: "cookbook",
    title: "Cookbook",
    description: "Small programs that are compiled and run by the tests",
    from: `${directory}/README.md`,
    body: [
      "Small programs, each compiled and run by the tests.",
      pages.map(({ description, slug, title }) => `- [${title}](${addressOf(slug)}): ${description.replaceAll("<", "&lt;")}`).join("\n")
    ].join("\n\n")
  }
  return [index, ...pages]
}

const apiPages = (): ReadonlyArray<Page> => {
  const pages = packages.map((path): Page => {
    const { description, name } = manifestOf(path)
    const doors = doorsOf(path)
    return {
      slug: `api/${Path.basename(path)}`,
      title: name,
      description: `API of ${name}: ${description}`,
      from: `${path}/package.json`,
      body: [
        `${description}. [Guide](/guides/${Path.basename(path)}/)`,
        ...doors.map(({ names, specifier }) =>
          [
            `## ${specifier}`,
            ...names.map(({ doc, kind, name: one, signature }) =>
              [
                `### ${one}`,
                kind === "" ? "" : `*${kind}*`,
                doc.replaceAll("<", "&lt;").replaceAll(/`[^`]*`/g, (code) => code.replaceAll("&lt;", "<")).replaceAll(
                  /\{@link (\S+?)\}/g,
                  "`$1`"
                ),
                signature === "" ? "" : `\`\`\`ts\n${signature}\n\`\`\``
              ]
                .filter((part) => part !== "").join("\n\n")
            )
          ].join("\n\n")
        )
      ].join("\n\n")
    }
  })
  const index: Page = {
    slug: "api",
    title: "API",
    description: "Every name that the packages export, with what it is",
    from: "docs/api.md",
    body: [
      "Every name that the packages export. Generated code is described by the pages of its protocol.",
      pages.map(({ description, slug, title }) => `- [${title}](${addressOf(slug)}): ${description.replace(/^API of [^:]*: /, "")}`).join(
        "\n"
      )
    ].join("\n\n")
  }
  return [index, ...pages]
}

/** All pages. */
export const allPages = async (): Promise<ReadonlyArray<Page>> => [
  ...readmePages(),
  ...guidePages(),
  ...wordPages(),
  ...findingPages(),
  ...await protocolPages(),
  ...cookbookPages(),
  ...apiPages()
]

/** The sidebar: what is too much to be listed has its index. */
export const sidebarOf = (pages: ReadonlyArray<Page>): ReadonlyArray<object> => {
  const item = ({ slug, title }: Page): object => ({ label: title, link: addressOf(slug) })
  const under = (folder: string): ReadonlyArray<object> => pages.filter(({ slug }) => slug.startsWith(`${folder}/`)).map(item)
  const at = (slug: string): object => item(pages.find((page) => page.slug === slug)!)
  return [
    at("start"),
    { label: "Guides", items: under("guides"), collapsed: true },
    { label: "Words", items: [at("words"), ...under("words")] },
    at("findings"),
    {
      label: "Protocols",
      items: [at("protocols"), ...pages.filter(({ slug }) => /^protocols\/[^/]+$/.test(slug)).map(item)],
      collapsed: true
    },
    { label: "Cookbook", items: [at("cookbook"), ...under("cookbook")], collapsed: true },
    { label: "API", items: [at("api"), ...under("api")], collapsed: true },
    at("why-not")
  ]
}

/** What machines read first: the pages by part, a line each. */
export const llmsText = (pages: ReadonlyArray<Page>): string => {
  const parts: ReadonlyArray<readonly [string, RegExp]> = [
    ["Start", /^(start|why-not)$/],
    ["Guides", /^guides\//],
    ["Words of specs", /^words/],
    ["Protocols", /^protocols(\/[^/]+)?$/],
    ["Cookbook", /^cookbook/],
    ["API", /^api/],
    ["Findings", /^findings$/]
  ]
  const line = ({ description, slug, title }: Page): string => `- [${title}](${addressOf(slug)}): ${description}`
  return [
    "# Wirewright",
    "> Declarative packet specs in, typed wire codecs out, for wire formats that somebody else already chose. TypeScript, ESM, Node 22.19 or newer, Effect 4.1.",
    ...parts.map(([title, slugs]) => `## ${title}\n\n${pages.filter(({ slug }) => slugs.test(slug)).map(line).join("\n")}`)
  ].join("\n\n") + "\n"
}
