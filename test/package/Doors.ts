/** Everything that can be imported from installed packages, and programs that import all of it. */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core"
import { readFileSync } from "node:fs"
import type { Published } from "./Outside.ts"

/** Module specifiers of a package: its exports, those with a pattern once for each file that fits it. */
export const specifiersOf = ({ exports, name }: Published, files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const closed = Object.entries(exports).filter(([, target]) => target === null).map(([door]) => door.replace("*", ""))
  return Object.entries(exports).flatMap(([door, target]) => {
    if (target === null || typeof target === "string") return []
    if (!door.includes("*")) return [door]
    const [start = "", end = ""] = target["default"]!.replace("./", "").split("*")
    return files.filter((file) => file.startsWith(start) && file.endsWith(end))
      .map((file) => door.replace("*", file.slice(start.length, file.length - end.length)))
      .filter((path) => !closed.some((closedDoor) => path.startsWith(closedDoor)))
  }).map((door) => `${name}${door.slice(1)}`).toSorted().filter((one, i, all) => one !== all[i - 1])
}

/** A program that imports modules one after the other, and prints how many and those without a name. */
export const importing = (specifiers: ReadonlyArray<string>): string =>
  `const empty = []
for (const name of ${JSON.stringify(specifiers)}) if (Object.keys(await import(name)).length === 0) empty.push(name)
console.log(JSON.stringify({ imported: ${specifiers.length}, empty }))
`

/** A TypeScript program that mentions everything that modules export. */
export const typed = (specifiers: ReadonlyArray<string>): string =>
  [
    ...specifiers.map((name, i) => `import * as m${i} from ${JSON.stringify(name)}`),
    // a module without types would be `any`, to which every number could be assigned
    "type Known<M> = 0 extends 1 & M ? false : true",
    ...specifiers.map((_, i) => `export const k${i}: Known<typeof m${i}> = true`),
    ""
  ].join("\n")

/** Problems of a package for who it is for: ES modules, and bundlers. Older ways of finding modules are not supported. */
const unsupported: ReadonlyArray<string> = ["node10", "node16-cjs"]

/** What attw ("are the types wrong?") finds in a tarball, at each of these doors. */
export const wrongTypes = async (tarball: string, specifiers: ReadonlyArray<string>, name: string): Promise<ReadonlyArray<string>> => {
  const entrypoints = specifiers.map((specifier) => `.${specifier.slice(name.length)}`)
  const found = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))), { entrypoints })
  if (found.types === false) return [`${name} has no types`]
  return found.problems.filter((problem) => !("resolutionKind" in problem && unsupported.includes(problem.resolutionKind)))
    .map((problem) => JSON.stringify(problem))
}
