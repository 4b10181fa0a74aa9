/**
 * Prints tokens: fields that stand in a line with separators between them.
 *
 * A line is read in one pass from left to right, without a list of its tokens: what may be missing is there while the line goes on. Only
 * where something needed follows what may be missing are the tokens counted first.
 */
import { bytesOfDigits, textOfHex } from "@wirewright/codec/Hex"
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { fixedLine, literalsAfter, mayBeMissing } from "@wirewright/codec/words/Tokens"
import { capital, lengthOf, local, quote } from "../Names.ts"
import type { FieldReader } from "../print/Decode.ts"
import { elementErrors } from "../print/Objects.ts"
import { Position } from "../print/Position.ts"
import type { FieldWriter } from "../print/Encode.ts"
import { checkedMark } from "./Presence.ts"
import { checkedCount } from "./Records.ts"
import type { Named, Word } from "./Word.ts"

type Tokens = Extract<TypeModel, { readonly kind: "tokens" }>

const sizeOf = (type: Tokens): number => type.separator.length / 2

/** The bytes of the separator as arguments. */
const separatorBytes = (type: Tokens): string => [...bytesOfDigits(type.separator)].join(", ")

/** Reads the tokens of one line. */
class TokenReader {
  private readonly reader: FieldReader
  private readonly type: Tokens
  private readonly stop: string
  /** Name of the variable that holds where the token before has ended, once that depends on what is there. */
  private next: string | undefined
  /** Name of the variable that holds how many tokens there are for what may be missing. */
  private spare: string | undefined
  /** Whether `next` is known to be at a separator or the end of the line. */
  private atEnd = false
  /** Whether `next` may be where a separator would stand before the line. */
  private isVirtual = false
  private readonly start: string

  constructor(reader: FieldReader, type: Tokens, stop: string) {
    this.reader = reader
    this.type = type
    this.stop = stop
    this.start = String(reader.at)
  }

  run(): void {
    const { reader, type } = this
    for (const [index, field] of type.fields.entries()) {
      if (mayBeMissing(field)) this.open(index)
      if (field.type.kind === "array") this.array(field, field.type)
      else if (field.type.kind === "optional") this.optional(field, field.type.of, index)
      else this.required(field, index)
    }
    const last = this.next ?? String(reader.at)
    const isAll = type.fields.at(-1)?.type.kind === "array" && this.spare === undefined
    if (last !== this.stop && !isAll) {
      const path = type.fields.at(-1)?.name ?? ""
      reader.lines.push(`${reader.use("expectEnd")}(${last}, ${this.stop}, ${reader.where(path)}, ${reader.origin})`)
    }
  }

  private isRest(field: FieldModel): boolean {
    return this.type.rest === true && field === this.type.fields.at(-1)
  }

  /** Makes a variable of the position, and counts when that is needed. */
  private open(index: number): void {
    const { reader, type } = this
    if (this.next !== undefined) return
    this.next = reader.fresh("next")
    if (index === 0) {
      // as if a separator stood before the first token; an empty line has none
      const virtual = String(new Position(reader.at.base, reader.at.offset - sizeOf(type))).replace("+ -", "- ")
      const empty = type.fields.some((field) => !mayBeMissing(field)) ? virtual : `${this.stop} > ${this.start} ? ${virtual} : ${this.stop}`
      reader.lines.push(`let ${this.next} = ${empty}`)
      this.atEnd = true
      this.isVirtual = true
    } else {
      this.close(type.fields[index - 1]!.name)
      reader.lines.push(`let ${this.next} = ${reader.at}`)
    }
    const needed = type.fields.slice(index).filter((field) => !mayBeMissing(field)).length
    if (needed === 0) return
    this.spare = reader.fresh("spare")
    reader.lines.push(
      `let ${this.spare} = ${reader.use("tokensAfter")}(reader.bytes, ${this.next}, ${this.stop}, ${separatorBytes(type)}) - ${needed}`
    )
  }

  /** The token before ends where the position is. */
  private close(name: string): void {
    const { reader, type } = this
    if (this.atEnd) return
    reader.lines.push(
      `${reader.use("expectTokenEnd")}(reader, ${reader.at}, ${this.stop}, ${quote(textOfHex(type.separator))}, ${reader.origin}, ${
        reader.where(name)
      })`
    )
    this.atEnd = true
  }

  private tokenEnd(reader: FieldReader): string {
    return `${reader.use("tokenEnd")}(reader.bytes, ${reader.at}, ${this.stop}, ${separatorBytes(this.type)})`
  }

