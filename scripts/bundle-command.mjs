/**
 * Before the package is packed: the command in a few files, with what it needs of Effect and of our packages, because half a second of every
 * start was spent on finding and reading 500 modules. The generator, which is loaded for few commands, and the protocols' code stay where
 * they are installed. Comments for who writes programs, a quarter of the bytes, stay out; names and lines stay, so that a stack trace can be read.
 */
import { readFile, rm } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const here = (path) => fileURLToPath(new URL(`../packages/cli/${path}`, import.meta.url))

/** Makes it in a folder right below `packages/cli`, which finds the manifest and the program above it. Returns the files. */
export const bundleCommand = async (folder) => {
  await rm(here(folder), { recursive: true, force: true })
  const bundle = await rolldown({
    input: { main: here("src/main.ts"), index: here("src/index.ts") },
    platform: "node",
    resolve: { conditionNames: ["@wirewright/source", "node", "import"] },
    checks: { ineffectiveDynamicImport: false }
  })
  const { output } = await bundle.write({
    dir: here(folder),
    format: "esm",
    comments: { legal: true, annotation: false, jsdoc: false }
  })
  await bundle.close()
  return output
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const output = await bundleCommand("bundle")
  const { name } = JSON.parse(await readFile(here("package.json"), "utf8"))
  const size = output.reduce((bytes, { code }) => bytes + (code?.length ?? 0), 0)
  console.log(`${name}: ${output.length} files, ${Math.round(size / 1024)} KiB`)
}
