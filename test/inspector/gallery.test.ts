/**
 * The inspector's tree, bytes and editing, for every protocol of the gallery, of ours, and for what others recorded: no byte is without a
 * node, values that are set again as they are give the same bytes, and those that are changed come back when the bytes are read.
 */
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import { models as couchbaseModels } from "@wirewright/couchbase/gen/Model"
import * as Dcp from "@wirewright/dcp/gen"
import { models as dcpModels } from "@wirewright/dcp/gen/Model"
import * as Deepstream from "@wirewright/deepstream/gen"
import { customs as deepstreamCustoms, models as deepstreamModels } from "@wirewright/deepstream/gen/Model"
import { adapterOf, type ProtocolAdapter, type Situation } from "@wirewright/inspector/reading"
import { bytesOfDigits, hexOf } from "@wirewright/codec/Hex"
import type { Model } from "@wirewright/codec/Model"
import { describe, expect, it } from "vitest"
import { editedValue, editText, valueAt } from "../../packages/inspector/src/page/Edit.ts"
import type { FieldNode } from "../../packages/inspector/src/page/Fields.ts"
import { look, Opened } from "../../packages/inspector/src/page/Opened.ts"
import { all } from "../gallery/All.ts"
import { Recorded } from "../gallery/Conversations.ts"

interface Sample {
  readonly bytes: Uint8Array
  readonly situation: Situation
}

interface Subject {
  readonly name: string
  readonly adapter: ProtocolAdapter
  readonly samples: ReadonlyArray<Sample>
}

/** Packets of each kind and shape; more of the same teach nothing. `WIREWRIGHT_GALLERY=full` takes all of these, otherwise every third. */
const perName = 1
const every = process.env["WIREWRIGHT_GALLERY"] === "full" ? 1 : 3

const chosen = (adapter: ProtocolAdapter, samples: ReadonlyArray<Sample>): ReadonlyArray<Sample> => {
  const counts = new Map<string, number>()
  return samples.filter(({ bytes, situation }) => {
    if (bytes.length > 2_000) return false
    const { annotation } = adapter.taken(bytes, 0, situation, true)
    const key = `${annotation.packet} ${annotation.kind} ${annotation.layout ?? ""} ${annotation.status ?? ""}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return count <= perName
  }).filter((_, i) => i % every === 0)
}

const galleries = (): ReadonlyArray<Subject> =>
  all.map((gallery) => {
    const { customs, generated, models, title } = gallery
    const adapter = adapterOf({ codecs: generated as never, models, ...customs === undefined ? {} : { customs } })
    const samples = new Recorded(gallery).packets.map(({ bytes, one }): Sample => ({
      bytes: new Uint8Array(bytes),
      situation: { ...adapter.begin(one.reading.states as never), kind: one.reading.kind }
    }))
    return { name: title, adapter, samples: chosen(adapter, samples) }
  })

const ours = (name: string, codecs: object, models: ReadonlyArray<Model>, customs?: Customs): Subject => {
  const adapter = adapterOf({ codecs: codecs as never, models, ...customs === undefined ? {} : { customs } })
  const samples = [Catalog.of(models)].flatMap(({ commands }) =>
    commands.flatMap(({ examples }) =>
      examples.map(({ hex, kind, states }): Sample => ({
        bytes: bytesOfDigits(hex),
        situation: { ...adapter.begin(Object.fromEntries(states.map((state) => [state, true]))), kind }
      }))
    )
  )
  return { name, adapter, samples: chosen(adapter, samples) }
}

const subjects: ReadonlyArray<Subject> = [
  ...galleries(),
  ours("couchbase", Dcp, couchbaseModels),
  ours("dcp", Dcp, dcpModels),
  ours("deepstream", Deepstream, deepstreamModels, deepstreamCustoms)
]

const flat = (nodes: ReadonlyArray<FieldNode>): ReadonlyArray<FieldNode> => nodes.flatMap((node) => [node, ...flat(node.children)])

/** Another value of the same form, which most fields can have. */
const another = (value: unknown): unknown => {
  if (typeof value === "number" && Number.isInteger(value)) return value === 1 ? 0 : 1
  if (typeof value === "string" && /^\d+$/.test(value)) return value === "1" ? "0" : "1"
  if (typeof value === "string") return `${value}x`
  if (typeof value === "object" && value !== null && "hex" in value) return { hex: `${(value as { readonly hex: string }).hex}00` }
  return undefined
}

const totals = { packets: 0, fields: 0, editable: 0, changed: 0, refused: 0 }

describe.each(subjects)("$name", ({ adapter, samples }) => {
  it("every byte has a node, and nodes lie within what they are in", () => {
    expect(samples.length).toBeGreaterThan(0)
    for (const { bytes, situation } of samples) {
      const seen = look(adapter, bytes, situation, true)
      expect(seen.error?.message, hexOf(bytes)).toBeUndefined()
      expect(seen.owners.every((owner) => owner !== undefined), hexOf(bytes)).toBe(true)
      const nodes = flat(seen.roots)
      for (const { children, length, offset } of nodes) {
        expect(offset + length).toBeLessThanOrEqual(bytes.length)
        for (const child of children) {
          expect(child.offset).toBeGreaterThanOrEqual(offset)
          expect(child.offset + child.length).toBeLessThanOrEqual(offset + length)
        }
      }
      expect(nodes.filter(({ kind }) => kind === "field")).toHaveLength(seen.annotation.fields.length)
    }
  })

  it("a value that is set as it is gives the same bytes, and another comes back", () => {
    let changed = 0
    for (const { bytes, situation } of samples) {
      const { annotation, json } = look(adapter, bytes, situation, true)
      totals.packets++
      const shapes = new Set<string>()
      for (const span of annotation.fields) {
        totals.fields++
        // of the elements of a list one is enough
        const shape = span.path.replaceAll(/\d+/g, "0")
        if (shapes.has(shape)) continue
        shapes.add(shape)
        const same = new Opened(adapter, bytes, situation)
        const place = json === undefined ? undefined : same.place(span.path)
        if (place === undefined) continue
        totals.editable++
        const value = valueAt(json, place)
        same.setField(span.path, editedValue(value, editText(value)))
        expect(same.bytes.length === bytes.length && same.isEdited ? hexOf(same.bytes) : hexOf(bytes), span.path).toBe(hexOf(bytes))
        const other = another(value)
        if (other === undefined) continue
        const opened = new Opened(adapter, bytes, situation)
        try {
          opened.setField(span.path, other)
        } catch (error) {
          // the encoder says what a field cannot be
          expect((error as Error).name, String(error)).toMatch(/EncodeError|DecodeError|RangeError|TypeError|SyntaxError/)
          totals.refused++
          continue
        }
        if (!opened.isEdited) continue
        const after = opened.look(true)
        if (after.json === undefined) continue
        const then = opened.place(span.path)
        if (then === undefined) continue
        expect(JSON.stringify(valueAt(after.json, then)), `${annotation.packet}.${span.path}`).toBe(JSON.stringify(other))
        changed++
        totals.changed++
        opened.undo()
        expect(hexOf(opened.bytes)).toBe(hexOf(bytes))
      }
    }
    expect(changed).toBeGreaterThan(0)
  })
})

it("says how much of it there was", () => {
  console.log(`inspector: ${JSON.stringify(totals)} in ${subjects.length} protocols`)
  expect(totals.editable).toBeGreaterThan(totals.fields / 8)
})
