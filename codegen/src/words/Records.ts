/** Prints records, choices, arrays and framing extras; and bits and tokens, which are fields of the record around them. */
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { textOfHex } from "@wirewright/codec/words/Numbers"
import { hex, intSize, local } from "../Names.ts"
import { codec } from "../print/Context.ts"
import { type FieldReader, Position } from "../print/Decode.ts"
import type { FieldWriter } from "../print/Encode.ts"
import { getInt, putInt, readEscaped, writeEscaped } from "./Numbers.ts"
import type { Named, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

const quote = (text: string): string => JSON.stringify(text)

/** How elements end. */
interface Extent {
  /** Expression of their number. */
  readonly count?: string
  /** Terminator in hexadecimal digits. */
  readonly until?: string | undefined
  readonly max?: number | undefined
}

/** Prints the loop that reads elements; returns the name of the array. */
export const readElements = (reader: FieldReader, of: TypeModel, field: Named, end: string, { count, until, max }: Extent): string => {
  const { context, module } = reader
  const base = local(field.name === "" ? "elements" : field.name)
  const name = reader.fresh(base)
  const at = reader.fresh(`${base}At`)
  const start = String(reader.at)
  const where = reader.where(field.path)
  const least = context.minimumSize(of)
  if (count !== undefined) {
    if (max !== undefined) reader.lines.push(`${reader.use("expectCount")}(${count}, ${max}, ${where}, ${reader.offset(start)})`)
    reader.lines.push(
      `${reader.use("expectRoom")}(${count}, ${least}, ${end} - ${reader.grouped()}, ${where}, ${reader.offset(start)})`
    )
  }
  const inner = reader.child(new Position(at))
  const value = inner.value(of, { name: "", path: "" }, end)
  const terminator = textOfHex(until ?? "")
  const goesOn = count !== undefined
    ? `${name}.length < ${count}`
    : until === undefined
    ? `${end} - ${at} >= 1`
    : `!${reader.use("endStands")}(reader, ${quote(terminator)}, ${at}, ${end}, ${reader.origin}, "", "")`
  const limit = max === undefined || count !== undefined
    ? []
    : [`    if (${name}.length === ${max}) ${reader.use("expectNoMore")}(${at}, ${until === undefined ? reader.floor(end) : end}, ${max}, "", "", ${reader.origin})`]
  reader.lines.push(
    `const ${name}: Array<${context.elementText(module, of)}> = []`,
    `let ${at} = ${start}`,
    "try {",
    `  while (${goesOn}) {`,
    ...limit,
    ...inner.lines.map((line) => `    ${line}`),
    `    ${name}.push(${value})`,
    `    ${at} = ${inner.at}`,
    "  }",
    "} catch (error) {",
    `  throw ${reader.use("inElement")}(error, ${reader.where(field.path)}, ${name}.length)`,
    "}"
  )
  reader.moveTo(at, terminator.length)
  return name
}

/** Prints the loop that writes elements. */
export const writeElements = (
  writer: FieldWriter,
  of: TypeModel,
  field: Named,
  value: string,
  max: number | undefined,
  until?: string
): void => {
  const base = local(field.name === "" ? "elements" : field.name)
  const where = writer.where(field.path)
  if (max !== undefined) writer.lines.push(`${writer.use("checkCount")}(${value}.length, ${max}, ${where})`)
  writer.settle()
  const index = writer.fresh(`${base}Index`)
  const element = writer.fresh(`${base}Element`)
  const inner = writer.child()
  // an element must not look like the end; one that is shorter than that together with what follows it
  const terminator = textOfHex(until ?? "")
  const starts = terminator.length > writer.context.minimumSize(of) ? writer.fresh(`${base}Starts`) : undefined
  const start = until === undefined ? undefined : starts === undefined ? inner.mark(inner.fresh(`${base}Start`)) : "position"
  if (starts !== undefined) inner.lines.push(`${starts}.push(position)`)
  inner.write(of, { name: element, path: "" }, element)
  inner.settle()
  const check = (at: string): string => `${writer.use("checkElement")}(bytes, ${at}, position, ${quote(terminator)}, "", "")`
  if (start !== undefined && starts === undefined) inner.lines.push(check(start))
  writer.lines.push(
    ...(starts === undefined ? [] : [`const ${starts}: Array<number> = []`]),
    `let ${index} = 0`,
    "try {",
    `  for (const ${element} of ${value}) {`,
    ...inner.lines.map((line) => `    ${line}`),
    `    ${index}++`,
    "  }",
    "} catch (error) {",
    `  throw ${writer.use("inElement")}(error, ${where}, ${index})`,
    "}"
  )
  if (until === undefined) return
  writer.literal(until)
  if (starts === undefined) return
  writer.settle()
  writer.lines.push(
    `${index} = 0`,
    "try {",
    `  for (; ${index} < ${starts}.length; ${index}++) ${check(`${starts}[${index}]!`)}`,
    "} catch (error) {",
    `  throw ${writer.use("inElement")}(error, ${where}, ${index})`,
    "}"
  )
}

/** Reads a record by its own function. */
const readRecord = (reader: FieldReader, type: Of<"struct" | "choice">, field: Named, end: string): string => {
  const { context, module } = reader
  const read = module.use(context.from(type.ref), `read${type.ref}`)
  const tag = reader.scope.tags.get(field.name)
  const extra = `${tag === undefined ? "" : `, ${tag}`}${reader.contextFor(type)}`
  // an element's errors are given their path by the loop
  const value = field.path === ""
    ? `${read}(reader, ${reader.at}, ${end}, ${reader.origin}${extra})`
    : extra === ""
    ? `${reader.use("readNested")}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)}, ${read})`
    : `${reader.use("within")}(${reader.where(field.path)}, () => ${read}(reader, ${reader.at}, ${end}, ${reader.origin}${extra}))`
  const name = reader.constant(local(field.name === "" ? "element" : field.name), value)
  const size = context.fixedSize(type)
  if (size === undefined) reader.moveToNext(field.name === "" ? "element" : field.name)
  else reader.advance(size)
  return name
}

const writeRecord = (writer: FieldWriter, type: Of<"struct" | "choice">, field: Named, value: string): void => {
  const { context, module } = writer
  const write = module.use(context.from(type.ref), `write${type.ref}`)
  const extra = writer.contextFor(type)
  writer.advance(
    field.path === ""
      ? `${write}(writer, ${writer.here}, ${value}${extra})`
      : extra === ""
      ? `${writer.use("writeNested")}(writer, ${writer.here}, ${value}, ${writer.where(field.path)}, ${write})`
      : `${writer.use("within")}(${writer.where(field.path)}, () => ${write}(writer, ${writer.here}, ${value}${extra}))`
  )
}

const recordWord = <T extends Of<"struct" | "choice">>(): Word<T> => ({
  text: (context, module, type) => module.useType(context.from(type.ref), type.ref),
  read: readRecord,
  write: writeRecord,
  bound: (context, module, type, value) => {
    const fixed = context.fixedSize(type)
    return fixed === undefined
      ? { fixed: 0, terms: [`${module.use(context.from(type.ref), `bound${type.ref}`)}(${value})`] }
      : { fixed, terms: [] }
  }
})

/** Statements that take the fields of some bits out of `value`. */
const readBits = (reader: FieldReader, type: Of<"bits">, { path }: Named, end: string): undefined => {
  const { int, order } = type.of
  const at = String(reader.at)
  const size = intSize(int)
  // an escaped number makes the whole of varying size, so that nobody has looked whether the bits are there
  if (type.fields.some(({ escaped }) => escaped !== undefined)) reader.need(size, path, end)
  const raw = reader.constant("bits", getInt(reader.module, int, at, reader.orderOf(order)))
  reader.advance(size)
  let named = 0
  for (const field of type.fields) {
    const width = field.high - field.low + 1
    const mask = 2 ** width - 1
    named += mask * 2 ** field.low
    const shifted = field.low === 0 ? raw : `${raw} >>> ${field.low}`
    const value = width === size * 8 ? raw : field.low === 0 ? `${raw} & ${hex(mask)}` : `${shifted} & ${hex(mask)}`
    const where = reader.where(field.name)
    if (field.value !== undefined) {
      reader.lines.push(`${reader.use("expectConstant")}(${value}, ${hex(field.value)}, ${where}, ${reader.offset(at)})`)
      continue
    }
    const name = reader.constant(local(field.name), value)
    if (field.role === "opcode") {
      reader.numbers.set(field.name, name)
      continue
    }
    if (field.escaped !== undefined || field.role === "bodyLength") {
      const whole = field.escaped === undefined
        ? name
        : readEscaped(reader, field.escaped, { name: field.name, path: field.name }, name, at, end)
      if (field.role === "bodyLength") {
        const number = field.escaped?.escapes.some(({ of }) => intSize(of.int) === 8) === true
          ? reader.constant("bodyLength", `${reader.use("safeLength")}(${whole}, ${where}, ${reader.offset(at)})`)
          : whole
        reader.scope.lengths.set("", { value: number })
        reader.scope.places.set("", [at, String(reader.at)])
        continue
      }
      reader.numbers.set(field.name, whole)
      reader.values.set(field.name, whole)
      continue
    }
    reader.numbers.set(field.name, name)
    if (field.ref !== undefined) {
      const of = reader.context.named(field.ref)
      if (of.kind === "enumeration" && of.unknown === "error") {
        const known = `${reader.module.use(reader.context.from(field.ref), `is${field.ref}`)}(${name})`
        const expected = `one of ${of.values.map((one) => one.value).join(", ")}`
        reader.lines.push(`${reader.use("expectKnown")}(${known}, ${name}, ${where}, ${reader.offset(at)}, ${quote(expected)})`)
      }
    }
    if (field.tagOf !== undefined) reader.scope.tags.set(field.tagOf, name)
    else if (field.presenceOf === undefined) reader.values.set(field.name, name)
  }
  const rest = 2 ** (size * 8) - 1 - named
  if (rest !== 0) {
    reader.lines.push(`${reader.use("expectNoBits")}(${raw} & ${hex(rest)}, ${reader.where(path)}, ${reader.offset(at)})`)
  }
  return undefined
}

const writeBits = (writer: FieldWriter, type: Of<"bits">, field: Named): void => {
  const parts: Array<string> = []
  let escaped: (() => void) | undefined
  const putBits = (): void => {
    const sum = parts.length === 0 ? "0" : parts.join(" | ")
    writer.lines.push(putInt(writer, type.of.int, type.of.order, writer.here, `(${sum}) >>> 0`, field.path))
    writer.skip(intSize(type.of.int))
  }
  for (const one of type.fields) {
    const max = 2 ** (one.high - one.low + 1) - 1
    const shift = (value: string): string => one.low === 0 ? value : `${value} << ${one.low}`
    if (one.value !== undefined) {
      if (one.value !== 0) parts.push(shift(hex(one.value)))
    } else if (one.presenceOf !== undefined) {
      parts.push(`(${writer.presence(one.presenceOf)} ? ${hex(2 ** one.low)} : 0)`)
    } else if (one.escaped !== undefined) {
      const { escaped: model, name } = one
      const big = model.escapes.some(({ of }) => intSize(of.int) === 8)
      const value = one.role === "bodyLength" && big ? `BigInt(${writer.value(name)})` : writer.value(name)
      escaped = () =>
        writeEscaped(writer, model, { name, path: name }, value, (first) => {
          parts.push(shift(`(${first})`))
          putBits()
        })
    } else {
      const value = one.tagOf === undefined ? writer.value(one.name) : writer.tagOf(one.tagOf)
      const checked = `${writer.use("checkBits")}(${value}, ${hex(max)}, ${writer.where(one.name)})`
      const of = one.ref === undefined ? undefined : writer.context.named(one.ref)
      if (of?.kind === "enumeration" && of.unknown === "error") {
        const known = writer.module.use(writer.context.from(of.name), `is${of.name}`)
        const expected = `one of ${of.values.map((row) => row.value).join(", ")}`
        writer.lines.push(
          `${writer.use("checkKnown")}(${known}(${value}), ${value}, ${writer.where(one.name)}, ${quote(expected)})`
        )
      }
      parts.push(shift(checked))
    }
  }
  if (escaped === undefined) putBits()
  else escaped()
}

const isMany = (type: TypeModel): boolean => type.kind === "optional" || type.kind === "array"

/** Prints the reading of tokens: where each begins and ends, then what each says. */
const readTokens = (reader: FieldReader, type: Of<"tokens">, field: Named, end: string): undefined => {
  const separator = quote(textOfHex(type.separator))
  const stop = type.until === undefined ? reader.floor(end) : reader.findUntil(type.until, { ...field, name: "line" }, end)
  const required = type.fields.filter((one) => !isMany(one.type)).length
  const most = type.fields.some((one) => one.type.kind === "array") ? "Infinity" : String(type.fields.length)
  const path = type.fields[0]?.name ?? field.path
  const ends = reader.constant(
    "ends",
    `${reader.use("tokenEnds")}(reader, ${reader.at}, ${stop}, ${separator}, ${required}, ${most}, ${reader.origin}, ${reader.where(path)})`
  )
  const size = type.separator.length / 2
  const start = reader.constant("lineStart", String(reader.at))
  const from = (index: string): string => index === "0" ? start : `(${index} === 0 ? ${start} : ${ends}[${index} - 1]! + ${size})`
  let index = 0
  let spare: string | undefined
  const step = (): { begin: string; stop: string } => {
    if (spare === undefined) {
      const begin = index === 0 ? start : `${ends}[${index - 1}]! + ${size}`
      return { begin, stop: `${ends}[${index++}]!` }
    }
    const at = `${index++} + ${spare}`
    return { begin: from(at), stop: `${ends}[${at}]!` }
  }
  for (const one of type.fields) {
    const { name, type: of } = one
    const readOne = (inner: FieldReader, begin: string, finish: string, as: Named, element: TypeModel): string | undefined => {
      const tokenAt = inner.constant(`${local(name)}Start`, begin)
      const tokenEnd = inner.constant(`${local(name)}Stop`, finish)
      inner.moveTo(tokenAt)
      const value = inner.value(element, as, tokenEnd)
      if (String(inner.at) !== tokenEnd) {
        inner.lines.push(`${inner.use("expectEnd")}(${inner.at}, ${tokenEnd}, ${inner.where(as.path)}, ${inner.origin})`)
      }
      return value
    }
    if (of.kind === "array") {
      const count = reader.constant(`${local(name)}Count`, `${ends}.length - ${required}${spare === undefined ? "" : ` - ${spare}`}`)
      if (of.max !== undefined) reader.lines.push(`${reader.use("expectCount")}(${count}, ${of.max}, ${reader.where(name)}, 0)`)
      const list = reader.fresh(local(name))
      const k = reader.fresh("k")
      const inner = reader.child()
      const position = `${index} + ${spare === undefined ? "" : `${spare} + `}${k}`
      const value = readOne(inner, from(position), `${ends}[${position}]!`, { name: "", path: "" }, of.of)
      reader.lines.push(
        `const ${list}: Array<${reader.context.elementText(reader.module, of.of)}> = []`,
        "try {",
        `  for (let ${k} = 0; ${k} < ${count}; ${k}++) {`,
        ...inner.lines.map((line) => `    ${line}`),
        `    ${list}.push(${value})`,
        "  }",
        "} catch (error) {",
        `  throw ${reader.use("inElement")}(error, ${reader.where(name)}, ${list}.length)`,
        "}"
      )
      reader.values.set(name, list)
      spare = spare === undefined ? count : `${spare} + ${count}`
      continue
    }
    if (of.kind === "optional") {
      const had = spare ?? "0"
      const there = reader.constant(`has${name[0]!.toUpperCase()}${name.slice(1)}`, `${ends}.length - ${required} > ${had}`)
      const at = `${index} + ${had}`
      const inner = reader.child()
      const value = readOne(inner, from(at), `${ends}[${at}]!`, { ...one, path: name }, of.of)
      const text = reader.context.typeText(reader.module, of.of)
      const variable = reader.fresh(`maybe${name[0]!.toUpperCase()}${name.slice(1)}`)
      const visible = value !== undefined
      reader.lines.push(
        ...(visible ? [`let ${variable}: ${text} | undefined`] : []),
        `if (${there}) {`,
        ...inner.lines.map((line) => `  ${line}`),
        ...(visible ? [`  ${variable} = ${value}`] : []),
        "}"
      )
      if (visible) reader.values.set(name, variable)
      else reader.values.set(name, there)
      // counted on only where something comes after it
      if (one !== type.fields.at(-1)) spare = reader.constant("spare", `${had} + (${there} ? 1 : 0)`)
      continue
    }
    const { begin, stop: finish } = step()
    const value = readOne(reader, begin, finish, { ...one, path: name }, of)
    if (value !== undefined) reader.values.set(name, value)
  }
  reader.moveTo(stop, (type.until?.length ?? 0) / 2)
  return undefined
}

const writeTokens = (writer: FieldWriter, type: Of<"tokens">): void => {
  const separator = textOfHex(type.separator)
  const ending = type.until === undefined ? undefined : textOfHex(type.until)
  const optionals = type.fields.filter((one) => one.type.kind === "optional")
  optionals.forEach(({ name }, i) => {
    const next = optionals[i + 1]
    if (next === undefined) return
    writer.lines.push(
      `if (${writer.value(name)} === undefined && ${writer.value(next.name)} !== undefined) ${writer.use("unencodable")}("Missing", ` +
        `${writer.where(name)}, ${quote(`a value, because ${next.name} has one`)}, "undefined")`
    )
  })
  let first = true
  const token = (inner: FieldWriter, of: TypeModel, field: Named, value: string, leading: boolean): void => {
    if (!leading) inner.literal(type.separator)
    const open = of.kind === "literal" || of.kind === "lengthOf" || of.kind === "countOf" || of.kind === "decimal"
    const from = open ? "" : inner.mark(inner.fresh(`${local(field.name)}Token`))
    inner.write(of, field, value)
    inner.settle()
    if (open) return
    inner.lines.push(`${inner.use("checkUntil")}(bytes, ${from}, position, ${quote(separator)}, ${inner.where(field.path)})`)
    if (ending !== undefined && ending !== separator) {
      inner.lines.push(`${inner.use("checkUntil")}(bytes, ${from}, position, ${quote(ending)}, ${inner.where(field.path)})`)
    }
  }
  for (const { name, type: of } of type.fields) {
    const value = writer.value(name)
    const leading = first
    if (of.kind === "optional") {
      writer.settle()
      const visible = writer.context.isVisible(of.of)
      writer.branch(
        visible ? `${value} !== undefined` : `${value} === true`,
        (inner) => token(inner, of.of, { name, path: name }, value, leading)
      )
    } else if (of.kind === "array") {
      writer.settle()
      const index = writer.fresh(`${local(name)}Index`)
      const element = writer.fresh(`${local(name)}Element`)
      const inner = writer.child()
      if (leading) inner.lines.push(`if (${index} > 0) position = ${inner.use("putLiteral")}(bytes, position, ${quote(separator)})`)
      token(inner, of.of, { name: element, path: "" }, element, leading)
      if (of.max !== undefined) writer.lines.push(`${writer.use("checkCount")}(${value}.length, ${of.max}, ${writer.where(name)})`)
      writer.lines.push(
        `let ${index} = 0`,
        "try {",
        `  for (const ${element} of ${value}) {`,
        ...inner.lines.map((line) => `    ${line}`),
        `    ${index}++`,
        "  }",
        "} catch (error) {",
        `  throw ${writer.use("inElement")}(error, ${writer.where(name)}, ${index})`,
        "}"
      )
    } else token(writer, of, { name, path: name }, value, leading)
    first = false
  }
  if (type.until !== undefined) writer.literal(type.until)
}

/** The words of this file. */
export const recordWords: {
  readonly [K in "struct" | "choice" | "array" | "nibbleFrames" | "bits" | "tokens"]: Word<Of<K>>
} = {
  struct: recordWord<Of<"struct">>(),
  choice: recordWord<Of<"choice">>(),
  array: {
    text: (context, module, type) => `ReadonlyArray<${context.elementText(module, type.of)}>`,
    read: (reader, type, field, end) => {
      const count = reader.scope.counts.get(field.name)?.value
      return readElements(reader, type.of, field, end, { ...(count === undefined ? {} : { count }), until: type.until, max: type.max })
    },
    write: (writer, type, field, value) => {
      writeElements(writer, type.of, field, value, type.max, type.until)
    },
    bound: (context, module, type, value) => ({
      fixed: (type.until?.length ?? 0) / 2,
      terms: [context.boundElements(module, type.of, value)]
    })
  },
  nibbleFrames: {
    text: (context, module, type) => `ReadonlyArray<${module.useType(context.from(type.ref), type.ref)}>`,
    read: (reader, type, field, end) => {
      const { context, module } = reader
      const read = module.use(context.from(type.ref), `read${type.ref}`)
      const value = reader.constant(
        local(field.name),
        `${module.use(codec, "readNibbleFrames")}(reader, ${reader.at}, ${end}, ${reader.origin}, ${reader.where(field.path)}, ${read})`
      )
      reader.moveTo(end)
      return value
    },
    write: (writer, type, field, value) => {
      const write = writer.module.use(writer.context.from(type.ref), `write${type.ref}`)
      writer.advance(
        `${writer.use("writeElements")}(writer, ${writer.here}, ${value}, ${writer.where(field.path)}, Infinity, ${write})`
      )
    },
    bound: (context, module, type, value) => ({
      fixed: 0,
      terms: [`${module.use(codec, "boundElements")}(${value}, ${module.use(context.from(type.ref), `bound${type.ref}`)})`]
    })
  },
  bits: {
    text: () => "never",
    read: readBits,
    write: writeBits,
    bound: (_, __, type) => ({ fixed: intSize(type.of.int) + escapeBytes(type), terms: [] })
  },
  tokens: {
    text: () => "never",
    read: readTokens,
    write: writeTokens,
    bound: (context, module, type, value) => {
      const separators = type.fields.length * type.separator.length / 2
      const record = value.slice(0, Math.max(0, value.lastIndexOf(".")))
      const inner = type.fields.map((field: FieldModel) => {
        const own = `${record}.${field.name}`
        const bound = context.bound(module, field.type, own)
        const many = field.type.kind === "array" ? [`${own}.length * ${type.separator.length / 2}`] : []
        return { fixed: bound.fixed, terms: [...bound.terms, ...many] }
      })
      return {
        fixed: inner.reduce((sum, one) => sum + one.fixed, separators + (type.until?.length ?? 0) / 2),
        terms: inner.flatMap((one) => one.terms)
      }
    }
  }
}

const escapeBytes = (type: Of<"bits">): number =>
  Math.max(0, ...type.fields.flatMap(({ escaped }) => escaped === undefined ? [] : escaped.escapes.map(({ of }) => intSize(of.int))))
