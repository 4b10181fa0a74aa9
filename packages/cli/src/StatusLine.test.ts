/** The status line: what it says in 80 columns and in 200, in fewer, and that no terminal breaks it. */
import * as CliOutput from "effect/cli/CliOutput"
import { describe, expect, it } from "vitest"
import { brief, clock, connectingLine, statusLine, type StreamView } from "./StatusLine.ts"

const now = Date.UTC(2026, 10, 29, 12, 0, 30)
const quiet: StreamView = {
  vbuckets: 1024,
  streaming: 1024,
  events: 0,
  rate: 0,
  lag: 0,
  ahead: 0,
  rollbacks: 0,
  problems: [],
  since: undefined,
  last: undefined
}
const busy: StreamView = { ...quiet, events: 12_345_678, rate: 45_210, lag: 250_000, ahead: 3 * 1024 * 1024, rollbacks: 3 }
const broken: StreamView = {
  ...busy,
  streaming: 683,
  problems: ["10.0.0.7:11210: connection lost: read ECONNRESET", "341 of 1024 vbuckets have no stream"],
  since: now - 25_000
}

describe("in 80 columns", () => {
  it.each([
    [quiet, "1024/1024 vb  lag 0  0/s  0 events"],
    [busy, "1024/1024 vb  lag 250k  45210/s  12.3M events  3 rollbacks"],
    [{ ...busy, rollbacks: 0 }, "1024/1024 vb  lag 250k  45210/s  12.3M events"],
    [broken, "683/1024 vb  lag 250k  ! 25 s: 10.0.0.7:11210: connection lost: read ECONNRE…"],
    [{ ...broken, problems: ["full"] }, "683/1024 vb  lag 250k  45210/s  12.3M events  3 rollbacks  ! 25 s: full"],
    [{ ...broken, problems: ["full"], rollbacks: 0, events: 1 }, "683/1024 vb  lag 250k  45210/s  1 event  ! 25 s: full"],
    [
      { ...quiet, last: { text: "connected again to 10.0.0.7:11210 after 3 attempts", at: now } },
      `1024/1024 vb  lag 0  0/s  0 events  ${clock(now)} connected again to 10.0.0.7:112…`
    ]
  ])("%#", (view, expected) => {
    expect(statusLine(view, 80, now)).toBe(expected)
  })
})

describe("in 200 columns", () => {
  it.each([
    [busy, "1024 of 1024 vbuckets  lag 250k  45210/s  12.3M events  3 rollbacks  3.0 MiB ahead"],
    [
      broken,
      `683 of 1024 vbuckets  lag 250k  45210/s  12.3M events  3 rollbacks  3.0 MiB ahead  ! since ${
        clock(now - 25_000)
      }, 25 s: 10.0.0.7:11210: connection lost: read ECONNRESET; 341 of 1024 vbuckets have no stream`
    ],
    [{ ...quiet, last: { text: "connected again", at: now } }, `1024 of 1024 vbuckets  lag 0  0/s  0 events  ${clock(now)} connected again`]
  ])("%#", (view, expected) => {
    expect(statusLine(view, 200, now)).toBe(expected)
  })
})

it("is narrower than the terminal by what ^C takes, however narrow that is, and says the most important first", () => {
  for (
    const view of [quiet, busy, broken, { ...broken, problems: ["値".repeat(300)] }, { ...quiet, last: { text: "x".repeat(500), at: now } }]
  ) {
    for (let columns = 1; columns <= 250; columns++) {
      const line = statusLine(view, columns, now)
      expect(CliOutput.displayWidth(line), `${columns}: ${line}`).toBeLessThanOrEqual(Math.max(1, columns - 3))
      if (columns > 24) expect(line).toMatch(/^\d+(\/| of )1024 vb/)
    }
  }
})

it("says whom it waits for, and no password", () => {
  expect(connectingLine("couchbases://app:p@ss@10.0.0.7,10.0.0.8:11207/travel?network=external", 80)).toBe(
    "connecting to 10.0.0.7,10.0.0.8:11207"
  )
  expect(connectingLine("couchbase://a.very.long.name.example.com/b", 30)).toBe("connecting to a.very.long.…")
})

it("what peers say cannot act on the terminal", () => {
  const line = statusLine({ ...quiet, problems: ["\u001b[2Jgone\nfor good"] }, 200, now)
  expect(line).toContain("for good")
  expect([...line].filter((character) => character < " ")).toEqual([])
})

it.each([
  [0, "0"],
  [99_999, "99999"],
  [100_000, "100k"],
  [999_499, "999k"],
  [999_500, "1.00M"],
  [9_994_999, "9.99M"],
  [9_995_000, "10.0M"],
  [
    99_949_999,
    "99.9M"
  ],
  [99_950_000, "100M"],
  [2 ** 53, "9.01P"]
])("%d in few characters", (count, text) => {
  expect(brief(count)).toBe(text)
})
