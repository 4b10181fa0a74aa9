/**
 * The models that a command is to work on: of a spec file, of a directory of generated code, or of a protocol that comes with the command.
 *
 * What custom fields mean only their own code knows. Of a spec it is found where wirewright.config.ts says that its code goes.
 */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { loadSpec } from "./CodegenApi.ts"
import { readConfig, targetsFor } from "./Config.ts"
import { counted, findings, refuse } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { nearest } from "./Nearest.ts"
import { colorsOn, flush } from "./Output.ts"
import { customsIn, generatedProtocol, isBuiltIn } from "./Protocols.ts"

/** A protocol as a command works on it. */
export interface SpecProtocol {
  readonly name: string
  /** The base first. */
  readonly models: ReadonlyArray<Model>
  readonly customs: Customs
}

/** The description of an argument that is a spec. */
export const specDescription = "A spec module, the directory of generated code, or a protocol that comes with wirewright, such as dcp"

/** All protocols of a spec. Refuses what is none; what is wrong in it is printed, and fails. */
export const protocolsOf = async (spec: string, protocol?: string, cwd = process.cwd()): Promise<ReadonlyArray<SpecProtocol>> => {
  if (isBuiltIn(spec) || statSync(resolve(cwd, spec), { throwIfNoEntry: false })?.isDirectory() === true) {
    const { customs = {}, models } = await generatedProtocol(isBuiltIn(spec) ? spec : resolve(cwd, spec))
    return [{ name: models.at(-1)!.name, models, customs }]
  }
  const loaded = await loadSpec({ cwd, spec, protocol })
  if (loaded.findings.length > 0) {
    printFindings(loaded.findings, { cwd, color: colorsOn(process.stdout) })
    await flush()
    throw findings(counted(loaded.findings.length, "finding"))
  }
  const targets = targetsFor(spec, cwd, await readConfig(cwd))
  return Promise.all(loaded.protocols.map(async ({ models, name }) => {
    const own = targets.find((one) => one.protocol === name) ?? targets.find((one) => one.protocol === undefined)
    return { name, models, customs: own === undefined ? {} : await customsIn(resolve(cwd, own.out)) }
  }))
}

/** The one protocol of a spec, or that of several which is asked for. */
export const protocolOf = async (spec: string, protocol?: string): Promise<SpecProtocol> => {
  const all = await protocolsOf(spec, protocol)
  const [only, another] = protocol === undefined ? all : all.filter(({ name }) => name === protocol)
  if (only === undefined) return refuse(`${spec} has no protocol ${protocol}${nearest(protocol ?? "", all.map(({ name }) => name))}`)
  return another === undefined ? only : refuse(`${spec} has several protocols: give --protocol ${all.map(({ name }) => name).join(" or ")}`)
}
