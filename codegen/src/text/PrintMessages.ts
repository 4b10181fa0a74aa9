/** Prints Messages.ts: an interface per message, and their unions. */
import type { MessageModel, PartModel } from "@wirewright/codec/TextModel"
import { Module } from "../Module.ts"
import { type Printing, typeOf } from "./Print.ts"
import { inner, sends, type Side } from "./Shape.ts"

/** Messages.ts. */
export const printMessages = (printing: Printing): Module => {
  const { model, bases, known } = printing
  const module = new Module("Messages.ts", `Messages of the ${model.name} protocol.`)
  for (const message of model.messages) addInterface(module, message)
  const [base] = bases
  if (base === undefined) {
    module.add({
      kind: "interface",
      name: "UnknownMessage",
      doc: "A message that the spec does not have.",
      properties: [
        { name: "_tag", type: `"UnknownMessage"` },
        ...model.head.map((name) => ({ name, type: "string" })),
        { name: "fields", type: "ReadonlyArray<string>", doc: "Fields after the head." }
      ]
    })
  } else {
    module.add({ kind: "statement", text: `export type { UnknownMessage } from "${base.module}/Messages"` })
  }
  const union = (name: string, doc: string, side?: Side) =>
    module.add({
      kind: "alias",
      name,
      doc,
      type: known.filter(({ message }) => side === undefined || sends(side, message)).map((one) => `\n  | ${typeOf(module, one)}`).join("")
    })
  union("ClientMessage", "What a client sends.", "client")
  union("ServerMessage", "What a server sends.", "server")
  module.add({ kind: "alias", name: "Message", doc: "What either side sends.", type: "ClientMessage | ServerMessage" })
  return module
}

const addInterface = (module: Module, message: MessageModel) =>
  module.add({
    kind: "interface",
    name: message.name,
    doc: message.doc,
    properties: [
      { name: "_tag", type: `"${message.name}"` },
      ...message.fields.filter(({ type }) => type.kind !== "literal").map(({ name, doc, type }) => ({
        name,
        doc,
        type: typeText(module, type),
        optional: type.kind === "optionalPart"
      }))
    ]
  })

const typeText = (module: Module, part: PartModel): string => {
  switch (part.kind) {
    case "integer":
      return "number"
    case "truth":
      return "boolean"
    case "typed":
      return module.useType("@wirewright/codec/Typed", "Typed")
    case "restParts":
      return "ReadonlyArray<string>"
    case "optionalPart":
      return `${typeText(module, inner(part))} | undefined`
    default:
      return "string"
  }
}
