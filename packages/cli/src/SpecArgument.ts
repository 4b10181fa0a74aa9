/** What an argument names that may be a spec or a protocol whose code there is: its models. */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import { existsSync } from "node:fs"
import { type Finding, loadSpec } from "./CodegenApi.ts"
import { generatedProtocol, isBuiltIn } from "./Protocols.ts"

/** A protocol that an argument names. */
export interface NamedProtocol {
  readonly name: string
  /** Its models, the base first. */
  readonly models: ReadonlyArray<Model>
  /** Faces of the fields that only code can say, where there is code. */
  readonly customs?: Customs
}

/** Protocols, or what is wrong with the spec that has them. */
export interface NamedProtocols {
  readonly findings: ReadonlyArray<Finding>
  readonly protocols: ReadonlyArray<NamedProtocol>
}

/** What the help says of such an argument. */
export const specWords = "A spec module, the directory of generated code, or the name of a protocol that comes with the command"

/** The protocols of a spec, or the one whose code is meant. `protocol`: the name of one of several. */
export const protocolsOf = async (spec: string, protocol?: string): Promise<NamedProtocols> => {
  if (!isBuiltIn(spec) && /\.[cm]?[jt]s$/.test(spec) && existsSync(spec)) return loadSpec({ cwd: process.cwd(), spec, protocol })
  const { customs, models } = await generatedProtocol(spec)
  return { findings: [], protocols: [{ name: models.at(-1)!.name, models, ...(customs === undefined ? {} : { customs }) }] }
}
