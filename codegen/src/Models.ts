/** Models of the protocols that a spec file exports: what everything but generated code is made of. */
import type { Model } from "@wirewright/codec/Model"
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import { buildModel, type Built } from "./Build.ts"
import { checkModel } from "./check/Model.ts"
import { checkProtocolNames } from "./check/Protocol.ts"
import { checkValues } from "./check/Values.ts"
import type { Complaint, Finding } from "./Finding.ts"
import { lineageOf } from "./Link.ts"
import { type Generatable, load, LoadError } from "./Load.ts"
import { Origin } from "./Origin.ts"
import { checkText } from "./text/Check.ts"

/** A protocol of a spec: its model and those of its bases, the base first. */
export interface SpecModels {
  readonly name: string
  readonly models: ReadonlyArray<Model>
}

/** What a spec file has. With findings there are no protocols. */
export interface LoadedModels {
  readonly findings: ReadonlyArray<Finding>
  readonly protocols: ReadonlyArray<SpecModels>
}

/** The model of a value, those of its bases before it. */
export const builtOf = (value: Protocol | TypesOnly, origin: Origin, models: Map<object, Built>): Built => {
  const known = models.get(value)
  if (known !== undefined) return known
  const base = value.kind === "protocol" && value.base !== undefined ? builtOf(value.base, origin, models).model : undefined
  const built = buildModel(value, origin, base)
  models.set(value, built)
  return built
}

/** Loads a spec; what a line of it is to blame for is a finding. Throws `LoadError` when no line is. */
export const loadValues = async (
  cwd: string,
  { protocol, spec }: { readonly spec: string; readonly protocol?: string | undefined },
  findings: Array<Finding>
): Promise<ReadonlyArray<Generatable>> => {
  try {
    return await load(cwd, spec, protocol)
  } catch (error) {
    if (!(error instanceof LoadError) || error.finding === undefined) throw error
    findings.push(error.finding)
    return []
  }
}

/** Builds the models of values into `models`, and checks them, all but their proof and their examples. */
export const buildAll = (values: ReadonlyArray<Generatable>, origin: Origin, models: Map<object, Built>): Array<Complaint> => {
  const complaints: Array<Complaint> = []
  for (const value of values) {
    const wrong = checkValues(value)
    complaints.push(...wrong, ...wrong.length > 0 ? [] : checkProtocolNames(value))
    // nothing can be made of values that no word makes
    if (wrong.length === 0) builtOf(value, origin, models)
  }
  for (const one of models.values()) complaints.push(...checkModel(one), ...checkText(one))
  return complaints
}

let origins: Promise<Origin> | undefined

/**
 * Loads a spec and checks it, all but its proof and its examples. `protocol`: the one to load, of several. Throws `LoadError` when no line of
 * the spec is to blame.
 */
export const loadModels = async (
  { cwd, protocol, spec }: { readonly cwd: string; readonly spec: string; readonly protocol?: string | undefined }
): Promise<LoadedModels> => {
  const origin = await (origins ??= Origin.make())
  const findings: Array<Finding> = []
  const values = await loadValues(cwd, { spec, protocol }, findings)
  const models = new Map<object, Built>()
  findings.push(...buildAll(values, origin, models).map((one) => origin.locate(one, cwd)))
  return findings.length > 0
    ? { findings, protocols: [] }
    : {
      findings: [],
      protocols: values.map((value) => ({ name: value.name, models: lineageOf(builtOf(value, origin, models).model).toReversed() }))
    }
}
