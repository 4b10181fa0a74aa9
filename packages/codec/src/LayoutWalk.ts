/**
 * Walks over bytes along the fields of a model and notes where each one stands and what it says.
 *
 * It never reads outside the frame or beyond the bytes there are, and allocates by what it has read, not by what a length claims. It throws
 * `DecodeError`; what was noted before stays in `spans`. What a field's bytes mean is its word's knowledge (`words`); here is what fields
 * say about each other.
 */
import { expectCountMin, expectEnd, expectUsed, noLength, short } from "./Check.ts"
import { DecodeError, malformed } from "./Errors.ts"
import { bytesOfDigits, textOfHex } from "./Hex.ts"
import { type OptionalField, possibleSizes, sizesText, subsets } from "./LayoutSizes.ts"
import { LayoutSpans, plural } from "./LayoutSpans.ts"
import type { FieldModel, TypeModel } from "./Model.ts"
import { endStands, expectLiteral, expectNoMore, expectToken, expectTokenEnd, isToken, tokenEnd, tokensAfter } from "./Ends.ts"
import { quoted } from "./TypeText.ts"
import { endsItself, fixedSize, leastSize, optionalIn } from "./words/Sizes.ts"
import { wordOf } from "./words/index.ts"
import { holds, isPresenceByLength, reservedBit, stateBits } from "./words/Presence.ts"
import { inState } from "./words/States.ts"
import { fixedRuns, groupsFrom, upTo } from "./words/Records.ts"
import { literalsAfter, mayBeMissing } from "./words/Tokens.ts"
import { Scope, type Spot } from "./words/Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** A walk over one packet. */
export class LayoutWalk extends LayoutSpans {
  private readonly depths = new Map<string, number>()

