/** Puts conversations into a capture, lets tshark take it apart with a printed dissector, and lays what it says beside what our decoders say. */
import { Catalog, hexOf, Reader } from "@wirewright/codec"
import { annotate } from "@wirewright/codec/Layout"
import { packetToJson } from "@wirewright/codec/Json"
import type { Model } from "@wirewright/codec/Model"
import { type DissectorOptions, printDissector } from "@wirewright/codegen/dissector/Dissector"
import type { Filter } from "@wirewright/codegen/dissector/Filters"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Direction, ProtocolAdapter, States } from "@wirewright/inspector/reading"
import type { Question } from "../../dissector/Lua.ts"
import { type Conversation, type Gallery, Recorded } from "../../gallery/Conversations.ts"
import { PcapFile } from "../Pcap.ts"
import { type Shark, shark, type ShownPacket } from "./Pdml.ts"
import { compareValues } from "./Values.ts"

/** The name that filters begin with here: none of Wireshark's own. */
export const proto = "wwproof"

/** Port of the servers in captures that are made here. */
const port = 4242

const folder = mkdtempSync(join(tmpdir(), "wirewright-dissector-"))

/** Removes what was written. */
export const cleanUp = (): void => rmSync(folder, { recursive: true, force: true })

let files = 0

/** Writes a file and returns its path. */
export const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, `${files++}-${name}`)
  writeFileSync(path, content)
  return path
}

/** How packets of a protocol compared. */
export class Result {
  packets = 0
  values = 0
  /** Filters whose values were the same at least once. */
  readonly same = new Set<string>()
  /** All filters that show a value. */
  readonly filters = new Set<string>()
  readonly differences: Array<string> = []
  readonly faults: Array<string> = []

  /** Compares a packet that stands as `where` in the capture. */
  add(catalog: Catalog, json: Json, question: Question, shown: ShownPacket | undefined, filters: Filters, where: string): void {
    this.packets++
    if (shown === undefined) {
      this.differences.push(`${where}: no packet in tshark`)
      return
    }
    const { fields } = annotate(catalog, question.bytes, {
      states: new Map(Object.entries(question.states ?? {}).map(([name, value]) => [name, Number(value)])),
      ...(question.kind === undefined ? {} : { kind: question.kind })
    })
    const found = compareValues(json, fields, shown, filters)
    this.values += found.same.length
    for (const one of found.same) if (this.filters.has(one)) this.same.add(one)
    if (isRefused(shown)) this.differences.push(`${where}: tshark ${shown.experts.join()}`)
    this.differences.push(...found.differences.map((one) => `${where}: ${one}`))
  }

  /** Notes what can be compared, and what tshark complains about. */
  of({ living }: { readonly living: ReadonlySet<string> }, { faults }: Shark): this {
    for (const name of living) this.filters.add(name)
    this.faults.push(...faults)
    return this
  }

  /** Adds what came of another comparison of the same protocol. */
  with(other: Result): this {
    this.packets += other.packets
    this.values += other.values
    for (const one of other.same) this.same.add(one)
    for (const one of other.filters) this.filters.add(one)
    this.differences.push(...other.differences)
    this.faults.push(...other.faults)
    return this
  }

  /** One line about it. */
  toString(): string {
    const { differences, filters, packets, same, values } = this
    return `${packets} packets, ${values} values, ${same.size} of ${filters.size} fields (${
      Math.round(same.size / filters.size * 100)
    } %), ${differences.length} differences`
  }

  /** Fields that no packet had. */
  get unseen(): ReadonlyArray<string> {
    return [...this.filters].filter((name) => !this.same.has(name))
  }
}

type Json = { readonly [name: string]: unknown }
type Filters = ReadonlyMap<string, Filter>

/** A printed dissector, for tests. */
export const printed = (
  models: Parameters<typeof printDissector>[0],
  options: DissectorOptions,
  plant: (text: string) => string = (text) => text
) => {
  const { filters, text } = printDissector(models, { name: proto, ...options })
  const living = models.map((model) => ({ ...model, commands: model.commands.filter(({ lifecycle }) => lifecycle !== "removed") }))
  return {
    script: written("dissector.lua", plant(text)),
    filters: new Map(filters.map((one): [string, Filter] => [one.filter, one])),
    /** What packets have that servers still execute: decoders hand out others as they stood. */
    living: new Set(printDissector(living, options).filters.flatMap(({ filter, type }) => type === "none" ? [] : [filter]))
  }
}

const isRefused = ({ experts }: ShownPacket): boolean =>
  experts.some((text) =>
    /^(Incomplete|Magic|Length|Trailing|Reserved|Constant|UnknownValue|Varint|Checksum|Utf8|Limit|Syntax): /.test(text)
  )

/** What a side said, as tshark shows it; of lines that were refused nothing, as of those that our decoders skip. */
const shownOf = ({ packets }: Shark, stream: number, fromServer: boolean): ReadonlyArray<ShownPacket> =>
  packets.filter((one) => one.stream === stream && (one.sourcePort === port) === fromServer)

