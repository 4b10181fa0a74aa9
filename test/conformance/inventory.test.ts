/**
 * The specs against the inventory of the server's headers: every opcode, every layout of its extras, every flag, enumeration value and
 * status must be there. The fixtures know nothing of the specs; see test/fixtures/ORIGIN.md.
 */
import { readFileSync } from "node:fs"
import type { Body, Command, Enumeration, Fields, Flags, HeaderField, Layouts, Protocol, Type } from "@wirewright/dsl"
import { annotate, Catalog, encodeWith, packetToJson, Reader } from "@wirewright/codec"
import * as Dcp from "@wirewright/dcp/gen"
import { models } from "@wirewright/dcp/gen/Model"
import { dcp } from "@wirewright/spec/dcp"
import { describe, expect, it } from "vitest"

interface Field {
  readonly name: string
  readonly width: number
}

interface Side {
  readonly extras?: ReadonlyArray<{ readonly length: number; readonly fields: ReadonlyArray<Field> }>
}

interface Opcode {
  readonly name: string
  readonly opcode: string
  readonly group: string
  readonly status: string
  readonly request: Side
  readonly response?: Side
}

interface Table {
  readonly kind: "enum" | "bitmask" | "constants" | "rule"
  readonly width_bytes: number
  readonly values?: ReadonlyArray<{ readonly name: string; readonly value: number }>
}

interface FrameRow {
  readonly id: number
}

const read = <A>(name: string): A => JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8")) as A

const opcodes = read<{ readonly opcodes: ReadonlyArray<Opcode> }>("inventory.json").opcodes
const allTables = read<{ readonly [name: string]: Table }>("flags.json")
const tables = Object.entries(allTables).filter(([, table]) => table.kind !== undefined && table.width_bytes !== undefined)

// Where our names differ from the inventory's.

/** Commands. */
const commandNames: { readonly [name: string]: string } = { DcpStreamReq: "DcpStreamRequest" }

/**
 * Fields of extras: `Command.field`, or `field` for all commands. A packet has one namespace, so what the header carries already needs
 * another name.
 */
const fieldNames: { readonly [name: string]: string } = {
  "cas": "documentCas",
  "GetMeta.datatype": "documentDatatype",
  "GetQMeta.datatype": "documentDatatype",
  "GetMeta.seqno": "revSeqno",
  "GetQMeta.seqno": "revSeqno",
  "DcpAddStream.opaque": "streamOpaque",
  "DcpStreamEnd.status": "reason",
  "SetBucketDataLimitExceeded.status": "limitStatus",
  "GetCmdTimer.opcode": "timedOpcode"
}

/** Bitmasks and enumerations. */
const tableNames: { readonly [name: string]: string } = {
  DcpOpenFlag: "DcpOpenFlags",
  DcpAddStreamFlag: "DcpStreamFlags",
  DcpSnapshotMarkerFlag: "DcpSnapshotMarkerFlags",
  SubdocPathFlag: "SubdocPathFlags",
  SubdocDocFlag: "SubdocDocFlags",
  TapConnectFlag: "TapConnectFlags"
}

/** Their values. */
const valueNames: { readonly [name: string]: string } = {
  "DcpOpenFlag.Invalid": "notifier",
  "DcpOpenFlag.Unused": "unused16",
  "DcpOpenFlag.PiTR_Unsupported": "pointInTimeRecovery",
  "SnapshotMarkerVersion.V2_1_removed": "V2_1",
  "SystemEventId.Reserved_Flush": "Flush",
  "SystemEventVersion.version0": "V0",
  "SystemEventVersion.version1": "V1",
  "SystemEventVersion.version2": "V2",
  "TapConnectFlag.TAP_FIX_FLAG_BYTEORDER": "fixFlagByteorder",
  "SubdocOpcode.Get (whole doc)": "GetDocument",
  "SubdocOpcode.Set (whole doc)": "SetDocument",
  "SubdocOpcode.Delete (whole doc)": "DeleteDocument",
  "WithMetaOptions.SKIP_CONFLICT_RESOLUTION_FLAG": "skipConflictResolution",
  "GetMetaDeleted.GET_META_ITEM_DELETED_FLAG": "deleted"
}

/** What the specs do without, and why. */
const exceptions: { readonly [name: string]: string } = {
  CasSpecial: "values of an ordinary CAS, explained where the CAS is described; the DSL has no 64-bit enumerations",
  Expiry: "rules about a number, explained at the fields that hold one",
  "SubdocPathFlag.Unused_0x02": "never had a meaning; the description of the flags says so",
  "SubdocPathFlag.Unused_0x08": "never had a meaning; the description of the flags says so"
}

