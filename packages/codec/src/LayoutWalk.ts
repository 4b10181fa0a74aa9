/**
 * Walks over bytes along the fields of a model and notes where each one stands and what it says.
 *
 * It never reads outside the frame or beyond the bytes there are, and allocates by what it has read, not by what a length claims. It throws
 * `DecodeError`; what was noted before stays in `spans`.
 */
import { hexNumber, incomplete, malformed } from "./Errors.ts"
import { hexOf } from "./Hex.ts"
import { fixedSize, type OptionalField, subsets } from "./LayoutSizes.ts"
import { type Announced, announced, LayoutSpans, plural } from "./LayoutSpans.ts"
import type { FieldModel, IntName, TypeModel } from "./Model.ts"
import { isUtf8 } from "./Text.ts"
import { bytesText, flagNames, flagsText, intWidth, quoted, typeSummary } from "./TypeText.ts"

/** A walk over one packet. */
export class LayoutWalk extends LayoutSpans {
  /** Walks over fields in wire order and returns the offset behind the last. */
  fields(fields: ReadonlyArray<FieldModel>, prefix: string, at: number, end: number, scope: Announced): number {
    const present = new Map<string, boolean>()
    let position = at
    for (const [i, field] of fields.entries()) {
      const path = prefix + field.name
      if (field.type.kind === "optional" && !present.has(field.name)) this.resolve(fields.slice(i), prefix, position, end, scope, present)
      const type = this.presentType(field.type, present.get(field.name) ?? true)
      if (type === undefined) {
        present.set(field.name, false)
        continue
      }
      present.set(field.name, true)
      const known = scope.lengths.get(field.name)
      if (known !== undefined) {
        if (known > end - position) malformed("Length", this.packet, path, position, `at most ${plural(end - position)}`, plural(known))
        const next = this.type(type, path, position, position + known, scope, field)
        if (next !== position + known) malformed("Trailing", this.packet, path, next, plural(next - position), plural(known))
        position = next
      } else {
        const fixed = fixedSize(this.catalog, type, this.states)
        const stop = fixed === undefined ? Math.max(position, end - this.behind(fields, i + 1, scope)) : end
        position = this.type(type, path, position, stop, scope, field)
      }
    }
    return position
  }

  private presentType(type: TypeModel, present: boolean): TypeModel | undefined {
    if (type.kind === "optional") return present ? this.presentType(type.of, true) : undefined
    if (type.kind === "when") return this.states.has(type.state) ? this.presentType(type.of, present) : undefined
    return type
  }

  /** Bytes that the fields from `from` on take at least. */
  private behind(fields: ReadonlyArray<FieldModel>, from: number, scope: Announced): number {
    let size = 0
    for (const { name, type } of fields.slice(from)) {
      if (type.kind !== "optional") size += scope.lengths.get(name) ?? fixedSize(this.catalog, type, this.states) ?? 0
    }
    return size
  }

  /** Decides which optional fields are there: by the length of the rest, or, where that varies, by whether bytes are left. */
  private resolve(
    fields: ReadonlyArray<FieldModel>,
    prefix: string,
    at: number,
    end: number,
    scope: Announced,
    present: Map<string, boolean>
  ): void {
    let rest = end - at
    let exact = true
    const optionals: Array<OptionalField> = []
    for (const { name, type } of fields) {
      const size = scope.lengths.get(name) ?? fixedSize(this.catalog, type.kind === "optional" ? type.of : type, this.states)
      if (size === undefined) exact = false
      else if (type.kind === "optional") optionals.push({ name, size, requires: type.requires })
      else rest -= size
    }
    if (exact) {
      const set = subsets(optionals, (name) => present.get(name) ?? fields.some((field) => field.name === name)).find(({ size }) =>
        size === rest
      )
      if (set === undefined) {
        const path = prefix === "" ? this.section : prefix.replace(/\.$/, "")
        malformed("Length", this.packet, path, at, "a length that some set of optional fields has", plural(end - at))
      }
      for (const { name } of optionals) present.set(name, set!.names.has(name))
      return
    }
    const field = fields[0]!
    const type = field.type as Extract<TypeModel, { readonly kind: "optional" }>
    const size = scope.lengths.get(field.name) ?? fixedSize(this.catalog, type.of, this.states) ?? 1
    present.set(field.name, rest >= size && rest > 0 && (type.requires === undefined || present.get(type.requires) === true))
  }

