/**
 * Structure-aware decodes: packets of every generated protocol, changed where their models say that fields stand, are decoded and printed. Whatever
 * comes out is a packet or a typed error; everything else is a finding.
 *
 * The same seed gives the same inputs.
 */
import { annotate, bytesOfDigits, Catalog, DecodeError, EncodeError, hexOf, jsonOf } from "@wirewright/codec"
import type { Model } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { visible } from "@wirewright/codec/Visible"
import { GeneratedAdapter } from "../../packages/cli/src/GeneratedAdapter.ts"
import { TextAdapter } from "../../packages/cli/src/TextAdapter.ts"
import type { ProtocolAdapter, Session } from "../../packages/cli/src/ProtocolAdapter.ts"
import * as Couchbase from "@wirewright/couchbase/gen"
import { models as couchbaseModels } from "@wirewright/couchbase/gen/Model"
import * as Dcp from "@wirewright/dcp/gen"
import { models as dcpModels } from "@wirewright/dcp/gen/Model"
import * as Classic from "@wirewright/deepstream/gen"
import { customs, models as classicModels } from "@wirewright/deepstream/gen/Model"
import * as Text from "@wirewright/deepstream/gen7"
import { models as textModels } from "@wirewright/deepstream/gen7/Model"
import * as Memcached from "@wirewright/memcached/gen"
import { models as memcachedModels } from "@wirewright/memcached/gen/Model"

/** What came of an input. */
export interface Counts {
  decodes: number
  packets: number
  refused: number
  incomplete: number
  /** Packets whose JSON became the same bytes again; the others are refused by the encoder, or findings. */
  same: number
  /** By protocol. */
  readonly protocols: Map<string, number>
  readonly findings: Array<string>
}

interface Subject {
  readonly name: string
  readonly adapter: ProtocolAdapter
  readonly sessions: ReadonlyArray<Session>
  readonly examples: ReadonlyArray<Uint8Array>
  /** Where a packet's fields stand. */
  readonly places: (bytes: Uint8Array) => ReadonlyArray<readonly [offset: number, length: number]>
}

const binary = (name: string, generated: unknown, models: ReadonlyArray<Model>): Subject => {
  const adapter = new GeneratedAdapter({ codecs: generated as { readonly [name: string]: unknown }, models })
  const catalog = Catalog.of(models)
  return {
    name,
    adapter,
    sessions: [adapter.begin(), adapter.begin({ collections: true })],
    examples: models.flatMap(({ commands }) => commands.flatMap(({ examples }) => examples.map(({ hex }) => bytesOfDigits(hex)))),
    places: (bytes) => annotate(catalog, bytes).fields.filter(({ length }) => length > 0).map(({ length, offset }) => [offset, length])
  }
}

const textual = (name: string, generated: unknown, models: ReadonlyArray<Model>): Subject => {
  const adapter = new TextAdapter({ codecs: generated as { readonly [name: string]: unknown }, models, customs })
  return {
    name,
    adapter,
    sessions: [adapter.begin()],
    examples: models.flatMap(({ commands }) => commands.flatMap(({ examples }) => examples.map(({ hex }) => bytesOfDigits(hex)))),
    places: (bytes) => {
      const out: Array<readonly [number, number]> = []
      let start = 0
      for (const [i, byte] of bytes.entries()) {
        if (byte !== 0x1e && byte !== 0x1f) continue
        if (i > start) out.push([start, i - start])
        out.push([i, 1])
        start = i + 1
      }
      return out
    }
  }
}

const subjects: ReadonlyArray<Subject> = [
  binary("memcached", Memcached, memcachedModels),
  binary("couchbase", Couchbase, couchbaseModels),
  binary("dcp", Dcp, dcpModels),
  textual("deepstream", Classic, classicModels),
  textual("deepstream 7", Text, textModels)
]

type Below = (bound: number) => number

/** Values that decoders decide on. */
const edges = [0, 1, 2, 0x0f, 0x10, 0x7f, 0x80, 0xfe, 0xff]

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(parts)

