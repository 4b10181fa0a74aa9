/**
 * The fields that filters name: one for each name, of all packets together, so that `acme.rate > 5` finds them all. Fields of records begin with
 * the record's name. Where fields of one name hold different things, the commonest has the name, and others what they hold behind it.
 */
import { upperSnake } from "../Names.ts"

/** What a field holds, as far as filters tell it apart. */
export type Holding = "number" | "signed" | "float" | "text" | "bytes" | "bool" | "record"

/** A field as one place of the model has it. */
export interface FilterUse {
  /** Names of what it lies in, the outermost first; none for fields of packets. */
  readonly owner: ReadonlyArray<string>
  readonly name: string
  readonly holding: Holding
  /** Of numbers and floats. */
  readonly bytes?: number
  /** Names of numbers; `ref` tells them from others. */
  readonly values?: ReadonlyMap<number, string>
  readonly ref?: string
  /** Shown in hexadecimal digits. */
  readonly hex?: boolean
}

/** A field of filters. */
export interface Filter {
  /** Without the protocol's name before it. */
  readonly filter: string
  readonly label: string
  /** Name of the function of Wireshark's ProtoField. */
  readonly type: string
  readonly hex: boolean
  readonly values?: ReadonlyMap<number, string>
}

interface Entry {
  readonly use: FilterUse
  readonly values: Map<number, string>
  bytes: number
  uses: number
}

/** Names that every dissector has for itself. */
const ours = ["response_in", "response_to", "time", "malformed", "incomplete", "unknown", "refused"]

/** `keyLength` to `key_length`, of the characters that filters take. */
export const filterName = (name: string): string => upperSnake(name).toLowerCase().replaceAll(/\W/g, "_")

/** `keyLength` to `Key length`. */
const labelOf = (name: string): string => {
  const words = filterName(name).replaceAll("_", " ")
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

const typeOf = ({ bytes, use }: Entry): string => {
  switch (use.holding) {
    case "number":
      return `uint${bytes <= 4 ? bytes * 8 : 64}`
    case "signed":
      return `int${bytes <= 4 ? bytes * 8 : 64}`
    case "float":
      return bytes === 4 ? "float" : "double"
    case "text":
      return "string"
    case "record":
      return "none"
    default:
      return use.holding
  }
}

/** Collects the fields of a protocol. */
export class Filters {
  private readonly entries: Array<Entry> = []
  private readonly byKey = new Map<string, number>()

  /** The number of a field, counted from 1. */
  add(use: FilterUse): number {
    const key = JSON.stringify([use.owner, use.name, use.holding, use.ref ?? ""])
    let index = this.byKey.get(key)
    if (index === undefined) {
      index = this.entries.length
      this.byKey.set(key, index)
      this.entries.push({ use, values: new Map(), bytes: 0, uses: 0 })
    }
    const entry = this.entries[index]!
    entry.bytes = Math.max(entry.bytes, use.bytes ?? 0)
    entry.uses++
    for (const [value, name] of use.values ?? []) {
      const known = entry.values.get(value)
      if (known === undefined) entry.values.set(value, name)
      else if (!known.split(" / ").includes(name)) entry.values.set(value, `${known} / ${name}`)
    }
    return index + 1
  }

  /** All fields by number; the first has number 1. */
  all(): ReadonlyArray<Filter> {
    const taken = new Set(ours)
    const names = new Map<Entry, string>()
    const free = (name: string): string => {
      let out = name
      for (let i = 2; taken.has(out); i++) out = `${name}_${i}`
      taken.add(out)
      return out
    }
    const plain = ({ use: { name, owner } }: Entry): string => [...owner, name].map(filterName).join(".")
    const common = this.entries.toSorted((a, b) => b.uses - a.uses)
    const rest = common.filter((entry) => {
      const name = plain(entry)
      if (taken.has(name)) return true
      names.set(entry, free(name))
      return false
    })
    for (const entry of rest) {
      const { holding, ref } = entry.use
      names.set(entry, free(`${plain(entry)}_${ref === undefined ? holding : filterName(ref)}`))
    }
    return this.entries.map((entry) => ({
      filter: names.get(entry)!,
      label: labelOf(entry.use.name),
      type: typeOf(entry),
      hex: entry.use.hex === true && entry.use.holding === "number",
      ...(entry.values.size === 0 ? {} : { values: entry.values })
    }))
  }
}
