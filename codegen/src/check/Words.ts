/** Rules of single words: numbers that fit, terminators, slices, arithmetic of lengths, checksums; and whom a word names among its siblings. */
import type { BitFieldModel, EscapedModel, FieldModel, LengthModel, NumberModel, SliceModel, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { isInAllStates } from "@wirewright/codec/words/Presence"
import { isVisibleType, optionalIn, targetOf, unwrapped } from "@wirewright/codec/words/Sizes"
import type { Context } from "../print/Context.ts"
import type { Complaint } from "../Finding.ts"
import { intSize } from "../Names.ts"
import { choicesIn } from "../Resolve.ts"
import { at, type Place, rangeOf } from "./Place.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Rules of a type that stands for a field; types within it have been looked at by their own names. `inToken`: its end is known. */
export function* checkWord(place: Place, name: string, type: TypeModel, inToken = false): Iterable<Complaint> {
  const path = [name]
  switch (type.kind) {
    case "varint":
    case "escaped":
      return yield* checkNumber(place, path, type)
    case "bits":
      return yield* checkBits(place, name, type)
    case "bytes":
    case "utf8":
    case "json":
    case "text":
      yield* checkSize(place, name, { max: type.max, size: type.size })
      if (type.until !== undefined && type.size !== undefined) {
        yield at(place, "WW205", path, `${name} has both a size and an end`, "keep `size`, or keep `until`")
      }
      if (type.until !== undefined && type.kind === "text" && type.encoding.startsWith("utf16") && type.until.length !== 4) {
        yield at(
          place,
          "WW207",
          path,
          `${name} is UTF-16 and ends with more than one character`,
          "end it with one character: until: 0"
        )
      }
      return
    case "bool":
      if (type.true.startsWith(type.false) || type.false.startsWith(type.true)) {
        yield at(place, "WW208", path, `one text of ${name} begins like the other`, "give two texts that differ: bool(\"T\", \"F\")")
      }
      return
    case "lengthOf":
    case "countOf":
      // within bits their slice is looked at
      if (type.of.kind === "slice") return
      yield* checkNumber(place, path, type.of)
      if (!inToken) yield* checkEnd(place, name, type.of)
      return
    case "prefixed":
    case "counted":
      yield* checkNumber(place, path, type.by)
      yield* checkEnd(place, name, type.by)
      yield* checkArithmetic(place, path, type, type.by, type.kind === "counted" ? countsOf(type) : lengthsOf(place, type.of))
      if (type.kind === "counted") {
        yield* checkElement(place, name, type.of)
        yield* checkSize(place, name, { max: type.max })
      }
      return yield* checkMeasured(place, name, type.of, type.kind === "prefixed")
    case "array":
      yield* checkElement(place, name, type.of)
      yield* checkSize(place, name, { max: type.max })
      return yield* checkMeasured(place, name, type.of)
    case "constant": {
      const { min, max } = rangeOf(type.int)
      if (typeof type.value === "number" && !Number.isSafeInteger(type.value) || BigInt(type.value) < min || BigInt(type.value) > max) {
        yield at(place, "WW130", path, `${type.value} does not fit ${type.int}`, `${type.int} holds ${min}…${max}`)
      }
      return
    }
    case "optional":
      if (type.of.kind === "optional" || type.of.kind === "when") {
        yield at(
          place,
          "WW126",
          path,
          `${name} is optional twice`,
          type.of.kind === "when" ? "write when(…, optional(…))" : "once is enough"
        )
      }
      return yield* checkInner(place, name, type.of, inToken)
    case "when":
      if (type.sibling !== true && !place.states.includes(type.state)) {
        yield at(
          place,
          "WW129",
          path,
          `the frame declares no connection state ${type.state}`,
          `declare it in the frame's states (${place.states.join(", ") || "none so far"})`
        )
      }
      if ((type.from ?? -Infinity) > (type.to ?? Infinity)) {
        yield at(place, "WW234", path, `${name} is there from ${type.from} to ${type.to}, which is never`, "let `from` be at most `to`")
      }
      yield* checkInner(place, name, type.of, inToken)
      if (type.else !== undefined) yield* checkInner(place, name, type.else, inToken)
      return
    case "tokens":
      return yield* checkTokens(place, type)
    case "align":
      if (!Number.isSafeInteger(type.to) || type.to < 2 || type.to > 4096) {
        yield at(place, "WW242", path, `nothing is aligned to ${type.to} bytes`, "give a whole number of 2…4096")
      }
      return
    case "checksum":
      if (intWidth[type.of.int] !== checksumWidths[type.algorithm] || type.of.int.startsWith("i")) {
        yield at(place, "WW241", path, `${type.algorithm} does not fit ${type.of.int}`, `use u${8 * (checksumWidths[type.algorithm] ?? 1)}`)
      } else if (type.xor !== undefined && (type.xor < 1 || BigInt(type.xor) > rangeOf(type.of.int).max)) {
        yield at(place, "WW241", path, `xor ${type.xor} does not fit ${type.of.int}`, `give one of 1…${rangeOf(type.of.int).max}, or none`)
      }
      return
    case "custom":
      if (type.fixed !== undefined && type.fixed < type.minimum || type.minimum < 0) {
        yield at(
          place,
          "WW243",
          path,
          `${name} takes ${type.fixed ?? type.minimum} bytes and at least ${type.minimum}`,
          "let `fixed` be at least `minimum`, and both positive"
        )
      }
  }
}

/** Rules of a type within another. */
function* checkInner(place: Place, name: string, type: TypeModel, inToken = false): Iterable<Complaint> {
  if (type.kind === "bits") {
    yield at(place, "WW215", [name], `the bits of ${name} are within another word`, "put them into a struct of their own")
  } else yield* checkWord(place, name, type, inToken)
}

/** Rules of what has a length, and of elements. */
function* checkMeasured(place: Place, name: string, type: TypeModel, inToken = false): Iterable<Complaint> {
  if (type.kind === "when") {
    yield at(
      place,
      "WW216",
      [name],
      `the versions of ${name} are within what holds them`,
      "write when(…, array(…), { else: array(…) }), with `prefixed` or `counted` alike"
    )
  } else yield* checkInner(place, name, type, inToken)
}

/** What stands in a list tells where it ends, and takes bytes. */
function* checkElement(place: Place, name: string, of: TypeModel): Iterable<Complaint> {
  if (place.context.minimumSize(of) === 0) {
    yield at(
      place,
      "WW131",
      [name],
      `elements of ${name} may take no bytes, so their number is unbounded`,
      "give the element a field of fixed width or a length"
    )
  } else if (!place.context.ends(of)) {
    yield at(place, "WW131", [name], `elements of ${name} do not say where they end`, "give each its length: prefixed(u16, …)")
  }
}

function* checkSize(
  place: Place,
  name: string,
  { max, size }: { readonly max?: number | undefined; readonly size?: number | undefined }
): Iterable<Complaint> {
  for (const value of [max, size]) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      yield at(place, "WW133", [name], `${value} is no size`, "give a whole number of bytes")
    }
  }
  if (max !== undefined && size !== undefined) yield at(place, "WW133", [name], "both size and max are given", "a fixed size needs no max")
}

