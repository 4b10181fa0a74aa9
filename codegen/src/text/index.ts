/** Text protocols, from spec to TypeScript. */
import type { TextModel } from "@wirewright/codec/TextModel"
import { Module } from "../Module.ts"
import type { TestRunner } from "../print/Examples.ts"
import { printing } from "./Print.ts"
import { printDecode } from "./PrintDecode.ts"
import { printEncode } from "./PrintEncode.ts"
import { printExamples } from "./PrintExamples.ts"
import { printMessages } from "./PrintMessages.ts"
import { printSchemas } from "./PrintSchemas.ts"

export { buildText, type DocOf } from "./Build.ts"
export { checkText } from "./Check.ts"

/** Generated modules of a text protocol. `bases` are the models it extends, nearest first. The model itself is written by the caller. */
export const printText = (model: TextModel, bases: ReadonlyArray<TextModel>, runner: TestRunner): ReadonlyArray<Module> => {
  const plan = printing(model, bases)
  return [
    printMessages(plan),
    printDecode(plan),
    printEncode(plan),
    printSchemas(plan),
    ...(runner === "none" ? [] : [printExamples(plan, runner)]),
    printIndex(model)
  ]
}

/** Schemas are left out: they load effect/Schema, which a codec does not need. */
const printIndex = (model: TextModel): Module => {
  const module = new Module("index.ts", `The ${model.name} protocol.`)
  for (const name of ["Messages", "Decode", "Encode"]) module.add({ kind: "statement", text: `export * from "./${name}.ts"` })
  return module
}
