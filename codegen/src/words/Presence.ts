/** Prints what may be missing. Reading decides in `FieldReader`, where what siblings say is known. */
import type { TypeModel } from "@wirewright/codec/Model"
import { optionalIn, targetOf } from "@wirewright/codec/words/Sizes"
import { local } from "../Names.ts"
import type { FieldWriter } from "../print/Encode.ts"
import { wordOf } from "./Registry.ts"
import type { Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** What JavaScript tells of the values of a type; nothing where it tells nothing. Null is left to the type that has it. */
const looksOf = (type: TypeModel, value: string): ReadonlyArray<string> | undefined => {
  switch (type.kind) {
    case "when": {
      const [one, other] = [looksOf(type.of, value), type.else === undefined ? [] : looksOf(type.else, value)]
      return one === undefined || other === undefined ? undefined : [...one, ...other]
    }
    case "optional":
    case "prefixed":
      return looksOf(type.of, value)
    case "utf8":
    case "text":
    case "json":
    case "domainName":
      return [`typeof ${value} === "string"`]
    case "bytes":
      return [`${value} instanceof Uint8Array`]
    case "array":
    case "counted":
      return [`Array.isArray(${value})`]
    case "struct":
    case "choice":
      return [`typeof ${value} === "object" && ${value} !== null && !Array.isArray(${value}) && !(${value} instanceof Uint8Array)`]
    default:
      return undefined
  }
}

/** The check that a value says whether a literal is there. */
export const checkedMark = (writer: FieldWriter, value: string, path: string): string =>
  `${writer.use("checkMark")}(${value}, ${writer.where(path)})`

/** The words of this file. */
export const presenceWords: { readonly [K in "optional" | "when"]: Word<Of<K>> } = {
  optional: {
    text: (context, module, type) => type.of.kind === "literal" ? "boolean" : context.typeText(module, type.of),
    read: (reader, type, field, end) => wordOf(type.of).read(reader, type.of, field, end),
    write: (writer, type, field, value) => {
      const isVisible = type.of.kind === "literal" || writer.context.isVisible(type.of)
      if (type.if?.kind === "valueOf" && isVisible) {
        writer.lines.push(
          `${writer.use("checkPresence")}(${type.of.kind === "literal" ? `${value} === true` : `${value} !== undefined`}, ${
            writer.hasValue(type.if)
          }, ${writer.where(field.path)}, ${JSON.stringify(`${type.if.field} is ${type.if.values.join(" or ")}`)})`
        )
      }
      writer.settle()
      if (type.of.kind === "literal") {
        writer.lines.push(checkedMark(writer, value, field.path))
        return writer.branch(`${value} === true`, (inner) => inner.write(type.of, field, value))
      }
      if (!isVisible) return writer.branch(writer.presenceOf(type), (inner) => inner.write(type.of, field, value))
      writer.branch(`${value} !== undefined`, (inner) => {
        const start = type.if === undefined && writer.context.minimumSize(type.of) === 0
          ? inner.mark(`${local(field.name)}From`)
          : undefined
        inner.write(type.of, field, value)
        if (start === undefined) return
        // nothing at all would be read as a field that is not there
        inner.settle()
        inner.lines.push(`${inner.use("checkSome")}(position - ${start}, ${inner.where(field.path)})`)
      })
    },
    bound: (context, module, type, value) => {
      const inner = context.bound(module, type.of, value)
      return { fixed: inner.fixed, terms: inner.terms.map((term) => `(${value} === undefined ? 0 : ${term})`) }
    }
  },
  when: {
    text: (context, module, type) =>
      [...new Set([type.of, ...(type.else === undefined ? [] : [type.else])].map((one) => context.typeText(module, one)))].join(" | "),
    read: (reader, type, field, end) => wordOf(type.of).read(reader, type.of, field, end),
    write: (writer, type, field, value) => {
      writer.settle()
      if (writer.context.saysState(type)) {
        const given = writer.context.isVisible(type.of) ? `${value} !== undefined` : writer.isThere(targetOf(type.of)!)
        return writer.branch(given, (inner) => inner.write(type.of, field, value))
      }
      const other = type.else
      const condition = writer.inState(type)
      if (other === undefined && writer.context.isVisible(type.of)) {
        const given = optionalIn(type)?.of.kind === "literal" ? `${value} === true` : `${value} !== undefined`
        const states = JSON.stringify(`${type.state} is ${type.from ?? ""}…${type.to ?? ""}`)
        writer.lines.push(
          writer.context.isOptional(type.of)
            ? `if (!(${condition})) ${writer.use("checkPresence")}(${given}, false, ${writer.where(field.path)}, ${states})`
            : `${writer.use("checkPresence")}(${value} !== undefined, ${condition}, ${writer.where(field.path)}, ${states})`
        )
      }
      const texts = [type.of, ...(other === undefined ? [] : [other])].map((one) => writer.context.typeText(writer.module, one))
      const put = (inner: FieldWriter, of: TypeModel, text: string): void => {
        if (other === undefined) return inner.write(of, field, `${value}!`)
        if (texts[0] === texts[1]) {
          const isMore = writer.context.isOptional(type) && !writer.context.isOptional(of)
          return inner.write(of, field, isMore ? `${value}!` : value)
        }
        const own = `${value} as ${text}${writer.context.isOptional(of) ? " | undefined" : ""}`
        // with a name of its own, so that what looks whether it is there tells the compiler
        const isNamed = /\b(null|undefined)$/.test(own)
        inner.write(of, field, isNamed ? inner.constant(`${local(field.name)}Here`, own) : `(${own})`)
      }
      writer.branch(
        condition,
        (inner) => put(inner, type.of, texts[0]!),
        other === undefined ? undefined : (inner) => put(inner, other, texts[1]!)
      )
    },
    bound: (context, module, type, value) => {
      const texts = [type.of, ...(type.else === undefined ? [] : [type.else])].map((one) => context.typeText(module, one))
      if (type.else === undefined || texts[0] === texts[1]) {
        const inner = context.bound(module, type.of, value)
        const other = type.else === undefined ? { fixed: 0, terms: [] } : context.bound(module, type.else, value)
        return {
          fixed: Math.max(inner.fixed, other.fixed),
          terms: [...new Set([...inner.terms, ...other.terms])].map((term) => `(${value} === undefined ? 0 : ${term})`)
        }
      }
      // of two kinds, the room of the one that the value looks like
      const sides = [type.of, type.else].map((one, i) => {
        // null is looked for all the same, which the compiler does not see of what is named a type
        const text = /\bnull$/.test(texts[i]!) ? `NonNullable<${texts[i]}>` : texts[i]
        const { fixed, terms } = context.bound(module, one, `(${value} as ${text})`)
        const sum = terms.join(" + ")
        const looks = looksOf(one, value)
        return {
          fixed,
          sum: sum === "" || looks === undefined ? sum : `(${[...new Set(looks)].join(" || ")} ? ${sum} : 0)`
        }
      })
      const sums = sides.flatMap(({ sum }) => sum === "" ? [] : [sum])
      return {
        fixed: Math.max(...sides.map(({ fixed }) => fixed)),
        terms: sums.length === 2 ? [`Math.max(${sums.join(", ")})`] : sums
      }
    }
  }
}