const checksumWidths: { readonly [algorithm: string]: number } = {
  "crc32": 4,
  "crc32c": 4,
  "crc16-modbus": 2,
  "crc16-ccitt": 2,
  "adler32": 4,
  "internet": 2,
  "sum8": 1,
  "xor8": 1
}

function* checkNumber(place: Place, path: ReadonlyArray<string>, type: NumberModel): Iterable<Complaint> {
  if (type.kind === "varint") {
    const most = type.encoding === "quic" ? (type.bits === 64 ? 8 : 4) : type.bits === 64 ? 10 : 5
    const fits = type.maxBytes >= 1 && type.maxBytes <= most && (type.encoding !== "quic" || [1, 2, 4, 8].includes(type.maxBytes))
    if (!fits) {
      yield at(
        place,
        "WW201",
        path,
        `a ${type.encoding} of ${type.bits} bits does not take ${type.maxBytes} bytes`,
        `give maxBytes of 1…${most}${type.encoding === "quic" ? ", a power of two" : ""}`
      )
    }
  } else if (type.kind === "escaped") {
    const own = type.of.kind === "int" ? numberRange(type.of).max : (1n << BigInt(type.of.high - type.of.low + 1)) - 1n
    yield* checkEscapes(place, path, type, own)
  }
}

function* checkEscapes(place: Place, path: ReadonlyArray<string>, type: EscapedModel, own: bigint): Iterable<Complaint> {
  const complain = (message: string, hint: string): Complaint => at(place, "WW202", path, message, hint)
  if (BigInt(type.max) > own || type.max < 0) {
    return yield complain(`max ${type.max} does not fit, the largest is ${own}`, `give a max below ${own}`)
  }
  if (type.escapes.length === 0) {
    return yield complain("there is no escape", "say which value announces which wider integer: { max: 125, 126: u16 }")
  }
  let largest = BigInt(type.max)
  for (const { of, value } of type.escapes) {
    if (value <= type.max || BigInt(value) > own) {
      return yield complain(
        `escape ${value} is not above max ${type.max} and at most ${own}`,
        "values up to max stand for themselves: let escapes lie above"
      )
    }
    const { max, min } = numberRange(of)
    if (min < 0n || max <= largest) {
      return yield complain(
        `escape ${value} announces ${of.int}, which holds no more than what is before it`,
        "let escapes ascend in width, unsigned"
      )
    }
    largest = max
  }
}

