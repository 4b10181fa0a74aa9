/** Specs to checked models: load → check values → build → check the model, its examples, and that encoding loses nothing. */
import type { Model } from "@wirewright/codec/Model"
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import { buildModel, type Built } from "./Build.ts"
import { checkExamples } from "./check/Examples.ts"
import { checkModel } from "./check/Model.ts"
import { prove } from "./check/Proof.ts"
import { checkProtocolNames } from "./check/Protocol.ts"
import { checkValues } from "./check/Values.ts"
import type { Complaint, Finding } from "./Finding.ts"
import { lineageOf } from "./Link.ts"
import { type Generatable, load, LoadError } from "./Load.ts"
import { compare } from "./Module.ts"
import { Origin } from "./Origin.ts"
import { checkText } from "./text/Check.ts"

/** One spec. */
export interface SpecTarget {
  /** Path of the spec file. */
  readonly spec: string
  /** Name of the protocol, when the spec exports several. */
  readonly protocol?: string
}

/** A protocol that a spec exports. */
export interface Job<T extends SpecTarget = SpecTarget> {
  readonly value: Generatable
  readonly target: T
  /** Whether the target has no other protocol. */
  readonly isOnly: boolean
}

/** Specs that were read. */
export interface Reading<T extends SpecTarget = SpecTarget> {
  readonly origin: Origin
  readonly jobs: ReadonlyArray<Job<T>>
  /** What lines of specs that cannot be loaded are to blame for. */
  readonly unloaded: ReadonlyArray<Finding>
  readonly complaints: ReadonlyArray<Complaint>
  readonly notices: ReadonlyArray<Complaint>
  readonly builtOf: (value: Generatable) => Built
}

/** Reads and checks specs. Throws `LoadError` when no line of a spec is to blame. */
export const read = async <T extends SpecTarget>(cwd: string, targets: ReadonlyArray<T>): Promise<Reading<T>> => {
  const origin = await Origin.make()
  const complaints: Array<Complaint> = []
  const unloaded: Array<Finding> = []
  const jobs: Array<Job<T>> = []
  for (const target of targets) {
    const values = await loaded(cwd, target, unloaded)
    for (const value of values) jobs.push({ value, target, isOnly: values.length === 1 })
  }
  const models = new Map<object, Built>()
  for (const { value } of jobs) {
    const wrong = checkValues(value)
    complaints.push(...wrong, ...wrong.length > 0 ? [] : checkProtocolNames(value))
    // nothing can be made of values that no word makes
    if (wrong.length > 0) continue
    builtOf(value, origin, models)
  }
  const built = [...models.values()]
  for (const one of built) complaints.push(...checkModel(one), ...checkText(one))
  // examples are decoded by the model, which must be sound for that
  const notices: Array<Complaint> = []
  if (complaints.length === 0) {
    for (const one of built) {
      const proof = prove(one)
      complaints.push(...checkExamples(one), ...proof.findings)
      notices.push(...proof.notices)
    }
  }
  return { origin, jobs, unloaded, complaints, notices, builtOf: (value) => builtOf(value, origin, models) }
}

/** Complaints with their places, and what else was found, each once and in the order of the files. */
export const located = (
  origin: Origin,
  cwd: string,
  some: ReadonlyArray<Complaint>,
  more: ReadonlyArray<Finding> = []
): ReadonlyArray<Finding> =>
  [...new Map([...more, ...some.map((one) => origin.locate(one, cwd))].map((one) => [JSON.stringify(one), one])).values()]
    .sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.rule, b.rule))

/** Loads a spec; what a line of it is to blame for is a finding. */
const loaded = async (cwd: string, target: SpecTarget, findings: Array<Finding>): Promise<ReadonlyArray<Generatable>> => {
  try {
    return await load(cwd, target.spec, target.protocol)
  } catch (error) {
    if (!(error instanceof LoadError) || error.finding === undefined) throw error
    findings.push(error.finding)
    return []
  }
}

const builtOf = (value: Protocol | TypesOnly, origin: Origin, models: Map<object, Built>): Built => {
  const known = models.get(value)
  if (known !== undefined) return known
  const base = value.kind === "protocol" && value.base !== undefined ? builtOf(value.base, origin, models).model : undefined
  const built = buildModel(value, origin, base)
  models.set(value, built)
  return built
}

/** Checked models of what specs export. */
export interface Models {
  readonly findings: ReadonlyArray<Finding>
  readonly notices: ReadonlyArray<Finding>
  /** For each protocol its models, that which extends none first. None while there are findings. */
  readonly protocols: ReadonlyArray<{ readonly name: string; readonly spec: string; readonly models: ReadonlyArray<Model> }>
}

/** The models of specs, for printers of anything but code. Throws `LoadError` when no line of a spec is to blame. */
export const readModels = async (cwd: string, targets: ReadonlyArray<SpecTarget>): Promise<Models> => {
  const { builtOf: built, complaints, jobs, notices, origin, unloaded } = await read(cwd, targets)
  const findings = located(origin, cwd, complaints, unloaded)
  return {
    findings,
    notices: located(origin, cwd, notices),
    protocols: findings.length > 0 ? [] : jobs.map(({ target, value }) => {
      const { model } = built(value)
      return { name: model.name, spec: target.spec, models: lineageOf(model).toReversed() }
    })
  }
}
