/**
 * Words of the grammar, tried out: code is generated for records, loaded, and held against bytes that were written by hand, and against the
 * interpreter that tools use. Generated in this process and without the checker, so that each word's own two files are what is tested.
 */
import { buildModel } from "@wirewright/codegen/Build"
import { checkModel } from "@wirewright/codegen/check/Model"
import { header } from "@wirewright/codegen/Header"
import type { Origin } from "@wirewright/codegen/Origin"
import { json } from "@wirewright/codegen/Output"
import { printProtocol } from "@wirewright/codegen/Generate"
import { print } from "@wirewright/codegen/Print"
import { Context } from "@wirewright/codegen/print/Context"
import { printIndex, printModel } from "@wirewright/codegen/print/Packets"
import { printSchemas } from "@wirewright/codegen/print/Schemas"
import { printTypes } from "@wirewright/codegen/print/Types"
import { DecodeError, EncodeError, Reader, Writer } from "@wirewright/codec"
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import { malformed } from "@wirewright/codec/Errors"
import type { FieldSpan } from "@wirewright/codec/Layout"
import { LayoutWalk } from "@wirewright/codec/LayoutWalk"
import type { FieldModel, Model, NamedTypeModel, TypeModel } from "@wirewright/codec/Model"
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import { endsItself } from "@wirewright/codec/words/Sizes"
import { wordOf } from "@wirewright/codec/words/index"
import { flatFields, Scope } from "@wirewright/codec/words/Word"
import type { NamedType, Protocol } from "@wirewright/dsl"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

/** What a decoder and an encoder of a record depend on beside bytes and value: states of the connection, or its byte order. */
export interface Surroundings {
  readonly states?: { readonly [name: string]: boolean | number }
  readonly littleEndian?: boolean
}

/** An objection, without the words for people. */
export interface Objection {
  readonly reason: string
  readonly path: string
  readonly offset: number
  readonly incomplete: boolean
}

/** What came of reading: a value, or an objection. */
export type Outcome = { readonly value: unknown } | { readonly error: Objection }

type Gen = { readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown }

const work = Path.join(import.meta.dirname, "..")

/** Bytes of hexadecimal digits, which may stand in groups. */
export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s+/g, ""), "hex"))

/** Bytes as hexadecimal digits. */
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Values to be compared: bytes as digits, without properties that are undefined, every NaN and zero told apart. */
export const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { bytes: hexOf(value) }
  if (typeof value === "bigint") return { bigint: String(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { number: Object.is(value, -0) ? "-0" : String(value) }
  }
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([name, one]) => [name, plain(one)]))
}

/** Whether there is a NaN in a value: every one is written as the same one. */
export const hasNaN = (value: unknown): boolean =>
  Number.isNaN(value) || typeof value === "object" && value !== null && !(value instanceof Uint8Array) && Object.values(value).some(hasNaN)

const objection = (error: unknown): Objection => {
  if (!(error instanceof DecodeError)) throw error
  const { reason, path, offset, incomplete } = error
  return { reason, path, offset, incomplete }
}

/** Leaves of a value by their paths, as the interpreter names them. */
export const leaves = (value: unknown, path = "", into = new Map<string, unknown>()): Map<string, unknown> => {
  if (Array.isArray(value)) {
    if (value.length === 0) into.set(path, [])
    value.forEach((one, i) => leaves(one, `${path}[${i}]`, into))
  } else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
    for (const [name, one] of Object.entries(value)) {
      if (name !== "_tag" && one !== undefined) leaves(one, path === "" ? name : `${path}.${name}`, into)
    }
  } else into.set(path, value)
  return into
}

/** Code that was generated, and the model it was generated from. */
export class Generated {
  readonly gen: Gen
  readonly model: Model
  readonly catalog: Catalog
  readonly directory: string

  private constructor(gen: Gen, models: ReadonlyArray<Model>, directory: string, customs: Customs) {
    this.gen = gen
    this.model = models.at(-1)!
    this.directory = directory
    this.catalog = Catalog.of(models, customs)
  }