/** A number in front of something must say where it ends itself. */
function* checkEnd(place: Place, name: string, of: NumberModel): Iterable<Complaint> {
  if (of.kind === "decimal" && of.until === undefined) {
    yield at(place, "WW223", [name], `nothing says where the digits of ${name} end`, "end them: decimal({ until: \"\\r\\n\" })")
  }
}

function* checkBits(place: Place, name: string, type: Of<"bits">): Iterable<Complaint> {
  const { int } = type.of
  if (int.startsWith("i")) {
    return yield at(place, "WW212", [name], `bits cannot be fields of a ${int}`, `use u${int.slice(1)}`)
  }
  const width = 8 * intWidth[int]
  const owner = new Map<number, string>()
  for (const field of type.fields) {
    const { high, low } = field
    if (low < 0 || high < low || high >= width) {
      yield at(
        place,
        "WW210",
        [name, field.name],
        `bits ${high} to ${low} are not in ${int}`,
        `give the higher bit first: slice(${Math.max(high, low)}, ${Math.min(high, low)}), within 0…${width - 1}`
      )
      continue
    }
    if (high - low >= 53) {
      yield at(place, "WW212", [name, field.name], `${field.name} has ${high - low + 1} bits; a number is exact up to 53`, "use two slices")
    }
    for (let bit = low; bit <= high; bit++) {
      const other = owner.get(bit)
      if (other !== undefined) {
        yield at(place, "WW211", [name, field.name], `bit ${bit} of ${field.name} is ${other}'s already`, "let slices not overlap")
        break
      }
      owner.set(bit, field.name)
    }
    yield* checkSlice(place, name, field)
  }
}

function* checkSlice(place: Place, name: string, field: BitFieldModel): Iterable<Complaint> {
  const largest = 2 ** (field.high - field.low + 1) - 1
  const named = field.ref === undefined ? undefined : place.context.named(field.ref)
  const over = named?.kind === "enumeration" ? named.values.find(({ value }) => value < 0 || value > largest)?.value : undefined
  const value = field.value ?? over
  if (value !== undefined && (value < 0 || value > largest)) {
    yield at(place, "WW213", [name, field.name], `${value} does not fit the bits of ${field.name}`, `they hold 0…${largest}`)
  }
  if (field.escaped !== undefined) yield* checkEscapes(place, [name, field.name], field.escaped, BigInt(largest))
  if (field.presenceOf !== undefined && field.high !== field.low) {
    yield at(
      place,
      "WW214",
      [name, field.name],
      `${field.name} says whether ${field.presenceOf.join(", ")} is there, with more than one bit`,
      `give it one bit: slice(${field.low}), or use valueOf`
    )
  }
}

