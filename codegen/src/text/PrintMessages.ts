/** Prints Messages.ts: an interface per packet, and their unions. */
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import type { KindModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { kindName } from "../print/Context.ts"
import { isOf, type Known, type Printing, typeOf } from "./Print.ts"

/** Messages.ts. */
export const printMessages = (printing: Printing): Module => {
  const { known, model, own } = printing
  const module = new Module("Messages.ts", `Packets of the ${model.name} protocol.`)
  for (const one of own) addInterface(module, printing, one)
  const union = (kind: KindModel): void =>
    module.add({
      kind: "alias",
      name: kindName(kind.name),
      doc: kind.sender === undefined ? `Any packet of kind ${kind.name}.` : `What a ${kind.sender} sends.`,
      type: known.filter((one) => isOf(kind, one)).map((one) => `\n  | ${typeOf(module, printing, one)}`).join("")
    })
  for (const kind of model.frame.kinds) union(kind)
  module.add({
    kind: "alias",
    name: "Packet",
    doc: `Any packet of ${model.name}.`,
    type: model.frame.kinds.map(({ name }) => kindName(name)).join(" | ")
  })
  return module
}

const addInterface = (module: Module, { context }: Printing, { command, fields, name }: Known): void =>
  module.add({
    kind: "interface",
    name,
    doc: command.doc,
    properties: [
      { name: "_tag", type: `"${name}"` },
      ...fields.filter(({ type }) => isVisibleType(type)).map(({ name: field, doc, type }) => ({
        name: field,
        doc,
        type: `${context.typeText(module, type)}${type.kind === "optional" ? " | undefined" : ""}`,
        optional: type.kind === "optional"
      }))
    ]
  })
