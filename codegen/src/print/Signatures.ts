/** What the encoders of both forms of headers have in common: their types, and the parameters of those that take sections as they are. */
import type { Module, Parameter } from "../Module.ts"
import { codec } from "./Codec.ts"

const keysOf = (names: ReadonlyArray<string>): string => names.map((one) => JSON.stringify(one)).join(" | ")

/** Adds the types of a kind's encoders; callers do not give the fields that are `derived`. */
export const addEncoderTypes = (module: Module, kind: string, derived: ReadonlyArray<string>): void => {
  module.add({
    kind: "alias",
    name: `${kind}Fields<P>`,
    doc: "What a caller gives for a packet, beside the header.",
    type: `P extends unknown ? Omit<P, ${keysOf(derived)} | keyof ${kind}Head> : never`
  })
  module.add({
    kind: "alias",
    name: `${kind}Encoder<P, S = void>`,
    doc: "Appends a packet to a writer. Throws `EncodeError` and then leaves the writer as it was.",
    type: `(writer: ${module.useType(codec, "Writer")}, packet: ${kind}Init & ${kind}Fields<P>, states: S) => void`
  })
}

/** Parameters of an encoder of packets that are not described, of which callers give `names`. */
export const rawParameters = (module: Module, kind: string, packet: string, names: ReadonlyArray<string>): ReadonlyArray<Parameter> => [
  { name: "writer", type: module.useType(codec, "Writer") },
  { name: "packet", type: `${kind}Init & Pick<${packet}, ${keysOf(names)}>` }
]
