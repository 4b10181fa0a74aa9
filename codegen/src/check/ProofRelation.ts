/**
 * The relation between values and bytes that a spec describes, without a decoder's choices: all values whose encoding some bytes are.
 *
 * A decoder has to pick one of them. Where there are two, no decoder can be right: the encoding is not injective.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { isToken, standsAt } from "@wirewright/codec/Ends"
import { DecodeError } from "@wirewright/codec/Errors"
import { bytesOfDigits, hexOf, textOfHex } from "@wirewright/codec/Hex"
import { LayoutWalk } from "@wirewright/codec/LayoutWalk"
import type { FieldModel, LengthModel, NumberModel, TypeModel } from "@wirewright/codec/Model"
import { numberAt } from "@wirewright/codec/words/Numbers"
import { holds } from "@wirewright/codec/words/Presence"
import { inState } from "@wirewright/codec/words/States"
import { isVisibleType, optionalIn } from "@wirewright/codec/words/Sizes"
import { literalsAfter, mayBeMissing } from "@wirewright/codec/words/Tokens"
import { flatFields, Scope } from "@wirewright/codec/words/Word"

/** What fields have said so far. */
interface Env {
  readonly numbers: ReadonlyMap<string, number>
  /** Lengths by their targets; null when they are absent. */
  readonly lengths: ReadonlyMap<string, number | null>
  readonly counts: ReadonlyMap<string, number | null>
  readonly tags: ReadonlyMap<string, number>
}

const nothing: Env = { numbers: new Map(), lengths: new Map(), counts: new Map(), tags: new Map() }

/** One way to read some bytes. */
export interface Reading {
  /** The value in words; nothing where packets carry none. */
  readonly text: string | undefined
  readonly next: number
  readonly env: Env
}

/** More ways than are worth looking at. */
export class Exhausted extends Error {
  override readonly name = "Exhausted"
}

const withEntry = <A>(map: ReadonlyMap<string, A>, key: string, value: A): ReadonlyMap<string, A> => new Map([...map, [key, value]])

/** Whether no optional field is there without the one that it requires. */
const requirementsHold = (fields: ReadonlyArray<FieldModel>, { numbers }: Env): boolean =>
  fields.every(({ name, type }) => {
    const requires = optionalIn(type)?.requires
    return requires === undefined || numbers.get(`?${name}`) !== 1 || numbers.get(`?${requires}`) !== 0
  })

/** Reads the same bytes in every way. */
export class Relation {
  private readonly catalog: Catalog
  private readonly bytes: Uint8Array
  private readonly states: ReadonlyMap<string, number>
  private steps: number

  constructor(catalog: Catalog, bytes: Uint8Array, states: ReadonlyMap<string, number>, steps: number) {
    this.catalog = catalog
    this.bytes = bytes
    this.states = states
    this.steps = steps
  }

  /** All values of fields that begin at `at` and do not go beyond `end`. */
  *record(fields: ReadonlyArray<FieldModel>, at: number, end: number, outer: Env = nothing): Iterable<Reading> {
    for (const { env, next, text } of this.fields(fields, 0, at, end, { ...nothing, numbers: outer.numbers }, [], new Map())) {
      yield { text: `{ ${text} }`, next, env }
    }
  }

  private *fields(
    fields: ReadonlyArray<FieldModel>,
    index: number,
    at: number,
    end: number,
    env: Env,
    values: ReadonlyArray<string>,
    starts: ReadonlyMap<string, number>
  ): Iterable<Reading> {
    const field = fields[index]
    if (field === undefined) {
      if (requirementsHold(flatFields(fields), env)) yield { text: values.join(", "), next: at, env }
      return
    }
    const here = withEntry(starts, field.name, at)
    for (const one of this.field(field, at, end, env)) {
      if (!this.groupsHold(field.name, here, one.next, one.env)) continue
      const text = one.text === undefined ? values : [...values, field.type.kind === "tokens" ? one.text : `${field.name}: ${one.text}`]
      yield* this.fields(fields, index + 1, one.next, end, one.env, text, here)
    }
  }

  /** Whether lengths of several fields, of which this is the last, are right. */
  private groupsHold(name: string, starts: ReadonlyMap<string, number>, next: number, env: Env): boolean {
    for (const [targets, length] of env.lengths) {
      const names = targets.split(" ")
      if (names.length > 1 && names.at(-1) === name && length !== null && next - (starts.get(names[0]!) ?? 0) !== length) return false
    }
    return true
  }

