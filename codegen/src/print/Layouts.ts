/** How the layouts of a packet are told apart. */
import type { KindModel, LayoutModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { integerLiteral } from "../Names.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { constantsOf, possibleSizes } from "@wirewright/codec/LayoutSizes"
import { getInt } from "./Decode.ts"
import { ownSections } from "./HeaderFields.ts"
import { type PacketPlan, sectionEnd, sectionOf } from "./Plans.ts"

/** What tells a layout from others. */
export interface LayoutConditions {
  /** Conditions on the lengths of sections, as expressions. */
  readonly lengths: ReadonlyArray<string>
  /** Conditions on constants, as expressions. */
  readonly constants: ReadonlyArray<string>
  /** Lengths that sections of fixed content can have. */
  readonly sizes: ReadonlyMap<string, ReadonlyArray<number>>
  /** Values of constants by their place. */
  readonly values: ReadonlyMap<string, string>
}

/** Conditions under which bytes have a layout: lengths of its fixed sections, and its constants. */
export const layoutConditions = (context: Context, kind: KindModel, layout: LayoutModel): LayoutConditions => {
  const own = ownSections(context, kind)
  const lengths: Array<string> = []
  const constants: Array<string> = []
  const sizes = new Map<string, ReadonlyArray<number>>()
  const values = new Map<string, string>()
  own.forEach((section, index) => {
    const { fields } = sectionOf(layout, section)
    const length = `${sectionEnd(own, index)} - ${section}Start`
    const possible = possibleSizes(context, fields)
    if (possible !== undefined) {
      sizes.set(section, possible)
      // the last section takes what is left; only a layout that fills it exactly is known by it
      if (section !== own.at(-1) || fields.length > 0 && !fields.some((field) => field.type.kind === "optional")) {
        lengths.push(possible.map((size) => `${length} === ${size}`).join(" || "))
      }
    }
    for (const { offset, type } of constantsOf(context, fields)) {
      const at = offset === 0 ? `${section}Start` : `${section}Start + ${offset}`
      const value = integerLiteral(type.int, type.value)
      const unproven = possible === undefined || section === own.at(-1)
      constants.push(
        ...(unproven ? [`${length} >= ${offset + (context.fixedSize(type) ?? 0)}`] : []),
        `${getInt(context.scratch, type.int, at, type.order === "little" ? "true" : undefined)} === ${value}`
      )
      values.set(`${section}+${offset}`, value)
    }
  })
  return { lengths, constants, sizes, values }
}

const wrap = (condition: string): string => condition.includes("||") ? `(${condition})` : condition

/** Lines that choose the encoder of a layout: `encode` prints one, `tag` is what the packet is called in errors. */
export const encodeLines = (
  module: Module,
  { layouts }: PacketPlan,
  tag: string,
  encode: (layout: LayoutModel) => ReadonlyArray<string>
): ReadonlyArray<string> =>
  layouts.length === 1 ? encode(layouts[0]!) : [
    "switch (packet.layout) {",
    ...layouts.flatMap((layout) => [`case "${layout.name}": {`, ...encode(layout), "return", "}"]),
    "default:",
    `${module.use(codec, "unencodable")}("Missing", ${tag}, "layout", "one of ${
      layouts.map((layout) => layout.name).join(", ")
    }", String((packet as { readonly layout?: unknown }).layout))`,
    "}"
  ]

/** Lines that choose the decoder of a layout: `decode` says how one is called, `tag` what the packet is called in errors. */
export const selectLines = (
  context: Context,
  module: Module,
  packet: PacketPlan,
  tag: string,
  decode: (layout: LayoutModel) => string
): ReadonlyArray<string> => {
  const own = ownSections(context, packet.kind)
  const conditions = packet.layouts.map((layout) => ({ layout, ...layoutConditions(context, packet.kind, layout) }))
  // the most specific first, then in the order of the spec
  const ordered = conditions.map((one, index) => ({ ...one, index })).sort((a, b) => b.values.size - a.values.size || a.index - b.index)
  const body: Array<string> = []
  for (const { layout, lengths, constants } of ordered) {
    const condition = [...lengths.map(wrap), ...constants].join(" && ")
    body.push(`if (${condition === "" ? "true" : condition}) return ${decode(layout)}`)
  }
  const first = own[0]!
  const section =
    own.find((name) =>
      conditions.every((one) => one.sizes.has(name)) && new Set(conditions.flatMap((one) => one.sizes.get(name)!)).size > 1
    ) ??
      own.find((name) => conditions.every((one) => one.sizes.has(name) && one.sizes.get(name)![0] !== 0))
  if (section !== undefined) {
    const sizes = [...new Set(conditions.flatMap((one) => one.sizes.get(section)!))].sort((a, b) => a - b)
    const text = sizes.length === 1 ? `${sizes[0]} bytes` : `${sizes.slice(0, -1).join(", ")} or ${sizes.at(-1)} bytes`
    body.push(
      `const length = ${sectionEnd(own, own.indexOf(section))} - ${section}Start`,
      `if (${sizes.map((size) => `length !== ${size}`).join(" && ")}) return ${
        module.use(codec, "malformed")
      }("Length", ${tag}, "${section}", ${section}Start - at, "${text}", \`\${length} bytes\`)`
    )
  }
  const names = packet.layouts.map((layout) => layout.name).join(", ")
  body.push(
    `return ${
      module.use(codec, "malformed")
    }("UnknownValue", ${tag}, "layout", ${first}Start - at, "one of the layouts ${names}", "something else")`
  )
  return body
}