const separatorText = (hex: string): string =>
  JSON.stringify(String.fromCharCode(...hex.match(/../g)!.map((pair) => Number.parseInt(pair, 16))))

function* checkTokens(place: Place, type: Of<"tokens">): Iterable<Complaint> {
  for (const { name, type: of } of type.fields) {
    const inner = of.kind === "optional" || of.kind === "array" ? of.of : of
    if (inner.kind === "literal" && inner.hex.includes(type.separator) && inner.hex.indexOf(type.separator) % 2 === 0) {
      yield at(
        place,
        "WW261",
        [name],
        `the literal ${name} contains the separator ${separatorText(type.separator)}`,
        "write a literal for each token"
      )
    }
    if ("until" in inner && inner.until !== undefined) {
      yield at(place, "WW262", [name], `the token ${name} ends with the separator already`, "drop its `until`")
    }
    if (inner.kind === "lengthOf" || inner.kind === "countOf") {
      if (inner.of.kind !== "decimal") {
        yield at(place, "WW263", [name], `the token ${name} is no text: its bytes may be the separator`, "write it in digits: decimal()")
      }
    } else if (!isTextual(place.context, inner)) {
      yield at(
        place,
        "WW263",
        [name],
        `the token ${name} is no text: its bytes may be the separator`,
        "use utf8(), decimal(), a literal or bytes() in tokens, and put the rest after the line"
      )
    }
    // separators tell the elements of a list apart
    if (of.kind === "array") yield* checkSize(place, name, { max: of.max })
    yield* checkWord(place, name, of.kind === "array" ? of.of : of, true)
  }
}

const textual: ReadonlySet<TypeModel["kind"]> = new Set(["utf8", "text", "json", "bytes", "decimal", "literal", "bool", "custom"])

/** Whether a type is text, of which the encoder can say that the separator is not in it; a tag of one byte is a character. */
const isTextual = (context: Context, type: TypeModel): boolean => {
  if (textual.has(type.kind)) return true
  if (type.kind !== "struct" && type.kind !== "choice" && type.kind !== "enumeration") return false
  const of = context.named(type.ref)
  if (of.kind === "enumeration") return intSize(of.int) === 1 && of.values.every(({ value }) => value > 0x20 && value < 0x7f)
  const runs = of.kind === "struct" ? [of.fields] : of.kind === "choice" && of.tag?.kind === "int" && intSize(of.tag.int) === 1
    ? of.cases.map(({ fields }) => fields)
    : []
  return runs.length > 0 && runs.flat().every((field) => isTextual(context, unwrapped(field.type)))
}

/** Numbers that lengths of something can be. */
interface Range {
  readonly least: number
  readonly most: number
}

const lengthsOf = (place: Place, type: TypeModel): Range => {
  const fixed = place.context.fixedSize(type)
  const most = (type.kind === "bytes" || type.kind === "utf8" || type.kind === "json" || type.kind === "text") && type.max !== undefined
    ? type.max
    : place.most ?? Infinity
  return fixed === undefined ? { least: place.context.minimumSize(type), most } : { least: fixed, most: fixed }
}

const countsOf = (type: { readonly max?: number }): Range => ({ least: 0, most: type.max ?? Infinity })

function* checkArithmetic(
  place: Place,
  path: ReadonlyArray<string>,
  { absent, plus = 0, unit = 1 }: LengthModel,
  of: NumberModel | SliceModel,
  range: Range
): Iterable<Complaint> {
  const { max, min } = numberRange(of)
  if (range.least === range.most && range.least % unit !== 0) {
    return yield at(place, "WW222", path, `${range.least} bytes are no multiple of ${unit}`, "let the unit divide the size")
  }
  const [least, most] = [Math.ceil(range.least / unit) + plus, Math.floor(range.most / unit) + plus]
  if (least < min || BigInt(least) > max) {
    yield at(
      place,
      "WW222",
      path,
      `a length of ${range.least} would be written as ${least}, which does not fit`,
      plus < 0 ? `let plus be at least ${-range.least || 0}, or what it measures have a min of ${-plus}` : "use a wider number"
    )
  }
  if (absent === undefined) return
  if (BigInt(absent) < min || BigInt(absent) > max) {
    yield at(place, "WW220", path, `absent ${absent} does not fit`, `the number holds ${min}…${max}`)
  } else if (absent >= least && absent <= most) {
    const size = (absent - plus) * unit
    yield at(
      place,
      "WW221",
      path,
      `${absent} on the wire means null, and a length of ${size}: null and a value of ${size} have the same ${
        of.kind === "int" ? "length field" : "number"
      }`,
      size === range.least && plus <= 0
        ? `let lengths begin above it: plus: ${absent + 1 - range.least}`
        : "choose a number that no length has, such as -1 of a signed one, or a `max` below it"
    )
  }
}

