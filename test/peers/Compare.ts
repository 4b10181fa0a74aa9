/**
 * Compares a packet with what tshark makes of its bytes, field by field: where it is, how wide it is, which number it holds, and whether
 * tshark's name for it is one of those known to mean it.
 *
 * What we say comes from two places: offsets and widths from the model (`annotate`), values from the packet object that the generated code
 * encoded or decoded.
 */
import { annotate, type AnyPacket, type Catalog, type FieldSpan, hexOf } from "@wirewright/codec"
import { sameName } from "./Names.ts"
import type { TsharkField, TsharkPacket } from "./Tshark.ts"

/** What is compared: a field of a layout of a packet. */
export interface Subject {
  /** With `server` in front for what the server asks. */
  readonly opcode: string
  /** The `_tag`, and the status where it is not Success; `framing` for framing extras, which are compared by frame. */
  readonly packet: string
  /** Name of the layout where there are several, and the size of its extras. */
  readonly layout: string
  readonly field: string
}

/** How a comparison went. */
export interface Finding extends Subject {
  readonly result: "same" | "text" | "different"
  readonly detail: string
}

/** A packet as both sides see it. */
export interface Case {
  readonly packet: AnyPacket
  readonly bytes: Uint8Array
  readonly states: { readonly collections: boolean }
  readonly tshark: TsharkPacket | undefined
}

/** One spelling of a subject. */
export const spell = ({ opcode, packet, layout, field }: Subject): string => `${opcode} ${packet} (${layout}) ${field}`

