/**
 * The objects of `wirewright decode --json` are what `packages/cli/decode.schema.json` says, for every packet of the recordings and for
 * packets that do not decode; judged by a validator of JSON Schema that others wrote.
 */
import { decodeJsonSchema } from "@wirewright/codec"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { bin } from "../../packages/cli/test/RunCli.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const schema = JSON.parse(Fs.readFileSync(Path.join(root, "packages/cli/decode.schema.json"), "utf8")) as object
const validate = new Ajv2020({ strict: false }).compile(schema)

const decode = (status: number, ...args: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const result = ChildProcess.spawnSync(
    process.execPath,
    [bin, "decode", "--json", ...args],
    {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024
    }
  )
  expect(result.status, result.stderr).toBe(status)
  return result.stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown)
}

const misfits = (objects: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  objects.filter((object) => !validate(object)).slice(0, 3).map((object) => ({ object, errors: validate.errors }))

describe("decode --json", () => {
  it("has the schema that the codec publishes", () => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(decodeJsonSchema)))
  })

  it.each([["couchbase-6.0-session", 31210, 10_568], ["couchbase-6.5-collections", 31265, 332]])(
    "fits it on every packet of %s",
    (name, port, count) => {
      const objects = decode(0, Path.join(root, `test/fixtures/captures/${name}.pcapng.gz`), "--port", String(port))
      expect(objects.length).toBe(count)
      expect(misfits(objects)).toEqual([])
    }
  )

  it("fits it on packets that do not decode", () => {
    const objects = decode(100, "--hex", "8053000030000005000000300000010500000000000000000000001000")
    expect(objects).toMatchObject([{ error: { incomplete: true } }])
    expect(misfits(objects)).toEqual([])
  })

  it("fits it on what was passed over", () => {
    const objects = decode(100, Path.join(root, "test/fixtures/captures-faults/e01-dcp-one-lost-segment.pcap"))
    expect(objects.at(-1)).toMatchObject({ passedOver: [{ reason: "gap", count: 1448, unit: "bytes" }, { reason: "stray" }] })
    expect(misfits(objects)).toEqual([])
    const [last] = objects.slice(-1) as ReadonlyArray<{ readonly passedOver: ReadonlyArray<object> }>
    for (const wrong of [{ passedOver: [] }, { passedOver: [{ ...last!.passedOver[0], reason: "x" }] }, { ...last, packet: "Noop" }]) {
      expect(validate(wrong), JSON.stringify(wrong)).toBe(false)
    }
  })

  it("is not so lax that anything fits", () => {
    const [packet] = decode(0, "--hex", "800a00000000000000000000000000010000000000000000") as ReadonlyArray<Record<string, unknown>>
    expect(misfits([packet])).toEqual([])
    for (
      const wrong of [{ ...packet, cas: 5 }, { ...packet, kind: 1 }, { ...packet, opcode: 10 }, {
        ...packet,
        packet: undefined,
        kind: undefined
      }, {}]
    ) {
      expect(validate(JSON.parse(JSON.stringify(wrong))), JSON.stringify(wrong)).toBe(false)
    }
  })
})
