/**
 * `npm run site`: writes the site's pages and builds it, without network once its packages are installed.
 *
 * `--content` writes the pages only. Packages are installed by the lock where they are missing.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { allPages, llmsText, sidebarOf } from "./Content.ts"
import { brokenLinks, fileOf, siteOf } from "./Pages.ts"

const here = import.meta.dirname
const content = Path.join(here, "src/content")

const write = (path: string, text: string): void => {
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  Fs.writeFileSync(path, text)
}

const run = (command: string, args: ReadonlyArray<string>): void => {
  const { status } = spawnSync(command, args, {
    cwd: here,
    stdio: "inherit",
    shell: process.platform === "win32",
    env: { ...process.env, ASTRO_TELEMETRY_DISABLED: "1" }
  })
  if (status !== 0) process.exit(status ?? 1)
}

/**
 * What the builder leaves undone for those who use no mouse: blocks and tables that scroll can be reached by the keyboard, without a script.
 */
const polish = (directory: string): void => {
  for (const name of Fs.readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".html")) continue
    const file = Path.join(directory, name)
    const html = Fs.readFileSync(file, "utf8")
    const better = html.replaceAll("<pre data-language=", "<pre tabindex=\"0\" data-language=")
      .replaceAll("<table>", "<table tabindex=\"0\">")
    if (better !== html) Fs.writeFileSync(file, better)
  }
}

const pages = await allPages()
const site = siteOf(pages)
const broken = pages.flatMap((page) => brokenLinks(site, page))
if (broken.length > 0) {
  process.stderr.write(`links that lead nowhere:\n${broken.join("\n")}\n`)
  process.exit(1)
}
Fs.rmSync(Path.join(content, "docs"), { recursive: true, force: true })
for (const page of pages) write(Path.join(content, "docs", `${page.slug === "" ? "index" : page.slug}.md`), fileOf(site, page))
write(Path.join(content, "sidebar.json"), JSON.stringify(sidebarOf(pages), null, 1))
write(Path.join(here, "public/llms.txt"), llmsText(pages))
process.stdout.write(`${pages.length} pages written\n`)

if (!process.argv.includes("--content")) {
  if (!Fs.existsSync(Path.join(here, "node_modules/astro"))) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
  run(process.execPath, [Path.join(here, "node_modules/astro/bin/astro.mjs"), "build"])
  polish(Path.join(here, "dist"))
}
