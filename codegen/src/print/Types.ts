/** Prints `Types.ts`: brands, statuses, bitmasks and enumerations; then the records. */
import type { EnumerationModel, FlagsModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { hex, intSize } from "../Names.ts"
import { comment } from "../Print.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { printChoice, printNibbleFrames, printStruct } from "./Records.ts"

/** An entry of a table with its documentation. */
const entry = (doc: string | undefined, line: string): ReadonlyArray<string> => [...comment(doc, 2), line]

const table = (rows: ReadonlyArray<{ readonly name: string; readonly doc?: string; readonly text: string }>): string =>
  `{\n${rows.map(({ name, doc, text }) => entry(doc, `${name}: ${text}`).join("\n")).join(",\n")}\n} as const`

/** Prints the module. */
export const printTypes = (context: Context): Module => {
  const module = new Module("Types.ts", `Named types of ${context.model.name}.`)
  for (const brand of context.model.brands) {
    module.add({
      kind: "alias",
      name: brand.name,
      doc: brand.doc,
      type: `${module.useType(codec, "Flavor")}<${brand.type}, "${brand.name}">`
    })
  }
  printStatuses(context, module)
  for (const type of context.model.types) {
    if (type.kind === "flags") printFlags(module, type)
    else if (type.kind === "enumeration") printEnumeration(module, type)
  }
  for (const type of context.model.types) {
    if (type.kind === "struct") printStruct(context, module, type)
    else if (type.kind === "choice") printChoice(context, module, type)
    else if (type.kind === "nibbleFrames") printNibbleFrames(context, module, type)
  }
  return module
}

const printStatuses = (context: Context, module: Module): void => {
  const { statuses } = context.model
  if (statuses.length === 0) return
  if (context.base !== undefined && JSON.stringify(context.base.statuses) === JSON.stringify(statuses)) {
    module.add({ kind: "statement", text: `export { Status, statusTable } from "${context.base.module}/Types"` })
    return
  }
  module.add({
    kind: "const",
    name: "Status",
    doc: "Outcomes that responses report.",
    value: table(statuses.map(({ name, doc, code }) => ({ name, ...(doc === undefined ? {} : { doc }), text: hex(code, 4) })))
  })
  module.add({
    kind: "const",
    name: "statusTable",
    doc: "Every status by its code: its name and what a client may do about it.",
    type: `{ readonly [code: number]: { readonly name: string; readonly retry: ${module.useType(codec, "RetryClass")} } | undefined }`,
    value: `{\n${statuses.map(({ name, code, retry }) => `  ${hex(code, 4)}: { name: "${name}", retry: "${retry}" }`).join(",\n")}\n}`
  })
}

const printFlags = (module: Module, type: FlagsModel): void => {
  module.add({
    kind: "const",
    name: type.name,
    doc: type.doc,
    value: table(
      type.bits.map(({ name, doc, bit }) => ({ name, ...(doc === undefined ? {} : { doc }), text: hex(2 ** bit, intSize(type.int) * 2) }))
    )
  })
  module.add({ kind: "alias", name: type.name, doc: type.doc, type: "number" })
  if (type.exclusive.length === 0 && type.requires.length === 0) return
  const conditions = [
    ...type.exclusive.map((names) => {
      const bits = names.map((name) => type.bits.find((one) => one.name === name)!.bit)
      const pairs = bits.flatMap((a, i) => bits.slice(i + 1).map((b) => 2 ** a + 2 ** b))
      return [pairs.map((pair) => `(flags & ${hex(pair)}) === ${hex(pair)}`).join(" || "), `at most one of ${names.join(", ")}`]
    }),
    ...type.requires.map(({ bit, needs }) => {
      const mask = 2 ** type.bits.find((one) => one.name === bit)!.bit
      const needed = needs.reduce((sum, name) => sum + 2 ** type.bits.find((one) => one.name === name)!.bit, 0)
      return [`(flags & ${hex(mask)}) !== 0 && (flags & ${hex(needed)}) !== ${hex(needed)}`, `${bit} needs ${needs.join(", ")}`]
    })
  ]
  module.add({
    kind: "function",
    name: `violationsOf${type.name}`,
    doc: `Rules of \`${type.name}\` that a value breaks, each in words.`,
    parameters: [{ name: "flags", type: "number" }],
    returns: "ReadonlyArray<string>",
    body: [
      "const out: Array<string> = []",
      ...conditions.map(([condition, text]) => `if (${condition}) out.push(${JSON.stringify(text)})`),
      "return out"
    ]
  })
}

const printEnumeration = (module: Module, type: EnumerationModel): void => {
  module.add({
    kind: "const",
    name: type.name,
    doc: type.doc,
    value: table(
      type.values.map(({ name, doc, value }) => ({ name, ...(doc === undefined ? {} : { doc }), text: hex(value, intSize(type.int) * 2) }))
    )
  })
  const closed = type.unknown === "error"
  module.add({
    kind: "alias",
    name: type.name,
    doc: type.doc,
    type: closed ? `(typeof ${type.name})[keyof typeof ${type.name}]` : "number"
  })
  if (!closed) return
  module.add({
    kind: "function",
    name: `is${type.name}`,
    doc: `Whether a number is a \`${type.name}\`.`,
    parameters: [{ name: "value", type: "number" }],
    returns: `value is ${type.name}`,
    body: [`return ${type.values.map(({ value }) => `value === ${value}`).join(" || ")}`]
  })
}
