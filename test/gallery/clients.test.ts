/** Clients beside their specs are what readers copy: short. What they share with nobody and is no conversation stands beside them. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { expect, it } from "vitest"

const folder = Path.resolve(import.meta.dirname, "../../packages/examples/src/clients")

it.each(["Redis", "Postgres", "Mqtt", "Nats"])("%s has at most 150 lines", (name) => {
  const lines = Fs.readFileSync(Path.join(folder, `${name}.ts`), "utf8").trimEnd().split("\n")
  expect(lines.length).toBeGreaterThan(50)
  expect(lines.length).toBeLessThanOrEqual(150)
})
