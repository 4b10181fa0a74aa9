/** What the page has open: where packets come from, how they are read, which are shown, which were edited. It touches no document. */
import { captureFormatOf } from "@wirewright/capture"
import { detect, detectCapture } from "../Detect.ts"
import type { ProtocolAdapter, Situation } from "../ProtocolAdapter.ts"
import type { Place } from "./Links.ts"
import { briefOf, Opened } from "./Opened.ts"
import { addBytes, addPieces, CaptureFeed, type Filter, type Item, PacketList, wants } from "./Packets.ts"
import type { Pasted, Piece } from "./Pasted.ts"
import { nothingSaid, type Said, serversOf } from "./ReadAs.ts"

/** How packets that were pasted are to be read, as far as it was said with them. */
export type Begin = Pick<Place, "direction" | "kind" | "phase" | "states">

/** Where packets come from. */
export type Source =
  | { readonly kind: "none" }
  | { readonly kind: "pasted"; readonly pieces: ReadonlyArray<Piece>; readonly begin?: Begin }
  | { readonly kind: "capture"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: "live" }

/** What the store tells: more packets, or everything anew. */
export type StoreListener = (what: "all" | "more" | "done") => void

/** Bytes of a capture that are read in one go. */
const step = 8 * 1024
/** Milliseconds of work between two looks at what the person does. */
const slice = 8

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** Bytes of a gzip file. */
const gunzipped = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** Bytes of a file, decompressed. */
const fileBytes = async (file: Blob): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return isGzip(bytes) ? gunzipped(bytes) : bytes
}

/** Most packets whose line is remembered. */
const maxBriefs = 4096

/** The store. */
export class Store {
  readonly adapters: ReadonlyArray<ProtocolAdapter>
  source: Source = { kind: "none" }
  said: Said = nothingSaid
  adapter: ProtocolAdapter
  list = new PacketList()
  filter: Filter = { text: "", errorsOnly: false }
  /** Numbers of the packets that the filter leaves. */
  numbers: Array<number> = []
  selected: number | undefined
  /** The packet that others are compared with. */
  base: number | undefined
  secrets = false
  /** From 0 to 1 while a capture is read. */
  progress: number | undefined
  private opened = new Map<number, Opened>()
  private readonly briefs = new Map<number, string>()
  private readonly tell: StoreListener
  private seen = 0
  private feed: CaptureFeed | undefined
  private run = 0
  private opening = 0

  constructor(adapters: ReadonlyArray<ProtocolAdapter>, tell: StoreListener) {
    const [first] = adapters
    if (first === undefined) throw new RangeError("a page needs at least one protocol")
    this.adapters = adapters
    this.adapter = first
    this.tell = tell
  }

  /** Packets that were pasted. Throws what decoding JSON throws. */
  openPasted({ pieces }: Pick<Pasted, "pieces">, begin?: Begin): void {
    const [first] = pieces
    if (first !== undefined && pieces.length === 1 && "bytes" in first && captureFormatOf(first.bytes) !== undefined) {
      return void this.openCapture("pasted capture", first.bytes)
    }
    this.begin({ kind: "pasted", pieces, ...begin === undefined ? {} : { begin } })
    this.read()
  }

  /** A file, unless something else is opened before its bytes are there. */
  async openFile(name: string, file: Blob): Promise<void> {
    const opening = ++this.opening
    const bytes = await fileBytes(file)
    if (opening === this.opening) await this.openCapture(name, bytes)
  }

  /** A capture, read bit by bit. */
  async openCapture(name: string, bytes: Uint8Array): Promise<void> {
    if (captureFormatOf(bytes) === undefined) return this.openPasted({ pieces: [{ bytes }] })
    this.begin({ kind: "capture", name, bytes })
    await this.readCapture(bytes)
  }

  /** What is recorded right now: bytes come by `push`. */
  openLive(): void {
    this.begin({ kind: "live" })
    this.feed = new CaptureFeed(this, { servers: serversOf(this.said.servers), session: this.adapter.begin(this.said.states) })
    this.tell("all")
  }

  /** More of what is recorded. */
  push(chunk: Uint8Array): void {
    this.feed?.push(chunk)
    this.more()
  }

  /** Reads the same anew, otherwise. */
  async readAs(said: Said): Promise<void> {
    this.said = said
    const { source } = this
    this.begin(source)
    if (source.kind === "capture") await this.readCapture(source.bytes)
    else if (source.kind === "pasted") this.read()
    else this.tell("all")
  }

  /** Narrows the list. */
  narrow(filter: Filter): void {
    this.filter = filter
    const isWanted = wants(filter)
    this.numbers = this.list.items.filter(isWanted).map(({ number }) => number)
    this.seen = this.list.next
  }

  /** A packet with what was edited of it. */
  open(item: Item): Opened {
    let opened = this.opened.get(item.number)
    if (opened === undefined) {
      opened = new Opened(this.adapter, item.bytes, item.situation)
      // those that were edited are kept, the others are made again
      for (const [number, one] of this.opened) if (!one.isEdited) this.opened.delete(number)
      this.opened.set(item.number, opened)
    }
    return opened
  }

  isEdited(number: number): boolean {
    return this.opened.get(number)?.isEdited === true
  }

