/** Values as Lua source: numbers, text, bytes, lists, and tables. Lists may have named entries, too; what is undefined is left out. */

/** Bytes, in hexadecimal digits, as a Lua string. */
export class LuaBytes {
  readonly hex: string

  constructor(hex: string) {
    this.hex = hex
  }
}

/** A list that has named entries beside its elements. */
export class LuaList {
  readonly elements: ReadonlyArray<LuaValue>
  readonly named: LuaTable

  constructor(elements: ReadonlyArray<LuaValue>, named: LuaTable) {
    this.elements = elements
    this.named = named
  }
}

/** A table by names. */
export interface LuaTable {
  readonly [name: string]: LuaValue | undefined
}

/** What can be spelled in Lua. A map's keys are numbers or any text. */
export type LuaValue =
  | string
  | number
  | boolean
  | LuaBytes
  | LuaList
  | ReadonlyArray<LuaValue>
  | ReadonlyMap<number | string, LuaValue>
  | LuaTable

const keywords = new Set(
  "and break do else elseif end false for function goto if in local nil not or repeat return then true until while".split(" ")
)

/** Longest line that a table is put on. */
const width = 120

const spelledBytes = (bytes: Iterable<number>): string => {
  let out = ""
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    // three digits, since a digit may follow
    if (byte < 0x20 || byte > 0x7e) out += `\\${String(byte).padStart(3, "0")}`
    else out += character === "\"" || character === "\\" ? `\\${character}` : character
  }
  return `"${out}"`
}

/** Text as a Lua string of UTF-8. */
export const luaText = (text: string): string => spelledBytes(new TextEncoder().encode(text))

const keyOf = (key: number | string): string =>
  typeof key === "string" && /^[A-Za-z_]\w*$/.test(key) && !keywords.has(key) ? key : `[${typeof key === "number" ? key : luaText(key)}]`

const entriesOf = (value: Exclude<LuaValue, string | number | boolean | LuaBytes>): ReadonlyArray<readonly [string, LuaValue]> => {
  const named = (table: LuaTable): ReadonlyArray<readonly [string, LuaValue]> =>
    Object.entries(table).flatMap(([name, one]) => one === undefined ? [] : [[`${keyOf(name)} = `, one] as const])
  if (value instanceof LuaList) return [...named(value.named), ...value.elements.map((one) => ["", one] as const)]
  if (value instanceof Map) return [...value as ReadonlyMap<number | string, LuaValue>].map(([key, one]) => [`${keyOf(key)} = `, one])
  return Array.isArray(value) ? (value as ReadonlyArray<LuaValue>).map((one) => ["", one]) : named(value as LuaTable)
}

/** Spells a value; `indent` are the spaces of the line it begins on, `before` the characters before it. */
export const lua = (value: LuaValue, indent = "", before = 0): string => {
  if (typeof value === "string") return luaText(value)
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  if (value instanceof LuaBytes) return spelledBytes(Uint8Array.from(value.hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
  const entries = entriesOf(value)
  if (entries.length === 0) return "{}"
  const inner = `${indent}  `
  const parts = entries.map(([key, one]) => `${key}${lua(one, inner, key.length)}`)
  const line = `{ ${parts.join(", ")} }`
  const isShort = indent.length + before + line.length <= width && !parts.some((part) => part.includes("\n"))
  return isShort ? line : `{\n${parts.map((part) => `${inner}${part}`).join(",\n")}\n${indent}}`
}
