/**
 * Prints a Wireshark dissector in Lua: the model of a protocol as tables, and code that walks along them as the codec's `Layout` does. It runs in
 * Lua 5.2 to 5.4, and needs nothing but Wireshark.
 */
import { Catalog } from "@wirewright/codec/Catalog"
import type { Model } from "@wirewright/codec/Model"
import type { Filter } from "./Filters.ts"
import { filterName } from "./Filters.ts"
import { bytesLua } from "./lua/Bytes.ts"
import { fieldsLua } from "./lua/Fields.ts"
import { numbersLua } from "./lua/Numbers.ts"
import { packetLua } from "./lua/Packet.ts"
import { recordsLua } from "./lua/Records.ts"
import { conversationLua, sharkLua } from "./lua/Shark.ts"
import { wholeLua } from "./lua/Whole.ts"
import { lua, type LuaValue } from "./LuaText.ts"
import { luaModel } from "./Model.ts"

/** A state of connections that a packet tells. */
export interface Learning {
  readonly state: string
  /** Name of the packet, such as `HelloResponse`. */
  readonly packet: string
  /** Its field. */
  readonly field: string
  /** The state is on when the field is a list that has this number. Without it, the state is the field's number. */
  readonly member?: number
}

/** What a dissector may be told. */
export interface DissectorOptions {
  /** What filters begin with. Default: the protocol's name */
  readonly name?: string
  /** Ports of servers. Default: none; packets are looked for on any port, where they can be told from others */
  readonly ports?: ReadonlyArray<number>
  /** States that connections begin in. Default: all off */
  readonly states?: { readonly [name: string]: number }
  readonly learn?: ReadonlyArray<Learning>
  /** The kind of all packets, where neither their bytes nor who sends them say it. */
  readonly kind?: string
}

/** A printed dissector. */
export interface Dissector {
  readonly text: string
  /** Its fields by number, the first being 1. */
  readonly filters: ReadonlyArray<Filter>
  /** Whether packets are found on ports that nobody named. */
  readonly isFound: boolean
}

const comment = (lines: ReadonlyArray<string>): string => lines.map((line) => line === "" ? "--" : `-- ${line}`).join("\n")

/** What the dissector cannot say exactly, in words. */
const limits = (customs: ReadonlyArray<{ readonly name: string; readonly open: boolean }>, states: ReadonlyArray<string>) => {
  const closed = customs.filter(({ open }) => !open).map(({ name }) => name)
  const open = customs.filter((one) => one.open).map(({ name }) => name)
  return [
    "Text that is no UTF-8 is shown with replacement characters; its bytes are those of the packet.",
    "Limits that count characters, of protocols over text, count bytes here.",
    ...closed.length === 0 ? [] : [`Only code of its own can read ${closed.join(", ")}: shown as bytes.`],
    ...open.length === 0 ? [] : [`Only code of its own knows where ${open.join(", ")} ends: taken for all that is left.`],
    ...states.length === 0 ? [] : [`Connections are taken to begin without ${states.join(", ")}; "settings" says what is learned of them.`]
  ]
}

/** Prints the dissector of a protocol whose models are these, the base first. */
export const printDissector = (models: ReadonlyArray<Model>, options: DissectorOptions = {}): Dissector => {
  const catalog = Catalog.of(models)
  const { customs, filters, isFound, table } = luaModel(catalog)
  const name = filterName(options.name ?? catalog.name)
  const settings: LuaValue = {
    name,
    ports: (options.ports ?? []).join(","),
    states: new Map(Object.entries(options.states ?? {})),
    learn: (options.learn ?? []).map(({ field, member, packet, state }) => ({
      state,
      packet,
      field,
      ...(member === undefined ? {} : { member })
    })),
    ...(options.kind === undefined ? {} : { kind: options.kind })
  }
  const states = catalog.states.map((one) => one.name)
  const head = comment([
    `${catalog.name}: a dissector for Wireshark and tshark, printed by wirewright.`,
    "",
    `Use: put it into Wireshark's folder of personal plugins, or: tshark -X lua_script:${name}.lua -r FILE`,
    `Filters begin with ${name}, such as ${name}.${filters[0]?.filter ?? "time"}; answers have ${name}.response_to and ${name}.time,`,
    `requests ${name}.response_in, and what the decoder refuses is ${name}.malformed.`,
    "",
    ...isFound ? [] : [
      "Nothing in its packets tells them from those of others: they are looked for on its ports alone, and where Decode As says so",
      `(tshark -d tcp.port==PORT,${name}).`
    ],
    ...limits(customs, states)
  ])
  const parts = [
    head,
    `local settings = ${lua(settings)}`,
    `local model = ${lua(table)}`,
    ...[bytesLua, numbersLua, fieldsLua, recordsLua, wholeLua, packetLua, conversationLua].map((part) => part.trim()),
    "if Proto == nil then\n  -- outside of Wireshark: for tests\n  return { annotate = annotate, decimal = decimal, model = model }\nend",
    sharkLua.trim()
  ]
  return { text: `${parts.join("\n\n")}\n`, filters, isFound }
}