/**
 * Rules for whom fields name. `fields` are all of the packet or record, in wire order, `slices` those of them that are bits; `outer` stands
 * before them; `covered` is what a checksum may be over, where that is more than the fields.
 */
export function* checkSiblings(
  place: Place,
  fields: ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]>,
  slices: ReadonlySet<string>,
  outer: ReadonlyArray<FieldModel> = [],
  covered?: ReadonlyArray<string>
): Iterable<Complaint> {
  const position = new Map<string, number>([
    ...outer.map(({ name }) => [name, -1] as const),
    ...fields.map(([, field], i) => [field.name, i] as const)
  ])
  const types = new Map([...outer, ...fields.map(([, field]) => field)].map(({ name, type }) => [name, type]))
  const known = [...types.keys()].join(", ") || "(none)"
  // a checksum covers bytes, so that bits go by the name of their number
  const wholes = covered ?? [...new Set(fields.map(([path, field]) => slices.has(field.name) ? path.at(-2)! : field.name))]
  const chosen = new Map<string, string>()
  const nulls = new Map<string, string>()
  for (const [i, [path, { name, type }]] of fields.entries()) {
    const before = (rule: string, who: string, what: string): Complaint | undefined => {
      const there = position.get(who)
      if (there === undefined) return at(place, rule, path, `${what} of ${name} names ${who}, which is not there`, `name one of: ${known}`)
      if (there >= i) return at(place, rule, path, `${what} of ${name} names ${who}, which stands after it`, `put ${who} in front`)
      return undefined
    }
    const condition = optionalIn(type)?.if
    if (condition !== undefined) {
      const wrong = before("WW230", condition.field, condition.kind)
      if (wrong !== undefined) yield wrong
      else yield* checkCondition(place, path, name, condition, types.get(condition.field)!, slices.has(condition.field))
    }
    yield* checkTold(place, path, name, type, types)
    if (type.kind === "when" && type.sibling === true) {
      const wrong = before("WW233", type.state, "when")
      if (wrong !== undefined) yield wrong
      else if (!isNumber(types.get(type.state)!)) {
        yield at(place, "WW233", path, `when of ${name} names ${type.state}, ${whyNoNumber(types.get(type.state)!)}`, "name an integer")
      }
    }
    for (const ref of choicesIn(type)) {
      const choice = place.context.named(ref)
      if (choice.kind !== "choice" || choice.by === undefined) continue
      const wrong = before("WW232", choice.by, "by")
      if (wrong !== undefined) {
        yield wrong
        continue
      }
      const tag = types.get(choice.by)!
      const other = chosen.get(choice.by)
      if (other !== undefined) {
        yield at(place, "WW232", path, `${choice.by} selects the case of ${other} already`, "let each choice have a number of its own")
      }
      chosen.set(choice.by, name)
      const number = tag.kind === "tagOf" ? tag.of : tag
      const range = number.kind === "enumeration"
        ? enumRange(place, number)
        : number.kind === "int" || number.kind === "varint"
        ? numberRange(number)
        : undefined
      const over = range === undefined ? undefined : choice.cases.find((one) => one.tag < range.min || one.tag > range.max)
      if (range === undefined) {
        yield at(place, "WW232", path, `by of ${name} names ${choice.by}, which is no integer`, "name an integer or an enumeration")
      } else if (over !== undefined) {
        yield at(place, "WW232", path, `tag ${over.tag} of ${over.name} does not fit ${choice.by}`, `it holds ${range.min}…${range.max}`)
      }
    }
    const length = unwrapped(type)
    if (length.kind === "lengthOf" || length.kind === "countOf") {
      const targets = typeof length.target === "string" ? [length.target] : length.target
      const target = targets.length === 1 ? types.get(targets[0]!) : undefined
      if (target !== undefined) {
        const inner = unwrapped(target)
        const range = length.kind === "countOf" ? countsOf(inner as { readonly max?: number }) : lengthsOf(place, inner)
        yield* checkArithmetic(place, slices.has(name) ? path : [name], length, length.of, range)
        const says = length.absent === undefined ? "no null" : "null"
        const key = targets[0]!
        if ((nulls.get(key) ?? says) !== says) {
          yield at(
            place,
            "WW224",
            path,
            `${name} and another field disagree on whether ${key} may be null`,
            "say `absent` in both, or in neither"
          )
        }
        nulls.set(key, says)
      }
    }
  }
  if (covered === undefined) yield* checkSums(place, fields, wholes)
}

