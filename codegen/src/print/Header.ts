/** Prints how a header is read and checked: where its sections begin and where the packet ends. */
import type { HeaderModel, KindModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName } from "./Context.ts"
import { getInt } from "./Decode.ts"
import { fieldOf } from "./HeaderFields.ts"

/** Reads and checks the header: where the sections begin and the packet ends. */
export const headerLines = (context: Context, module: Module, kind: KindModel): ReadonlyArray<string> => {
  const name = kindName(kind.name)
  const { frame } = context.model
  const sections = frame.sections
  const size = kind.headers[0]!.size
  const malformed = module.use(codec, "malformed")
  const incomplete = module.use(codec, "incomplete")
  const present = (section: string): boolean =>
    kind.headers.some((header) => header.fields.some((field) => field.role === "sectionLength" && field.section === section)) ||
    section === sections.at(-1)
  const needed = sections.filter((section) => present(section) || !kind.shared.some((one) => one.section === section))
  const starts = (header: HeaderModel): ReadonlyArray<string> => {
    const lines: Array<string> = []
    let previous = `at + ${size}`
    needed.forEach((section, index) => {
      const before = needed[index - 1]
      if (index === 0) lines.push(`${section}Start = ${previous}`)
      else {
        const length = header.fields.find((field) => field.role === "sectionLength" && field.section === before)
        lines.push(
          `${section}Start = ${before}Start${
            length === undefined ? "" : ` + ${getInt(module, length.int, `at + ${length.offset}`, undefined)}`
          }`
        )
      }
      previous = `${section}Start`
    })
    const total = fieldOf(header, "bodyLength")
    const last = header.fields.find((field) => field.role === "sectionLength" && field.section === sections.at(-1))
    lines.push(
      total === undefined
        ? `end = ${needed.at(-1)}Start${last === undefined ? "" : ` + ${getInt(module, last.int, `at + ${last.offset}`, undefined)}`}`
        : `end = at + ${total.includesHeader ? "" : `${size} + `}${getInt(module, total.int, `at + ${total.offset}`, undefined)}`
    )
    return lines
  }
  const first = kind.headers[0]!
  const magic = fieldOf(first, "magic")
  const length = fieldOf(first, "bodyLength")
  const lines = [
    "const view = reader.view",
    "const available = reader.bytes.length - at",
    ...(magic === undefined ? [] : [
      `const magic = available < 1 ? ${hex(first.magic ?? 0)} : ${
        getInt(module, magic.int, magic.offset === 0 ? "at" : `at + ${magic.offset}`, undefined)
      }`,
      `if (${kind.headers.map((header) => `magic !== ${hex(header.magic!)}`).join(" && ")}) ` +
      `return ${malformed}("Magic", "${name}", "${magic.name}", ${magic.offset}, "${
        kind.headers.map((header) => hex(header.magic!)).join(" or ")
      }", ${module.use(codec, "hexNumber")}(magic))`
    ]),
    `if (available < ${size}) return ${incomplete}("${name}", "header", available, "${size} bytes", \`\${available} bytes\`)`
  ]
  if (kind.headers.length === 1) {
    lines.push(...starts(first).map((line) => `const ${line}`))
  } else {
    const all = kind.headers.map(starts)
    const same = (index: number): boolean => all.every((one) => one[index] === all[0]![index])
    all[0]!.forEach((line, index) => {
      if (same(index)) lines.push(`const ${line}`)
      else {
        const [target] = line.split(" = ")
        const expressions = all.map((one) => one[index]!.slice(`${target} = `.length))
        const text = kind.headers.slice(0, -1).reduceRight(
          (otherwise, header, i) => `magic === ${hex(header.magic!)} ? ${expressions[i]} : ${otherwise}`,
          expressions.at(-1)!
        )
        lines.push(`const ${target} = ${text}`)
      }
    })
  }
  lines.push(
    `${module.use(codec, "expectFrame")}(end - at, ${frame.maxFrame}, "${name}", "${length?.name ?? "length"}", ${length?.offset ?? 0})`,
    `if (${needed.at(-1)}Start > end) return ${malformed}("Length", "${name}", "${length?.name ?? "length"}", ${
      length?.offset ?? 0
    }, \`at least \${${needed.at(-1)}Start - at - ${size}} bytes of body\`, \`\${end - at - ${size}} bytes\`)`,
    `if (end - at > available) return ${incomplete}("${name}", "", available, \`\${end - at} bytes\`, \`\${available} bytes\`)`
  )
  for (const { section, ref } of kind.shared) {
    const index = needed.indexOf(section)
    const next = needed[index + 1]
    if (index === -1 || next === undefined) {
      lines.push(`const ${section}: ReadonlyArray<${module.useType(context.from(ref), ref)}> = []`)
      continue
    }
    lines.push(
      `const ${section}: ReadonlyArray<${module.useType(context.from(ref), ref)}> = ${section}Start === ${next}Start ? ${
        module.use(codec, "noFrames")
      } : ` +
        `${module.use(codec, "readNibbleFrames")}(reader, ${section}Start, ${next}Start, at, "${name}", "${section}", ${
          module.use(context.from(ref), `read${ref}`)
        })`
    )
  }
  return lines
}
