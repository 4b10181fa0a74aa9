/** Lines on stderr: what peers sent moves no cursor and makes no line, and JSON is JSON. */
import { it as effectIt } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { describe, expect, it } from "vitest"
import { Failure, failureOfDefect, usage } from "./Failure.ts"
import { failureJson, failureLines, logLine, wantsJson } from "./Messages.ts"

const hostile = "\u001b[2J\u202eevil\r\nwirewright: done\u0007"

describe("failures", () => {
  it("of peers are one line without control characters", () => {
    const [line, ...rest] = failureLines(new Failure({ exit: "findings", error: "X", message: hostile }))
    expect(rest).toEqual([])
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect(line).toContain("evil")
  })

  it("of files are no faults of the command, everything else that is thrown is, with its stack for people", () => {
    const file = Object.assign(new Error("EACCES: permission denied, open '/a/b'"), { code: "EACCES", syscall: "open", path: "/a/b" })
    expect(failureOfDefect(file)).toMatchObject({ exit: "usage", message: "/a/b: permission denied (EACCES)" })
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" })
    expect(failureOfDefect(full)).toMatchObject({ exit: "usage", message: "no space left on device (ENOSPC, write)" })
    const network = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "connect" })
    expect(failureOfDefect(network)).toMatchObject({ exit: "unexpected", cause: network })
    expect(failureOfDefect(new TypeError("x"))).toMatchObject({ exit: "unexpected", message: "TypeError: x" })
    expect(failureJson(failureOfDefect(new TypeError("x")))).toEqual({
      error: "Unexpected",
      exit: "unexpected",
      code: 70,
      message: "TypeError: x"
    })
    const known = usage("y")
    expect(failureOfDefect(known)).toBe(known)
  })
})

describe("log lines", () => {
  const logged = (asJson: boolean, log: Effect.Effect<void>): Effect.Effect<string> =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.map(Logger.formatStructured, (one) => void lines.push(logLine(one, asJson)))
      yield* log.pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Info"))
      expect(lines).toHaveLength(1)
      return lines[0]!
    })
  const log = Effect.annotateLogs(Effect.logWarning("stream lost", hostile), { vbucket: 3, seqno: 2n ** 64n - 1n, cause: hostile })

  effectIt.effect("for people: one line, no control characters, what it is about after the words", () =>
    Effect.gen(function*() {
      const line = yield* logged(false, log)
      // oxlint-disable-next-line no-control-regex
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
      expect(line).toMatch(
        /^wirewright: warning: stream lost .* vbucket=3 {2}seqno=18446744073709551615 {2}cause=".*" {2}time=1970-01-01T00:00:00.000Z$/
      )
      expect(yield* logged(false, Effect.logInfo("back"))).toBe("wirewright: info: back  time=1970-01-01T00:00:00.000Z")
    }))

  effectIt.effect("for programs: an object with the values as they are", () =>
    Effect.gen(function*() {
      const line = yield* logged(true, log)
      expect(line).not.toContain("\n")
      expect(JSON.parse(line)).toEqual({
        level: "warning",
        time: "1970-01-01T00:00:00.000Z",
        message: `stream lost ${hostile}`,
        annotations: { vbucket: 3, seqno: "18446744073709551615", cause: hostile }
      })
    }))
})

it("--json is seen where the arguments are wrong, and nowhere else", () => {
  for (const args of [["--json"], ["kv", "--json", "--bogus"], ["--no-json", "--json"], ["--json=true"]]) {
    expect(wantsJson(args), args.join(" ")).toBe(true)
  }
  for (const args of [[], ["json"], ["--", "--json"], ["--json", "--no-json"], ["--json=false"], ["--jsonx"]]) {
    expect(wantsJson(args), args.join(" ")).toBe(false)
  }
})
