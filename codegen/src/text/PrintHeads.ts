/** Prints Heads.ts: what each packet begins with, for those who sort packets by it. */
import { headOfLine } from "@wirewright/codec/Lines"
import { Module } from "../Module.ts"
import { linesOf, type Printing, quote } from "./Print.ts"

/** Heads.ts. */
export const printHeads = ({ bases: [base], known, model, own }: Printing): Module => {
  const module = new Module("Heads.ts", `What the packets of the ${model.name} protocol begin with.`)
  const names = new Set(known.map(({ name }) => name))
  const gone = base === undefined ? [] : linesOf(base).filter(({ name }) => !names.has(name)).map(({ name }) => name)
  const inherited = base === undefined ? undefined : `${module.useAll(`${base.module}/Heads`, "base")}.heads`
  if (gone.length > 0) module.add({ kind: "statement", text: `const { ${gone.join(", ")}, ...kept } = ${inherited}` })
  const spread = inherited === undefined ? [] : [`...${gone.length > 0 ? "kept" : inherited}`]
  const entries = own.map((one) => `${one.name}: [${headOfLine(one).map(quote).join(", ")}]`)
  module.add({
    kind: "const",
    name: "heads",
    doc: "The literals that each packet begins with, by its name; none of packets that begin with a field.",
    value: `{\n${[...spread, ...entries].map((entry) => `  ${entry}`).join(",\n")}\n} as const`
  })
  return module
}
