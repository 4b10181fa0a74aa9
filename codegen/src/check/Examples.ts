/** Rules for examples: the bytes must be what the spec says they are. */
import { annotate } from "@wirewright/codec/Layout"
import { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfHex } from "@wirewright/codec/Hex"
import type { Model } from "@wirewright/codec/Model"
import { baseOf, type Built } from "../Build.ts"
import type { Complaint } from "../Finding.ts"
import { hex } from "../Names.ts"

const chainOf = (model: Model): ReadonlyArray<Model> => {
  const base = baseOf(model)
  return base === undefined ? [model] : [...chainOf(base), model]
}

/** Findings about a protocol's examples. The model must have no other findings. */
export function* checkExamples(built: Built): Iterable<Complaint> {
  if (built.protocol.kind === "types") return
  const catalog = Catalog.of(chainOf(built.model))
  const states = new Set(built.model.states.map((state) => state.name))
  for (const [model, value] of built.commands) {
    for (const [index, example] of model.examples.entries()) {
      const complain = (rule: string, message: string, hint: string): Complaint => ({
        rule,
        value,
        path: ["examples", String(index)],
        message,
        hint
      })
      if (!/^([0-9a-f]{2})+$/.test(example.hex)) {
        yield complain("WW170", "the example is not hex", "write whole bytes as two hex digits each")
        continue
      }
      const unknown = example.states.filter((state) => !states.has(state))
      if (unknown.length > 0) {
        yield complain(
          "WW173",
          `the frame declares no connection state ${unknown.join(", ")}`,
          `it declares ${[...states].join(", ") || "none"}`
        )
        continue
      }
      const bytes = bytesOfHex(example.hex)
      const annotation = annotate(catalog, bytes, { states: new Set(example.states), kind: example.kind })
      if (annotation.error !== undefined) {
        yield complain(
          "WW171",
          `the example does not decode: ${annotation.error.message}`,
          "correct the bytes, or the layout they contradict"
        )
      } else if (annotation.length !== bytes.length) {
        yield complain("WW171", `the example has ${bytes.length - annotation.length} bytes behind the packet`, "give one packet")
      } else if (annotation.packet !== model.name || annotation.kind !== example.kind) {
        yield complain(
          "WW172",
          `the example is a ${annotation.kind} of ${annotation.packet}, not a ${example.kind} of ${model.name} (${hex(model.opcode)})`,
          "move it, or say its `kind`"
        )
      }
    }
  }
}
