/**
 * Sources as a commit of a git repository has them, in a directory of their own, so that its specs can be loaded. Installed packages are those
 * of the working tree. Neither the repository nor its index is touched.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative, resolve, sep } from "node:path"
import { refuse } from "./Failure.ts"

/** Sources of a commit. */
export interface GitTree {
  /** The directory that stands for the working directory. */
  readonly directory: string
  readonly remove: () => void
}

const git = (cwd: string, args: ReadonlyArray<string>, options: { readonly index?: string; readonly input?: string } = {}): string =>
  execFileSync("git", [...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.input === undefined ? {} : { input: options.input }),
    env: { ...process.env, ...(options.index === undefined ? {} : { GIT_INDEX_FILE: options.index }) }
  })

/** The root of the repository that a directory is in. */
const rootOf = (cwd: string): string | undefined => {
  try {
    return realpathSync(git(cwd, ["rev-parse", "--show-toplevel"]).trim())
  } catch {
    return undefined
  }
}

/** Whether a name is a commit, branch or tag of the repository around a directory. */
export const isCommit = (name: string, cwd: string): boolean => {
  if (name === "" || name.startsWith("-")) return false
  try {
    git(cwd, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`])
    return true
  } catch {
    return false
  }
}

/** What may be a spec, what it imports, and what says how. */
const isSource = (path: string): boolean => /\.(?:[cm]?[jt]s|json)$/.test(path)

/** Lets sources find the packages that are installed beside them. */
const linkModules = (root: string, tree: string, cwd: string): void => {
  for (let at = cwd;; at = dirname(at)) {
    const modules = join(at, "node_modules")
    const place = join(tree, relative(root, at), "node_modules")
    if (existsSync(modules) && !existsSync(place)) {
      mkdirSync(dirname(place), { recursive: true })
      symlinkSync(modules, place, "junction")
    }
    if (at === root || at === dirname(at)) return
  }
}

/** The sources of a commit. Refuses what is none. */
export const gitTree = (commit: string, cwd: string): GitTree => {
  const real = realpathSync(cwd)
  const root = rootOf(real) ?? refuse(`${cwd} is in no git repository`)
  if (!isCommit(commit, root)) refuse(`no commit ${commit} in the git repository ${root}`)
  const place = realpathSync(mkdtempSync(join(tmpdir(), "wirewright-tree-")))
  const tree = join(place, "tree")
  try {
    mkdirSync(tree)
    const index = join(place, "index")
    git(root, ["read-tree", commit], { index })
    const files = git(root, ["ls-files", "-z", "--cached"], { index }).split("\0").filter(isSource)
    git(root, ["checkout-index", "-z", "--stdin", `--prefix=${tree}${sep}`], { index, input: files.map((file) => `${file}\0`).join("") })
    linkModules(root, tree, real)
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
  return { directory: resolve(tree, relative(root, real)), remove: () => rmSync(place, { recursive: true, force: true }) }
}