  private *field({ name, type }: FieldModel, at: number, end: number, env: Env): Iterable<Reading> {
    const length = env.lengths.get(name)
    const count = env.counts.get(name)
    if (length === null || count === null) {
      if ((length ?? 0) === 0 && (count ?? 0) === 0) yield { text: "null", next: at, env }
      return
    }
    if (length !== undefined) {
      if (length < 0 || length > end - at) return
      for (const one of this.present(type, name, at, at + length, env)) if (one.next === at + length) yield one
    } else yield* this.present(type, name, at, end, env)
  }

  /** Readings of a field, be it there or not. */
  private *present(type: TypeModel, name: string, at: number, end: number, env: Env): Iterable<Reading> {
    if (type.kind === "optional") {
      const there = type.if === undefined ? undefined : holds(type.if, env.numbers.get(type.if.field))
      if (there !== true) yield { text: undefined, next: at, env: { ...env, numbers: withEntry(env.numbers, `?${name}`, 0) } }
      if (there !== false) {
        for (const one of this.type(type.of, name, at, end, env)) {
          yield {
            ...one,
            text: type.of.kind === "literal" ? "true" : one.text,
            env: { ...one.env, numbers: withEntry(one.env.numbers, `?${name}`, 1) }
          }
        }
      }
    } else if (type.kind === "when") {
      const number = type.sibling === true ? env.numbers.get(type.state) : this.states.get(type.state)
      const of = inState(type, number) ? type.of : type.else
      if (of === undefined) yield { text: undefined, next: at, env }
      else yield* this.present(of, name, at, end, env)
    } else yield* this.type(type, name, at, end, env)
  }

  /** The number at `at`. */
  private number(type: NumberModel, at: number, end: number): readonly [value: number, next: number] | undefined {
    const walk = new LayoutWalk(this.catalog, this.bytes, this.states)
    try {
      const [value, next] = numberAt(walk, type, "", at, end)
      return [Number(value), next]
    } catch (error) {
      if (error instanceof DecodeError) return undefined
      throw error
    }
  }

  /** What a length on the wire stands for; nothing when it stands for none. */
  private meant({ absent, plus = 0, unit = 1 }: LengthModel, value: number): number | null | undefined {
    if (value === absent) return null
    return value - plus < 0 ? undefined : (value - plus) * unit
  }

  private *type(type: TypeModel, name: string, at: number, end: number, env: Env): Iterable<Reading> {
    if (this.steps-- <= 0) throw new Exhausted()
    switch (type.kind) {
      case "optional":
      case "when":
        return yield* this.present(type, name, at, end, env)
      case "lengthOf":
      case "countOf": {
        const read = this.number(type.of as NumberModel, at, end)
        if (read === undefined) return
        // the encoder never writes the wire value of null for a length that is there
        const meant = this.meant(type, read[0])
        if (meant === undefined) return
        const key = typeof type.target === "string" ? type.target : type.target.join(" ")
        const known = type.kind === "lengthOf" ? env.lengths : env.counts
        const before = known.get(key)
        if (before !== undefined && before !== meant) return
        const after = withEntry(known, key, meant)
        const numbers = withEntry(env.numbers, name, read[0])
        yield { text: undefined, next: read[1], env: { ...env, numbers, [type.kind === "lengthOf" ? "lengths" : "counts"]: after } }
        // a value may have the length that stands for null
        if (meant === null && read[0] - (type.plus ?? 0) >= 0) {
          const real = withEntry(known, key, (read[0] - (type.plus ?? 0)) * (type.unit ?? 1))
          yield { text: undefined, next: read[1], env: { ...env, numbers, [type.kind === "lengthOf" ? "lengths" : "counts"]: real } }
        }
        return
      }
      case "tagOf":
        for (const one of this.type(type.of, name, at, end, env)) {
          yield { ...one, text: undefined, env: { ...one.env, tags: withEntry(env.tags, type.target, one.env.numbers.get(name) ?? 0) } }
        }
        return
      case "prefixed": {
        const read = this.number(type.by, at, end)
        if (read === undefined) return
        const [value, from] = read
        if (value === type.absent) yield { text: "null", next: from, env }
        const stop = from + value - (type.plus ?? 0)
        if (stop < from || stop > end) return
        for (const one of this.type(type.of, name, from, stop, env)) {
          const next = this.literal(type.trailer, stop, end)
          if (one.next === stop && next !== undefined) yield { text: one.text, next, env }
        }
        return
      }
      case "counted": {
        const read = this.number(type.by, at, end)
        if (read === undefined) return
        if (read[0] === type.absent) yield { text: "null", next: read[1], env }
        const count = read[0] - (type.plus ?? 0)
        if (count >= 0 && count <= this.bytes.length) yield* this.elements(type.of, read[1], end, env, count, undefined)
        return
      }
      case "array":
        return yield* this.elements(type.of, at, end, env, env.counts.get(name) ?? undefined, type.until)
      case "struct": {
        const struct = this.catalog.typeOf("struct", type.ref)
        for (const one of this.record(struct.fields, at, end, env)) yield { ...one, env }
        return
      }
      case "choice":
        return yield* this.choice(type.ref, name, at, end, env)
      case "tokens":
        return yield* this.tokens(type, at, end, env)
      case "bytes":
      case "utf8":
      case "json":
      case "text":
      case "decimal":
      case "custom":
      case "nibbleFrames":
        if (this.endsHere(type)) return yield* this.leaf(type, name, at, end, env)
        for (let stop = at; stop <= end; stop++) {
          for (const one of this.leaf(type, name, at, stop, env)) if (one.next === stop) yield one
        }
        return
      default:
        return yield* this.leaf(type, name, at, end, env)
    }
  }