  private type(type: TypeModel, path: string, at: number, end: number, scope: Announced, field?: FieldModel): number {
    const doc = field?.doc
    const number = (int: IntName, text?: (value: number | bigint) => string, reserved = false): number | bigint => {
      this.need(path, at, intWidth[int], end)
      const value = this.int(at, int)
      this.note(
        path,
        at,
        intWidth[int],
        typeSummary(this.catalog, type),
        value,
        text === undefined ? String(value) : text(value),
        doc,
        reserved
      )
      return value
    }
    switch (type.kind) {
      case "int":
        number(type.int)
        return at + intWidth[type.int]
      case "uleb128":
        this.uleb128(type, path, at, end, doc)
        return this.reader.next
      case "bytes":
      case "utf8":
      case "json":
      case "cstring":
        return this.text(type, path, at, end, doc)
      case "constant": {
        const value = number(type.int)
        if (String(value) !== String(type.value)) malformed("Constant", this.packet, path, at, String(type.value), String(value))
        return at + intWidth[type.int]
      }
      case "reserved":
        return this.reserved(type, path, at, end, doc)
      case "lengthOf":
      case "countOf": {
        const value = Number(type.int === "uleb128" ? this.uleb128(type, path, at, end, doc) : number(type.int))
        ;(type.kind === "lengthOf" ? scope.lengths : scope.counts).set(type.target, value)
        return type.int === "uleb128" ? this.reader.next : at + intWidth[type.int]
      }
      case "optional":
      case "when": {
        const inner = this.presentType(type, at < end)
        return inner === undefined ? at : this.type(inner, path, at, end, scope, field)
      }
      case "array":
        return this.array(type, path, at, end, scope.counts.get(field?.name ?? ""), doc)
      case "struct": {
        const { byteOrder, fields } = this.catalog.typeOf("struct", type.ref)
        const outer = this.little
        if (byteOrder !== "given") this.little = byteOrder === "little"
        const next = this.fields(fields, `${path}.`, at, end, announced())
        this.little = outer
        return next
      }
      case "choice":
        return this.choice(type.ref, path, at, end, doc)
      case "nibbleFrames":
        return this.nibbleFrames(type.ref, path, at, end)
      case "flags": {
        const flags = this.catalog.typeOf("flags", type.ref)
        const value = Number(number(flags.int, (bits) => flagsText(flags, Number(bits))))
        const { unknown } = flagNames(flags, value)
        if (flags.unknown === "error" && unknown !== 0) {
          malformed("UnknownValue", this.packet, path, at, `flags of ${flags.name}`, hexNumber(unknown))
        }
        return at + intWidth[flags.int]
      }
      case "enumeration": {
        const { int, values, unknown, name } = this.catalog.typeOf("enumeration", type.ref)
        const nameOf = (value: number | bigint): string | undefined => values.find((one) => one.value === Number(value))?.name
        const value = number(int, (one) => `${nameOf(one) ?? "unknown"} (${one})`)
        if (unknown === "error" && nameOf(value) === undefined) {
          malformed("UnknownValue", this.packet, path, at, `a value of ${name}`, String(value))
        }
        return at + intWidth[int]
      }
    }
  }

  private text(
    type: Extract<TypeModel, { readonly kind: "bytes" | "utf8" | "json" | "cstring" }>,
    path: string,
    at: number,
    end: number,
    doc: string | undefined
  ): number {
    const summary = typeSummary(this.catalog, type)
    const { bytes } = this.reader
    const { max } = type
    let size: number
    if (type.kind === "cstring") {
      const nul = bytes.subarray(at, Math.max(at, end)).indexOf(0)
      if (nul < 0 && bytes.length < end) incomplete(this.packet, path, bytes.length, "a NUL byte", "the end")
      if (nul < 0) malformed("Length", this.packet, path, end, "a NUL byte", "the end")
      size = nul
    } else size = type.size ?? end - at
    if (max !== undefined && size > max) malformed("Limit", this.packet, path, at, `at most ${plural(max)}`, plural(size))
    this.need(path, at, size, end)
    const text = this.reader.text(at, at + size)
    if (type.kind === "utf8" && type.invalid === "error" && !isUtf8(bytes, at, at + size)) {
      malformed("Utf8", this.packet, path, at, "UTF-8", quoted(text))
    }
    const next = at + size + (type.kind === "cstring" ? 1 : 0)
    if (type.kind === "bytes") {
      const value = this.reader.slice(at, next)
      this.note(path, at, size, summary, value, bytesText(value, text), doc)
    } else this.note(path, at, next - at, summary, text, quoted(text), doc)
    return next
  }