/** Layouts the inventory lacks, and what proves them. */
const beyond: { readonly [layout: string]: string } = {
  "0x3d SetVbucket request: 4{reserved:3 state:1}":
    "test/fixtures/captures/couchbase-6.0-session.pcapng.gz: a 32-bit state, answered with Success"
}

// Reading the specs.

const chain = (protocol: Protocol): ReadonlyArray<Protocol> =>
  protocol.base === undefined ? [protocol] : [...chain(protocol.base), protocol]

const keyOf = (kind: string, opcode: number) => `${kind} 0x${opcode.toString(16).padStart(2, "0")}`

/** Commands as a decoder sees them: later protocols replace opcodes of earlier ones. */
const commands = new Map(chain(dcp).flatMap((protocol) => protocol.commands).map((c) => [keyOf(c.kinds.request, Number(c.opcode)), c]))

const isType = (value: Type | Fields): value is Type => typeof (value as { readonly kind?: unknown }).kind === "string"

const fieldsOf = (section: Type | Fields | undefined, name: string): Fields =>
  section === undefined ? {} : isType(section) ? { [name]: section } : section

const widths: { readonly [int: string]: number } = { u8: 1, i8: 1, u16: 2, i16: 2, u24: 3, u32: 4, i32: 4, u64: 8, i64: 8 }

const widthOf = (type: Type | HeaderField): number => {
  switch (type.kind) {
    case "int":
      return widths[type.int]!
    case "bytes":
      return type.size ?? Number.NaN
    case "constant":
    case "reserved":
    case "lengthOf":
    case "countOf":
      return type.of.kind === "slice" ? Number.NaN : widthOf(type.of)
    case "flags":
    case "enumeration":
      return widthOf(type.of)
    default:
      return Number.NaN
  }
}

type Variant = ReadonlyArray<Field>

/** All ways to fill in a list of fields: optional ones are there or not. */
const variantsOf = (fields: Fields): ReadonlyArray<Variant> => {
  let open: ReadonlyArray<{ readonly present: ReadonlySet<string>; readonly variant: Variant }> = [{ present: new Set(), variant: [] }]
  for (const [name, field] of Object.entries(fields)) {
    const type = field.kind === "optional" ? field.of : field
    const parts: ReadonlyArray<Variant> = type.kind === "struct" ? variantsOf(type.fields) : [[{ name, width: widthOf(type) }]]
    open = open.flatMap((way) => {
      const taken = field.kind === "optional" && field.requires !== undefined && !way.present.has(field.requires)
        ? []
        : parts.map((part) => ({ present: new Set([...way.present, name]), variant: [...way.variant, ...part] }))
      return field.kind === "optional" ? [way, ...taken] : taken
    })
  }
  return open.map((way) => way.variant)
}

const bodiesOf = (content: Body | Layouts | string): ReadonlyArray<Body> =>
  typeof content === "string"
    ? []
    : (content as { readonly kind?: unknown }).kind === "layouts"
    ? Object.values((content as Layouts).layouts)
    : [content as Body]

const extrasOf = (content: Body | Layouts | string) => bodiesOf(content).flatMap((body) => variantsOf(fieldsOf(body["extras"], "extras")))

const requestVariants = (c: Command) => extrasOf(c.request)

const responseVariants = (c: Command) =>
  Object.values(c.responses ?? { Success: {} }).flatMap((outcome) => outcome === undefined ? [] : extrasOf(outcome))

const sum = (variant: Variant) => variant.reduce((total, field) => total + field.width, 0)

const spell = (variant: Variant) => `${sum(variant)}{${variant.map((field) => `${field.name}:${field.width}`).join(" ")}}`

const plain = (name: string) => name.replace(/_Unsupported$/, "").replace(/[^A-Za-z0-9]/g, "").toLowerCase()

const camel = (name: string) => name.replace(/_len$/, "_length").replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const renamed = (command: string, field: Field): Field => ({
  name: fieldNames[`${command}.${field.name}`] ?? fieldNames[field.name] ?? camel(field.name),
  width: field.width
})

const walk = (value: unknown, visit: (node: object) => void, seen: Set<object> = new Set()): void => {
  if (typeof value !== "object" || value === null || seen.has(value)) return
  seen.add(value)
  visit(value)
  for (const child of Object.values(value)) walk(child, visit, seen)
}

const named = new Map<string, Flags | Enumeration>()
for (const protocol of chain(dcp)) {
  walk(protocol, (node) => {
    const type = node as Flags | Enumeration
    if (type.kind === "flags" || type.kind === "enumeration") named.set(type.name, type)
  })
}

const statuses = new Map(chain(dcp).flatMap((p) => Object.entries(p.frame.statuses?.rows ?? {})).map(([name, row]) => [row.code, name]))

