/**
 * `npm run bench -- [--suite NAME]… [--rounds N] [--json] [--profile]`
 *
 * Every contender of a suite runs in a process of its own, warmed up once and then asked for rounds in turn: A B C A B C …, so that what
 * disturbs the machine disturbs all. A figure is the median over the rounds of the processor time that a message took; a ratio is the
 * median of the ratios to the baseline's time in the same round.
 */
import { execFileSync, fork, type ChildProcess } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { Answer, Question, Share } from "./Protocol.ts"
import type { Suite } from "./Suite.ts"

const here = import.meta.dirname

interface Figure {
  readonly suite: string
  readonly contender: string
  readonly nanoseconds: number
  readonly ratio: number
  readonly heap: number
}

const { values: options } = parseArgs({
  options: {
    suite: { type: "string", multiple: true },
    rounds: { type: "string", default: "21" },
    json: { type: "boolean", default: false },
    profile: { type: "boolean", default: false }
  }
})

/** Prints for people; with `--json` not to where the figures go. */
const say = (text: string): void => {
  process[options.json ? "stderr" : "stdout"].write(`${text}\n`)
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

const readVersions = (): ReadonlyArray<readonly [string, string]> => {
  const lock: Lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"))
  return Object.entries(lock.packages).flatMap(([path, { version }]) =>
    path === "" || version === undefined ? [] : [[path.slice("node_modules/".length), version]]
  )
}

const isInstalled = ([name, version]: readonly [string, string]): boolean => {
  const manifest = join(here, "node_modules", name, "package.json")
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === version
}

/** Installs the other libraries when they are not there as the lock has them. */
const install = (versions: ReadonlyArray<readonly [string, string]>): void => {
  if (versions.every(isInstalled)) return
  say("Installing the libraries to compare with …")
  const shell = process.platform === "win32"
  execFileSync("npm", ["ci", "--workspaces=false", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: here,
    shell,
    stdio: ["ignore", 2, 2]
  })
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const startChild = (suite: string, contender: string): ChildProcess =>
  fork(join(here, "child.ts"), [suite, contender], {
    execArgv: ["--conditions=@wirewright/source", "--expose-gc", "--disable-warning=ExperimentalWarning"]
  })

/** Asks a contender's process and waits for its answer. */
const ask = <Kind extends Question["kind"]>(
  child: ChildProcess,
  question: Question & { readonly kind: Kind }
): Promise<Answer & { readonly kind: Kind }> =>
  new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`contender ended with code ${code}`))
    child.once("exit", onExit)
    child.once("message", (answer: Answer) => {
      child.off("exit", onExit)
      if (answer.kind === question.kind) resolve(answer as Answer & { readonly kind: Kind })
      else reject(new Error(answer.kind === "failed" ? answer.message : `answered ${answer.kind} to ${question.kind}`))
    })
    child.send(question)
  })

interface Running {
  readonly contender: string
  readonly child: ChildProcess
}

/** All must have understood the same of the messages. */
const checkAll = async ({ name, baseline }: Suite, running: ReadonlyArray<Running>): Promise<void> => {
  const digests = new Map<string, string>()
  for (const { contender, child } of running) digests.set(contender, (await ask(child, { kind: "check" })).digest)
  const wrong = [...digests].filter(([, digest]) => digest !== digests.get(baseline))
  if (wrong.length > 0) {
    throw new Error(
      `${name}: not the baseline's result: ${wrong.map(([contender, digest]) => `${contender} (${digest.slice(0, 80)})`).join(", ")}`
    )
  }
}

const measure = async (suite: Suite, running: ReadonlyArray<Running>, rounds: number): Promise<ReadonlyArray<Figure>> => {
  await checkAll(suite, running)
  for (const { child } of running) await ask(child, { kind: "warm", milliseconds: 500 })
  const times = new Map<string, Array<number>>(running.map(({ contender }) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { contender, child } of running) times.get(contender)!.push((await ask(child, { kind: "round" })).nanoseconds)
  }
  const baseline = times.get(suite.baseline)!
  const figures: Array<Figure> = []
  for (const { contender, child } of running) {
    const own = times.get(contender)!
    const ratio = median(own.map((time, round) => time / baseline[round]!))
    figures.push({ suite: suite.name, contender, nanoseconds: median(own), ratio, heap: (await ask(child, { kind: "heap" })).bytes })
  }
  return figures
}

const isMissed = (suite: Suite, { contender, ratio }: Figure): boolean =>
  contender === "generated" && suite.limit !== undefined && ratio > suite.limit

const printTable = (suite: Suite, figures: ReadonlyArray<Figure>): void => {
  const width = Math.max(...figures.map(({ contender }) => contender.length))
  say(`\n${suite.name}: ${suite.about}`)
  say(`  ${"".padEnd(width)}  ns/message  ratio  heap B/message`)
  for (const figure of figures) {
    const { contender, nanoseconds, ratio, heap } = figure
    const verdict = contender !== "generated" || suite.limit === undefined
      ? ""
      : `  ${isMissed(suite, figure) ? "MISSED" : "ok"}: at most ${suite.limit.toFixed(2)}`
    say(
      `  ${contender.padEnd(width)}  ${nanoseconds.toFixed(1).padStart(10)}  ${ratio.toFixed(2).padStart(5)}  ${
        heap.toFixed(0).padStart(14)
      }${verdict}`
    )
  }
}

const printProfile = (contender: string, shares: ReadonlyArray<Share>): void => {
  say(`  where ${contender} spends its time:`)
  for (const { where, part } of shares) say(`    ${(part * 100).toFixed(1).padStart(5)} %  ${where}`)
}

const runSuite = async (suite: Suite, rounds: number): Promise<void> => {
  const running = Object.keys(suite.contenders).map((contender) => ({ contender, child: startChild(suite.name, contender) }))
  try {
    const figures = await measure(suite, running, rounds)
    printTable(suite, figures)
    if (options.json) {
      for (const { suite, contender, nanoseconds, ratio } of figures) {
        process.stdout.write(`${JSON.stringify({ suite, contender, nanoseconds, ratio })}\n`)
      }
    }
    for (const figure of figures) {
      if (!isMissed(suite, figure) && !(options.profile && figure.contender === "generated")) continue
      const { child } = running.find(({ contender }) => contender === figure.contender)!
      printProfile(figure.contender, (await ask(child, { kind: "profile", milliseconds: 1000 })).shares)
    }
  } finally {
    for (const { child } of running) if (child.connected) child.disconnect()
  }
}

const main = async (): Promise<void> => {
  const rounds = Number(options.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds needs a whole number above 0, got ${options.rounds}`)
  const versions = readVersions()
  install(versions)
  const { groups, suites } = await import("./suites/index.ts")
  const wanted = options.suite?.flatMap((name) => groups[name] ?? [name]) ?? suites.map(({ name }) => name)
  const unknown = wanted.filter((name) => suites.every((suite) => suite.name !== name))
  if (unknown.length > 0) throw new Error(`no suite ${unknown.join(", ")}; there are ${suites.map(({ name }) => name).join(", ")}`)
  const others = versions.map(([name, version]) => `${name} ${version}`).join(", ")
  say(
    `node ${process.version}, v8 ${process.versions.v8}, ${process.platform} ${process.arch}, ${cpus()[0]?.model.trim() ?? "?"}; ${others}`
  )
  say(`${rounds} rounds, contenders in turn; median processor time per message; ratio to the baseline`)
  for (const suite of suites) if (wanted.includes(suite.name)) await runSuite(suite, rounds)
}

await main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
})