  private endsHere(type: TypeModel): boolean {
    return "until" in type && type.until !== undefined || "size" in type && type.size !== undefined ||
      type.kind === "custom" && type.fixed !== undefined
  }

  private literal(hex: string | undefined, at: number, end: number): number | undefined {
    if (hex === undefined) return at
    return standsAt(this.bytes, at, end, [...bytesOfDigits(hex)]) ? at + hex.length / 2 : undefined
  }

  /** What the word itself reads, where it has no choice. */
  private *leaf(type: TypeModel, name: string, at: number, end: number, env: Env): Iterable<Reading> {
    const walk = new LayoutWalk(this.catalog, this.bytes, this.states)
    const scope = new Scope(at)
    let next: number
    try {
      next = type.kind === "nibbleFrames" ? end : walk.type(type, { path: name, name, at, end, scope, doc: undefined })
    } catch (error) {
      if (error instanceof DecodeError) return
      throw error
    }
    const shown = type.kind === "bits"
      ? walk.spans.filter(({ path }) => type.fields.every((one) => one.name !== path || one.measures === undefined))
        .map(({ path, text }) => `${path}: ${text}`).join(", ")
      : walk.spans.at(-1)?.text || hexOf(this.bytes.subarray(at, next))
    const text = !isVisibleType(type) ? undefined : type.kind === "bytes" ? `0x${hexOf(this.bytes.subarray(at, next))}` : shown
    // lengths in bits say what others say
    if ([...scope.lengths].some(([key, length]) => (env.lengths.get(key) ?? length) !== length)) return
    yield {
      text,
      next,
      env: {
        ...env,
        numbers: new Map([...env.numbers, ...scope.values]),
        lengths: new Map([...env.lengths, ...scope.lengths]),
        counts: new Map([...env.counts, ...scope.counts])
      }
    }
  }

  private *elements(
    of: TypeModel,
    at: number,
    end: number,
    env: Env,
    count: number | undefined,
    until: string | undefined,
    values: ReadonlyArray<string> = []
  ): Iterable<Reading> {
    if (this.steps-- <= 0) throw new Exhausted()
    const whole = (next: number): Reading => ({ text: `[${values.join(", ")}]`, next, env })
    if (count === undefined ? until === undefined : values.length === count) yield whole(at)
    if (count === undefined && until !== undefined) {
      const next = this.literal(until, at, end)
      if (next !== undefined) {
        // no element is written that begins like the end
        yield whole(next)
        return
      }
    }
    if (values.length === count) return
    for (const one of this.type(of, "", at, end, env)) {
      if (one.next > at) yield* this.elements(of, one.next, end, env, count, until, [...values, one.text ?? "…"])
    }
  }

