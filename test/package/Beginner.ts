/**
 * Somebody who starts with an empty directory and does what a text says, line by line. The packages come from tarballs, because no registry has
 * these versions of them; everything else is what the commands of the text make it.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { blocksOf } from "./Blocks.ts"
import type { Outside } from "./Outside.ts"

/** Who installs packages: npm, which puts all of them side by side, or pnpm, which shows only what was asked for. */
export type Installer = "npm" | "pnpm"

/** The pnpm that is tried. */
export const pnpm = ["-y", "pnpm@12.21.0"]

/** The part of a text under a heading. */
export const sectionOf = (markdown: string, heading: string): string => {
  const start = markdown.indexOf(`\n## ${heading}\n`)
  if (start < 0) throw new Error(`no section ${heading}`)
  const end = markdown.indexOf("\n## ", start + 1)
  return markdown.slice(start, end < 0 ? undefined : end)
}

/** One directory. */
export class Beginner {
  readonly directory: string
  private readonly outside: Outside
  private readonly installer: Installer

  constructor(outside: Outside, installer: Installer, name = "beginner") {
    this.outside = outside
    this.installer = installer
    this.directory = join(outside.directory, `${name}-${installer}`)
    mkdirSync(this.directory)
    if (installer === "npm") return
    const overrides = [...outside.tarballs].map(([name, file]) => `  "${name}": "file:${file}"`)
    this.write("pnpm-workspace.yaml", ["overrides:", ...overrides, ""].join("\n"))
  }

  /** Does what the text says: writes its files, runs its commands, and returns what they printed, with what the text says they print. */
  follow(markdown: string): ReadonlyArray<{ readonly printed: string; readonly expected: string }> {
    const out: Array<{ printed: string; expected: string }> = []
    let printed = ""
    for (const { info, language, text } of blocksOf(markdown)) {
      if (language === "ts") this.write(info.replace("file=", ""), `${text}\n`)
      else if (language === "sh") printed = text.split("\n").map((line) => this.sh(line)).join("")
      else out.push({ expected: text, printed: printed.split("\n").slice(0, text.split("\n").length).join("\n") })
    }
    return out
  }

  /** Runs one line of a shell. */
  sh(line: string): string {
    const [, flags = "", names = ""] = /^npm install ((?:--[\w-]+ )*)(.*)$/.exec(line) ?? []
    if (names !== "") return this.install(flags.includes("dev"), names.split(" "))
    return this.outside.runIn(
      this.directory,
      "sh",
      "-c",
      this.installer === "pnpm" ? line.replace(/^npx wirewright/, `npx ${pnpm.join(" ")} exec wirewright`) : line
    )
  }

  write(name: string, text: string | Uint8Array): void {
    mkdirSync(dirname(join(this.directory, name)), { recursive: true })
    writeFileSync(join(this.directory, name), text)
  }

  private install(isDev: boolean, names: ReadonlyArray<string>): string {
    const { tarballs } = this.outside
    const others = names.filter((name) => !tarballs.has(name)).map((name) => `${name}@${this.outside.locked(name)}`)
    if (this.installer === "pnpm") {
      const ours = names.filter((name) => tarballs.has(name))
      return this.outside.runIn(this.directory, "npx", ...pnpm, "add", "--prefer-offline", ...isDev ? ["-D"] : [], ...ours, ...others)
    }
    // npm would ask the registry for what our packages need of each other
    const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
    return this.outside.runIn(this.directory, "npm", "install", ...quiet, ...isDev ? ["--save-dev"] : [], ...tarballs.values(), ...others)
  }
}