  /** A packet in one line. */
  brief(item: Item): string {
    const opened = this.opened.get(item.number)
    if (opened?.isEdited === true) return briefOf(opened.look(this.secrets))
    let brief = this.briefs.get(item.number)
    if (brief === undefined) {
      if (this.briefs.size >= maxBriefs) this.briefs.clear()
      const { annotation } = this.adapter.taken(item.bytes, 0, item.situation, this.secrets)
      brief = briefOf({ annotation })
      this.briefs.set(item.number, brief)
    }
    return brief
  }

  /** Shows passwords, or hides them again. */
  showSecrets(secrets: boolean): void {
    this.secrets = secrets
    this.briefs.clear()
  }

  /** What a link says of the selected packet. */
  place(field: string | undefined): Place {
    const item = this.selected === undefined ? undefined : this.list.item(this.selected)
    if (item === undefined) return {}
    const opened = this.open(item)
    const isHere = this.source.kind === "capture" && !opened.isEdited
    const { direction, kind, phase, states } = item.situation
    const [first] = this.adapter.begin().phase === phase ? [undefined] : [phase]
    return {
      ...this.adapters.length > 1 ? { protocol: this.adapter.name } : {},
      ...isHere ? { packet: item.number } : { bytes: opened.bytes, direction, kind, phase: first, states },
      field
    }
  }

  /** Packets of all numbers between those that the filter leaves, from the selected one. */
  neighbour(by: 1 | -1): number | undefined {
    const { numbers, selected } = this
    if (selected === undefined) return numbers[0]
    const at = numbers.indexOf(selected)
    return numbers[at + by]
  }

  private begin(source: Source): void {
    this.run++
    this.opening++
    this.source = source
    this.list = new PacketList()
    this.opened = new Map()
    this.briefs.clear()
    this.numbers = []
    this.seen = 0
    this.selected = undefined
    this.base = undefined
    this.progress = undefined
    this.feed = undefined
    this.secrets = false
    if (this.said.adapter !== undefined) this.adapter = this.said.adapter
  }

  private read(): void {
    const { said, source } = this
    if (source.kind !== "pasted") return
    const adapters = said.adapter === undefined ? this.adapters : [said.adapter]
    const sample = source.pieces.find((piece) => "bytes" in piece)
    const direction = said.direction ?? source.begin?.direction ?? sample?.direction
    const found = sample === undefined ? undefined : detect(adapters, sample.bytes, direction)
    if (found !== undefined) this.adapter = found.adapter
    else this.adapter = this.knowing(adapters, source.pieces)
    const phase = said.phase ?? source.begin?.phase
    const begin: Situation = {
      ...this.adapter.begin({ ...source.begin?.states, ...said.states }),
      ...phase === undefined ? {} : { phase },
      direction: direction ?? found?.situation.direction,
      kind: said.kind ?? source.begin?.kind ?? found?.situation.kind
    }
    const [only] = source.pieces
    if (only !== undefined && source.pieces.length === 1 && "bytes" in only) addBytes(this, only.bytes, begin)
    else addPieces(this, source.pieces, begin)
    this.narrow(this.filter)
    this.selected = this.list.items.find(({ error }) => error !== undefined)?.number ?? this.numbers[0]
    if (this.list.items.length > 1) this.selected = this.numbers[0]
    this.tell("done")
  }

  /** The protocol that has packets of these names. Throws what the last one objects to. */
  private knowing(adapters: ReadonlyArray<ProtocolAdapter>, pieces: ReadonlyArray<Piece>): ProtocolAdapter {
    let failure: unknown
    for (const adapter of adapters) {
      try {
        for (const piece of pieces) if ("json" in piece) adapter.fromJson(piece.json)
        return adapter
      } catch (error) {
        failure ??= error
      }
    }
    throw failure
  }

  private async readCapture(bytes: Uint8Array): Promise<void> {
    const { run, said } = this
    this.adapter = said.adapter ?? detectCapture(this.adapters, bytes)
    const feed = new CaptureFeed(this, { servers: serversOf(said.servers), session: this.adapter.begin(said.states) })
    this.progress = 0
    this.tell("all")
    let begun = performance.now()
    for (let at = 0; at < bytes.length; at += step) {
      feed.push(bytes.subarray(at, at + step))
      if (performance.now() - begun < slice) continue
      this.progress = at / bytes.length
      this.more()
      await new Promise((resolve) => setTimeout(resolve))
      if (run !== this.run) return
      begun = performance.now()
    }
    feed.finish()
    this.progress = undefined
    this.more()
    this.tell("done")
  }

  /** Takes what is new into the list. */
  private more(): void {
    if (this.seen === 0) this.seen = 1
    const isWanted = wants(this.filter)
    let gone = 0
    while (gone < this.numbers.length && this.list.item(this.numbers[gone]!) === undefined) gone++
    if (gone > 0) this.numbers.splice(0, gone)
    for (; this.seen < this.list.next; this.seen++) {
      const item = this.list.item(this.seen)
      if (item !== undefined && isWanted(item)) this.numbers.push(this.seen)
    }
    this.tell(gone > 0 ? "all" : "more")
  }
}
