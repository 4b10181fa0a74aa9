/** Test only: packets to be taken apart, and packets that are wrong. */
import { Catalog } from "@wirewright/codec"
import type { Model } from "@wirewright/codec/Model"
import type { Question } from "./Lua.ts"

/** The examples of a protocol's specs; none of commands that servers no longer execute, which decoders hand out as they stood. */
export const examplesOf = (models: ReadonlyArray<Model>): ReadonlyArray<Question> =>
  Catalog.of(models).commands.flatMap(({ examples, lifecycle }) =>
    lifecycle === "removed" ? [] : examples.map(({ hex, kind, states }): Question => ({
      bytes: new Uint8Array(Buffer.from(hex, "hex")),
      kind,
      states: Object.fromEntries(states.map((name) => [name, true]))
    }))
  )

/** Values that decoders decide on. */
const edges = [0, 1, 0x7f, 0x80, 0xff]

/** Changes a byte or several, cuts off, repeats, leaves out. */
export const mutated = (bytes: Uint8Array, below: (bound: number) => number): Uint8Array => {
  const out = Uint8Array.from(bytes)
  const at = below(out.length + 1)
  switch (below(6)) {
    case 0:
      return out.subarray(0, at)
    case 1:
      return new Uint8Array(Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - 4))]))
    case 2:
      return new Uint8Array(Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + below(3))]))
    default:
      for (let i = 0; i <= below(3); i++) if (out.length > 0) out[below(out.length)]! = edges[below(edges.length + 1)] ?? below(256)
      return out
  }
}
