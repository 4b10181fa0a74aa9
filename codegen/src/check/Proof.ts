/**
 * Proves that a spec can be decoded: that no two values have the same bytes, and that a decoder finds each of them.
 *
 * Words are no expressions, so this can be decided field by field: where each ends, whether it is there, which of several it is. What
 * that does not show is searched for a counterexample; what neither decides is a notice. Silence means proved.
 */
import { Catalog } from "@wirewright/codec/Catalog"
import type { FieldModel, KindModel, LayoutModel, Model, TypeModel } from "@wirewright/codec/Model"
import { headOf as beginning } from "@wirewright/codec/Heads"
import { wordOf } from "@wirewright/codec/words/index"
import { measuredFields, withMeasures } from "@wirewright/codec/words/Records"
import { isPresenceByLength } from "@wirewright/codec/words/Presence"
import { optionalIn, unwrapped } from "@wirewright/codec/words/Sizes"
import { mayBeMissing } from "@wirewright/codec/words/Tokens"
import { baseOf, type Built } from "../Build.ts"
import type { Complaint } from "../Finding.ts"
import { Context } from "../print/Context.ts"
import { packetsOf } from "../print/Plans.ts"
import { stateSets, typesIn } from "../sample/Within.ts"
import { type Alternative, search } from "./ProofSearch.ts"
import { areApart, Sets } from "./ProofSets.ts"

/** What is not shown of a field. */
interface Gap {
  readonly name: string
  readonly why: string
  readonly hint: string
}

/** What is said about a spec. */
export interface Proof {
  readonly findings: ReadonlyArray<Complaint>
  /** What could not be decided. */
  readonly notices: ReadonlyArray<Complaint>
}

const chainOf = (model: Model): ReadonlyArray<Model> => {
  const base = baseOf(model)
  return base === undefined ? [model] : [...chainOf(base), model]
}

const lengthen = "give it a length (lengthOf or prefixed), an end (until) or a size"

class Prover {
  readonly context: Context
  readonly catalog: Catalog

  constructor(built: Built) {
    this.context = new Context(built.model, ".ts")
    this.catalog = Catalog.of(chainOf(built.model))
  }

  /** What is not shown of a run of fields; `closed` when something outside says where it ends. `all`: the packet's fields. */
  run(fields: ReadonlyArray<FieldModel>, closed: boolean, all: ReadonlyArray<FieldModel> = fields): ReadonlyArray<Gap> {
    const gaps: Array<Gap> = []
    const measured = measuredFields(all)
    const groups = groupsOf(all)
    let open: string | undefined
    for (let i = 0; i < fields.length; i++) {
      const { name, type } = fields[i]!
      const group = groups.find(([first]) => first === name)
      if (group !== undefined) {
        const inner = fields.slice(i, i + group.length)
        if (inner.map((field) => field.name).join(" ") !== group.join(" ")) {
          gaps.push({ name, why: `${group.join(", ")} do not follow one another`, hint: "measure fields that stand side by side" })
        }
        gaps.push(...this.run(inner, true, inner))
        i += group.length - 1
        continue
      }
      const optional = optionalIn(type)
      if (optional !== undefined && optional.if === undefined) {
        gaps.push(...this.optionals(fields, i, closed, all))
        if (isPresenceByLength(this.context, fields)) {
          return [
            ...gaps,
            ...fields.slice(i).flatMap((one) => this.type(unwrapped(one.type), one.name, true))
          ]
        }
      }
      const byLength = measured.has(name) && all.some((other) => lengthTargets(other.type).includes(name))
      const counted = measured.has(name) && !byLength
      const ends = byLength || counted || this.context.ends(type) || optional !== undefined && this.context.ends(optional.of)
      if (!ends) {
        if (!closed) gaps.push({ name, why: `nothing says where ${name} ends`, hint: lengthen })
        else if (open !== undefined) gaps.push({ name: open, why: `both ${open} and ${name} take what is left`, hint: lengthen })
        open = name
      } else if (open !== undefined && !byLength && this.context.fixedSize(unwrapped(type)) === undefined) {
        gaps.push({ name: open, why: `${open} takes what is left, and what follows it has no known size`, hint: lengthen })
      }
      gaps.push(...this.type(type, name, !ends || byLength, counted))
    }
    return gaps
  }

