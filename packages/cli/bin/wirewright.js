#!/usr/bin/env node
/**
 * Starts the command: from the sources when this is a checkout of the repository, from the bundle when it is installed.
 *
 * Plain JavaScript without dependencies that also starts on Node versions the command itself cannot run on, so that those get a clear
 * message, or the newer Node the repository installs.
 */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import * as module from "node:module"
import { sep } from "node:path"
import { fileURLToPath } from "node:url"

const here = (path) => new URL(path, import.meta.url)
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (process.argv.length === 3 && process.argv[2] === "--version") {
  // asked by scripts and completions, many times: nothing is loaded for it
  console.log(`wirewright v${JSON.parse(readFileSync(here("../package.json"), "utf8")).version}`)
} else if (major > 22 || major === 22 && minor >= 19) {
  // half of a start is compiling
  module.enableCompileCache()
  const source = here("../src/main.ts")
  if (!fileURLToPath(import.meta.url).includes(`${sep}node_modules${sep}`) && existsSync(source)) {
    module.registerHooks({
      resolve: (specifier, context, next) => next(specifier, { ...context, conditions: ["@wirewright/source", ...context.conditions] })
    })
    await import(source.href)
  } else {
    await import(here("../bundle/main.js").href)
  }
} else {
  const candidates = ["../../../node_modules/.bin/node", "../../../node_modules/node/bin/node", "../node_modules/node/bin/node"]
  const newer = candidates.map((path) => fileURLToPath(here(path))).find((path) => existsSync(path))
  if (newer === undefined || process.env.WIREWRIGHT_RESPAWNED === "1") {
    console.error(`wirewright needs Node 22.19 or newer; this is ${process.version}.`)
    console.error("Install a newer Node, or run `npm ci` in the repository, which brings its own.")
    process.exitCode = 1
  } else {
    const child = spawn(newer, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
      env: { ...process.env, WIREWRIGHT_RESPAWNED: "1" }
    })
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"]
    const forward = (signal) => child.kill(signal)
    for (const signal of signals) process.on(signal, forward)
    child.on("error", (error) => {
      console.error(`wirewright: cannot start ${newer}: ${error.message}`)
      process.exitCode = 1
    })
    child.on("exit", (code, signal) => {
      for (const one of signals) process.off(one, forward)
      if (signal === null) process.exitCode = code ?? 1
      else process.kill(process.pid, signal)
    })
  }
}
