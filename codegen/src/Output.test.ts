/** Files change all together or not at all, also when the system refuses the last of many steps. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { expect, it } from "vitest"
import { OutputError, replaceFiles } from "./Output.ts"

it("what was moved, removed and made before a step that fails is undone", () => {
  const cwd = Fs.mkdtempSync(Path.join(Os.tmpdir(), "wirewright-output-"))
  try {
    Fs.writeFileSync(Path.join(cwd, "a.ts"), "old")
    Fs.writeFileSync(Path.join(cwd, "gone.ts"), "kept")
    Fs.mkdirSync(Path.join(cwd, "taken"))
    const changed = [["a.ts", "new"], ["deep/er/b.ts", "new"]] as const
    // a directory cannot be removed as a file is
    expect(() => replaceFiles(cwd, { changed, orphaned: ["gone.ts", "taken"], unchanged: 0 })).toThrow(OutputError)
    expect(Fs.readdirSync(cwd, { recursive: true }).sort()).toEqual(["a.ts", "gone.ts", "taken"])
    expect(Fs.readFileSync(Path.join(cwd, "a.ts"), "utf8")).toBe("old")
    expect(Fs.readFileSync(Path.join(cwd, "gone.ts"), "utf8")).toBe("kept")
    replaceFiles(cwd, { changed, orphaned: ["gone.ts"], unchanged: 0 })
    expect(Fs.readdirSync(cwd, { recursive: true }).sort()).toEqual(["a.ts", "deep", "deep/er", "deep/er/b.ts", "taken"])
    expect(Fs.readFileSync(Path.join(cwd, "a.ts"), "utf8")).toBe("new")
  } finally {
    Fs.rmSync(cwd, { recursive: true, force: true })
  }
})
