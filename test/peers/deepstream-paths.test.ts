/** How real servers read paths, measured again. */
import { readFileSync, writeFileSync } from "node:fs"
import { expect, it } from "vitest"
import { measure, pathCases } from "./DeepstreamPaths.ts"
import { type Kind, Server } from "./DeepstreamServers.ts"

const file = new URL("../fixtures/deepstream-paths/paths.json", import.meta.url)

it("the table of paths is what servers make of them", async () => {
  const measured = async (kind: Kind) => {
    const server = await Server.start(kind)
    try {
      return await measure(server, pathCases)
    } finally {
      await server.stop()
    }
  }
  const classic = await measured("classic")
  const text = await measured("text")
  const table = pathCases.map((found, index) => ({ ...found, classic: classic[index], text: text[index] }))
  if (process.env["UPDATE_PATHS"] === "1") writeFileSync(file, `[\n${table.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`)
  expect(table).toEqual(JSON.parse(readFileSync(file, "utf8")))
})
