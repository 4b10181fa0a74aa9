/** What is copied of a packet works where it is pasted: tests run and pass, hex and base64 come back, literals are the values. */
import * as Codec from "@wirewright/codec"
import * as Dcp from "@wirewright/dcp/gen"
import { models as dcpModels } from "@wirewright/dcp/gen/Model"
import * as Deepstream from "@wirewright/deepstream/gen"
import { customs, models as deepstreamModels } from "@wirewright/deepstream/gen/Model"
import { adapterOf } from "@wirewright/inspector/reading"
import { expect, it } from "vitest"
import { copies, literalOf, specExample } from "../../packages/inspector/src/page/CopyAs.ts"
import { Opened } from "../../packages/inspector/src/page/Opened.ts"
import { readPasted } from "../../packages/inspector/src/page/Pasted.ts"
import { all } from "../gallery/All.ts"
import { Recorded } from "../gallery/Conversations.ts"

/** Runs the text of a test with what it imports, its single test at once. */
const runTest = (text: string, generated: object): void => {
  let ran = 0
  const names = [...text.matchAll(/^import \{ (.*) \} from/gm)].flatMap(([, list]) => list!.split(", "))
  const found: { readonly [name: string]: unknown } = {
    ...Codec,
    ...generated,
    expect,
    it: (_: string, run: () => void) => {
      run()
      ran++
    }
  }
  new Function(...names, text.replaceAll(/^import .*$/gm, ""))(...names.map((name) => found[name]))
  expect(ran).toBe(1)
}

const text = (name: string, opened: Opened): string => copies.find((one) => one.name === name)!.text(opened.copied())

const dcpOpen = Codec.bytesOfHex(
  "80500018080000000000002000000001000000000000000000000000000000016275636b657473747265616d2076625b3130302d3130355d"
)

it("the test of a packet passes, and fails for other bytes", () => {
  const adapter = adapterOf({ codecs: Dcp as never, models: dcpModels })
  const opened = new Opened(adapter, dcpOpen, adapter.begin())
  runTest(text("Test", opened), Dcp)
  const wrong = text("Test", opened).replace("const bytes = bytesOfHex(\"8050", "const bytes = bytesOfHex(\"8051")
  expect(() => runTest(wrong, Dcp)).toThrow()
  expect(readPasted(text("Hex", opened))).toEqual({ form: "hex", pieces: [{ bytes: dcpOpen }] })
  expect(readPasted(text("Base64", opened))).toEqual({ form: "base64", pieces: [{ bytes: dcpOpen }] })
  expect(readPasted(text("C array", opened))).toEqual({ form: "hex", pieces: [{ bytes: dcpOpen }] })
  expect(JSON.parse(text("JSON", opened))).toMatchObject({ packet: "DcpOpen", key: "bucketstream vb[100-105]" })
  expect(text("Command", opened)).toBe(`wirewright decode --protocol dcp --hex ${Codec.hexOf(dcpOpen)}`)
})

it("so it is with states of a connection", () => {
  const adapter = adapterOf({ codecs: Dcp as never, models: dcpModels })
  const get = Codec.bytesOfHex("800000020000000000000002000000010000000000000000086b")
  const opened = new Opened(adapter, get, adapter.begin({ collections: true }))
  expect(text("Test", opened)).toContain("{ ...noStates, collections: true }")
  runTest(text("Test", opened), Dcp)
  expect(specExample(opened.copied())).toContain("states: [\"collections\"]")
})

it("so it is with packets that are text, and with those whose kind is told by who sends them", () => {
  const adapter = adapterOf({ codecs: Deepstream as never, models: deepstreamModels, customs })
  const bytes = new TextEncoder().encode("E\u001fS\u001ftest1\u001e")
  runTest(text("Test", new Opened(adapter, bytes, { ...adapter.begin(), direction: "c2s" })), Deepstream)
  for (const gallery of all.filter(({ title }) => title === "RESP2 and RESP3" || title === "PostgreSQL" || title.startsWith("MQTT"))) {
    const { generated, models } = gallery
    const one = adapterOf({ codecs: generated as never, models, ...gallery.customs === undefined ? {} : { customs: gallery.customs } })
    for (const { bytes: recorded, one: { reading } } of new Recorded(gallery).packets.slice(0, 20)) {
      const opened = new Opened(one, new Uint8Array(recorded), { ...one.begin(reading.states as never), kind: reading.kind })
      runTest(text("Test", opened), generated)
    }
  }
})

it("literals are the values that they stand for", () => {
  const value = {
    a: 1n,
    b: -0,
    c: new Uint8Array([1, 2]),
    d: new Uint8Array(),
    e: [null, true, "quo\"te\n", [1.5]],
    "f-g": { long: Array.from({ length: 60 }, (_, i) => i) },
    ["__proto__"]: 1,
    h: new Set([1]),
    i: new Map([["k", 2]])
  }
  const evaluated: unknown = new Function("bytesOfHex", `return ${literalOf(value)}`)(Codec.bytesOfHex)
  expect(evaluated).toEqual(value)
  expect(literalOf({ left: undefined })).toBe("{}")
})
