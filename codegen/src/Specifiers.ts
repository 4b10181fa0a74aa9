/**
 * Where the generated code of a base is, as seen from an extension's. A base in a package has a specifier that is the same everywhere; one of
 * the same project says a relative path in its spec, as an import in that file would, and is imported by a path from file to file.
 */
import { callSite, type Protocol } from "@wirewright/dsl"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

/** Turns specifiers of bases into those of a directory's files, in the text of a module. */
export type Rewrite = (text: string) => string

const specFile = (protocol: Protocol): string => {
  const { file } = callSite(protocol) ?? { file: "" }
  return file.startsWith("file:") ? fileURLToPath(file) : file
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** How code in `directory` imports the bases of `protocol`; `extension` is that of imports between generated files. */
export const rewriting = (protocol: Protocol, directory: string, extension: string): Rewrite => {
  const paths = new Map<string, string>()
  for (let base = protocol.base; base !== undefined; base = base.base) {
    if (!base.module.startsWith(".") || paths.has(base.module)) continue
    const path = Path.relative(directory, Path.resolve(Path.dirname(specFile(base)), base.module)).split(Path.sep).join("/")
    paths.set(base.module, path.startsWith(".") ? path : `./${path}`)
  }
  if (paths.size === 0) return (text) => text
  const pattern = new RegExp(`from "(${[...paths.keys()].map(escaped).join("|")})(/[A-Za-z]\\w*)?"`, "g")
  return (text) =>
    text.replaceAll(pattern, (_, module: string, name: string | undefined) => `from "${paths.get(module)}${name ?? "/index"}${extension}"`)
}
