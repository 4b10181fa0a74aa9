/**
 * Before a package is packed: what a tarball needs of generated code, and nothing twice. The model of a protocol is data for programs, so it
 * goes into one line instead of tsc's indented one (a third of the bytes), and the tarball has it once, in `dist`. Generated modules get no maps to
 * sources: their JavaScript reads the same, and their declarations have the comments.
 *
 * Runs in the package's directory, after `tsc -b`; what it does to `dist` it does once, however often it runs.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

const listName = "generated.json"
const lists = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(listName))

for (const list of lists) {
  const { files } = JSON.parse(readFileSync(join("src", list), "utf8"))
  const out = join("dist", dirname(list))
  for (const file of files) {
    if (file.endsWith(".json")) {
      writeFileSync(join(out, file), JSON.stringify(JSON.parse(readFileSync(join(out, file), "utf8"))))
    } else if (!file.endsWith(".test.ts")) {
      for (const ending of [".js", ".d.ts"]) {
        const path = join(out, file.replace(/\.ts$/, ending))
        if (!existsSync(path)) throw new Error(`no ${path}: run tsc -b first`)
        writeFileSync(path, readFileSync(path, "utf8").replace(/\n\/\/# sourceMappingURL=\S+\n*$/, "\n"))
        rmSync(`${path}.map`, { force: true })
      }
    }
  }
}