const magics = new Set(Object.values(dcp.frame.kinds).flatMap((kind) => kind.headers.map((header) => header.magic)))

const commandOf = (entry: Opcode) => commands.get(keyOf(entry.group === "duplex" ? "serverRequest" : "request", Number(entry.opcode)))

// Comparing.

const missingValues = (name: string, table: Table, excused: { readonly [name: string]: string } = exceptions): ReadonlyArray<string> => {
  const missing: Array<string> = []
  const ours = tableNames[name] ?? name
  const type = named.get(ours)
  for (const { name: label, value } of table.values ?? []) {
    const full = `${name}.${label}`
    if (excused[full] !== undefined) continue
    const expected = plain(valueNames[full] ?? label)
    const fail = (found: string | undefined) => {
      if (found === undefined || plain(found) !== expected) missing.push(`${full} = ${value}${found === undefined ? "" : ` (is ${found})`}`)
    }
    if (name === "Status") fail(statuses.get(value))
    else if (name === "Magic") fail(magics.has(value) ? label : undefined)
    else if (name === "ServerOpcode") fail(commands.get(keyOf("serverRequest", value))?.name)
    else if (type?.kind === "enumeration") fail(Object.entries(type.values).find(([, v]) => v === value)?.[0])
    else if (type?.kind === "flags") {
      // `None` and `RAW` stand for no bit at all.
      if (value !== 0) fail(Object.entries(type.bits).find(([, bit]) => 2 ** bit.bit === value)?.[0])
    } else missing.push(full)
  }
  if (type !== undefined && widthOf(type) !== table.width_bytes) {
    missing.push(`${name} is ${widthOf(type)} bytes wide, not ${table.width_bytes}`)
  }
  return missing
}

describe("inventory", () => {
  it("has every opcode", () => {
    const missing = opcodes.flatMap((entry) => {
      const c = commandOf(entry)
      if (c === undefined) return [`${entry.opcode} ${entry.name}`]
      return plain(commandNames[entry.name] ?? entry.name) === plain(c.name) ? [] : [`${entry.opcode} ${entry.name} (is ${c.name})`]
    })
    const extra = [...commands.keys()].filter((key) => !opcodes.some((entry) => commandOf(entry) === commands.get(key)))
    expect({ missing, extra }).toEqual({ missing: [], extra: [] })
    expect(opcodes).toHaveLength(201)
    console.log(`${opcodes.length} opcodes`)
  })

  it("gives every opcode its standing", () => {
    const wrong = opcodes.flatMap((entry) => {
      const lifecycle = commandOf(entry)?.lifecycle ?? "active"
      return entry.status.startsWith(lifecycle) ? [] : [`${entry.opcode} ${entry.name}: ${lifecycle}, not ${entry.status}`]
    })
    expect(wrong).toEqual([])
  })

  it("names every opcode that no server executes any more, and has no code for it", () => {
    const catalog = Catalog.of(models)
    const removed = opcodes.filter(({ status }) => status.startsWith("removed"))
    for (const entry of removed) {
      const c = commandOf(entry)!
      const opcode = Number(entry.opcode)
      expect(Dcp.requestCommands[opcode]).toMatchObject({ name: c.name, label: c.label ?? expect.any(String), lifecycle: "removed" })
      for (const raw of ["UnknownRequest", "UnknownResponse"] as const) {
        const sections = { extras: Uint8Array.of(1), key: Uint8Array.of(2), value: Uint8Array.of(3) }
        const sent = { _tag: raw, opcode, status: 0, ...sections }
        const bytes = encodeWith((writer) => Dcp.encode(writer, sent as unknown as Dcp.Packet))
        const packet = Dcp.decode(new Reader(bytes))
        expect(packet).toMatchObject({ _tag: raw, opcode, ...sections })
        // tools still tell what it is
        const kind = raw === "UnknownRequest" ? "request" : "response"
        const json = packetToJson(catalog, packet as never, bytes.length)
        expect(json).toMatchObject({ packet: c.name, kind, fields: { extras: { hex: "01" } } })
        expect(annotate(catalog, bytes)).toMatchObject({ packet: c.name, kind })
      }
    }
    const codecs = new Set(Object.keys(Dcp).filter((name) => /^encode/.test(name)).map((name) => name.slice("encode".length)))
    // memcached, which couchbase extends, still executes these
    const inherited = new Set(["Flush", "FlushQ"])
    const coded = removed.map((entry) => commandOf(entry)!.name).filter((name) => codecs.has(name) && !inherited.has(name))
    expect(coded).toEqual([])
    expect(removed).toHaveLength(40)
    console.log(`${removed.length} opcodes are rows of the tables alone`)
  })

  it("has every layout of the extras, and no other", () => {
    let layouts = 0
    const missing: Array<string> = []
    const extra: Array<string> = []
    for (const entry of opcodes) {
      const c = commandOf(entry)
      if (c === undefined) continue
      for (
        const [side, expected, found] of [
          ["request", entry.request.extras ?? [], requestVariants(c)],
          ["response", entry.response?.extras ?? [], responseVariants(c)]
        ] as const
      ) {
        const known = new Set(found.map(spell))
        for (const layout of expected) {
          layouts += 1
          const wanted = spell(layout.fields.map((field) => renamed(c.name, field)))
          if (sum(layout.fields) !== layout.length || !known.has(wanted)) {
            missing.push(`${entry.opcode} ${c.name} ${side}: ${wanted}, known are ${[...known].join(" ")}`)
          }
        }
        const lengths = new Set(expected.map((layout) => layout.length))
        if (expected.length > 0) {
          for (const variant of found) if (!lengths.has(sum(variant))) extra.push(`${entry.opcode} ${c.name} ${side}: ${spell(variant)}`)
        }
      }
    }
    expect({ missing, extra }).toEqual({ missing: [], extra: Object.keys(beyond) })
    console.log(`${layouts} layouts of extras`)
  })

  it("has every flag, enumeration value and status", () => {
    const missing = tables.filter(([name]) => exceptions[name] === undefined).flatMap(([name, table]) => missingValues(name, table))
    expect(missing).toEqual([])
    expect(tables).toHaveLength(30)
    const values = tables.reduce((total, [, table]) => total + (table.values?.length ?? 0), 0)
    console.log(`${tables.length} enumerations and bitmasks with ${values} values; ${Object.keys(exceptions).length} exceptions`)
  })

  it("needs every exception", () => {
    const missing = tables.flatMap(([name, table]) => missingValues(name, table, {}))
    const unneeded = Object.keys(exceptions).filter((key) =>
      key.includes(".") ? !missing.some((value) => value.startsWith(key)) : named.has(tableNames[key] ?? key)
    )
    expect(unneeded).toEqual([])
  })

  it("has every framing extra", () => {
    const framing = (allTables as unknown as {
      readonly FramingExtras: { readonly request: ReadonlyArray<FrameRow>; readonly response: ReadonlyArray<FrameRow> }
    }).FramingExtras
    const idsOf = (kind: string) => Object.values(dcp.frame.kinds[kind]?.shared?.["framing"]?.cases ?? {}).map((one) => one.tag).sort()
    expect(idsOf("request")).toEqual(framing.request.map((row) => row.id))
    expect(idsOf("response")).toEqual(framing.response.map((row) => row.id))
  })
})

