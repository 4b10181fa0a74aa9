/**
 * The protocols that a command is to work on: of a spec module, of a directory of generated code, or one that comes with the command.
 *
 * What custom fields mean only their own code knows. Of a spec it is found where wirewright.config.ts says that its code goes, else where the
 * protocol itself does (`module`).
 */
import type { Customs } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import { dirname, join, resolve } from "node:path"
import { type Finding, loadSpec } from "./CodegenApi.ts"
import { readConfig, targetsFor } from "./Config.ts"
import { counted, Failure, refuse } from "./Failure.ts"
import { findingLine, findingText } from "./FindingReport.ts"
import { nearest } from "./Nearest.ts"
import { colorsOn } from "./Output.ts"
import { customsIn, generatedProtocol, isBuiltIn, isModule } from "./Protocols.ts"

/** A protocol as a command works on it. */
export interface SpecProtocol {
  readonly name: string
  /** The base first. */
  readonly models: ReadonlyArray<Model>
  /** Faces of the fields that only code can say, as far as there is code. */
  readonly customs: Customs
}

/** What is asked for. */
export interface AskedSpec {
  /** As the person wrote it. */
  readonly spec: string
  /** The name of one, where the spec has several. */
  readonly protocol?: string | undefined
  /** Directory that the spec is relative to. Default: the working directory */
  readonly cwd?: string
}

/** The description of an argument that is a spec. */
export const specDescription = "A spec module, the directory of generated code, or a protocol that comes with wirewright, such as dcp"

/** The protocols of a spec module, or what is wrong with it. */
const inSpec = async ({ cwd = process.cwd(), protocol, spec }: AskedSpec) => {
  const { findings, protocols } = await loadSpec({ cwd, spec, protocol })
  if (findings.length > 0) return { findings, protocols: [] }
  const targets = targetsFor(spec, cwd, await readConfig(cwd))
  return {
    findings: [],
    protocols: await Promise.all(protocols.map(async ({ models, name }): Promise<SpecProtocol> => {
      const own = targets.find((one) => one.protocol === name) ?? targets.find((one) => one.protocol === undefined)
      if (own === undefined) {
        const { module } = models.at(-1)!
        return { name, models, customs: module.startsWith(".") ? await customsIn(resolve(dirname(resolve(cwd, spec)), module)) : {} }
      }
      // several protocols of one spec have a directory each
      const out = resolve(cwd, own.out)
      return { name, models, customs: { ...await customsIn(out), ...await customsIn(join(out, name)) } }
    }))
  }
}

const inCode = async ({ cwd = process.cwd(), protocol, spec }: AskedSpec): Promise<SpecProtocol> => {
  const { customs = {}, models } = await generatedProtocol(spec, cwd)
  const { name } = models.at(-1)!
  if (protocol !== undefined && protocol !== name) refuse(`${spec} has no protocol ${protocol}, it is ${name}${nearest(protocol, [name])}`)
  return { name, models, customs }
}

/** The failure that tells what is wrong with specs: with frames of their lines for people. */
const wrong = (findings: ReadonlyArray<Finding & { readonly cwd: string }>): Failure =>
  new Failure({
    exit: "findings",
    error: "Findings",
    message: `${counted(findings.length, "finding")} in ${[...new Set(findings.map(({ file }) => file))].join(", ")}`,
    details: findings.map(findingLine),
    frames: findings.map((one) => findingText(one, { cwd: one.cwd, color: colorsOn(process.stderr) }))
  })

/** The protocols of each spec that is asked for. Refuses what is none; fails with the findings of all. */
export const protocolsOf = async (asked: ReadonlyArray<AskedSpec>): Promise<ReadonlyArray<ReadonlyArray<SpecProtocol>>> => {
  const findings: Array<Finding & { readonly cwd: string }> = []
  const all: Array<ReadonlyArray<SpecProtocol>> = []
  for (const one of asked) {
    const { cwd = process.cwd(), spec } = one
    if (!isModule(resolve(cwd, spec)) || isBuiltIn(spec)) {
      all.push([await inCode(one)])
      continue
    }
    const found = await inSpec(one)
    all.push(found.protocols)
    findings.push(...found.findings.map((finding) => ({ ...finding, cwd })))
  }
  // one spec may be asked for twice
  if (findings.length > 0) throw wrong([...new Map(findings.map((one) => [JSON.stringify(one), one])).values()])
  return all
}

/** The one protocol of a spec, or that of several which is asked for. */
export const protocolOf = async (spec: string, protocol?: string): Promise<SpecProtocol> => {
  const [[only, another, ...more] = []] = await protocolsOf([{ spec, protocol }])
  if (only === undefined) return refuse(`${spec} has no protocol`)
  if (another === undefined) return only
  return refuse(`${spec} has several protocols: give --protocol ${[only, another, ...more].map(({ name }) => name).join(" or ")}`)
}
