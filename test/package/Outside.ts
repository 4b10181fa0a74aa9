/** A directory outside of the repository with the packages installed the way a stranger gets them: packed, from tarballs. */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** As much of a published package.json as is looked at. */
export interface Published {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: { readonly [path: string]: null | string | { readonly [condition: string]: string } }
  readonly bin?: { readonly [name: string]: string }
}

const manifest = (path: string): Published => JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Published

/** Directories of what is published: every workspace that is not private. */
export const published = ["spec", "codegen", ...readdirSync(join(root, "packages")).sort().map((name) => `packages/${name}`)]
  .filter((path) => existsSync(join(root, path, "package.json")) && manifest(join(root, path)).private !== true)

// What the npm that runs the tests tells its scripts would mislead the npm that they start.
const misleading =
  /^(npm_(lifecycle|package)_.*|npm_(command|config_(local_)?prefix|config_workspaces?)|INIT_CWD|NODE_OPTIONS|NODE_PATH|VITEST.*)$/
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !misleading.test(name)))

/** Runs a program with this Node first in the path; throws what it said when it fails. */
const run = (cwd: string, program: string, args: ReadonlyArray<string>): string => {
  const PATH = [join(root, "node_modules", ".bin"), process.env["PATH"]].join(delimiter)
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { ...environment, PATH, npm_config_update_notifier: "false" },
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32" && program !== process.execPath
  })
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${error ?? ""}${stdout}${stderr}`)
  return stdout
}

/** The packages from elsewhere a stranger needs, at the versions this repository locks. */
const locked = (name: string): string => manifest(join(root, "node_modules", name)).version

/** What a stranger has. */
export class Outside {
  readonly directory: string
  /** Paths of the packed packages, by name. */
  readonly tarballs: ReadonlyMap<string, string>

  private constructor(directory: string, tarballs: ReadonlyMap<string, string>) {
    this.directory = directory
    this.tarballs = tarballs
  }

  /** Builds from scratch, packs, and installs into a new directory with the spec in it. */
  static make(): Outside {
    for (const path of published) {
      rmSync(join(root, path, "dist"), { recursive: true, force: true })
      for (const name of readdirSync(join(root, path))) if (name.endsWith(".tsbuildinfo")) rmSync(join(root, path, name))
    }
    run(root, process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", ...published])
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "wirewright-outside-")))
    const tarballs = join(directory, "tarballs")
    mkdirSync(tarballs)
    run(root, "npm", ["pack", "--silent", "--pack-destination", tarballs, ...published.flatMap((path) => ["-w", path])])
    const files = readdirSync(tarballs)
    const dependencies = Object.fromEntries(published.map((path) => {
      const { name, version } = manifest(join(root, path))
      const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`
      if (!files.includes(file)) throw new Error(`npm pack made no ${file}, but ${files.join(", ")}`)
      return [name, `file:tarballs/${file}`]
    }))
    writeFileSync(
      join(directory, "package.json"),
      JSON.stringify({
        name: "outsider",
        private: true,
        type: "module",
        dependencies: { ...dependencies, effect: locked("effect") },
        devDependencies: { typescript: locked("typescript"), "@types/node": locked("@types/node") }
      })
    )
    cpSync(join(root, "test/fixtures/outsider"), directory, { recursive: true })
    run(directory, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"])
    return new Outside(
      directory,
      new Map(Object.entries(dependencies).map(([name, file]) => [name, join(directory, file.replace("file:", ""))]))
    )
  }

  /** Writes a file there. */
  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.directory, name)), { recursive: true })
    writeFileSync(join(this.directory, name), text)
  }

  /** Runs a program there. */
  run(program: string, ...args: ReadonlyArray<string>): string {
    return run(this.directory, program, args)
  }

  /** Runs a program in a directory of its own. */
  runIn(directory: string, program: string, ...args: ReadonlyArray<string>): string {
    return run(directory, program, args)
  }

  /** The version of a package from elsewhere that this repository locks. */
  locked(name: string): string {
    return locked(name)
  }

  /** The manifest of an installed package, and its files. */
  installed(name: string): { readonly manifest: Published; readonly files: ReadonlyArray<string> } {
    const path = join(this.directory, "node_modules", name)
    const files = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1).replaceAll("\\", "/"))
    return { manifest: manifest(path), files }
  }

  /** Leaves nothing behind. */
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Export targets of a package that none of its files is. */
export const missingTargets = (exports: Published["exports"], files: ReadonlyArray<string>): ReadonlyArray<string> =>
  Object.values(exports).flatMap((target) => target === null ? [] : typeof target === "string" ? [target] : Object.values(target)).filter(
    (target) => {
      const [start = "", end = ""] = target.replace("./", "").split("*")
      return target.includes("*") ? !files.some((file) => file.startsWith(start) && file.endsWith(end)) : !files.includes(start)
    }
  )