describe("examples", () => {
  it("stand at every active opcode", () => {
    const without = opcodes.filter((entry) => entry.status === "active" && (commandOf(entry)?.examples ?? []).length === 0)
    expect(without.map((entry) => `${entry.opcode} ${entry.name}`)).toEqual([])
  })

  it("agree with their own headers and with a layout", () => {
    const wrong: Array<string> = []
    let count = 0
    for (const c of chain(dcp).flatMap((protocol) => protocol.commands)) {
      for (const example of c.examples ?? []) {
        count += 1
        if (!("hex" in example)) throw new Error(`${c.name} has an example in characters`)
        const packet = Buffer.from(example.hex, "hex")
        const where = `${c.name}: ${example.origin} ${example.hex}`
        const kind = Object.entries(dcp.frame.kinds).find(([, k]) => k.headers.some((header) => header.magic === packet[0]))?.[0]
        const expectedKind = example.kind ?? c.kinds.request
        const flexible = packet[0] === 0x08 || packet[0] === 0x18
        const framing = flexible ? packet[2]! : 0
        const key = flexible ? packet[3]! : packet.readUInt16BE(2)
        const extras = packet[4]!
        if (packet.length * 2 !== example.hex.length) wrong.push(`no hex: ${where}`)
        if (kind !== expectedKind) wrong.push(`kind ${kind}: ${where}`)
        if (packet[1] !== c.opcode) wrong.push(`opcode: ${where}`)
        if (packet.readUInt32BE(8) !== packet.length - 24 || framing + key + extras > packet.length - 24) wrong.push(`lengths: ${where}`)
        const success = kind === c.kinds.request || packet.readUInt16BE(6) === 0
        const variants = kind === c.kinds.request ? requestVariants(c) : responseVariants(c)
        if (success && !variants.some((variant) => sum(variant) === extras)) wrong.push(`extras: ${where}`)
      }
    }
    expect(wrong).toEqual([])
    console.log(`${count} examples`)
  })
})
