/**
 * Makes the page: one HTML document with everything in it, for protocols whose generated code is bundled with what reads it. It needs no
 * network, and its own policy forbids it any: the only scripts and styles that run are those that it came with.
 */
import { pascal } from "@wirewright/codec/TypeText"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { compactModel } from "./CompactModel.ts"
import { blocks, type PageOptions } from "./page/Blocks.ts"

/** The modules of a generated protocol. */
export interface ProtocolModules {
  /** Files that Node could import: the codecs, and the model. */
  readonly index: string
  readonly model: string
  /** Names of the kinds of packets. */
  readonly kinds: ReadonlyArray<string>
}

/** A protocol of the page, and the one that its servers speak on the same port. */
export interface PageProtocolModules extends ProtocolModules {
  readonly beside?: ProtocolModules | undefined
}

/** What the page is opened with. */
export interface PageContent extends PageOptions {
  /** A capture, or packets. */
  readonly file?: Uint8Array | undefined
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What stands for a protocol in the entry module: only the functions that are used, so that the rest is left out. */
const protocolText = ({ index, kinds, model }: ProtocolModules, id: string): { readonly imports: string; readonly value: string } => {
  const names = ["decode", "encode", "frameShape", ...kinds.flatMap((kind) => [`decode${pascal(kind)}`, `${kind}Shape`])]
  const codecs = [...new Set(names)].map((name) => `${JSON.stringify(name)}: ${id}[${JSON.stringify(name)}]`)
  return {
    imports: [
      `import * as ${id} from ${JSON.stringify(index)}`,
      `import * as ${id}Model from ${JSON.stringify(model)}`
    ].join("\n"),
    value: `{ codecs: { ${codecs.join(", ")} }, models: ${id}Model.models, customs: ${id}Model["customs"] ?? ${id}["customs"] }`
  }
}

const entryText = (protocols: ReadonlyArray<PageProtocolModules>): string => {
  const imports: Array<string> = [`import { start } from ${JSON.stringify(here("./page/Main.ts").replace(/\.ts$/, sourceExtension))}`]
  const values = protocols.map((protocol, i) => {
    const own = protocolText(protocol, `p${i}`)
    const beside = protocol.beside === undefined ? undefined : protocolText(protocol.beside, `b${i}`)
    imports.push(own.imports, ...beside === undefined ? [] : [beside.imports])
    return `{ generated: ${own.value}${beside === undefined ? "" : `, beside: ${beside.value}`} }`
  })
  return `${imports.join("\n")}\nvoid start([${values.join(", ")}])\n`
}

/** Compiled modules have `.js` files beside this one. */
const isSource = import.meta.url.endsWith(".ts")
const sourceExtension = isSource ? ".ts" : ".js"

const entry = "wirewright:inspector"

/** The script of the page. Throws what the bundler says of modules that it does not find. */
export const bundleScript = async (protocols: ReadonlyArray<PageProtocolModules>): Promise<string> => {
  const bundle = await rolldown({
    input: entry,
    platform: "browser",
    // a protocol need not have all the functions that it may have
    onLog: () => {},
    // packages that are installed have their models beside what is compiled, and sources without them
    resolve: { conditionNames: [...isSource ? ["@wirewright/source"] : [], "browser", "import", "default"] },
    plugins: [{
      name: "wirewright-inspector",
      resolveId: (id) => id === entry ? `\0${entry}` : undefined,
      load: (id) => {
        if (id === `\0${entry}`) return { code: entryText(protocols), moduleType: "js" }
        return id.endsWith(".model.json") ? { code: compactModel(readFileSync(id, "utf8")), moduleType: "js" } : undefined
      }
    }]
  })
  try {
    const { output: [{ code }] } = await bundle.generate({ format: "iife", minify: true })
    return code
  } finally {
    await bundle.close()
  }
}

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** Script that stands within a document: nothing in it ends its element. */
const inScript = (text: string): string => text.replaceAll(/<(?=\/script|!--|script)/gi, "\\x3c")

const inHtml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")

const json = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c")

/** A style sheet without what only people read. */
const leanStyle = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ").replaceAll(/ ?([{};,]) ?/g, "$1").trim()

/** What the document may do: run the one script, and nothing else; `live` lets it ask its own server. */
export const policyOf = (script: string, style: string, live: boolean): string =>
  [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "img-src data:",
    `connect-src ${live ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; ")

/** The document. */
export const pageHtml = (code: string, { file, ...options }: PageContent = {}): string => {
  const script = inScript(code)
  const style = leanStyle(readFileSync(here(sourceExtension === ".ts" ? "./page/page.css" : "../src/page/page.css"), "utf8"))
  const title = options.name === undefined ? "Wirewright inspector" : `${options.name} · Wirewright inspector`
  return [
    "<!doctype html>",
    "<html lang=\"en\">",
    "<head>",
    "<meta charset=\"utf-8\">",
    `<meta http-equiv="Content-Security-Policy" content="${inHtml(policyOf(script, style, options.live !== undefined))}">`,
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
    "<meta name=\"referrer\" content=\"no-referrer\">",
    "<meta name=\"color-scheme\" content=\"light dark\">",
    `<title>${inHtml(title)}</title>`,
    "<link rel=\"icon\" href=\"data:,\">",
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    "<div id=\"wirewright\"></div>",
    "<noscript>The inspector is a program: it needs JavaScript, and nothing from a network.</noscript>",
    `<script type="application/json" id="${blocks.options}">${json(options)}</script>`,
    ...file === undefined
      ? []
      : [
        `<script type="text/plain" id="${blocks.file}">${
          Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString("base64")
        }</script>`
      ],
    `<script>${script}</script>`,
    "</body>",
    "</html>",
    ""
  ].join("\n")
}