  /** Reads one token at the reader's position, up to `stop` when that is known; returns its value, and where it ends. */
  private token(reader: FieldReader, name: string, as: Named, of: TypeModel, known?: string): { value?: string; stop: string } {
    const stop = known ?? reader.constant(`${local(name)}Stop`, this.tokenEnd(reader))
    const value = reader.value(of, as, stop)
    if (String(reader.at) !== stop) {
      reader.lines.push(`${reader.use("expectEnd")}(${reader.at}, ${stop}, ${reader.where(as.path)}, ${reader.origin})`)
    }
    return { stop, ...(value === undefined ? {} : { value }) }
  }

  private required(field: FieldModel, index: number): void {
    const { reader, type } = this
    const { name, type: of } = field
    const here = this.next
    if (here !== undefined) {
      const more = `${reader.use("expectNextToken")}(${here}, ${this.stop}, ${reader.where(name)}, ${reader.offset(here)})`
      // before the first token there is only the thought of a separator
      reader.lines.push(mayBeMissing(type.fields[0]!) ? `if (${here} >= ${this.start}) ${more}` : more)
      // what is read from here may be made only after the variable has moved on
      reader.moveTo(reader.constant(`${local(name)}Start`, String(new Position(here, sizeOf(type)))))
    } else if (index > 0 && !this.crossed) {
      reader.lines.push(
        `${reader.use("expectNextToken")}(${reader.at}, ${this.stop}, ${reader.where(name)}, ${reader.offset(String(reader.at))})`
      )
      reader.advance(sizeOf(type))
    }
    this.crossed = false
    if (of.kind === "literal") {
      const following = type.fields[index + 1]
      const crosses = here === undefined && following !== undefined && !mayBeMissing(following)
      reader.literal(of.hex + (crosses ? type.separator : ""), this.stop, name)
      this.crossed = crosses
      this.atEnd = false
      if (here !== undefined) {
        this.close(name)
        reader.lines.push(`${here} = ${reader.at}`)
      }
      return
    }
    // what cannot hold a separator needs no search for one at the end of the line
    const isLast = index === type.fields.length - 1
    const whole = this.isRest(field) || isLast && (of.kind === "decimal" || of.kind === "lengthOf" || of.kind === "countOf")
    const { stop, value } = this.token(reader, name, { ...field, path: name }, of, whole ? this.stop : undefined)
    if (value !== undefined) reader.values.set(name, value)
    this.atEnd = true
    if (here === undefined) reader.moveTo(stop)
    else reader.lines.push(`${here} = ${stop}`)
  }

  /** Whether the separator before the next token has been read with the literal before. */
  private crossed = false

  private optional(field: FieldModel, of: TypeModel, index: number): void {
    const { reader, type } = this
    const { name } = field
    const next = this.next!
    const inner = reader.child(new Position(next, sizeOf(type)))
    const condition = this.spare === undefined ? `${next} < ${this.stop}` : `${this.spare} > 0`
    const counted = this.spare === undefined ? [] : [`${this.spare}--`]
    if (of.kind === "literal") {
      const there = reader.fresh(`has${capital(name)}`)
      const stop = inner.constant(`${local(name)}Stop`, this.tokenEnd(inner))
      reader.lines.push(
        `let ${there} = false`,
        `if (${condition}) {`,
        ...inner.lines.map((line) => `  ${line}`),
        `  if (${reader.use("isToken")}(reader.bytes, ${inner.at}, ${stop}, ${quote(textOfHex(of.hex))})) {`,
        `    ${there} = true`,
        `    ${next} = ${stop}`,
        ...counted.map((line) => `    ${line}`),
        "  }",
        "}"
      )
      reader.values.set(name, there)
      return
    }
    const others = this.isRest(field) ? [] : literalsAfter(type.fields, index)
    const guarded = others.length === 0 ? undefined : inner.constant(`${local(name)}Stop`, this.tokenEnd(inner))
    const guard = others.map((hex) => `!${reader.use("isToken")}(reader.bytes, ${inner.at}, ${guarded}, ${quote(textOfHex(hex))})`)
      .join(" && ")
    const head = inner.lines.splice(0)
    const { stop, value } = this.token(inner, name, { ...field, path: name }, of, this.isRest(field) ? this.stop : guarded)
    const visible = value !== undefined
    const variable = reader.fresh(`maybe${capital(name)}`)
    const body = [...inner.lines, ...(visible ? [`${variable} = ${value}`] : []), `${next} = ${stop}`, ...counted]
    reader.lines.push(
      ...(visible ? [`let ${variable}: ${reader.context.typeText(reader.module, of)} | undefined`] : []),
      `if (${condition}) {`,
      ...head.map((line) => `  ${line}`),
      ...(guard === "" ? body.map((line) => `  ${line}`) : [`  if (${guard}) {`, ...body.map((line) => `    ${line}`), "  }"]),
      "}"
    )
    if (visible) reader.values.set(name, variable)
  }

