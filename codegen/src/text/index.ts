/**
 * Protocols over text, from the model to TypeScript: the printers of generated code that scans JavaScript strings.
 *
 * Everything but packets' types, decoders and encoders is printed as for bytes.
 */
import { Module } from "../Module.ts"
import type { Context } from "../print/Context.ts"
import { printing } from "./Print.ts"
import { printDecode } from "./PrintDecode.ts"
import { printEncode } from "./PrintEncode.ts"
import { printHeads } from "./PrintHeads.ts"
import { printMessages } from "./PrintMessages.ts"

/** Types, heads, decoders, encoders and the index of a protocol over text. */
export const printText = (context: Context): ReadonlyArray<Module> => {
  const plan = printing(context)
  return [printMessages(plan), printDecode(plan), printEncode(plan), printHeads(plan), printIndex(context)]
}

/** Schemas, heads and the model are left out: a codec does not need them. */
const printIndex = (context: Context): Module => {
  const module = new Module("index.ts", `Codecs of ${context.model.name}.`)
  for (const name of ["Messages", "Decode", "Encode"]) module.add({ kind: "statement", text: `export * from "${context.local(name)}"` })
  return module
}