/** Rules for checksums among fields; `names` is all that they may be over, in wire order. */
export function* checkSums(
  place: Place,
  fields: ReadonlyArray<readonly [ReadonlyArray<string>, FieldModel]>,
  names: ReadonlyArray<string>
): Iterable<Complaint> {
  const sums = fields.flatMap(([path, { name, type }]) => type.kind === "checksum" ? [{ path, name, type }] : [])
  for (const { name, path, type } of sums) yield* checkOver(place, path, name, type, names)
  // each is written when what it covers has been, in the order in which they stand
  const order = new Map(sums.map(({ name, type }) => {
    const [own, last] = [names.indexOf(name), names.indexOf(type.over.at(-1) ?? "")]
    return [name, [Math.max(own, last), last < own ? 0 : 1, own] as const] as const
  }))
  const isLater = (a: string, b: string): boolean => {
    const [one, other] = [order.get(a)!, order.get(b)!]
    const i = one.findIndex((value, at) => value !== other[at])
    return i >= 0 && one[i]! > other[i]!
  }
  for (const { name, path, type } of sums) {
    const later = type.over.find((one) => order.has(one) && isLater(one, name))
    if (later === undefined) continue
    yield at(
      place,
      "WW240",
      path,
      `${name} is over ${later}, which is computed after it`,
      `leave ${later} out, or put it in front of ${name}`
    )
  }
}

const isNumber = (type: TypeModel): boolean =>
  ["int", "slice", "varint", "enumeration", "flags", "tagOf", "constant", "decimal", "bcd", "escaped"].includes(unwrapped(type).kind)

/** Why a field is no number that packets carry. */
const whyNoNumber = (type: TypeModel): string => {
  const { kind } = unwrapped(type)
  return kind === "lengthOf" || kind === "countOf" ? "which is derived from what it measures" : "which is no number"
}

const enumRange = (place: Place, type: Of<"enumeration">): { readonly min: bigint; readonly max: bigint } | undefined => {
  const named = place.context.named(type.ref)
  return named.kind === "enumeration" ? rangeOf(named.int) : undefined
}

