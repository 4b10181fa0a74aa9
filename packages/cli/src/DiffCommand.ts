/** `wirewright diff`: what differs between two versions of a spec, on the wire and in the types, with packets that prove it. */
import { Catalog } from "@wirewright/codec/Catalog"
import { diffOf } from "@wirewright/codegen/diff/Diff"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { existsSync, statSync } from "node:fs"
import { basename, resolve } from "node:path"
import { readConfig } from "./Config.ts"
import { classes, type Compared, jsonOf, markdownOf, summary, textOf } from "./DiffReport.ts"
import { counted, handler, refuse } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { gitTree, type GitTree, isCommit } from "./GitTree.ts"
import { flush, line, say } from "./Output.ts"
import { isBuiltIn } from "./Protocols.ts"
import { type AskedSpec, protocolsOf, type SpecProtocol } from "./SpecProtocol.ts"

const failures = ["wire", "source", "safe", "never"] as const

const parameters = {
  specs: Argument.String("spec").pipe(
    Argument.withDescription(
      "OLD and NEW: spec modules, directories of generated code, or COMMIT:PATH of a git repository; with --against only NEW, or nothing for "
        + "all that wirewright.config.ts lists"
    ),
    Argument.variadic()
  ),
  against: optional(
    Flag.String("against"),
    "Where the same specs are as they were: a commit, branch or tag, also spelled .git#main, or a directory",
    "OLD is the first argument"
  ),
  protocol: optional(Flag.String("protocol"), "Which of several protocols in the spec", "all of them, by their names"),
  failOn: withDefault(
    Flag.Literals("fail-on", failures),
    "The least difference that makes the exit code 100",
    "wire" as typeof failures[number]
  ),
  samples: withDefault(Flag.Int("samples"), "Packets of each side that the other reads, for each place that differs", 500),
  seed: withDefault(Flag.Int("seed"), "The same seed tries the same packets", 1),
  markdown: on("markdown", "Markdown, for a comment on a pull request"),
  json: jsonFlag("NDJSON, one object per difference")
}

/** Loads specs of both sides, and removes what it took out of git. */
class Sources {
  private readonly trees = new Map<string, GitTree>()

  /** A commit's directory. */
  tree(commit: string): string {
    const known = this.trees.get(commit) ?? gitTree(commit, process.cwd())
    this.trees.set(commit, known)
    return known.directory
  }

  /** What `COMMIT:PATH`, or a path, asks for. */
  asked(spec: string, protocol: string | undefined): AskedSpec {
    const [, commit, path] = /^([^:]+):(.+)$/s.exec(spec) ?? []
    const isOf = commit !== undefined && path !== undefined && !existsSync(spec) && isCommit(commit, process.cwd())
    return isOf ? { spec: path, protocol, cwd: this.tree(commit) } : { spec, protocol }
  }

  remove(): void {
    for (const { remove } of this.trees.values()) remove()
  }
}

interface Pair {
  readonly old: ReadonlyArray<SpecProtocol>
  readonly now: ReadonlyArray<SpecProtocol>
}

/** Where `--against` points. */
const directoryOf = (against: string, sources: Sources): string => {
  if (statSync(against, { throwIfNoEntry: false })?.isDirectory() === true && basename(against) !== ".git") return resolve(against)
  const [, commit = against] = /^\.git#(?:branch=|tag=|ref=)?(.+)$/s.exec(against) ?? []
  return sources.tree(commit)
}