  private array(field: FieldModel, of: TypeModel & { readonly kind: "array" }): void {
    const { reader, type } = this
    const { name } = field
    const next = this.next!
    const list = reader.fresh(local(name))
    const inner = reader.child(new Position(next, sizeOf(type)))
    const { stop, value } = this.token(inner, name, { name: "", path: "" }, of.of)
    const condition = this.spare === undefined ? `${next} < ${this.stop}` : `${this.spare}-- > 0`
    const limit = of.max === undefined
      ? []
      : [
        `    if (${list}.length === ${of.max}) ${reader.use("malformed")}("Limit", "", "", ${reader.offset(next)}, ` +
        `"at most ${of.max} elements", "more")`
      ]
    const element = reader.context.elementText(reader.module, of.of)
    const length = `${list}.length`
    reader.lines.push(
      `let ${list}: Array<${element}> = []`,
      ...elementErrors(reader, reader.where(name), length, [
        `  while (${condition}) {`,
        ...limit,
        ...inner.lines.map((line) => `    ${line}`),
        `    ${list} = ${reader.use("withElement")}(${list}, ${value})`,
        `    ${next} = ${stop}`,
        "  }"
      ])
    )
    if (of.min !== undefined) {
      const at = this.isVirtual ? `Math.max(${this.start}, ${next})` : next
      reader.lines.push(
        `${reader.use("expectCountMin")}(${list}.length, ${of.min}, ${reader.where(name)}, ${reader.offset(at)})`
      )
    }
    reader.values.set(name, list)
  }
}

const readTokens = (reader: FieldReader, type: Tokens, field: Named, end: string): undefined => {
  const fixed = fixedLine(type)
  if (fixed !== undefined) {
    reader.literal(fixed, end, type.fields[0]!.name)
    return undefined
  }
  const stop = type.until === undefined
    ? /^\w+$/.test(reader.floor(end)) ? end : reader.constant("lineEnd", reader.floor(end))
    : reader.findUntil(type.until, { ...field, name: "line" }, end)
  new TokenReader(reader, type, stop).run()
  reader.moveTo(stop, (type.until?.length ?? 0) / 2)
  return undefined
}

/** Whether a type is written as text that may be like a literal. */
const mayBe = (of: TypeModel, hex: string): boolean =>
  of.kind === "decimal" ? /^-?\d+$/.test(textOfHex(hex)) : of.kind !== "literal" && of.kind !== "lengthOf" && of.kind !== "countOf"

/** What a token must not be, because the literal of an optional field would be read instead. */
const notBeside = (fields: ReadonlyArray<FieldModel>, index: number): ReadonlyArray<string> => {
  const out = fields[index]!.type.kind === "optional" ? [...literalsAfter(fields, index)] : []
  for (let i = index - 1; i >= 0; i--) {
    const { type } = fields[i]!
    if (type.kind !== "optional") break
    if (type.of.kind === "literal") out.push(type.of.hex)
  }
  return out
}

/** Statements that refuse what would be read as another field: nothing may be missing before something that is not told by its text. */
const checkPresence = (writer: FieldWriter, { fields }: Tokens): void => {
  for (const [i, { name, type }] of fields.entries()) {
    if (type.kind !== "optional" || type.of.kind === "literal") continue
    let beside = true
    for (const other of fields.slice(i + 1)) {
      if (!mayBeMissing(other)) {
        beside = false
        continue
      }
      if (beside && other.type.kind === "optional" && other.type.of.kind === "literal") continue
      const value = writer.value(other.name)
      const there = other.type.kind === "array"
        ? `${value}?.length > 0`
        : writer.context.isVisible(other.type) && other.type.kind === "optional" && other.type.of.kind !== "literal"
        ? `${value} !== undefined`
        : `${value} === true`
      writer.lines.push(
        `if (${writer.value(name)} === undefined && ${there}) ${writer.use("unencodable")}("Missing", ` +
          `${writer.where(name)}, ${quote(`a value, because ${other.name} has one`)}, "undefined")`
      )
    }
  }
}