  private reserved(
    type: Extract<TypeModel, { readonly kind: "reserved" }>,
    path: string,
    at: number,
    end: number,
    doc: string | undefined
  ): number {
    const size = type.int === undefined ? type.size ?? 0 : intWidth[type.int]
    this.need(path, at, size, end)
    const bytes = this.reader.slice(at, at + size)
    const value = type.int === undefined ? bytes : this.int(at, type.int)
    const zero = bytes.every((byte) => byte === 0)
    this.note(path, at, size, typeSummary(this.catalog, type), value, zero ? "" : `0x${hexOf(bytes.subarray(0, 16))}`, doc, true)
    if (type.policy === "error" && !zero) {
      malformed("Reserved", this.packet, path, at, "zero", typeof value === "object" ? "other bytes" : String(value))
    }
    return at + size
  }

  private array(
    type: Extract<TypeModel, { readonly kind: "array" }>,
    path: string,
    at: number,
    end: number,
    count: number | undefined,
    doc: string | undefined
  ): number {
    let position = at
    let index = 0
    for (; count === undefined ? position < end : index < count; index++) {
      const here = `${path}[${index}]`
      if (index === type.max) {
        malformed("Limit", this.packet, here, position, `at most ${type.max} elements`, count === undefined ? "more" : String(count))
      }
      const next = this.type(type.of, here, position, end, announced())
      // elements without bytes would never end
      if (next === position) malformed("Length", this.packet, here, position, "an element", "no bytes")
      position = next
    }
    if (index === 0) this.note(path, at, 0, typeSummary(this.catalog, type), [], "[]", doc)
    return position
  }

  private choice(ref: string, path: string, at: number, end: number, doc: string | undefined): number {
    const { tag: int, cases, unknown, name } = this.catalog.typeOf("choice", ref)
    const size = intWidth[int]
    this.need(path, at, size, end)
    // a choice has no byte order, and does not take on that of the record around it
    const outer = this.little
    this.little = false
    const tag = this.int(at, int)
    const found = cases.find((one) => one.tag === Number(tag))
    this.note(`${path}.tag`, at, size, `${int} ${name}`, tag, `${found?.name ?? "Unknown"} (${tag})`, found?.doc ?? doc)
    const next = found === undefined ? undefined : this.fields(found.fields, `${path}.`, at + size, end, announced())
    this.little = outer
    if (next !== undefined) return next
    if (unknown === "error") malformed("UnknownValue", this.packet, path, at, `a case of ${name}`, String(tag))
    return this.text({ kind: "bytes" }, `${path}.bytes`, at + size, end, undefined)
  }

  private nibbleFrames(ref: string, path: string, at: number, end: number): number {
    const { cases } = this.catalog.typeOf("nibbleFrames", ref)
    let position = at
    for (let index = 0; position < end; index++) {
      const here = `${path}[${index}]`
      const begin = position
      const byte = (): number => {
        this.need(here, position, 1, end)
        return this.reader.bytes[position++]!
      }
      const head = byte()
      const tag = head < 0xf0 ? head >> 4 : 15 + byte()
      const length = (head & 15) < 15 ? head & 15 : 15 + byte()
      const found = cases.find((one) => one.tag === tag)
      this.note(
        `${here}.frame`,
        begin,
        position - begin,
        "frame id and length",
        tag,
        `${found?.name ?? "Unknown"} (${tag}), ${plural(length)}`,
        found?.doc
      )
      if (length > end - position) malformed("Length", this.packet, here, begin, plural(length), plural(end - position))
      const stop = position + length
      const next = found === undefined
        ? this.text({ kind: "bytes" }, `${here}.bytes`, position, stop, undefined)
        : this.fields(found.fields, `${here}.`, position, stop, announced())
      if (next !== stop) malformed("Trailing", this.packet, here, next, plural(next - position), plural(length))
      position = stop
    }
    return position
  }
}