  /** Optional fields that only the length of what surrounds them tells. */
  private optionals(
    fields: ReadonlyArray<FieldModel>,
    from: number,
    closed: boolean,
    all: ReadonlyArray<FieldModel>
  ): ReadonlyArray<Gap> {
    const { name } = fields[from]!
    const type = optionalIn(fields[from]!.type)!
    const gap = (why: string, hint: string): ReadonlyArray<Gap> => [{ name, why, hint }]
    const hint = "let a bit (bitOf), a value (valueOf) or layouts tell"
    if (!closed) return gap(`nothing tells whether ${name} is there`, hint)
    if (isPresenceByLength(this.context, fields)) return []
    if (all.some((field) => lengthTargets(field.type).includes(name))) {
      return gap(`${name} that is empty looks like none`, "drop `optional`, or say which length means none: `absent`")
    }
    let before = name
    for (const [i, field] of fields.entries()) {
      if (i <= from) continue
      const other = optionalIn(field.type)
      if (other === undefined || other.if !== undefined) {
        return gap(`whether ${name} is there cannot be told from what follows it`, hint)
      }
      if (other.requires !== before) {
        return gap(`bytes that are left may be ${name} or ${field.name}`, `say that ${field.name} \`requires\` ${before}, or use layouts`)
      }
      before = field.name
    }
    if (this.context.minimumSize(type.of) === 0) {
      return gap(`${name} that is empty looks like none`, "drop `optional`: an empty value says the same")
    }
    return []
  }

  /** What is not shown of a type; `closed` when its end is known from outside. */
  private type(type: TypeModel, name: string, closed: boolean, counted = false): ReadonlyArray<Gap> {
    switch (type.kind) {
      case "optional":
        return this.type(type.of, name, closed, counted)
      case "when":
        return [...this.type(type.of, name, closed, counted), ...type.else === undefined ? [] : this.type(type.else, name, closed, counted)]
      case "prefixed":
        return this.type(type.of, name, true)
      case "counted":
        return this.element(type.of, name)
      case "array":
        // one that looks like the end is refused, as text is that contains its own
        return this.element(type.of, name)
      case "tokens":
        return this.tokens(type)
      case "struct":
      case "choice":
        // that it can be read at all is shown where it is described
        return closed || this.context.ends(type) ? [] : [{ name, why: `nothing says where ${name} ends`, hint: lengthen }]
      default:
        return []
    }
  }

  private element(of: TypeModel, name: string): ReadonlyArray<Gap> {
    if (!this.context.ends(of)) return [{ name, why: `nothing says where an element of ${name} ends`, hint: lengthen }]
    if (this.context.minimumSize(of) === 0) return [{ name, why: `an element of ${name} may take no bytes`, hint: lengthen }]
    return this.type(of, name, false)
  }

  private tokens(type: Extract<TypeModel, { readonly kind: "tokens" }>): ReadonlyArray<Gap> {
    // a literal is told by its text, except after an array, which takes all that are left
    const array = type.fields.findIndex((field) => field.type.kind === "array")
    const told = (field: FieldModel, i: number): boolean =>
      field.type.kind === "optional" && field.type.of.kind === "literal" && (array === -1 || i < array)
    const loose = type.fields.filter((field, i) => mayBeMissing(field) && !told(field, i))
    const [first, second] = loose
    if (first === undefined) return []
    if (second !== undefined) {
      const chained = loose.every((field, i) => i === 0 || field.type.kind === "optional" && field.type.requires === loose[i - 1]!.name)
      if (!chained) {
        return [{
          name: first.name,
          why: `a token may be ${first.name} or ${second.name}`,
          hint: `keep one of them, or let ${second.name} \`require\` ${first.name}`
        }]
      }
    }
    const of = (first.type as Extract<TypeModel, { readonly kind: "optional" | "array" }>).of
    const isNever = first.type.kind === "array" && (first.type.min ?? 0) > 0
    if (!isNever && loose.length === type.fields.length && this.context.minimumSize(of) === 0) {
      return [{
        name: first.name,
        why: `an empty line may be no ${first.name}, or an empty one`,
        hint: "put a token in front that is always there"
      }]
    }
    return []
  }
}

const lengthTargets = (type: TypeModel): ReadonlyArray<string> => {
  const length = unwrapped(type)
  return length.kind === "lengthOf" ? (typeof length.target === "string" ? [length.target] : length.target) : []
}

/** Names that one length measures together. */
const groupsOf = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<ReadonlyArray<string>> =>
  withMeasures(fields).map(({ type }) => lengthTargets(type)).filter((targets) => targets.length > 1)