  /** Code that is there already: what a generated `index.ts` exports, and its models. */
  static from(gen: object, models: ReadonlyArray<Model>, customs: Customs = {}): Generated {
    return new Generated(gen as Gen, models, "", customs)
  }

  /** Generates code for records into a directory of its own below `test/`. */
  static async of(
    name: string,
    types: ReadonlyArray<NamedType>,
    options: { readonly customs?: Customs; readonly states?: ReadonlyArray<string>; readonly files?: { readonly [name: string]: string } } =
      {}
  ): Promise<Generated> {
    const directory = Path.join(work, `.wirewright-words-${name}`)
    Fs.rmSync(directory, { recursive: true, force: true })
    Fs.mkdirSync(directory, { recursive: true })
    const model = modelOf(name, types, options.states ?? [])
    const context = new Context(model, ".ts")
    for (const module of [printTypes(context), printSchemas(context), printIndex(context), printModel(context)]) {
      Fs.writeFileSync(Path.join(directory, module.path), print(module, header))
    }
    // `types` have no states; those of a test are numbered but for "on"
    const properties = (options.states ?? []).map((state) => [state, state === "on" ? "boolean" : "number"] as const)
    const states = [
      `export interface States { ${properties.map(([state, type]) => `readonly ${state}: ${type}`).join("; ")} }`,
      `export const noStates: States = { ${
        properties.map(([state, type]) => `${state}: ${type === "boolean" ? "false" : "0"}`).join(", ")
      } }`
    ]
    Fs.writeFileSync(Path.join(directory, "States.ts"), states.join("\n"))
    for (const [file, text] of Object.entries(options.files ?? {})) Fs.writeFileSync(Path.join(directory, file), text)
    Fs.writeFileSync(Path.join(directory, `${name}.model.json`), json(model))
    const gen = await import(Path.join(directory, "index.ts")) as Gen
    return new Generated(gen, [model], directory, options.customs ?? {})
  }

  /** Removes what was generated. */
  remove(): void {
    Fs.rmSync(this.directory, { recursive: true, force: true })
  }

  private args({ littleEndian, states }: Surroundings): ReadonlyArray<unknown> {
    return states !== undefined ? [states] : littleEndian !== undefined ? [littleEndian] : []
  }

  /** Reads a record with the generated decoder. Throws what that throws. */
  read(name: string, bytes: Uint8Array, around: Surroundings = {}): unknown {
    return this.gen[`decode${name}`]!(bytes, ...this.args(around))
  }

  /** Reads a record with the generated decoder. */
  decode(name: string, bytes: Uint8Array, around: Surroundings = {}): Outcome {
    try {
      return { value: this.read(name, bytes, around) }
    } catch (error) {
      return { error: objection(error) }
    }
  }

  /** Writes a record; `spare`: room that the writer has, which is filled with other bytes before. */
  encode(name: string, value: unknown, around: Surroundings = {}): Uint8Array {
    const writer = new Writer(256)
    // what an encoder does not write must not be found as it was
    writer.bytes.fill(0xa5)
    this.gen[`encode${name}`]!(writer, value, ...this.args(around))
    return writer.take()
  }

  /** Why a record cannot be written; undefined when it can. */
  refusal(name: string, value: unknown, around: Surroundings = {}): { readonly reason: string; readonly path: string } | undefined {
    try {
      this.encode(name, value, around)
      return undefined
    } catch (error) {
      if (error instanceof EncodeError) return { reason: error.reason, path: error.path }
      throw error
    }
  }

  /** The TypeScript type of a record, on one line and without its comments. */
  interfaceOf(name: string): string {
    const source = Fs.readFileSync(Path.join(this.directory, "Types.ts"), "utf8")
    const body = new RegExp(`export interface ${name} \\{([^}]*)\\}`).exec(source)?.[1] ?? ""
    const lines = body.split("\n").map((line) => line.trim().replace(/^readonly /, "")).filter((line) =>
      line !== "" && !line.startsWith("/**")
    )
    return `{ ${lines.join("; ")} }`
  }

