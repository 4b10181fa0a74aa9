/**
 * The guide of `packages/dcp`: its examples are the programs of `packages/examples` with what they print, its tables are made of the types.
 *
 * `npm run docs` writes what is missing.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { expectGuide, path, snippet, table } from "../docs/Guide.ts"

/** A program and what it prints. */
const example = (name: string): string => {
  const file = path(`packages/examples/src/${name}`)
  const { status, stdout } = spawnSync(process.execPath, ["--conditions=@wirewright/source", file], { encoding: "utf8" })
  expect(status, name).toBe(0)
  const link = `[\`packages/examples/src/${name}\`](../examples/src/${name})`
  return `${link}:\n\n\`\`\`ts\n${readFileSync(file, "utf8").trim()}\n\`\`\`\n\nprints\n\n\`\`\`text\n${stdout.trim()}\n\`\`\``
}

it("the guide shows what the code is and does", () => {
  expectGuide("packages/dcp/README.md", {
    "example 06_restart.ts": () => example("06_restart.ts"),
    "example 07_rollback.ts": () => example("07_rollback.ts"),
    "example 09_exactly_once.ts": () => example("09_exactly_once.ts"),
    "documents": () => snippet("test/dcp/values.test.ts", "documents"),
    "transactions": () => table("packages/dcp/src/Transactions.ts", "TransactionSettings"),
    "settings": () => table("packages/dcp/src/ChangesOptions.ts", "ChangesOptions"),
    "metrics": () => table("packages/dcp/src/ChangesOptions.ts", "DcpStatus")
  })
})