const pairsOf = async (
  specs: ReadonlyArray<string>,
  against: string | undefined,
  protocol: string | undefined,
  sources: Sources
): Promise<ReadonlyArray<Pair>> => {
  if (against === undefined) {
    const [old, now, ...more] = specs
    if (old === undefined || now === undefined || more.length > 0) {
      return refuse("give OLD and NEW, or --against and the specs; see wirewright diff --help")
    }
    const [before = [], after = []] = await protocolsOf([sources.asked(old, protocol), sources.asked(now, protocol)])
    return [{ old: before, now: after }]
  }
  const directory = directoryOf(against, sources)
  const asked = specs.length > 0
    ? specs.map((spec) => ({ spec, protocol }))
    : (await readConfig(process.cwd()))?.config.targets.filter((one) => protocol === undefined || one.protocol === protocol) ??
      refuse("no spec given and no wirewright.config.ts here")
  const now = await protocolsOf(asked)
  // a spec that is new has no old one
  const known = asked.map(({ spec }) => isBuiltIn(spec) || existsSync(resolve(directory, spec)))
  const before = (await protocolsOf(asked.filter((_, i) => known[i]).map((one) => ({ ...one, cwd: directory })))).values()
  return now.map((one, i): Pair => ({ old: known[i] === true ? before.next().value! : [], now: one }))
}

const gone = (protocol: string, text: string, of: "WIRE" | "SAFE"): Compared => ({
  protocol,
  differences: [{
    class: of,
    place: "protocol",
    changes: [{ path: "protocol", text }],
    witnesses: [],
    tried: 0,
    isCovered: of === "SAFE",
    isUnshown: false
  }]
})

const catalogOf = ({ customs, models }: SpecProtocol): Catalog => Catalog.of(models, customs)

/** Compares the protocols of two specs, by name, or the only ones. */
const compared = ({ now, old }: Pair, options: { readonly samples: number; readonly seed: number }): ReadonlyArray<Compared> => {
  const [only] = old
  const isOne = old.length === 1 && now.length === 1
  return [
    ...now.map((one): Compared => {
      const other = isOne ? only : old.find(({ name }) => name === one.name)
      if (other === undefined) return gone(one.name, "protocol added", "SAFE")
      return { protocol: one.name, differences: diffOf(catalogOf(other), catalogOf(one), options) }
    }),
    ...old.filter((one) => !isOne && !now.some(({ name }) => name === one.name)).map(({ name }) => gone(name, "protocol removed", "WIRE"))
  ]
}

/** The command. */
export const diffCommand = Command.make("diff", parameters, (options) =>
  handler(async () => {
    const { against, failOn, json, markdown, protocol, samples, seed, specs } = options
    if (samples < 1) refuse("--samples: expected at least 1")
    if (json && markdown) refuse("--json and --markdown do not go together")
    const sources = new Sources()
    try {
      const all = (await pairsOf(specs, against, protocol, sources)).flatMap((pair) => compared(pair, { samples, seed }))
      if (markdown) { for (const text of markdownOf(all).trimEnd().split("\n")) line(text) }
      else if (json) { for (const one of all) for (const object of jsonOf(one)) line(JSON.stringify(object)) }
      else for (const one of all) for (const text of textOf(one, all.length > 1)) line(text)
      await flush()
      say(summary(all))
      const failing = failOn === "never" ? [] : classes.slice(0, failures.indexOf(failOn) + 1)
      return all.flatMap(({ differences }) => differences).filter((one) => failing.includes(one.class)).length
    } finally {
      sources.remove()
    }
  }, (count) => `${counted(count, "difference")} of the kind that --fail-on names`)).pipe(
    Command.withShortDescription("What changes between two versions of a spec"),
    Command.withDescription(
      "Compare two versions of a spec. WIRE: one side reads otherwise what the other writes, or refuses it; a packet is shown. SOURCE: types of "
        + "generated code change. SAFE: neither; what is new and old readers call unknown is no difference. Packets are drawn of each side and "
        + "read by the other."
    ),
    Command.withExamples([
      { command: "wirewright diff --against main", description: "What this branch changes in all specs" },
      { command: "wirewright diff main:spec/chat.ts spec/chat.ts", description: "One spec, against a branch" },
      { command: "wirewright diff v1/chat.ts v2/chat.ts --fail-on source", description: "Two files" },
      { command: "wirewright diff --against .git#main --markdown", description: "A comment for a pull request" }
    ])
  )