const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`

const end = (part: { readonly offset: number; readonly size?: number; readonly length?: number }): number =>
  part.offset + (part.size ?? part.length ?? 0)

const numberOf = (value: unknown): bigint | undefined =>
  typeof value === "bigint" ? value : typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined

const shownNumber = ({ name, show, size }: TsharkField): bigint | undefined => {
  if (!/^(?:0x[0-9a-f]+|-?\d+)$/.test(show)) return undefined
  const value = BigInt(show)
  // the dissector reads the opaque little-endian
  return name === "couchbase.opaque" && size === 4 ? BigInt(new DataView(Uint32Array.of(Number(value)).buffer).getUint32(0)) : value
}

/** The value the packet object holds at a path like `mutationToken.seqno` or `specs[1].path`. */
const valueAt = (packet: AnyPacket, span: FieldSpan): unknown => {
  let value: unknown = packet
  for (const step of span.path.split(/[.[\]]+/).filter((part) => part !== "")) {
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return span.value
    value = (value as { readonly [name: string]: unknown })[step]
  }
  return value === undefined ? span.value : value
}

const microseconds = (encoded: number): number => encoded ** 1.74 / 2

/** Compares one packet; every field gives a finding. */
export const compare = (catalog: Catalog, { bytes, packet, states, tshark }: Case): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const annotation = annotate(catalog, bytes, { states: new Set(states.collections ? ["collections"] : []) })
  const sized = (section: string): number => annotation.fields.find(({ path }) => path === `${section}Length`)?.value as number ?? 0
  const status = annotation.status === undefined || annotation.status === "Success" ? "" : ` ${annotation.status}`
  const body: Omit<Subject, "field"> = {
    opcode: (annotation.kind.startsWith("server") ? "server " : "") + hex(bytes[1]!),
    packet: packet._tag + status,
    layout: `${annotation.layout === undefined ? "" : `${annotation.layout}, `}extras ${sized("extras")}`
  }
  const say = (subject: Subject, result: Finding["result"], detail = ""): unknown => findings.push({ ...subject, result, detail })
  if (annotation.error !== undefined) say({ ...body, field: "*" }, "different", `our model: ${annotation.error.message}`)
  if (tshark === undefined) {
    say({ ...body, field: "*" }, "different", "tshark did not dissect it")
    return findings
  }
  if (tshark.malformed) say({ ...body, field: "*" }, "different", "tshark: malformed")
  const header = 24
  const keyStart = header + sized("framing") + sized("extras")
  const valueStart = keyStart + sized("key")
  const fields = tshark.fields.filter(({ masked }) => !masked)
  const at = (offset: number, size: number) => fields.filter((field) => field.size > 0 && field.offset === offset && field.size === size)
  const leaves = fields.filter(({ container, size }) => size > 0 && !container)

  const numeric = (subject: Subject, span: FieldSpan): void => {
    const path = span.section === "header" ? span.path : span.path.replace(/\[\d+\]/g, "[]")
    const expected = numberOf(valueAt(packet, span))
    const found = at(span.offset, span.length).filter(({ name, show }) => show !== "" && !/\.extras(\.unknown)?$/.test(name))
    const named = found.filter((field) => sameName(span.section, path, field.name))
    if (found.length > 0 && named.length === 0) {
      say(subject, "different", `tshark calls it ${found.map(({ name }) => name).join(", ")}`)
      return
    }
    const field = named[0]
    if (field === undefined) {
      const crossing = leaves.find((leaf) => leaf.offset < end(span) && end(leaf) > span.offset && !/\.unknown$/.test(leaf.name))
      say(subject, "different", crossing === undefined ? "not decoded" : `${crossing.name} at ${crossing.offset}, ${crossing.size} bytes`)
      return
    }
    const shown = shownNumber(field)
    if (field.name === "couchbase.flex_frame.frame.duration") {
      const difference = Math.abs(Number(field.show) - microseconds(Number(expected)))
      say(subject, difference <= 0.01 ? "same" : "different", `${field.show} for ${expected}`)
    } else if (expected !== undefined) {
      say(subject, shown === expected ? "same" : "different", `${field.name} is ${field.show}, we have ${expected}`)
    } else say(subject, field.hex === hexOf(bytes.subarray(span.offset, end(span))) ? "same" : "different", field.show)
  }

  for (const span of annotation.fields) {
    if (span.length === 0) continue
    switch (span.section) {
      case "header":
        numeric({ ...body, field: `header ${span.path}` }, span)
        break
      case "framing": {
        const frame = annotation.fields.findLast(({ path, offset }) => /\.frame$/.test(path) && offset <= span.offset)
        const name = frame === undefined ? "" : frame.text.replace(/ .*/, "")
        frameField({ opcode: "*", packet: "framing", layout: `${annotation.kind} ${name}`, field: span.path.replace(/^.*\]\./, "") }, span)
        break
      }
      case "extras":
        numeric({ ...body, field: span.path }, span)
        break
      case "value":
        valueField({ ...body, field: span.path.replace(/\[\d+\]/g, "[]") }, span)
    }
  }

  function frameField(subject: Subject, span: FieldSpan): void {
    if (subject.field !== "frame") return numeric(subject, span)
    const known = fields.find(({ name, offset }) => name === "couchbase.flex_frame.frame.id" && offset === span.offset)
    const unmasked = tshark!.fields.find(({ name, offset }) => name === "couchbase.flex_frame.frame.id" && offset === span.offset)
    const field = known ?? unmasked
    if (field === undefined) say(subject, "different", "no frame there")
    else say(subject, shownNumber(field) === numberOf(span.value) ? "same" : "different", `id ${field.show}, we have ${String(span.value)}`)
  }

  function valueField(subject: Subject, span: FieldSpan): void {
    const overlapping = leaves.filter((leaf) => leaf.offset < end(span) && end(leaf) > span.offset)
    const exact = at(span.offset, span.length).filter(({ container }) => !container)
    if (exact.length > 0) {
      const expected = numberOf(valueAt(packet, span))
      const shown = shownNumber(exact[0]!)
      if (expected !== undefined && shown !== undefined && !/\.value$/.test(exact[0]!.name)) return numeric(subject, span)
      say(subject, "text")
    } else if (overlapping.length === 0) {
      const around = fields.find(({ name, offset, size }) => /value|path/.test(name) && offset <= span.offset && offset + size >= end(span))
      say(subject, around === undefined ? "different" : "text", "not decoded")
    } else if (overlapping.every((leaf) => leaf.offset >= span.offset && end(leaf) <= end(span))) say(subject, "text")
    else if (overlapping.every((leaf) => leaf.offset <= span.offset && end(leaf) >= end(span))) say(subject, "text")
    else {
      const [leaf] = overlapping
      say(subject, "different", `${leaf!.name} at ${leaf!.offset}, ${leaf!.size} bytes; we have ${span.offset}, ${span.length} bytes`)
    }
  }

  say({ ...body, field: "name" }, /^Unknown/.test(tshark.opcodeName) || tshark.opcodeName === "" ? "different" : "text", "unknown opcode")
  // what no field of ours stands for by itself
  const derived = (field: string, name: string, expected: number): void => {
    const found = fields.find((one) => one.name === name)
    if (found === undefined) say({ ...body, field }, expected === 0 ? "same" : "different", `no ${name}`)
    else say({ ...body, field }, Number(found.show) === expected ? "same" : "different", `${name} is ${found.show}, we have ${expected}`)
  }
  derived("length of the value", "couchbase.value.length", bytes.length - valueStart)
  if (valueStart > keyStart) {
    const key = fields.find(({ name, size }) => name === "couchbase.key" && size > 0)
    const expected = hexOf(bytes.subarray(keyStart, valueStart))
    const same = key !== undefined && key.offset === keyStart && key.size === valueStart - keyStart && key.hex === expected
    say({ ...body, field: "key" }, same ? "same" : "different", `${key?.offset} ${key?.hex}, we have ${keyStart} ${expected}`)
    const id = packet["collectionId"]
    const hasId = annotation.fields.some(({ path, section }) => path === "collectionId" && section === "key")
    if (hasId && typeof id === "number") derived("collectionId of the key", "couchbase.key.collection_id", id)
  }
  return findings
}
