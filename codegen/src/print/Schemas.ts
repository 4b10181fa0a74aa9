/** Prints `Schemas.ts`: a line for each packet's Effect schema, which is made from the model when the module is loaded. */
import { Module } from "../Module.ts"
import { customsOf } from "./Customs.ts"
import type { Context } from "./Context.ts"
import { rawNames } from "./RunFrame.ts"
import { describedCommands, packetsOf } from "./Plans.ts"

const runtime = "@wirewright/codec/PacketSchema"

/** Prints the module. */
export const printSchemas = (context: Context): Module => {
  const { model } = context
  const module = new Module("Schemas.ts", `Effect schemas of ${model.name}, beside the codecs and never on the packet path.`)
  const add = (name: string, value: string): void => module.add({ kind: "const", name, value: `/* @__PURE__ */ ${value}` })
  const raw = context.base !== undefined || model.frame.over === "text" ? [] : model.frame.kinds.flatMap(rawNames)
  const tags = [...raw, ...describedCommands(context).flatMap((command) => packetsOf(context, command).map(({ tag }) => tag))]
  const customs = customsOf(context).length === 0 ? "" : `, ${module.use(context.local("Model"), "customs")}`
  for (const tag of tags) {
    const type = `${module.useAllTypes(context.local("index"), "Packets")}.${tag}`
    add(tag, `${module.use(runtime, "packetSchema")}<${type}>(${module.use(context.local("Model"), "models")}, "${tag}"${customs})`)
  }
  for (const type of model.types) {
    if (type.kind === "flags" || type.kind === "enumeration") continue
    const name = tags.includes(type.name) ? `${type.name}Type` : type.name
    const typed = `${module.useAllTypes(context.local("index"), "Packets")}.${type.name}`
    add(name, `${module.use(runtime, "typeSchema")}<${typed}>(${module.use(context.local("Model"), "models")}, "${type.name}"${customs})`)
  }
  return module
}