  /** Walks over a value of a type; returns the offset after it. */
  type(type: TypeModel, spot: Spot): number {
    const size = fixedSize(this.catalog, type)
    if (size === undefined || size <= spot.end - spot.at) return wordOf(type).walk(this, type, spot)
    try {
      // what is there of it is noted all the same
      wordOf(type).walk(this, type, spot)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
    this.need(spot.path, spot.at, size, spot.end)
    return spot.at
  }

  /** A type in words. */
  summary(type: TypeModel): string {
    return this.catalog.summary(type)
  }

  /** Walks over the fields of a record. What is missing of several fields of fixed width is the fault of the first, as decoders have it. */
  record(fields: ReadonlyArray<FieldModel>, path: string, at: number, end: number, scope: Scope): number {
    if (isPresenceByLength(this.catalog, fields)) {
      const sizes = possibleSizes(this.catalog, fields, this.states) ?? []
      const length = end - at
      if (!sizes.includes(Math.floor(length))) noLength(length, sizes.at(-1)!, sizesText(sizes), this.packet, path, at)
    }
    return this.fields(fields, path === "" ? "" : `${path}.`, at, end, scope, fixedRuns(this.catalog, fields))
  }

  /** Walks over fields in wire order and returns the offset after the last. */
  fields(
    fields: ReadonlyArray<FieldModel>,
    prefix: string,
    at: number,
    end: number,
    scope: Scope,
    runs: ReadonlyMap<number, number> = new Map()
  ): number {
    const present = new Map<string, boolean>()
    let position = at
    /** What lengths of several fields surround, the innermost last. */
    const groups: Array<{ readonly last: string; readonly end: number }> = []
    const bits = stateBits(fields)
    for (const [i, field] of fields.entries()) {
      const path = prefix + field.name
      for (const bit of bits) {
        if (bit.fields.at(-1) !== field) continue
        const { condition, holder } = bit
        const isUsed = bit.fields.some(({ type }) => this.isInState(type, scope))
        const [place] = scope.places.get(holder)!
        expectUsed(holds(condition, scope.value(condition.field)), isUsed, this.packet, prefix + condition.field, place, reservedBit(bit))
      }
      const run = runs.get(i)
      if (run !== undefined && run > end - position) {
        try {
          // those that are there are noted all the same
          this.fields(fields.slice(i), prefix, position, end, scope)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
        this.need(path, position, run, end)
      }
      if (this.byLength(field.type) && !present.has(field.name)) this.resolve(fields.slice(i), prefix, position, end, scope, present)
      const type = this.present(field.type, scope, present.get(field.name))
      present.set(field.name, type !== undefined)
      groups.push(...this.groupsAt(field.name, position, groups.at(-1)?.end ?? end, path, scope))
      const stop = groups.at(-1)?.end ?? end
      const spot: Spot = { path, name: field.name, at: position, end: stop, scope, doc: field.doc }
      const known = scope.lengths.get(field.name)
      if (type === undefined) {
        const length = known ?? scope.counts.get(field.name) ?? 0
        if (length !== 0) malformed("Length", this.packet, path, position, "0 bytes", plural(length))
      } else if (known === null || scope.counts.get(field.name) === null) {
        this.note(path, position, 0, this.summary(type), null, "null", field.doc)
      } else if (known !== undefined) {
        if (known > stop - position) this.need(path, position, known, stop)
        const next = this.type(type, { ...spot, end: position + known })
        if (next !== position + known) malformed("Trailing", this.packet, path, next, plural(next - position), plural(known))
        position = next
      } else {
        const rest = endsItself(this.catalog, type) || scope.counts.has(field.name)
          ? 0
          : this.after(fields, i + 1, groups.at(-1)?.last, scope)
        const limit = rest === 0 ? stop : Math.floor(stop) - rest
        if (limit < position) this.need(path, position, rest, stop)
        position = this.type(type, { ...spot, end: limit })
      }
      if (optionalIn(field.type)?.of.kind === "literal" && type !== undefined) this.mark()
      scope.place(field.name, spot.at, position)
      while (groups.at(-1)?.last === field.name) {
        const group = groups.pop()!
        if (position !== group.end) malformed("Trailing", this.packet, path, position, "the end", plural(group.end - position))
      }
    }
    return position
  }

  /** Fields that a length measures together begin at `name`: where they end, the outermost first. */
  private groupsAt(name: string, at: number, end: number, path: string, scope: Scope): ReadonlyArray<{ last: string; end: number }> {
    let within = end
    return groupsFrom(scope.lengths.keys(), name).map((names) => {
      const length = scope.lengths.get(names.join(" ")) ?? 0
      if (length > within - at) this.need(path, at, length, within)
      within = at + length
      return { last: names.at(-1)!, end: within }
    })
  }

  /** Whether only the length of what surrounds it tells if a field is there. */
  private byLength(type: TypeModel): boolean {
    const optional = optionalIn(type)
    return optional !== undefined && optional.if === undefined
  }

  /** What stands in place of a field; nothing when it is not there. */
  present(type: TypeModel, scope: Scope, known = true): TypeModel | undefined {
    if (type.kind === "optional") {
      const there = type.if === undefined ? known : holds(type.if, scope.value(type.if.field))
      return there ? this.present(type.of, scope) : undefined
    }
    if (type.kind === "when") {
      const of = inState(type, this.stateOf(type, scope)) ? type.of : type.else
      return of === undefined ? undefined : this.present(of, scope, known)
    }
    return type
  }

  private stateOf(type: Of<"when">, scope: Scope): number | undefined {
    return type.sibling === true ? scope.value(type.state) : this.states.get(type.state)
  }

  /** Whether the connection or a sibling is in all states that a field is for. */
  private isInState(type: TypeModel, scope: Scope): boolean {
    return type.kind !== "when" || inState(type, this.stateOf(type, scope)) && this.isInState(type.of, scope)
  }

  /** Bytes that the fields from `from` on take at least, up to the last of a group. */
  private after(fields: ReadonlyArray<FieldModel>, from: number, last: string | undefined, scope: Scope): number {
    let size = 0
    if (fields[from - 1]!.name === last) return 0
    for (const { name, type } of upTo(fields.slice(from), last)) {
      if (type.kind === "optional" && type.if === undefined) continue
      const there = this.present(type, scope)
      if (there !== undefined) size += scope.lengths.get(name) ?? fixedSize(this.catalog, there, this.states) ?? 0
    }
    return size
  }

  /** Decides which optional fields are there: by the length of the rest, or, where that varies, by whether bytes are left. */
  private resolve(
    fields: ReadonlyArray<FieldModel>,
    prefix: string,
    at: number,
    end: number,
    scope: Scope,
    present: Map<string, boolean>
  ): void {
    let rest = Math.floor(end) - at
    // what the lengths of siblings say, they have said for all fields
    let exact = fields.length > 1 || isPresenceByLength(this.catalog, fields)
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
        malformed("Length", this.packet, path, at, "a length that some set of optional fields has", plural(Math.floor(end) - at))
      }
      for (const { name } of optionals) present.set(name, set!.names.has(name))
      return
    }
    present.set(fields[0]!.name, Math.floor(end) - at > 0)
  }

  /** Elements of an array: `count` of them, until a terminator, or as many as there is room for. */
  elements(
    of: TypeModel,
    spot: Spot,
    count: number | null | undefined,
    { max, min = 0 }: { readonly max?: number; readonly min?: number },
    until: string | undefined
  ): number {
    const { path, end } = spot
    const terminator = until === undefined ? undefined : textOfHex(until)
    let position = spot.at
    let index = 0
    const least = leastSize(this.catalog, of)
    const tooMany = typeof count === "number" && max !== undefined && count > max
    const claimed = typeof count === "number" && count * least > end - position
    if (tooMany) malformed("Limit", this.packet, path, position, `at most ${max} elements`, String(count))
    const goesOn = (): boolean => {
      if (typeof count === "number") return index < count
      if (terminator === undefined) return end - position >= 1
      return !endStands(this.reader, terminator, position, this.stop(end), 0, this.packet, `${path}[${index}]`)
    }
    for (; goesOn(); index++) {
      const here = `${path}[${index}]`
      if (index === max) {
        expectNoMore(position, terminator === undefined ? Math.floor(end) : this.stop(end), max, this.packet, here, 0)
      }
      let next = position
      try {
        next = this.type(of, { ...spot, path: here, name: "", at: position, scope: new Scope(position, spot.scope) })
      } catch (error) {
        if (!claimed) throw error
        short(this.packet, path, spot.at, `${count} elements of at least ${plural(least)}`, plural(Math.floor(end) - spot.at), end)
      }
      // elements without bytes would never end
      if (next === position) malformed("Length", this.packet, here, position, "an element", "no bytes")
      position = next
    }
    if (index < min) malformed("Length", this.packet, path, spot.at, `at least ${min} elements`, String(index))
    if (index === 0) this.note(path, spot.at, 0, `array of ${this.summary(of)}`, [], "[]", spot.doc)
    return position + (terminator?.length ?? 0)
  }

