/**
 * Runs the examples of a spec against the code generated from it: each must decode, to the fields the author wrote down, and encode back to
 * its bytes. Throws an `Error` that says what differs; needs no test framework.
 */
import { Catalog, type Customs } from "./Catalog.ts"
import { bytesOfHex, hexOf } from "./Hex.ts"
import { type AnyPacket, flatFields } from "./Json.ts"
import { annotate } from "./Layout.ts"
import type { CommandModel, ExampleModel, Model } from "./Model.ts"
import { decodeText } from "./Text.ts"
import { Reader } from "./Reader.ts"
import { encodeWith, type Writer } from "./Writer.ts"

/** The functions of a generated protocol that examples go through. `States` is the protocol's own record of booleans. */
export interface GeneratedProtocol {
  readonly decode: (reader: Reader, at: number, states: never) => { readonly _tag: string }
  readonly encode: (writer: Writer, packet: never) => void
}

/** Canonical spelling of a JSON value: object keys sorted. */
const spelled = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, one: unknown) =>
      typeof one === "object" && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => a < b ? -1 : 1))
        : one
  )

/** Decodes, compares and encodes one example. */
export const runExample = (
  models: ReadonlyArray<Model>,
  protocol: GeneratedProtocol,
  command: CommandModel,
  example: ExampleModel
): void => {
  const catalog = Catalog.of(models)
  const bytes = bytesOfHex(example.hex)
  const known = models.at(-1)?.states ?? []
  const states = Object.fromEntries(known.map(({ name }) => [name, example.states.includes(name)]))
  const packet = protocol.decode(new Reader(bytes), 0, states as never) as AnyPacket
  const meaning = catalog.byTag(packet._tag)
  const retired = command.lifecycle === "removed"
  const found = retired ? catalog.command(example.kind, packet["opcode"] as number) : meaning?.command
  if (found?.name !== command.name || meaning?.kind.name !== example.kind) {
    throw new Error(`decoded as ${packet._tag}, which is no ${example.kind} of ${command.name}`)
  }
  // codecs hand out the sections of what servers no longer execute; its fields are in the model alone
  const fields = retired ? annotatedFields(catalog, bytes, example) : flatFields(catalog, packet)
  for (const [name, expected] of Object.entries(example.fields ?? {})) {
    const actual = name in fields ? fields[name] : headerField(packet, name)
    if (spelled(actual) !== spelled(expected)) throw new Error(`field ${name}: expected ${spelled(expected)}, got ${spelled(actual)}`)
  }
  const encoded = hexOf(encodeWith((writer) => protocol.encode(writer, packet as never)))
  if (encoded !== example.hex) throw new Error(`encoded differently:\n  expected ${example.hex}\n  got      ${encoded}`)
}

/** The functions of a generated protocol over text that examples go through: decoders by kind of packet. */
export interface GeneratedText {
  readonly decoders: { readonly [kind: string]: (text: string, start: number, end: number) => { readonly _tag: string } }
  readonly encode: (packet: never) => string
}

/** Decodes, compares and encodes one example of a protocol over text, once for each kind that has the packet; returns how many these are. */
export const runTextExample = (
  models: ReadonlyArray<Model>,
  protocol: GeneratedText,
  command: CommandModel,
  example: ExampleModel,
  customs: Customs = {}
): number => {
  const catalog = Catalog.of(models, customs)
  const bytes = bytesOfHex(example.hex)
  const text = decodeText(bytes, 0, bytes.length)
  const kinds = [command.kinds.request, ...command.kinds.also ?? []]
  for (const kind of kinds) {
    const packet = protocol.decoders[kind]!(text, 0, text.length - 1) as AnyPacket
    if (packet._tag !== command.name) throw new Error(`decoded as ${packet._tag}, not ${command.name}`)
    const fields = flatFields(catalog, packet)
    for (const [name, expected] of Object.entries(example.fields ?? {})) {
      if (spelled(fields[name]) !== spelled(expected)) {
        throw new Error(`field ${name}: expected ${spelled(expected)}, got ${spelled(fields[name])}`)
      }
    }
    const encoded = protocol.encode(packet as never)
    if (encoded !== text) throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(encoded)}`)
  }
  return kinds.length
}

const headerField = (packet: AnyPacket, name: string): unknown => {
  const value = packet[name]
  return typeof value === "bigint" ? String(value) : value
}

/** Fields as the model places them, spelled as in the examples of specs. */
const annotatedFields = (catalog: Catalog, bytes: Uint8Array, { kind, states }: ExampleModel): { readonly [name: string]: unknown } => {
  const { error, fields } = annotate(catalog, bytes, { kind, states: new Set(states) })
  if (error !== undefined) throw error
  return Object.fromEntries(
    fields.map((
      { path, value }
    ) => [path, typeof value === "bigint" ? String(value) : value instanceof Uint8Array ? { hex: hexOf(value) } : value])
  )
}