/** A finding with the counterexample, or a notice without one. */
const decide = (
  prover: Prover,
  place: { readonly value: object; readonly path: ReadonlyArray<string> },
  what: string,
  gaps: ReadonlyArray<Gap>,
  alternatives: ReadonlyArray<Alternative>,
  open: boolean,
  out: { readonly findings: Array<Complaint>; readonly notices: Array<Complaint> }
): void => {
  const [gap] = gaps
  if (gap === undefined) return
  const path = gap.name === "" ? place.path : [...place.path, gap.name]
  for (const states of stateSets(typesIn(prover.catalog, alternatives.flatMap(({ fields }) => fields)))) {
    const found = search(prover.catalog, alternatives, states, open)
    if (found === undefined) continue
    const on = [...states].filter(([, number]) => number !== 0).map(([name]) => name)
    const when = on.length === 0 ? "" : ` (with ${on.join(", ")})`
    const bytes = found.hex === "" ? "no bytes" : `the bytes ${found.hex}`
    const message = found.shorter === undefined
      ? `two values are ${bytes}${when}: ${found.values.join(" and ")}; ${gap.why}`
      : `${found.hex} is ${found.values[0]}, and its beginning ${found.shorter || "(nothing)"} is ${found.values[1]}; ${gap.why}`
    out.findings.push({ rule: found.shorter === undefined ? "WW190" : "WW191", value: place.value, path, message, hint: gap.hint })
    return
  }
  out.notices.push({ rule: "WW199", value: place.value, path, message: `not decided: ${what}: ${gap.why}`, hint: gap.hint })
}

/** Header fields that are values of a packet. */
const headOf = (kind: KindModel): ReadonlyArray<FieldModel> =>
  (kind.run?.fields ?? []).filter(({ type }) => type.kind !== "opcode" && type.kind !== "bodyLength")

/** What a packet consists of, by what tells where it ends: sections without a length of their own are one run. */
export const runsOf = (
  kind: KindModel,
  sections: ReadonlyArray<string>,
  layout: LayoutModel
): ReadonlyMap<string, ReadonlyArray<FieldModel>> => {
  const measured = new Set(
    kind.headers.flatMap(({ fields }) => fields.flatMap((field) => field.role === "sectionLength" ? [field.section] : []))
  )
  const out = new Map<string, ReadonlyArray<FieldModel>>()
  const head = headOf(kind)
  if (head.length > 0) out.set("", head)
  for (const section of sections) {
    if (kind.shared.some((one) => one.section === section)) continue
    const key = measured.has(section) ? section : ""
    out.set(key, [...out.get(key) ?? [], ...layout.sections.find((one) => one.section === section)?.fields ?? []])
  }
  const trailer = kind.run?.trailer ?? []
  if (trailer.length > 0) out.set("", [...out.get("") ?? [], ...trailer])
  return out
}

/** Whether something outside its fields tells where a packet ends. */
const isBounded = (kind: KindModel): boolean =>
  kind.run === undefined ? kind.headers.some(({ fields }) => fields.some(({ role }) => role === "bodyLength")) : kind.run.end !== "self"

const hasOpcode = (kind: KindModel): boolean =>
  kind.run === undefined
    ? kind.headers.some(({ fields }) => fields.some(({ role }) => role === "opcode"))
    : kind.run.opcodeFrom !== undefined ||
      kind.run.fields.some(({ type }) =>
        type.kind === "opcode" || type.kind === "bits" && type.fields.some(({ role }) => role === "opcode")
      )

/** Proves a spec. It must have no other findings. */
export const prove = (built: Built): Proof => {
  const out = { findings: new Array<Complaint>(), notices: new Array<Complaint>() }
  const prover = new Prover(built)
  const { context } = prover
  for (const [name, value] of built.types) {
    if (context.from(name) !== context.local("Types")) continue
    const type = context.named(name)
    const runs = type.kind === "struct" ? [{ label: "", fields: type.fields }] : type.kind === "choice" || type.kind === "nibbleFrames"
      ? type.cases.map((one) => ({ label: one.name, fields: one.fields }))
      : []
    for (const { fields, label } of runs) {
      const path = label === "" ? [] : [label]
      noticeCustoms(fields, value, path, out)
      decide(prover, { value, path }, label === "" ? name : `${name}.${label}`, prover.run(fields, true), [{ label, fields }], false, out)
    }
  }
  if (built.protocol.kind === "protocol") provePackets(built, prover, out)
  return out
}

