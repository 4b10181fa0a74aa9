/** Which scenarios of the design are tests, by their ids in the names of tests, and why the others are not. Prints the coverage. */
import { readdirSync, readFileSync } from "node:fs"
import { expect, it } from "vitest"

const root = new URL("../../", import.meta.url)

const numbers = [...Array.from({ length: 100 }, (_, i) => i + 1), 104, 105, 106, 107, 108, 109, 110]
const ids = numbers.map((number) => `SC-${String(number).padStart(2, "0")}`)

/** Scenarios without a test. */
const reasons = JSON.parse(readFileSync(new URL("scenarios-without-test.json", import.meta.url), "utf8")) as {
  readonly [id: string]: string
}

const files = (directory: string): ReadonlyArray<string> =>
  readdirSync(new URL(directory, root), { recursive: true, encoding: "utf8" })
    .filter((name) => (name.endsWith(".test.ts") || name.endsWith("Suite.ts")) && !name.includes("node_modules"))
    .map((name) => `${directory}/${name}`)

it("every scenario is a test, or stands in the list with its reason", () => {
  const tested = new Map<string, Array<string>>()
  for (const path of [...files("packages/dcp/src"), ...files("packages/couchbase/src"), ...files("test/dcp")]) {
    if (path.endsWith("coverage.test.ts")) continue
    const text = readFileSync(new URL(path, root), "utf8")
    for (const [name] of text.matchAll(/^\s*(?:it|test|describe|name:|\[\s*"SC)[^\n]*|"SC-\d[^"\n]*"/gm)) {
      for (const [id] of name.matchAll(/SC-\d{2,3}/g)) tested.set(id, [...tested.get(id) ?? [], path])
    }
  }
  const missing = ids.filter((id) => !tested.has(id) && reasons[id] === undefined)
  expect(missing).toEqual([])
  expect(Object.keys(reasons).filter((id) => tested.has(id) || !ids.includes(id))).toEqual([])
  const count = ids.filter((id) => tested.has(id)).length
  console.log(`scenarios: ${count} of ${ids.length} are tests; ${Object.keys(reasons).length} are not: ${Object.keys(reasons).join(", ")}`)
})
