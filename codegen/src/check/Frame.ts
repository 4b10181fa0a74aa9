/** Rules for headers, kinds and statuses. */
import type { HeaderModel, KindModel } from "@wirewright/codec/Model"
import { baseOf, type Built } from "../Build.ts"
import { type Complaint, complaintsOf } from "../Finding.ts"
import { hex, intSize } from "../Names.ts"
import { fieldOf } from "../print/HeaderFields.ts"
import { rangeOf } from "./Place.ts"

/** Findings about a protocol's frame. */
export function* checkFrame(built: Built): Iterable<Complaint> {
  if (built.protocol.kind !== "protocol") return
  const value = built.protocol.frame
  const { frame, statuses } = built.model
  const complain = complaintsOf(value)
  yield* checkRemoved(built)
  if (built.protocol.base !== undefined) {
    if (JSON.stringify(value.kinds) !== JSON.stringify(built.protocol.base.frame.kinds)) {
      yield complain(
        "WW180",
        ["kinds"],
        "an extension cannot change the headers of its base",
        "use `dialect` to add statuses and connection states, or write a protocol of its own"
      )
    }
  } else {
    yield* checkHeaders(frame.kinds, frame.sections, complain)
  }
  const table = value.statuses
  if (table === undefined) return
  const seen = new Map<number, string>()
  const { max } = rangeOf(table.of.int)
  for (const { name, code } of statuses) {
    const complaint = (rule: string, message: string, hint: string): Complaint => ({ rule, value: table, path: [name], message, hint })
    if (!Number.isSafeInteger(code) || code < 0 || BigInt(code) > max) {
      yield complaint("WW160", `status ${code} does not fit`, `the largest is ${hex(Number(max), 4)}`)
    }
    if (seen.has(code)) yield complaint("WW161", `status ${hex(code, 4)} is ${seen.get(code)} already`, "one code, one name")
    seen.set(code, name)
  }
}

/** What an extension takes from its base must be there, and not come back. */
function* checkRemoved({ commands, model, protocol }: Built): Iterable<Complaint> {
  if (protocol.kind !== "protocol") return
  const inherited = new Set<string>()
  for (let base = baseOf(model); base !== undefined; base = baseOf(base)) for (const { name } of base.commands) inherited.add(name)
  const removes = protocol.removes ?? []
  for (const [index, name] of removes.entries()) {
    const complain = (message: string, hint: string): Complaint => ({
      rule: "WW181",
      value: protocol,
      path: ["removes", String(index)],
      message,
      hint
    })
    if (!inherited.has(name)) yield complain(`the base has no command ${name}`, "remove the name, or correct it")
    else if (removes.indexOf(name) < index) yield complain(`${name} is removed twice`, "once is enough")
  }
  for (const [{ name }, value] of commands) {
    if (!removes.includes(name)) continue
    const hint = "a command replaces its namesake without being removed"
    yield { rule: "WW181", value, path: [], message: `${name} is removed and replaced at once`, hint }
  }
}

type Complain = (rule: string, path: ReadonlyArray<string>, message: string, hint: string) => Complaint

function* checkHeaders(kinds: ReadonlyArray<KindModel>, sections: ReadonlyArray<string>, complain: Complain): Iterable<Complaint> {
  const magics = new Map<number, string>()
  const position = new Map<string, string>()
  for (const kind of kinds) {
    const path = ["kinds", kind.name, "headers"]
    if (kind.run !== undefined) continue
    if (kind.headers.length === 0) {
      yield complain("WW150", path, `${kind.name} has no header`, "describe at least one")
      continue
    }
    if (kind.headers.some((header) => header.size !== kind.headers[0]!.size)) {
      yield complain("WW151", path, `the headers of ${kind.name} differ in size`, "all headers of a kind have the same number of bytes")
    }
    for (const [index, header] of kind.headers.entries()) {
      yield* checkHeader(header, sections, [...path, String(index)], complain)
      if (header.magic !== undefined) {
        const other = magics.get(header.magic)
        if (other !== undefined) {
          yield complain(
            "WW152",
            [...path, String(index)],
            `magic ${hex(header.magic)} is ${other}'s already`,
            "each header has a magic of its own"
          )
        }
        magics.set(header.magic, kind.name)
      } else if (kind.headers.length > 1) {
        yield complain("WW152", [...path, String(index)], `several headers of ${kind.name} need a magic each`, "add `magic`")
      }
      for (const role of ["magic", "opcode", "bodyLength"] as const) {
        const field = fieldOf(header, role)
        const place = field === undefined ? "missing" : `${field.offset}+${intSize(field.int)}`
        if (position.has(role) && position.get(role) !== place) {
          yield complain(
            "WW153",
            [...path, String(index), "fields"],
            `the ${role} stands at another place than in the first header`,
            "framing needs it in one place"
          )
        }
        if (!position.has(role)) position.set(role, place)
      }
    }
    for (const [index, { section }] of kind.shared.entries()) {
      if (sections[index] !== section) {
        yield complain(
          "WW154",
          ["kinds", kind.name, "shared", section],
          `shared sections come first, but ${section} is not among the first`,
          "reorder the sections"
        )
      }
    }
  }
}

function* checkHeader(
  header: HeaderModel,
  sections: ReadonlyArray<string>,
  path: ReadonlyArray<string>,
  complain: Complain
): Iterable<Complaint> {
  const lengths = new Set<string>()
  for (const field of header.fields) {
    if (field.role !== "sectionLength") continue
    if (!sections.includes(field.section)) {
      yield complain(
        "WW155",
        [...path, "fields", field.name],
        `there is no section ${field.section}`,
        `the sections are ${sections.join(", ")}`
      )
    }
    lengths.add(field.section)
  }
  const total = fieldOf(header, "bodyLength")
  if (total === undefined) {
    yield complain("WW156", [...path, "fields"], "nothing in the header says how long the packet is", "add a bodyLength")
  } else if (!(["u8", "u16", "u24", "u32"] as ReadonlyArray<string>).includes(total.int)) {
    yield complain("WW156", [...path, "fields", total.name], `a ${total.int} cannot be the length of a packet`, "use u8, u16, u24 or u32")
  }
  if (header.magic !== undefined) {
    const field = fieldOf(header, "magic")
    if (field === undefined || field.offset !== 0 || field.int !== "u8") {
      yield complain("WW157", [...path, "fields"], "a header with a magic begins with it, in one byte", "put `magic(u8)` first")
    }
  }
}