  /** Walks over the tokens of a line, `[at, end)` without what ends it. */
  tokens(type: Of<"tokens">, prefix: string, at: number, end: number, scope: Scope): void {
    const { fields } = type
    const separator = textOfHex(type.separator)
    const [first, second] = bytesOfDigits(type.separator)
    const size = separator.length
    const { packet, reader } = this
    const stopOf = (start: number): number => tokenEnd(reader.bytes, start, end, first!, second)
    /** Where the token before has ended; at first as if a separator stood before the line. */
    let position = at - size
    let spare: number | undefined
    const read = (of: TypeModel, name: string, doc: string | undefined, path: string, stop: number): void => {
      const start = position + size
      const next = this.type(of, { path, name, at: start, end: stop, scope, doc })
      if (next !== stop) expectEnd(next, stop, packet, path, 0)
      scope.place(name, start, stop)
      position = stop
    }
    for (const [i, { name, type: of, doc }] of fields.entries()) {
      const path = prefix + name
      const isLast = i === fields.length - 1
      if (spare === undefined && mayBeMissing(fields[i]!)) {
        const needed = fields.slice(i).filter((field) => !mayBeMissing(field)).length
        if (i > 0) expectTokenEnd(reader, position, end, separator, 0, packet, prefix + fields[i - 1]!.name)
        else if (needed === 0 && end === at) position = end
        spare = needed === 0 ? Infinity : tokensAfter(reader.bytes, position, end, first!, second) - needed
      }
      const isThere = spare !== undefined && spare > 0 && position < end
      if (of.kind === "array") {
        let count = 0
        for (; spare! > 0 && position < end; spare!--, count++) {
          if (count === of.max) malformed("Limit", packet, `${path}[${count}]`, position, `at most ${of.max} elements`, "more")
          read(of.of, "", doc, `${path}[${count}]`, stopOf(position + size))
        }
        // before the first token, the position is where a separator would stand
        if (of.min !== undefined) expectCountMin(count, of.min, packet, path, Math.max(at, position))
        if (count === 0) this.note(path, Math.max(at, position), 0, this.summary(of), [], "[]", doc)
      } else if (of.kind === "optional") {
        const start = position + size
        const stop = isThere ? stopOf(start) : start
        const says = (hex: string): boolean => isToken(reader.bytes, start, stop, textOfHex(hex))
        if (of.of.kind === "literal") {
          if (!isThere || !says(of.of.hex)) continue
          this.note(path, start, stop - start, "literal", true, quoted(textOfHex(of.of.hex)), doc)
          position = stop
        } else {
          if (!isThere || literalsAfter(fields, i).some(says)) continue
          read(of.of, name, doc, path, type.rest === true && isLast ? end : stop)
        }
        spare!--
      } else {
        if (position >= at) expectToken(reader, position, end, separator, 0, packet, path)
        const start = position + size
        // what cannot hold a separator takes the rest of the line, and is wrong where there is one
        const whole = isLast && (type.rest === true || of.kind === "decimal" || of.kind === "lengthOf" || of.kind === "countOf")
        if (of.kind !== "literal") read(of, name, doc, path, whole ? end : stopOf(start))
        else {
          position = this.type(of, { path, name, at: start, end, scope, doc })
          scope.place(name, start, position)
          const next = fields[i + 1]
          if (spare !== undefined) expectTokenEnd(reader, position, end, separator, 0, packet, path)
          else if (next !== undefined && !mayBeMissing(next)) expectLiteral(reader, position, end, separator, 0, packet, path)
        }
      }
    }
    if (position !== end) expectEnd(position, end, packet, prefix + (fields.at(-1)?.name ?? ""), 0)
  }

  /** Runs for a record that may lie within others of its type. */
  deeper(type: Of<"struct" | "choice">, { path, at }: Spot, run: () => number): number {
    const max = this.catalog.depthOf(type.ref)
    if (max === undefined) return run()
    const depth = this.depths.get(type.ref) ?? 0
    if (depth >= max) malformed("Limit", this.packet, path, at, `at most ${max} records within one another`, "more")
    this.depths.set(type.ref, depth + 1)
    const next = run()
    this.depths.set(type.ref, depth)
    return next
  }

  /** Runs for a record of a byte order of its own. */
  inOrder(order: "big" | "little" | "given" | undefined, run: () => number): number {
    const outer = this.little
    if (order !== "given") this.little = false
    const next = run()
    this.little = outer
    return next
  }
}