  /** The model of a named type. */
  typeOf(name: string): TypeModel {
    const type = this.catalog.type(name)
    return type.kind === "struct" ? { kind: "struct", ref: name } : { kind: "choice", ref: name }
  }

  /** Whether the bytes tell where the record ends. */
  ends(name: string): boolean {
    return endsItself(this.catalog, this.typeOf(name))
  }

  /** Walks over a record with the interpreter: what stands where, and what is wrong. */
  look(
    name: string,
    bytes: Uint8Array,
    { littleEndian, states = {} }: Surroundings = {}
  ): { readonly fields: ReadonlyArray<FieldSpan>; readonly error?: DecodeError } {
    const on = new Map(Object.entries(states).filter(([, one]) => one !== false).map(([key, one]) => [key, Number(one)]))
    const walk = new LayoutWalk(this.catalog, bytes, on)
    walk.packet = name
    if (littleEndian !== undefined) (walk as unknown as { little: boolean }).little = littleEndian
    try {
      const next = wordOf(this.typeOf(name)).walk(walk, this.typeOf(name), {
        path: "",
        name: "",
        at: 0,
        end: new Reader(bytes).open,
        scope: new Scope(0),
        doc: undefined
      })
      if (next !== bytes.length) malformed("Trailing", name, "", next, `${next} bytes`, `${bytes.length} bytes`)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return { fields: walk.spans, error }
    }
    return { fields: walk.spans }
  }

  /** Reads a record with the interpreter: leaves by their paths, without those that packets do not carry. */
  walk(name: string, bytes: Uint8Array, around: Surroundings = {}): { leaves: Map<string, unknown> } | { error: Objection } {
    const { error, fields } = this.look(name, bytes, around)
    if (error !== undefined) return { error: objection(error) }
    const found = new Map<string, unknown>()
    const invisible = this.invisible(name)
    for (const { path, value } of fields) {
      const last = path.replace(/\[\d+\]$/, "").split(".").at(-1)!
      if (
        !invisible.has(last) && !/\.(tag|length|count|frame)$/.test(`.${path}`) || path.endsWith(".tag") && this.isUnknown(fields, path)
      ) {
        found.set(path, value)
      }
    }
    return { leaves: found }
  }

  /** Names of fields that packets do not carry, of a record and of those within it. */
  private invisible(name: string): ReadonlySet<string> {
    const known = this.hidden.get(name)
    if (known !== undefined) return known
    const names = new Set<string>()
    this.hidden.set(name, names)
    const seen = new Set<string>()
    const visit = (type: NamedTypeModel): void => {
      if (seen.has(type.name)) return
      seen.add(type.name)
      for (const field of fieldsOf(type)) {
        if (!isVisibleType(field.type)) names.add(field.name)
        for (const [, ref] of JSON.stringify(field.type).matchAll(/"ref":"(\w+)"/g)) visit(this.catalog.type(ref!))
      }
    }
    visit(this.catalog.type(name))
    return names
  }

  private readonly hidden = new Map<string, ReadonlySet<string>>()

  private isUnknown(spans: ReadonlyArray<FieldSpan>, path: string): boolean {
    const record = path.slice(0, -"tag".length)
    return spans.some((one) => one.path === `${record}bytes`) && spans.find((one) => one.path === path)!.text.startsWith("Unknown")
  }

  /** Throws when generated decoder and interpreter differ. */
  agree(name: string, bytes: Uint8Array, around: Surroundings = {}): void {
    const difference = this.difference(name, bytes, around)
    if (difference !== undefined) throw new Error(`${hexOf(bytes)}: ${difference}`)
  }