/** Compares the conversations of one transport. */
export const compareConversations = (
  gallery: Gallery,
  conversations: ReadonlyArray<Conversation>,
  options: DissectorOptions = {},
  plant?: (text: string) => string
): Result => {
  const isUdp = conversations[0]?.transport === "udp"
  const pcap = new PcapFile()
  for (const { chunks } of conversations) {
    const pieces = chunks.map(({ from, hex }) => ({ fromClient: from === "client", bytes: new Uint8Array(Buffer.from(hex, "hex")) }))
    if (isUdp) pcap.datagrams(port, pieces)
    else pcap.dialogue(port, pieces)
  }
  const dissector = printed(gallery.models, { ports: [port], ...options }, plant)
  const said = shark({ file: written("conversations.pcap", pcap.bytes()), script: dissector.script, proto })
  const result = new Result().of(dissector, said)
  // without faces of custom fields, as Lua has none
  const catalog = Catalog.of(gallery.models)
  for (const [index, conversation] of conversations.entries()) {
    const recorded = new Recorded({ ...gallery, fixtures: [], conversations: [conversation] })
    for (const stream of recorded.streams) {
      const all = shownOf(said, index, stream.from === "server")
      const shown = stream.skipped.length > 0 ? all.filter((one) => !isRefused(one)) : all
      for (const [i, { at, end, packet, reading }] of stream.packets.entries()) {
        // only the bytes of one packet after another tell when it begins
        if (reading.kind === "ciphertext") continue
        const json = packetToJson(recorded.catalog, packet, end - at) as unknown as Json
        const where = `${stream.name}, ${stream.from}, packet ${i} ${packet._tag}`
        result.add(catalog, json, { ...reading, bytes: stream.bytes.subarray(at, end) }, shown[i], dissector.filters, where)
      }
    }
  }
  return result
}

/** Compares packets each of which is a conversation of its own. What they are, the dissector is told. */
export const comparePackets = (
  models: ReadonlyArray<Model>,
  questions: ReadonlyArray<Question>,
  read: (question: Question) => Json,
  options: DissectorOptions = {}
): Result => {
  const catalog = Catalog.of(models)
  const fromServer = ({ kind }: Question): boolean => {
    const { answers, sender } = catalog.kind(kind ?? "") ?? {}
    return (sender ?? (answers === undefined ? "client" : "server")) === "server"
  }
  const isDatagram = catalog.kind(questions[0]?.kind ?? "")?.run?.end === "datagram"
  const pcap = new PcapFile()
  for (const one of questions) {
    const piece = { fromClient: !fromServer(one), bytes: one.bytes }
    if (isDatagram) pcap.datagrams(port, [piece])
    else pcap.dialogue(port, [piece])
  }
  const dissector = printed(models, { ports: [port], ...options })
  const said = shark({ file: written("packets.pcap", pcap.bytes()), script: dissector.script, proto })
  const result = new Result().of(dissector, said)
  for (const [i, question] of questions.entries()) {
    const json = read(question)
    const [shown] = shownOf(said, i, fromServer(question))
    result.add(
      catalog,
      json,
      question,
      shown,
      dissector.filters,
      `${String(json["packet"])} ${question.kind ?? ""} ${hexOf(question.bytes)}`
    )
  }
  return result
}

/** Reads packets by generated code, into what `decode --json` prints. */
export const readerOf = (generated: object, catalog: Catalog): (question: Question) => Json => {
  const codecs = generated as { readonly [name: string]: unknown }
  return ({ bytes, kind = "", states = {} }) => {
    const decode = (codecs[`decode${kind[0]!.toUpperCase()}${kind.slice(1)}`] ?? codecs["decode"]) as (
      ...args: ReadonlyArray<unknown>
    ) => object
    const packet = catalog.frame.over === "text"
      ? decode(new TextDecoder().decode(bytes).replace(/.$/s, ""))
      : decode(new Reader(bytes), 0, { ...codecs["noStates"] as object, ...states })
    return packetToJson(catalog, packet as never, bytes.length) as unknown as Json
  }
}

/** Compares a recording with what `wirewright decode --json` prints of it. */
export const compareRecording = (
  protocol: { readonly models: ReadonlyArray<Model>; readonly adapter: ProtocolAdapter },
  { file, lines, port: server, ...options }: DissectorOptions & {
    readonly file: string
    readonly lines: ReadonlyArray<Json>
    readonly port: number
  }
): Result => {
  const { adapter, models } = protocol
  const catalog = Catalog.of(models)
  const dissector = printed(models, { ports: [server], ...options })
  const said = shark({ file, script: dissector.script, proto })
  const result = new Result().of(dissector, said)
  const shown = new Map<string, Array<ShownPacket>>()
  for (const one of said.packets) {
    if (isRefused(one)) continue
    const key = `${one.frame} ${one.sourcePort === server ? "s2c" : "c2s"}`
    shown.set(key, [...shown.get(key) ?? [], one])
  }
  const { states } = adapter.begin()
  for (const json of lines) {
    const key = `${String(json["frame"])} ${String(json["direction"])}`
    const [bytes, on] = bytesOf(adapter, json, states)
    const kind = String(json["kind"])
    result.add(
      catalog,
      json,
      { bytes, states: on, kind },
      shown.get(key)?.shift(),
      dissector.filters,
      `${String(json["packet"])} in frame ${key}`
    )
  }
  return result
}

/** The bytes that JSON came from; as `decode` does not say by which states it read them, by those that give as many bytes. */
const bytesOf = (adapter: ProtocolAdapter, json: Json, states: States): readonly [Uint8Array, States] => {
  const all = adapter.known.reduce<ReadonlyArray<States>>((some, { name }) => some.flatMap((one) => [one, { ...one, [name]: true }]), [
    states
  ])
  for (const one of all) {
    try {
      const bytes = adapter.fromJson(json, one)
      if (bytes.length !== json["length"]) continue
      const again = adapter.toJson(adapter.decode(bytes, 0, { ...adapter.begin(one), direction: json["direction"] as Direction }))
      if (JSON.stringify(again["fields"]) === JSON.stringify(json["fields"]) && again["key"] === json["key"]) return [bytes, one]
    } catch {
      // of these states it is none
    }
  }
  throw new Error(`no bytes for ${JSON.stringify(json)}`)
}
