/** Whether Node and TypeScript take the files of a directory for ES modules, which specs and generated code are. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Finding } from "./Finding.ts"

/** The package.json that files of a directory belong to, and what it says they are. */
const packageOf = (directory: string): { readonly path: string; readonly type: unknown } | undefined => {
  const path = Path.join(directory, "package.json")
  try {
    return { path, type: (JSON.parse(Fs.readFileSync(path, "utf8")) as { readonly type?: unknown }).type }
  } catch {
    const parent = Path.dirname(directory)
    return parent === directory ? undefined : packageOf(parent)
  }
}

/** What is wrong with the package.json of a directory's `.ts` files; nothing when they are ES modules. Paths are relative to `cwd`. */
export const notModules = (cwd: string, directory: string): Finding | undefined => {
  const found = packageOf(directory)
  if (found === undefined || found.type === "module") return undefined
  return {
    rule: "WW004",
    file: Path.relative(cwd, found.path).split(Path.sep).join("/"),
    line: 1,
    column: 1,
    message: "\"type\" is not \"module\", so that Node and TypeScript take specs and generated code for CommonJS, which they are not",
    hint: "npm pkg set type=module"
  }
}
