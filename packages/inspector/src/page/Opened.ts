/** One packet as the page has it open: taken apart, as JSON, with what was edited. Pure. */
import { DecodeError } from "@wirewright/codec/Errors"
import type { Annotation } from "@wirewright/codec/Layout"
import type { Catalog } from "@wirewright/codec/Catalog"
import type { DecodedPacket, ProtocolAdapter, Situation } from "../ProtocolAdapter.ts"
import type { Copied } from "./CopyAs.ts"
import { edited, History, type JsonPath, type PacketJson, placeInJson, withByte, withInserted, withoutByte } from "./Edit.ts"
import { byteOwners, erroneous, type FieldNode, fieldTree, partsOf } from "./Fields.ts"

/** A packet taken apart. */
export interface Look {
  /** The bytes as they are. */
  readonly bytes: Uint8Array
  /** The bytes as they are shown, passwords masked. */
  readonly shown: Uint8Array
  readonly isSecret: boolean
  readonly annotation: Annotation
  readonly catalog: Catalog
  readonly decoder: string
  readonly roots: ReadonlyArray<FieldNode>
  readonly owners: ReadonlyArray<FieldNode | undefined>
  readonly wrong: FieldNode | undefined
  readonly decoded: DecodedPacket | undefined
  readonly json: PacketJson | undefined
  /** What is wrong with it. */
  readonly error: DecodeError | undefined
}

const decodedAt = (adapter: ProtocolAdapter, bytes: Uint8Array, situation: Situation): DecodedPacket | DecodeError => {
  try {
    return adapter.decode(bytes, 0, situation)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return error
  }
}

/** Takes bytes apart. */
export const look = (adapter: ProtocolAdapter, bytes: Uint8Array, situation: Situation, secrets: boolean): Look => {
  const { annotation, catalog, decoder, shown } = adapter.taken(bytes, 0, situation, secrets)
  const result = decodedAt(adapter, bytes, situation)
  const decoded = result instanceof DecodeError ? undefined : result
  const error = annotation.error ?? (result instanceof DecodeError ? result : undefined)
  const roots = fieldTree(error === undefined ? annotation : { ...annotation, error }, bytes.length)
  return {
    bytes,
    shown,
    isSecret: adapter.isSecret(bytes, situation),
    annotation,
    catalog,
    decoder,
    roots,
    owners: byteOwners(roots, bytes.length),
    wrong: erroneous({ ...annotation, ...(error === undefined ? {} : { error }) }, roots, bytes.length),
    decoded,
    json: decoded === undefined ? undefined : adapter.toJson(decoded),
    error
  }
}

/** Ids of the fields that are not as they were. */
export const changedFields = (before: Look, now: Look): ReadonlySet<string> => {
  if (before === now) return new Set()
  const known = new Map(before.annotation.fields.map((span) => [`${span.section} ${span.path}`, span]))
  const spelled = ({ bytes }: Look, offset: number, length: number): string => bytes.subarray(offset, offset + length).join()
  return new Set(
    now.annotation.fields.filter((span) => {
      const one = known.get(`${span.section} ${span.path}`)
      return one === undefined || spelled(before, one.offset, one.length) !== spelled(now, span.offset, span.length)
    }).map(({ path }) => path)
  )
}

/** What a page may do to the bytes of a packet. */
export type Change =
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "insert" | "remove"; readonly at: number }

/** A packet that may be edited. */
export class Opened {
  readonly adapter: ProtocolAdapter
  readonly situation: Situation
  private readonly history: History<Uint8Array>
  private readonly original: Uint8Array
  private cached: { readonly bytes: Uint8Array; readonly secrets: boolean; readonly look: Look } | undefined
  private first: Look | undefined

  constructor(adapter: ProtocolAdapter, bytes: Uint8Array, situation: Situation) {
    this.adapter = adapter
    this.situation = situation
    this.original = bytes
    this.history = new History(bytes)
  }

  get bytes(): Uint8Array {
    return this.history.current
  }

  get isEdited(): boolean {
    return this.bytes !== this.original
  }

  get canUndo(): boolean {
    return this.history.canUndo
  }

  get canRedo(): boolean {
    return this.history.canRedo
  }

  /** The packet as it is now. */
  look(secrets: boolean): Look {
    const { bytes } = this
    if (this.cached?.bytes !== bytes || this.cached.secrets !== secrets) {
      this.cached = { bytes, secrets, look: look(this.adapter, bytes, this.situation, secrets) }
    }
    return this.cached.look
  }

  /** Ids of the fields that were edited, or changed with them. */
  changed(secrets: boolean): ReadonlySet<string> {
    if (!this.isEdited) return new Set()
    this.first ??= look(this.adapter, this.original, this.situation, secrets)
    return changedFields(this.first, this.look(secrets))
  }

  /** Changes a byte. */
  change(change: Change): void {
    const { bytes } = this
    if (change.kind === "set") this.history.done(withByte(bytes, change.at, change.value))
    else if (change.kind === "insert") this.history.done(withInserted(bytes, Math.min(change.at, bytes.length)))
    else if (change.at < bytes.length) this.history.done(withoutByte(bytes, change.at))
  }

  /** Where a field stands in the packet's JSON; nothing for what is not in it. */
  place(path: string): JsonPath | undefined {
    const { annotation, json } = this.look(true)
    const span = annotation.fields.find((one) => one.path === path)
    if (json === undefined || span === undefined) return undefined
    // a length in front of what the section is named after is not what JSON has by that name
    const isOnly = !annotation.fields.some((one) => one.section === span.section && partsOf(one.path)[0] === span.section)
    return placeInJson(json, path, isOnly ? span.section : "")
  }

  /** Gives a field another value; lengths and whatever else is derived follow. Throws what the encoder throws. */
  setField(path: string, value: unknown): void {
    const { json } = this.look(true)
    const place = this.place(path)
    if (json === undefined || place === undefined) throw new RangeError(`${path} has no value that can be set`)
    this.setJson(edited(json, place, value))
  }

  /** Makes it the packet of this JSON. Throws what the encoder throws. */
  setJson(json: unknown): void {
    const bytes = this.adapter.fromJson(json, this.situation.states)
    if (bytes.length !== this.bytes.length || bytes.some((byte, at) => byte !== this.bytes[at])) this.history.done(bytes)
  }

  undo(): void {
    this.history.undo()
  }

  redo(): void {
    this.history.redo()
  }

  /** Back to the bytes it came with; that can be undone. */
  reset(): void {
    if (this.isEdited) this.history.done(this.original)
  }

  /** What is copied of it. */
  copied(): Copied {
    const { annotation, bytes, catalog, decoded, decoder, json } = this.look(true)
    return {
      bytes,
      packet: annotation.packet,
      kind: annotation.kind,
      value: decoded?.packet,
      json,
      decoder,
      isText: catalog.frame.over === "text",
      states: this.situation.states,
      protocol: catalog.name
    }
  }
}

/** The fields that say most of a packet, in one line: what is not of its header, as far as `most` characters go. */
export const briefOf = ({ annotation }: Pick<Look, "annotation">, most = 160): string => {
  const parts: Array<string> = []
  let size = 0
  for (const { length, path, reserved, section, text } of annotation.fields) {
    if (section === "header" || reserved || length === 0) continue
    const part = `${path}=${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
    parts.push(part)
    size += part.length + 2
    if (size > most) break
  }
  return parts.join("  ")
}