function* checkCondition(
  place: Place,
  path: ReadonlyArray<string>,
  name: string,
  condition: NonNullable<Of<"optional">["if"]>,
  type: TypeModel,
  isSlice: boolean
): Iterable<Complaint> {
  if (condition.kind === "valueOf") {
    if (condition.values.length === 0) {
      yield at(place, "WW231", path, `${name} is there with no value of ${condition.field}`, "name at least one value")
    }
    if (!isNumber(type)) {
      yield at(place, "WW231", path, `valueOf of ${name} names ${condition.field}, ${whyNoNumber(type)}`, "name an integer")
    }
    const range = type.kind === "int" || type.kind === "varint"
      ? numberRange(type)
      : type.kind === "enumeration"
      ? enumRange(place, type)
      : undefined
    const over = range === undefined ? undefined : condition.values.find((value) => value < range.min || value > range.max)
    if (over !== undefined) yield at(place, "WW231", path, `${condition.field} is never ${over}`, `it holds ${range!.min}…${range!.max}`)
    return
  }
  if (condition.bit === undefined) {
    if (!isSlice) {
      yield at(
        place,
        "WW230",
        path,
        `bitOf of ${name} names ${condition.field}, which is no slice`,
        "name a one-bit slice of a `bits`, or a flag: bitOf(\"flags\", \"will\")"
      )
    }
    return
  }
  const named = type.kind === "flags" ? place.context.named(type.ref) : undefined
  if (named?.kind !== "flags") {
    return yield at(place, "WW230", path, `bitOf of ${name} names ${condition.field}, which has no flags`, "name a field of `flags`")
  }
  if (!named.bits.some(({ bit }) => bit === condition.bit)) {
    yield at(
      place,
      "WW230",
      path,
      `${condition.field} has no flag that says whether ${name} is there`,
      `name one of: ${named.bits.map((one) => one.name).join(", ")}`
    )
  }
}

/** Whether a field is there is told by what packets carry; `types` are those of all fields. */
function* checkTold(
  place: Place,
  path: ReadonlyArray<string>,
  name: string,
  type: TypeModel,
  types: ReadonlyMap<string, TypeModel>
): Iterable<Complaint> {
  const other = type.kind === "when" && type.else !== undefined ? optionalIn(type.else)?.if : undefined
  if (other?.kind === "bitOf" && !isInAllStates(type)) {
    yield at(
      place,
      "WW230",
      path,
      `bitOf in the \`else\` of ${name} says nothing of what stands there otherwise`,
      "name the same bit on both sides"
    )
  }
  if (isVisibleType(type)) return
  const target = targetOf(type)
  const optional = optionalIn(type)
  const condition = optional?.if
  const isSame = (one: TypeModel): boolean => {
    const of = optionalIn(one)?.if
    return isVisibleType(one) && of?.kind === "bitOf" && condition?.kind === "bitOf" && of.field === condition.field &&
      of.bit === condition.bit
  }
  const isTold = optional === undefined || condition?.kind === "valueOf" ||
    (condition === undefined ? target !== undefined : [...types.values()].some(isSame))
  if (!isTold) {
    yield at(
      place,
      "WW235",
      path,
      `nothing that packets carry says whether ${name} is there`,
      target === undefined
        ? `write a literal, which is told by true, or let a value tell: valueOf("kind", [1])`
        : `let the same bit tell of ${target}, too`
    )
  }
  const of = target === undefined ? undefined : types.get(target)
  if (type.kind === "when" && place.context.saysState(type) && of !== undefined && !(of.kind === "when" && of.state === type.state)) {
    yield at(
      place,
      "WW235",
      path,
      `nothing that packets carry says whether ${name} is there: ${target} is there in all states`,
      `write when(${JSON.stringify(type.state)}, …) for ${target}, too`
    )
  }
}

/** A checksum covers fields that are among `names`, in wire order and without gaps. */
function* checkOver(
  place: Place,
  path: ReadonlyArray<string>,
  name: string,
  type: Of<"checksum">,
  names: ReadonlyArray<string>
): Iterable<Complaint> {
  const missing = type.over.find((one) => !names.includes(one))
  // it may stand within what it covers
  const others = names.filter((one) => one !== name)
  const first = others.indexOf(type.over[0]!)
  if (type.over.length === 0) yield at(place, "WW240", path, `${name} is a checksum of nothing`, "name siblings that follow one another")
  else if (missing !== undefined) {
    yield at(
      place,
      "WW240",
      path,
      `${name} is over ${missing}, which is not there`,
      `name one of: ${others.join(", ")}`
    )
  } else if (type.over.includes(name)) yield at(place, "WW240", path, `${name} is over itself`, "leave it out")
  else if (others.slice(first, first + type.over.length).join(" ") !== type.over.join(" ")) {
    yield at(place, "WW240", path, `${type.over.join(", ")} do not follow one another`, "name them in wire order, without gaps")
  }
}