const writeTokens = (writer: FieldWriter, type: Tokens): void => {
  const { fields } = type
  const separator = textOfHex(type.separator)
  const ending = type.until === undefined ? undefined : textOfHex(type.until)
  checkPresence(writer, type)
  // whether a token has been written, where the first may be missing
  const begun = fields[0] !== undefined && mayBeMissing(fields[0]) ? writer.fresh("begun") : undefined
  const whole = begun !== undefined && fields.every(mayBeMissing) ? writer.mark("lineFrom") : undefined
  if (begun !== undefined) writer.lines.push(`let ${begun} = false`)
  const check = (inner: FieldWriter, from: string, isRest: boolean, isLast: boolean, path: string): void => {
    const until = (text: string): void => {
      // no separator follows the last token: it may end with a part of one
      const after = isLast && text === separator && ending !== separator ? `, 1, ${quote(ending ?? "")}` : ""
      inner.lines.push(`${inner.use("checkUntil")}(bytes, ${from}, position, ${quote(text)}, ${inner.where(path)}${after})`)
    }
    if (!isRest && separator.length === 1 && (ending === undefined || ending.length === 1 || ending === "\r\n")) {
      const last = (ending ?? separator).charCodeAt((ending ?? separator).length - 1)
      inner.lines.push(
        `${inner.use("checkToken")}(bytes, ${from}, position, ${separator.charCodeAt(0)}, ${last}, ${inner.where(path)})`
      )
      return
    }
    if (!isRest) until(separator)
    if (ending !== undefined && (isRest || ending !== separator)) until(ending)
  }
  const token = (inner: FieldWriter, of: TypeModel, field: Named, value: string, index: number): void => {
    if (begun !== undefined) {
      inner.settle()
      inner.lines.push(`if (${begun}) position = ${inner.use("putLiteral")}(bytes, position, ${quote(separator)})`, `${begun} = true`)
    } else if (index > 0) inner.literal(type.separator)
    const others = notBeside(fields, index).filter((hex) => mayBe(of, hex))
    const isSafe = of.kind === "literal" || of.kind === "lengthOf" || of.kind === "countOf" || of.kind === "decimal"
    const from = isSafe && others.length === 0 ? "" : inner.mark(`${local(field.name)}Token`)
    inner.write(of, field, value)
    if (from === "") return
    inner.settle()
    const isLast = index === fields.length - 1
    if (!isSafe) check(inner, from, type.rest === true && isLast, isLast && fields[index]!.type.kind !== "array", field.path)
    for (const hex of others) {
      inner.lines.push(`${inner.use("checkNotToken")}(bytes, ${from}, position, ${quote(textOfHex(hex))}, ${inner.where(field.path)})`)
    }
  }
  for (const [i, { name, type: of }] of fields.entries()) {
    const value = writer.value(name)
    if (of.kind === "optional") {
      const isThere = of.of.kind === "literal" ? `${value} === true` : `${value} !== undefined`
      if (of.of.kind === "literal") writer.lines.push(checkedMark(writer, value, name))
      writer.branch(isThere, (inner) => token(inner, of.of, { name, path: name }, value, i))
    } else if (of.kind === "array") {
      writer.settle()
      const index = writer.fresh(`${local(name)}Index`)
      const element = writer.fresh(`${local(name)}Element`)
      const inner = writer.child()
      token(inner, of.of, { name: element, path: "" }, element, i)
      inner.settle()
      if (of.min !== undefined) writer.lines.push(`${writer.use("checkCountMin")}(${value}?.length, ${of.min}, ${writer.where(name)})`)
      writer.lines.push(checkedCount(writer, value, of.max, name))
      writer.lines.push(
        `let ${index} = 0`,
        ...elementErrors(writer, writer.where(name), index, [
          `  for (const ${element} of ${value}) {`,
          ...inner.lines.map((line) => `    ${line}`),
          `    ${index}++`,
          "  }"
        ], value)
      )
    } else token(writer, of, { name, path: name }, value, i)
  }
  if (whole !== undefined) {
    writer.settle()
    writer.lines.push(`${writer.use("checkLine")}(${begun} && position === ${whole}, ${writer.where(fields[0]!.name)})`)
  }
  if (type.until !== undefined) writer.literal(type.until)
}

/** The words of this file. */
export const tokensWords: { readonly tokens: Word<Tokens> } = {
  tokens: {
    text: () => "never",
    read: readTokens,
    write: writeTokens,
    bound: (context, module, type, value) => {
      const separators = type.fields.length * sizeOf(type)
      const record = value.slice(0, Math.max(0, value.lastIndexOf(".")))
      const inner = type.fields.map((field: FieldModel) => {
        const own = `${record}.${field.name}`
        const bound = context.bound(module, field.type, own)
        const many = field.type.kind === "array" ? [`${lengthOf(module, own)} * ${sizeOf(type)}`] : []
        return { fixed: bound.fixed, terms: [...bound.terms, ...many] }
      })
      return {
        fixed: inner.reduce((sum, one) => sum + one.fixed, separators + (type.until?.length ?? 0) / 2),
        terms: inner.flatMap((one) => one.terms)
      }
    }
  }
}