/** Fields that only code can say. */
const noticeCustoms = (
  fields: ReadonlyArray<FieldModel>,
  value: object,
  path: ReadonlyArray<string>,
  out: { readonly notices: Array<Complaint> }
): void => {
  const within = (type: TypeModel): ReadonlyArray<TypeModel> => [type, ...(wordOf(type).inner?.(type) ?? []).flatMap(within)]
  for (const field of fields) {
    for (const type of within(field.type)) {
      if (type.kind !== "custom") continue
      out.notices.push({
        rule: "WW199",
        value,
        path: [...path, field.name],
        message: `not decided: whether custom ${type.name} reads what it writes: only its own code can say`,
        hint: "test it with values and bytes of others"
      })
    }
  }
}

const provePackets = (
  built: Built,
  prover: Prover,
  out: { readonly findings: Array<Complaint>; readonly notices: Array<Complaint> }
): void => {
  const { context } = prover
  const { sections } = built.model.frame
  const told = new Map<string, Array<{ readonly value: object; readonly run: Alternative; readonly command: string }>>()
  for (const [model, value] of built.commands) {
    for (const packet of packetsOf(context, model)) {
      const { kind } = packet
      const bounded = isBounded(kind)
      const path = packet.statuses.length === 0
        ? ["request"]
        : ["responses", model.responses.find((one) => one.statuses === packet.statuses)!.name]
      const runs = packet.layouts.map((layout) => ({ layout, runs: runsOf(kind, sections, layout) }))
      for (const { layout, runs: own } of runs) {
        for (const { fields, section } of layout.sections) {
          noticeCustoms(fields, value, [...path, ...layout.name === undefined ? [] : [layout.name], section], out)
        }
        for (const [section, fields] of own) {
          const gaps = prover.run(fields, section !== "" || bounded, [...own.values()].flat())
          const place = [...path, ...layout.name === undefined ? [] : [layout.name], ...sectionOf(layout, gaps[0]?.name)]
          decide(prover, { value, path: place }, packet.tag, gaps, [wholeOf(layout.name ?? "", own)], section === "" && !bounded, out)
        }
      }
      const unplaced = kind.run === undefined ? unplacedSection(kind, sections, packet.layouts) : undefined
      if (unplaced !== undefined && out.findings.every((one) => one.value !== value)) {
        out.findings.push({
          rule: "WW158",
          value,
          path: [...path, unplaced],
          message: `no header says how long ${unplaced} is, and only the last section takes what is left`,
          hint: `add a sectionLength of ${unplaced} to the header, or make it part of the next section`
        })
      }
      proveApart(prover, { value, path }, packet.tag, runs, bounded, out)
      if (packet.statuses.length === 0 && (!hasOpcode(kind) || model.isOpcodeless === true)) {
        for (const { layout, runs: own } of runs) {
          const label = layout.name === undefined ? packet.tag : `${packet.tag} ${layout.name}`
          told.set(kind.name, [...told.get(kind.name) ?? [], { value, run: wholeOf(label, own), command: model.name }])
        }
      }
    }
  }
  if (built.model.frame.over === "text") {
    out.notices.push({
      rule: "WW199",
      value: built.protocol,
      path: [],
      message:
        "not decided: packets with one head are told apart by what is more special: a value with the literals of another packet is read as that",
      hint: "test those that say less than others with values that say as much"
    })
    return
  }
  // packets without an opcode are told apart by what they consist of
  for (const all of told.values()) {
    const fallbacks = new Map<object, { readonly name: string; readonly others: Array<string> }>()
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(0, i)) {
        if (other.command === one.command || apart(prover, one.run.fields, other.run.fields)) continue
        // the encoder refuses what begins like a packet with a longer head
        const [a, b] = [beginning(one.run.fields).text, beginning(other.run.fields).text]
        if (a !== b && (a.startsWith(b) || b.startsWith(a))) continue
        const [fewer, more] = marks(other.run.fields) < marks(one.run.fields) ? [other, one] : [one, other]
        if (marks(fewer.run.fields) < marks(more.run.fields)) {
          const known = fallbacks.get(fewer.value) ?? { name: fewer.command, others: [] }
          fallbacks.set(fewer.value, { ...known, others: [...known.others, more.command] })
          continue
        }
        const gap = {
          name: "",
          why: `nothing tells ${one.command} from ${other.command}`,
          hint: "give the header an opcode, or each of them a literal or constant of its own in front"
        }
        decide(prover, { value: one.value, path: [] }, one.command, [gap], [other.run, one.run], false, out)
      }
    }
    for (const [value, { name, others }] of fallbacks) {
      out.notices.push({
        rule: "WW199",
        value,
        path: [],
        message: `not decided: ${name} is for what ${others.join(", ")} ${
          others.length === 1 ? "is" : "are"
        } not; a value of ${name} with its literals is read as that one`,
        hint: "let the encoder's caller choose the more special packet"
      })
    }
  }
}