  private *choice(ref: string, name: string, at: number, end: number, env: Env): Iterable<Reading> {
    const choice = this.catalog.typeOf("choice", ref)
    let tag = env.tags.get(name) ?? 0
    let from = at
    if (choice.tag !== undefined) {
      const read = this.number(choice.tag, at, end)
      if (read === undefined) return
      ;[tag, from] = read
    }
    const found = choice.cases.find((one) => one.tag === tag)
    if (found !== undefined) {
      for (const one of this.record(found.fields, from, end, env)) yield { text: `${found.name} ${one.text}`, next: one.next, env }
    } else if (choice.unknown === "keep") {
      for (let next = from; next <= end; next++) yield { text: `Unknown ${tag} 0x${hexOf(this.bytes.subarray(from, next))}`, next, env }
    }
  }

  private *tokens(type: Extract<TypeModel, { readonly kind: "tokens" }>, at: number, end: number, env: Env): Iterable<Reading> {
    const until = type.until === undefined ? undefined : [...bytesOfDigits(type.until)]
    let stop = at
    while (until !== undefined && stop < end && !standsAt(this.bytes, stop, end, until)) stop++
    if (until !== undefined && stop >= end) return
    for (const last of until !== undefined ? [stop] : Array.from({ length: end - at + 1 }, (_, i) => at + i)) {
      const next = last + (until?.length ?? 0)
      const separator = [...bytesOfDigits(type.separator)]
      const tokens: Array<readonly [number, number]> = []
      let from = at
      for (let i = at; i < last; i++) {
        if (!standsAt(this.bytes, i, last, separator)) continue
        tokens.push([from, i])
        from = i + separator.length
        i = from - 1
      }
      tokens.push([from, last])
      // an empty line is no token, or one that is empty
      const spellings = last === at ? [[], tokens] : [tokens]
      for (const spelling of spellings) for (const one of this.assign(type, 0, spelling, 0, env, [])) yield { ...one, next }
    }
  }

  private *assign(
    line: Extract<TypeModel, { readonly kind: "tokens" }>,
    index: number,
    tokens: ReadonlyArray<readonly [number, number]>,
    used: number,
    env: Env,
    values: ReadonlyArray<string>
  ): Iterable<Reading> {
    if (this.steps-- <= 0) throw new Exhausted()
    const field = line.fields[index]
    if (field === undefined) {
      if (used === tokens.length) yield { text: values.join(", "), next: 0, env }
      return
    }
    const { name, type } = field
    const isRest = line.rest === true && index === line.fields.length - 1
    const after = isRest ? tokens.length : used + 1
    const one = (of: TypeModel): Array<Reading> => {
      const token = tokens[used]
      if (token === undefined) return []
      const stop = isRest ? tokens.at(-1)![1] : token[1]
      return [...this.type(of, name, token[0], stop, env)].filter(({ next }) => next === stop)
    }
    const needed = line.fields.slice(index).filter((other) => !mayBeMissing(other)).length
    const says = (hex: string): boolean => {
      const token = tokens[used]
      return token !== undefined && tokens.length - used > needed && isToken(this.bytes, token[0], token[1], textOfHex(hex))
    }
    if (type.kind === "array") {
      const list = function*(self: Relation, from: number, texts: ReadonlyArray<string>): Iterable<Reading> {
        if (texts.length >= (type.min ?? 0)) {
          yield* self.assign(line, index + 1, tokens, from, env, [...values, `${name}: [${texts.join(", ")}]`])
        }
        const token = tokens[from]
        if (token === undefined) return
        for (const { next, text } of self.type(type.of, "", token[0], token[1], env)) {
          if (next === token[1]) yield* list(self, from + 1, [...texts, text ?? "…"])
        }
      }
      return yield* list(this, used, [])
    }
    if (type.kind === "optional") {
      // a token that is the literal is the literal
      const isLiteral = type.of.kind === "literal" && says(type.of.hex)
      if (!isLiteral) yield* this.assign(line, index + 1, tokens, used, { ...env, numbers: withEntry(env.numbers, `?${name}`, 0) }, values)
      if (literalsAfter(line.fields, index).some(says)) return
    }
    for (const { env: then, text } of one(type.kind === "optional" ? type.of : type)) {
      const shown = type.kind === "optional" && type.of.kind === "literal" ? "true" : text
      const known = type.kind === "optional" ? { ...then, numbers: withEntry(then.numbers, `?${name}`, 1) } : then
      yield* this.assign(line, index + 1, tokens, after, known, shown === undefined ? values : [...values, `${name}: ${shown}`])
    }
  }
}
