/** Prints Schemas.ts: a line for each message's Effect schema, which is made from the model when the module is loaded. */
import { Module } from "../Module.ts"
import type { Printing } from "./Print.ts"

/** Schemas.ts. */
export const printSchemas = ({ model }: Printing): Module => {
  const module = new Module("Schemas.ts", `Effect schemas of the ${model.name} protocol, beside the codecs.`)
  const runtime = "@wirewright/codec/TextSchema"
  module.add({ kind: "statement", text: `import json from "./${model.name}.model.json" with { type: "json" }` })
  module.add({ kind: "statement", text: `const model = json as unknown as ${module.useType("@wirewright/codec/TextModel", "TextModel")}` })
  for (const { name } of model.messages) {
    module.add({
      kind: "const",
      name,
      value: `/* @__PURE__ */ ${module.use(runtime, "messageSchema")}<${
        module.useAllTypes("./Messages.ts", "Messages")
      }.${name}>(model, "${name}")`
    })
  }
  return module
}