/** All of a packet in one run: what the header says of its sections' lengths stands in front. */
export const wholeOf = (label: string, runs: ReadonlyMap<string, ReadonlyArray<FieldModel>>): Alternative => {
  const heads = [...runs].filter(([section, fields]) => section !== "" && fields.length > 0).map(([section, fields]): FieldModel => ({
    name: `${section} length`,
    type: {
      kind: "lengthOf",
      of: { kind: "int", int: "u16" },
      target: fields.length === 1 ? fields[0]!.name : fields.map(({ name }) => name)
    }
  }))
  return { label, fields: [...heads, ...[...runs.values()].flat()] }
}

/** A section with content, before the last, whose length no header says. */
const unplacedSection = (kind: KindModel, sections: ReadonlyArray<string>, layouts: ReadonlyArray<LayoutModel>): string | undefined => {
  const measured = new Set(
    kind.headers.flatMap(({ fields }) => fields.flatMap((field) => field.role === "sectionLength" ? [field.section] : []))
  )
  return sections.slice(0, -1).find((section) =>
    !measured.has(section) && layouts.some((layout) => layout.sections.some((one) => one.section === section && one.fields.length > 0))
  )
}

/** The section that a field of a layout stands in. */
const sectionOf = (layout: LayoutModel, name: string | undefined): ReadonlyArray<string> =>
  layout.sections.filter(({ fields }) => fields.some((field) => field.name === name)).map(({ section }) => section).slice(0, 1)

const apart = (prover: Prover, a: ReadonlyArray<FieldModel>, b: ReadonlyArray<FieldModel>): boolean =>
  stateSets(typesIn(prover.catalog, [...a, ...b])).every((states) => {
    const sets = new Sets(prover.catalog, states)
    return areApart(sets.shape(a), sets.shape(b))
  })

/** Constants and literals that a layout is known by. */
const marks = (fields: ReadonlyArray<FieldModel>): number =>
  fields.reduce(
    (sum, { type }) => sum + (type.kind === "tokens" ? marks(type.fields) : type.kind === "constant" || type.kind === "literal" ? 1 : 0),
    0
  )

/** Layouts of one packet. One that says fewer constants is for what the others are not. */
const proveApart = (
  prover: Prover,
  place: { readonly value: object; readonly path: ReadonlyArray<string> },
  tag: string,
  runs: ReadonlyArray<{ readonly layout: LayoutModel; readonly runs: ReadonlyMap<string, ReadonlyArray<FieldModel>> }>,
  bounded: boolean,
  out: { readonly findings: Array<Complaint>; readonly notices: Array<Complaint> }
): void => {
  const fallbacks = new Map<string, Array<string>>()
  for (const [i, one] of runs.entries()) {
    for (const other of runs.slice(0, i)) {
      if ([...one.runs].some(([section, fields]) => apart(prover, fields, other.runs.get(section) ?? []))) continue
      const [a, b] = [other, one].map(({ layout, runs: own }) => wholeOf(layout.name!, own))
      const [fewer, more] = marks(a!.fields) < marks(b!.fields) ? [a!, b!] : [b!, a!]
      if (marks(fewer.fields) < marks(more.fields)) {
        fallbacks.set(fewer.label, [...fallbacks.get(fewer.label) ?? [], more.label])
        continue
      }
      const gap = {
        name: "",
        why: `nothing tells layout ${one.layout.name} from ${other.layout.name}`,
        hint: "let them differ in the length of a section, or put a different constant in each"
      }
      decide(prover, { value: place.value, path: [...place.path, one.layout.name!] }, tag, [gap], [a!, b!], !bounded, out)
    }
  }
  for (const [name, others] of fallbacks) {
    out.notices.push({
      rule: "WW199",
      value: place.value,
      path: [...place.path, name],
      message: `not decided: ${tag}: layout ${name} is for what ${
        others.join(", ")
      } are not; a value of ${name} with the constants of one is read as that one`,
      hint: "let the encoder's caller choose the more special layout, or put a constant in this one"
    })
  }
}