/** Changes one field: its bits, its bytes, its size; or takes it from another packet, repeats it, leaves it out. */
const changed = (below: Below, bytes: Uint8Array, [offset, length]: readonly [number, number], other: Uint8Array): Uint8Array => {
  const before = bytes.subarray(0, offset)
  const field = bytes.slice(offset, offset + length)
  const behind = bytes.subarray(offset + length)
  switch (below(8)) {
    case 0:
      field[below(length)]! ^= 1 << below(8)
      break
    case 1:
      field[below(length)] = edges[below(edges.length)]!
      break
    case 2:
      field.fill(edges[below(edges.length)]!)
      break
    case 3:
      for (let i = 0; i < length; i++) field[i] = below(256)
      break
    case 4: {
      const at = below(other.length)
      return joined(before, other.subarray(at, at + 1 + below(16)), behind)
    }
    case 5:
      return joined(before, field, field, behind)
    case 6:
      return joined(before, behind)
    default:
      return joined(before, field, new Uint8Array(1 + below(8)).fill(edges[below(edges.length)]!), behind)
  }
  return joined(before, field, behind)
}

/** Makes the header's length that of the packet, so that what was put in reaches the decoder of the body. */
const fitting = (below: Below, bytes: Uint8Array): Uint8Array => {
  if (bytes.length < 24 || bytes[0]! < 0x80 && bytes[0] !== 0x08 && bytes[0] !== 0x18 || below(4) === 0) return bytes
  const out = bytes.slice()
  new DataView(out.buffer).setUint32(8, out.length - 24)
  return out
}

const mutated = (below: Below, { examples, places }: Subject): Uint8Array => {
  let bytes = examples[below(examples.length)]!
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const all = places(bytes)
    if (all.length === 0) break
    bytes = changed(below, bytes, all[below(all.length)]!, examples[below(examples.length)]!)
  }
  return below(16) === 0 ? bytes.subarray(0, below(bytes.length + 1)) : fitting(below, bytes)
}

/** Nothing that a terminal acts on may be left in a dump without colours. */
const shows = (dump: string): boolean => dump.split("\n").every((line) => visible(line) === line)

const once = (subject: Subject, bytes: Uint8Array, session: Session, counts: Counts): void => {
  const { adapter } = subject
  counts.decodes++
  counts.protocols.set(subject.name, (counts.protocols.get(subject.name) ?? 0) + 1)
  const dump = adapter.dump(bytes, 0, session, false)
  if (!shows(dump)) throw new Error("the dump holds what a terminal acts on")
  let decoded
  try {
    decoded = adapter.decode(bytes, 0, session)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    if (error.incomplete) counts.incomplete++
    else counts.refused++
    return
  }
  counts.packets++
  const text = visible(jsonOf(adapter.toJson(decoded))!)
  try {
    const again = adapter.fromJson(JSON.parse(text))
    const wire = bytes.subarray(0, decoded.length)
    // the last message of a text frame may lack its separator; encoders write it
    if (Buffer.compare(again, wire) === 0 || again.length === wire.length + 1 && Buffer.compare(again.subarray(0, -1), wire) === 0) {
      counts.same++
    } else throw new Error(`its JSON became other bytes: ${hexOf(again)}`)
  } catch (error) {
    // what a decoder takes and its encoder refuses is said in a typed error
    if (!(error instanceof EncodeError) && !(error instanceof DecodeError)) throw error
  }
}

/** Runs `count` decodes; `progress` is told how many were done. */
export const fuzz = (count: number, seed: number, progress: (done: number) => void = () => {}): Counts => {
  const below = random(seed)
  const counts: Counts = {
    decodes: 0,
    packets: 0,
    refused: 0,
    incomplete: 0,
    same: 0,
    protocols: new Map(),
    findings: []
  }
  // half of all inputs are refused, and nobody looks at the stacks
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    for (let i = 0; i < count; i++) {
      const subject = subjects[i % subjects.length]!
      const bytes = mutated(below, subject)
      const session = subject.sessions[below(subject.sessions.length)]!
      try {
        once(subject, bytes, session, counts)
      } catch (error) {
        counts.findings.push(`${subject.name} ${JSON.stringify(session)} ${hexOf(bytes)}: ${String(error)}`)
      }
      if ((i + 1) % 100_000 === 0) progress(i + 1)
    }
  } finally {
    Error.stackTraceLimit = limit
  }
  return counts
}
