/**
 * Builds what a Dockerfile says without Docker: each stage is a folder, its instructions are done there one after the other. Knows those that are used,
 * and refuses others.
 */
import { execFile } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { promisify } from "node:util"

/** An instruction and what it says. */
interface Instruction {
  readonly name: string
  readonly text: string
}

/** Instructions of a Dockerfile. */
export const instructionsOf = (text: string): ReadonlyArray<Instruction> =>
  text.replace(/\\\n/g, " ").split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")).map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    return { name, text: rest }
  })

/** What a container of the image is run by. */
export interface Image {
  /** The folder that is `/` there. */
  readonly root: string
  readonly base: string
  readonly workdir: string
  readonly env: { readonly [name: string]: string }
  readonly uid: number
  readonly gid: number
  readonly entrypoint: ReadonlyArray<string>
  readonly cmd: ReadonlyArray<string>
  readonly stopSignal: NodeJS.Signals
}

type Draft = { -readonly [Field in keyof Image]: Image[Field] }

const words = (text: string): ReadonlyArray<string> => JSON.parse(text) as ReadonlyArray<string>

/** Takes from everybody the right to write. */
const readOnly = (path: string): void => {
  const { mode } = statSync(path)
  chmodSync(path, mode & ~0o222)
  if (statSync(path).isDirectory()) {
    for (const entry of readdirSync(path, { withFileTypes: true })) if (!entry.isSymbolicLink()) readOnly(join(path, entry.name))
  }
}

/**
 * Builds an image.
 *
 * @param context the folder that COPY takes from
 * @param into a folder for the stages
 * @param environment of commands that are run
 */
export const build = async (dockerfile: string, context: string, into: string, environment: NodeJS.ProcessEnv): Promise<Image> => {
  const stages = new Map<string, Draft>()
  let image: Draft | undefined
  for (const { name, text } of instructionsOf(readFileSync(dockerfile, "utf8"))) {
    if (name === "FROM") {
      const [, base = "", stage = "final"] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(text) ?? []
      const root = join(into, stage)
      image = { root, base, workdir: "/", env: {}, uid: 0, gid: 0, entrypoint: [], cmd: [], stopSignal: "SIGTERM" }
      stages.set(stage, image)
      mkdirSync(root)
      continue
    }
    if (image === undefined) throw new Error(`${name} before FROM`)
    const here = join(image.root, image.workdir)
    switch (name) {
      case "WORKDIR":
        image.workdir = text
        mkdirSync(join(image.root, text), { recursive: true })
        break
      case "ENV": {
        const at = text.indexOf("=")
        image.env = { ...image.env, [text.slice(0, at)]: text.slice(at + 1) }
        break
      }
      case "COPY": {
        const [, from, paths = ""] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(text) ?? []
        const source = from === undefined ? context : stages.get(from)!.root
        const all = paths.split(/\s+/)
        const target = all.pop()!
        for (const path of all) {
          const to = target.endsWith("/") ? join(here, target, basename(path)) : join(here, target)
          cpSync(join(source, path), to, { recursive: true, verbatimSymlinks: true })
        }
        break
      }
      case "RUN":
        await promisify(execFile)("sh", ["-c", text], { cwd: here, env: { ...environment, ...image.env } })
        break
      case "USER": {
        const [uid, gid] = text.split(":").map(Number)
        image.uid = uid!
        image.gid = gid!
        break
      }
      case "STOPSIGNAL":
        image.stopSignal = text as NodeJS.Signals
        break
      case "ENTRYPOINT":
        image.entrypoint = words(text)
        break
      case "CMD":
        image.cmd = words(text)
        break
      case "EXPOSE":
        break
      default:
        throw new Error(`${name} is not known here`)
    }
  }
  readOnly(image!.root)
  return image!
}
