/** From a value of a loaded spec back to its source: comments and positions. */
import { callSite } from "@wirewright/dsl"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import type { Complaint, Finding } from "./Finding.ts"
import type { Call, Sources } from "./TsMorph.ts"

/** Finds comments and positions of spec values. */
export class Origin {
  private readonly sources: Sources
  private readonly calls = new Map<object, Call | undefined>()

  private constructor(sources: Sources) {
    this.sources = sources
  }

  /** Loads the parser (about 0.9 s) and starts with no source read. */
  static async make(): Promise<Origin> {
    const { Sources } = await import("./TsMorph.ts")
    return new Origin(
      new Sources({
        read: (path) => Fs.existsSync(path) ? Fs.readFileSync(path, "utf8") : undefined,
        resolve: (specifier, from) => {
          if (specifier.startsWith(".")) return Path.resolve(Path.dirname(from), specifier)
          try {
            return createRequire(from).resolve(specifier)
          } catch {
            return undefined
          }
        }
      })
    )
  }

  /** The comment on a value's constant, or with `path` on a property below its builder call. */
  doc(value: object, path: ReadonlyArray<string> = []): string | undefined {
    const call = this.call(value)
    return path.length === 0 ? call?.doc : call?.docAt(path)
  }

  /** Base name of the file a value was made in, without extension. */
  family(value: object): string | undefined {
    const site = callSite(value)
    return site === undefined ? undefined : Path.basename(site.file).replace(/\.[cm]?[jt]s$/, "")
  }

  /** Gives a complaint its place, relative to `cwd`. */
  locate(complaint: Complaint, cwd: string): Finding {
    const { rule, message, hint } = complaint
    const site = callSite(complaint.value)
    const call = this.call(complaint.value)
    const place = call?.position(complaint.path) ??
      { file: site === undefined ? "" : pathOf(site.file), line: site?.line ?? 1, column: site?.column ?? 1 }
    return { rule, message, hint, file: Path.relative(cwd, place.file).split(Path.sep).join("/"), line: place.line, column: place.column }
  }

  private call(value: object): Call | undefined {
    if (!this.calls.has(value)) {
      const site = callSite(value)
      this.calls.set(value, site === undefined ? undefined : this.sources.call(pathOf(site.file), site.line, site.column))
    }
    return this.calls.get(value)
  }
}

const pathOf = (file: string): string => file.startsWith("file:") ? fileURLToPath(file) : file
