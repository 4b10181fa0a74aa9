/**
 * Edits of the gallery's specs, compared with what they were: some of them here, all with `DIFF_PLANTED=full`, which also prints them. And MQTT
 * 3.1.1 against MQTT 3.1.1 and 5.
 */
import { loadModels } from "@wirewright/codegen/Models"
import { diffOf } from "@wirewright/codegen/diff/Diff"
import { Catalog } from "@wirewright/codec/Catalog"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, expect, it } from "vitest"
import { textOf } from "../../packages/cli/src/DiffReport.ts"
import { edits } from "./Planted.ts"

const isFull = process.env["DIFF_PLANTED"] === "full"
const specs = fileURLToPath(new URL("../../packages/examples/src/spec", import.meta.url))
const dsl = JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))
const folder = mkdtempSync(join(tmpdir(), "wirewright-planted-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What only packets show that nobody draws: of more than 128 MiB, of more than 4 GiB. */
const unshown = new Set(edits.map(([, from]) => from).filter((from) => from.startsWith("varint({ maxBytes") || from.startsWith("126: u16")))

const catalogs = new Map<string, Promise<Catalog>>()

const load = async (spec: string, cwd: string): Promise<Catalog> => {
  const { findings, protocols } = await loadModels({ cwd, spec })
  expect(findings.map(({ message, rule }) => `${rule} ${message}`)).toEqual([])
  return Catalog.of(protocols[0]!.models)
}

const catalogOf = (spec: string): Promise<Catalog> => {
  const known = catalogs.get(spec) ?? load(`${spec}.ts`, specs)
  catalogs.set(spec, known)
  return known
}

it("the edits are many, and what they change stands there", () => {
  expect(edits.length).toBeGreaterThanOrEqual(60)
  expect(edits.filter(([spec, from]) => !readFileSync(join(specs, `${spec}.ts`), "utf8").includes(from))).toEqual([])
})

const some = edits.map((edit, index) => [`${edit[0]} ${edit[1].slice(0, 40).replaceAll("\n", " ")}`, edit, index] as const)
  .filter(([, , index]) => isFull || index % 11 === 0)

it.each(some)("%s", async (_, [spec, from, to, is], index) => {
  const text = readFileSync(join(specs, `${spec}.ts`), "utf8")
  const name = `${spec}${index}.ts`
  writeFileSync(join(folder, name), text.replace(from, () => to).replaceAll("\"@wirewright/dsl\"", dsl))
  const differences = diffOf(await catalogOf(spec), await load(name, folder), { samples: isFull ? 500 : 100 })
  if (isFull) console.log([`${from} ⇒ ${to}`, ...textOf({ protocol: spec, differences }, false)].join("\n"))
  expect(differences[0]?.class, textOf({ protocol: spec, differences }, false).join("\n")).toBe(is)
  expect(differences.some((one) => one.isUnshown)).toBe(unshown.has(from))
}, 120_000)

it("MQTT 5 reads all that MQTT 3.1.1 writes, and not the other way round", async () => {
  const [old, now] = [await load("Mqtt311.ts", import.meta.dirname), await catalogOf("Mqtt")]
  const differences = diffOf(old, now, { samples: isFull ? 2_000 : 200 })
  if (isFull) console.log(textOf({ protocol: "MQTT 3.1.1 against 5", differences }, false).join("\n"))
  const wire = differences.filter((one) => one.class === "WIRE")
  expect(wire.map(({ place }) => place).sort()).toEqual(expect.arrayContaining(["Connack", "Puback", "Publish", "Subscribe", "Unsuback"]))
  expect(differences.filter(({ place }) => place === "Auth").map((one) => one.class)).toEqual(["SAFE"])
}, 120_000)
