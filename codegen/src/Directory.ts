/** Makes directories. */
import * as Fs from "node:fs"
import * as Path from "node:path"

/**
 * Makes a directory and those above it that are missing; returns the highest that was made. Throws what the system says: Node's own recursive
 * way never returns where a system denies that a directory is there in which it lets nothing be made, such as /proc.
 */
export const makeDirectory = (path: string): string | undefined => {
  const missing: Array<string> = []
  for (let at = Path.resolve(path); !Fs.existsSync(at); at = Path.dirname(at)) missing.unshift(at)
  for (const one of missing) Fs.mkdirSync(one)
  return missing[0]
}
