/** The help of every command: width, defaults, examples, and the exit codes once. */
import * as Effect from "effect/Effect"
import type * as Command from "effect/cli/Command"
import { describe, expect, it } from "vitest"
import { runHere } from "../test/RunHere.ts"
import { exitRows } from "./Exits.ts"
import { wrapped } from "./Help.ts"
import { controlCommands } from "./ServeControl.ts"
import { wirewright } from "./Wirewright.ts"

const paths = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => [
  path,
  ...(command as Command.Command<string, unknown, unknown, unknown, unknown>).subcommands
    .flatMap(({ commands }) => commands)
    .flatMap((one) => paths(one, [...path, one.name]))
]

const helpOf = async (path: ReadonlyArray<string>): Promise<string> => {
  const { code, err, out } = await Effect.runPromise(runHere([...path, "--help"]))
  expect([code, err]).toEqual([0, ""])
  return out
}

describe.each(paths(wirewright, []).map((path) => [["wirewright", ...path].join(" "), path] as const))("%s --help", (_, path) => {
  it("is at most 80 columns wide and breaks no word", async () => {
    const help = await helpOf(path)
    for (const line of help.split("\n")) if (/\s\S+\s/.test(line.trim())) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  it("has examples", async () => {
    expect((await helpOf(path)).split("EXAMPLES\n")[1]).toMatch(/^ {2}wirewright /m)
  })

  it("says what holds without an option", async () => {
    const flags = (await helpOf(path)).split("\nFLAGS\n")[1]?.split("\n\n")[0] ?? ""
    const rows = flags.split(/\n(?= {2}--)/).filter((row) => row !== "")
    // a switch has no value, and is off
    for (const row of rows) if (/^ {2}--[\w-]+ \w+/.test(row)) expect(row).toMatch(/Default:\s/)
  })
})

it("the exit codes are in the help of the whole command, and nowhere else", async () => {
  for (const path of paths(wirewright, [])) {
    const help = (await helpOf(path)).replace(/\s+/g, " ")
    for (const { code, meaning, name } of exitRows) {
      const row = `${code} ${name} ${meaning}`
      if (path.length === 0) expect(help).toContain(row)
      else expect(help).not.toContain(meaning)
    }
    if (path.length > 0) expect(help).toContain("Exit codes and global flags: wirewright --help")
  }
})

it("lines are broken at spaces, and where a word is as wide as the line or wider", () => {
  expect(wrapped("aaa bbb ccc", 7)).toEqual(["aaa bbb", "ccc"])
  expect(wrapped("aaa bbb ccc", 6)).toEqual(["aaa", "bbb", "ccc"])
  expect(wrapped("aaaaaaaaa b", 4)).toEqual(["aaaaaaaaa", "b"])
  expect(wrapped("値値 値", 5)).toEqual(["値値", "値"])
  expect(wrapped(" \n ", 5)).toEqual([])
})

it("serve --help explains every command of the control socket, a line or two each", async () => {
  const help = await helpOf(["serve"])
  const rows = help.split("\n\n").find((paragraph) => paragraph.trimStart().startsWith("failover"))!
  const terms = rows.split("\n").filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim().split(/ {2,}/)[0]!)
  const named = terms.flatMap((term) => term.replace(/\{.*/, "").split(",")).map((name) => name.trim())
  expect(named.sort()).toEqual([...controlCommands].sort())
})
