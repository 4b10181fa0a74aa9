/**
 * Kaitai Struct: its compiler takes the description of every kind of packets, and what it makes of them in JavaScript reads samples with the
 * same values. What a description cannot say it names, and leaves as bytes. 64-bit numbers are floats there, and are compared as such.
 */
import { ksyOf } from "@wirewright/codegen/ksy/Ksy"
import { snake } from "@wirewright/codegen/ksy/Attributes"
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import { describe, expect, it } from "vitest"
import { rmSync } from "node:fs"
import { ipv4 } from "../../packages/examples/src/spec/Ipv4.ts"
import { rtp } from "../../packages/examples/src/spec/Rtp.ts"
import { protocols } from "../sample/Protocols.ts"
import { protocolOf } from "../words/Harness.ts"
import { installed, load } from "./gallery/Recording.ts"

const count = 1_000

interface Compiler {
  readonly compile: (
    language: string,
    description: unknown,
    importer: undefined,
    debug: boolean
  ) => Promise<{ readonly [file: string]: string }>
}
type Stream = object
type Reading = new(stream: Stream, parent: null, root: null, ...states: ReadonlyArray<number>) => object

const camel = (name: string): string => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** A class that reads packets of a kind, and the states that it asks for. */
const readerOf = async (text: string): Promise<{ readonly Reading: Reading; readonly states: ReadonlyArray<string> }> => {
  const { parse } = load<{ readonly parse: (text: string) => { readonly params?: ReadonlyArray<{ readonly id: string }> } }>("yaml")
  const description = parse(text)
  const files = await load<Compiler>("kaitai-struct-compiler").compile("javascript", description, undefined, false)
  const [[file, code]] = Object.entries(files) as [[string, string]]
  const exports: Record<string, Reading> = {}
  // oxlint-disable-next-line no-new-func -- this is what the compiler is for
  new Function("exports", "require", "module", code)(exports, () => load("kaitai-struct/KaitaiStream"), { exports })
  const states = description.params?.map(({ id }) => id.slice("state_".length)) ?? []
  return { Reading: exports[file.replace(".js", "")]!, states }
}

/** Values by the names of their fields, wherever they stand. */
const leavesOf = (value: unknown, name: string, into: Map<string, Array<string>>): void => {
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") {
    into.set(name, [...into.get(name) ?? [], String(value)])
  } else if (value instanceof Uint8Array) into.set(name, [...into.get(name) ?? [], Buffer.from(value).toString("latin1")])
  else if (Array.isArray(value)) { for (const one of value) leavesOf(one, name, into) }
  else if (typeof value === "object" && value !== null) {
    const own = Object.keys(value).filter((key) => !key.startsWith("_"))
    const made = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value) as object)).flatMap(([key, { get }]) =>
      get === undefined ? [] : [key]
    )
    const nameOf = (key: string): string => key === "value" || key === "body" ? name : key.replace(/^value(?=Length$|Count$)/, name)
    for (const key of [...own, ...made]) {
      leavesOf((value as Record<string, unknown>)[key], nameOf(key), into)
    }
    if (made.includes("value")) leavesOf((value as { readonly value: unknown }).value, name, into)
  }
}

const spelled = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : typeof value === "bigint" ? String(Number(value)) : String(value)

/** Values of a sample that the reader has under the same name; and those that it has otherwise. */
const compared = (sample: Sample, read: object): { readonly same: number; readonly other: ReadonlyArray<string> } => {
  const leaves = new Map<string, Array<string>>()
  leavesOf(read, "", leaves)
  const other: Array<string> = []
  let same = 0
  for (const { length, path, type, value } of sample.annotation.fields) {
    const parts = path.replaceAll(/\[\d+\]/g, "").split(".")
    // what stands in front of a value has the value's name there
    const isInFront = / (length|count)$/.test(type) && parts.length > 1
    const name = camel(snake(parts.at(-1)!))
    const found = leaves.get(isInFront ? `${camel(snake(parts.at(-2)!))}${name === "length" ? "Length" : "Count"}` : name)
    // integers of 64 bits are floats there, and labels of names are apart
    if (typeof value === "bigint" && BigInt(Number(value)) !== value || type === "domain name") continue
    if (typeof value === "bigint" && (value > 2n ** 53n || value < -(2n ** 53n))) continue
    if (length === 0 || found === undefined || typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") continue
    if (found.includes(spelled(value))) same++
    else {other.push(
        `${sample.tag} ${path} is ${spelled(value)}, for Kaitai ${found.join(" ")}: ${Buffer.from(sample.bytes).toString("hex")}`
      )}
  }
  return { same, other }
}

/** Specs of the cookbook, whose words the gallery does not need. */
const cookbook = await Promise.all([ipv4, rtp].map(async (protocol) => {
  const { catalog, directory } = await protocolOf(protocol)
  rmSync(directory, { recursive: true, force: true })
  return { title: protocol.name, catalog }
}))

describe.skipIf(!installed("kaitai-struct-compiler")).each([...protocols, ...cookbook].map((one) => [one.title, one] as const))(
  "%s",
  (_, protocol) => {
    it("descriptions compile, and read samples as they are meant", async () => {
      const { catalog } = protocol
      const Stream = load<new(bytes: Uint8Array) => Stream>("kaitai-struct/KaitaiStream")
      const readers = new Map<string, Awaited<ReturnType<typeof readerOf>>>()
      const descriptions = ksyOf(catalog)
      for (const [i, { text }] of descriptions.entries()) readers.set(catalog.frame.kinds[i]!.name, await readerOf(text))
      const unsaid = new Map(descriptions.map((one, i) => [catalog.frame.kinds[i]!.name, one.unsaid.length]))
      const wrong: Array<string> = []
      const states = catalog.name === "mqtt" ? new Map([["version", 5]]) : new Map<string, number>()
      let [samples, values, apart] = [0, 0, 0]
      for (const sample of new Sampler(catalog, { seed: 4, plain: true, states }).all({ count })) {
        const { Reading, states: asked } = readers.get(sample.kind)!
        const given = new Map([...sample.states].map(([name, value]) => [snake(name), value]))
        samples++
        try {
          const { other, same } = compared(
            sample,
            new Reading(new Stream(sample.bytes), null, null, ...asked.map((name) => given.get(name) ?? 0))
          )
          values += same
          // of what is left as bytes, a field elsewhere may have the name
          if (unsaid.get(sample.kind) === 0) wrong.push(...other)
          else apart += other.length
        } catch (error) {
          wrong.push(`${sample.tag} ${Buffer.from(sample.bytes).toString("hex")}: ${(error as Error).message}`)
        }
      }
      const all = [...unsaid.values()].reduce((sum, one) => sum + one, 0)
      console.log(
        `${catalog.name}: ${descriptions.length} descriptions, ${samples} samples, ${values} values agree, ${wrong.length} do not; ` +
          `${all} things unsaid, ${apart} values in them not compared`
      )
      expect(wrong.slice(0, 3)).toEqual([])
      if (all === 0) expect(values).toBeGreaterThan(0)
    }, 240_000)
  }
)
