/** Examples on a packet's page: recorded ones, and where nobody recorded a request or an answer, one that is made and says so. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { hexdump } from "@wirewright/codec/Hexdump"
import { type Annotation, annotate } from "@wirewright/codec/Layout"
import type { CommandModel, ExampleModel } from "@wirewright/codec/Model"
import { packetPlans } from "../sample/Packets.ts"
import { readable } from "../sample/Readable.ts"
import type { Sample } from "../sample/Sampler.ts"
import { block, code, joined, prose } from "./Markdown.ts"

/** In pages there is less room beside the bytes than in a terminal. */
const dump = (annotation: Annotation, bytes: Uint8Array): string => block(hexdump(annotation, bytes, { perLine: 8 }).trimEnd())

/** As many as a page has of recorded ones, and of layouts that are made. */
const most = 3

const annotated = (catalog: Catalog, { hex, kind, states }: ExampleModel): readonly [Annotation, Uint8Array] => {
  const bytes = bytesOfHex(hex)
  return [annotate(catalog, bytes, { kind, states: new Set(states) }), bytes]
}

/** Examples that show something new: another kind, layout or status, or other states. */
const telling = (catalog: Catalog, examples: ReadonlyArray<ExampleModel>): ReadonlyArray<ExampleModel> => {
  const seen = new Set<string>()
  return examples.filter((example) => {
    const [{ layout, status }] = annotated(catalog, example)
    const key = [example.kind, layout, status, ...example.states].join(" ")
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }).slice(0, most)
}

/**
 * What is made where nothing was recorded: each layout of a request, one answer. Also says of which none could be drawn, because code of its own
 * reads it.
 */
export const madeFor = (
  catalog: Catalog,
  command: CommandModel
): { readonly samples: ReadonlyArray<Sample>; readonly missing: ReadonlyArray<string> } => {
  const { examples, kinds, lifecycle } = command
  if (lifecycle === "removed") return { samples: [], missing: [] }
  const isRecorded = (kind: string): boolean => examples.some((one) => one.kind === kind)
  const plans = packetPlans(catalog, command)
  const samples: Array<Sample> = []
  const missing: Array<string> = []
  const add = (kind: string, count: number): void => {
    const before = samples.length
    for (const plan of plans) {
      if (plan.meaning.kind.name !== kind || plan.meaning.error || samples.length - before >= count) continue
      const sample = readable(catalog, plan)
      if (sample !== undefined) samples.push(sample)
    }
    if (samples.length === before) missing.push(kind)
  }
  const requests = [kinds.request, ...kinds.also ?? []]
  if (!requests.some(isRecorded)) add(kinds.request, most)
  const { response } = kinds
  if (response !== undefined && command.responses.length > 0 && !isRecorded(response)) add(response, 1)
  return { samples, missing }
}

const statesText = (states: ReadonlyArray<string>): string =>
  states.length === 0 ? "" : ` The connection has ${states.map(code).join(", ")}.`

/** States that are on, and those that are numbers; none that the packet itself says. */
const statesOf = (catalog: Catalog, { annotation, states }: Sample): ReadonlyArray<string> =>
  [...states].flatMap(([name, value]) =>
    annotation.fields.some(({ path }) => path === name)
      ? []
      : catalog.states.find((state) => state.name === name)?.numbered === true
      ? [`${name} = ${value}`]
      : value === 0
      ? []
      : [name]
  )

/** The examples of a page. */
export const examplesText = (catalog: Catalog, command: CommandModel): string => {
  const recorded = telling(catalog, command.examples)
  const { missing, samples } = madeFor(catalog, command)
  return recorded.length + samples.length + missing.length === 0 ? "" : joined([
    "## Examples",
    ...recorded.map((example) =>
      joined([
        `From ${prose(example.origin)}.${statesText(example.states)}`,
        dump(...annotated(catalog, example))
      ])
    ),
    ...samples.map((sample) => {
      const { annotation, bytes, tag } = sample
      return joined([
        `Made by ${code(`wirewright sample SPEC --packet ${tag} --readable`)}, not recorded.${statesText(statesOf(catalog, sample))}`,
        dump(annotation, bytes)
      ])
    }),
    ...missing.map((kind) => `There is no recorded example of a ${code(kind)}, and none can be made: code of its own reads it.`)
  ])
}