  /** Where generated decoder and interpreter differ; undefined when they agree. */
  difference(name: string, bytes: Uint8Array, around: Surroundings = {}): string | undefined {
    const decoded = this.decode(name, bytes, around)
    const walked = this.walk(name, bytes, around)
    const out = this.look(name, bytes, around).fields.find(({ length, offset }) => offset < 0 || offset + length > bytes.length)
    if (out !== undefined) return `the interpreter notes ${out.path} at byte ${out.offset}, ${out.length} bytes`
    if ("error" in decoded || "error" in walked) {
      const [one, other] = ["error" in decoded ? decoded.error : "a value", "error" in walked ? walked.error : "a value"].map((each) =>
        JSON.stringify(each)
      )
      return one === other ? undefined : `decoder ${one}, interpreter ${other}`
    }
    const expected = leaves(decoded.value)
    for (const [path, value] of expected) {
      // a mark that is not there has no place, nor has a tag that stands in a sibling
      if (value === false && !walked.leaves.has(path) || /(^|\.)tag$/.test(path) && !walked.leaves.has(path)) expected.delete(path)
    }
    const text = (map: Map<string, unknown>): string =>
      JSON.stringify([...map].map(([path, value]) => [path, plain(value)]).sort((a, b) => String(a[0]) < String(b[0]) ? -1 : 1))
    const [one, other] = [text(expected), text(walked.leaves)]
    return one === other ? undefined : `decoder ${one}, interpreter ${other}`
  }
}

const fieldsOf = (type: NamedTypeModel): ReadonlyArray<FieldModel> =>
  type.kind === "struct" ? flatFields(type.fields) : type.kind === "choice" ? type.cases.flatMap((one) => flatFields(one.fields)) : []

/** What the compiler says about generated code, with the strictness of the project. */
export const compile = (directories: ReadonlyArray<string>): string => {
  const root = Path.join(work, "..")
  const project = Path.join(directories[0]!, "tsconfig.json")
  const { compilerOptions } = JSON.parse(Fs.readFileSync(Path.join(root, "tsconfig.base.json"), "utf8")) as {
    readonly compilerOptions: object
  }
  const options = { ...compilerOptions, noEmit: true, composite: false, incremental: false, declarationMap: false, noUnusedLocals: false }
  Fs.writeFileSync(project, JSON.stringify({ compilerOptions: options, include: directories.map((one) => Path.join(one, "*.ts")) }))
  const tsc = Path.join(root, "node_modules/typescript/bin/tsc")
  const { stderr, stdout } = ChildProcess.spawnSync(process.execPath, [tsc, "-p", project, "--pretty", "false"], {
    cwd: work,
    encoding: "utf8"
  })
  return stdout + stderr
}

const origin = { doc: () => undefined, family: () => undefined, locate: () => undefined } as unknown as Origin

/** Code of a whole protocol, packets and all, below `test/`; findings of the checker are thrown. */
export const protocolOf = async (
  protocol: Protocol
): Promise<{ readonly gen: Gen; readonly catalog: Catalog; readonly directory: string }> => {
  const directory = Path.join(work, `.wirewright-protocol-${protocol.name}`)
  Fs.rmSync(directory, { recursive: true, force: true })
  Fs.mkdirSync(directory, { recursive: true })
  const built = buildModel(protocol, origin)
  const complaints = [...built.complaints, ...checkModel(built)]
  if (complaints.length > 0) throw new Error(complaints.map(({ message, rule }) => `${rule} ${message}`).join("\n"))
  for (const module of printProtocol(built.model, ".ts", "none")) Fs.writeFileSync(Path.join(directory, module.path), print(module, header))
  Fs.writeFileSync(Path.join(directory, `${protocol.name}.model.json`), json(built.model))
  const gen = await import(Path.join(directory, "index.ts")) as Gen
  return { gen, catalog: Catalog.of([built.model]), directory }
}

/** The model of records, with connection states where they mention some. */
export const modelOf = (name: string, types: ReadonlyArray<NamedType>, states: ReadonlyArray<string> = []): Model => {
  const built = buildModel({ kind: "types", name, module: name, types }, origin)
  if (built.complaints.length > 0) throw new Error(built.complaints.map(({ message }) => message).join("\n"))
  return { ...built.model, states: states.map((state) => ({ name: state, doc: state })) }
}
