/** Test only: runs a printed dissector in Lua itself, without Wireshark, and compares how it takes packets apart with the interpreter of the codec. */
import { annotate, type Annotation, type Catalog, hexOf } from "@wirewright/codec"
import type { Model } from "@wirewright/codec/Model"
import { encodeText } from "@wirewright/codec/Text"
import { boundEncoded, type Encoding, putEncoded } from "@wirewright/codec/Encodings"
import { printDissector } from "@wirewright/codegen/dissector/Dissector"
import { LuaFactory } from "wasmoon"

/** A packet to be taken apart. */
export interface Question {
  readonly bytes: Uint8Array
  readonly kind?: string | undefined
  readonly states?: Readonly<Record<string, boolean | number>> | undefined
}

/** Reads lines of `kind states hex`, and answers each with the packet, its length, what was refused, and every field. */
const asker = String.raw`
local dissector = ...
return function(lines)
  local out = {}
  for line in lines:gmatch("[^\n]+") do
    local kind, states, hex = line:match("^(%S+) (%S+) (%S+)$")
    local on = {}
    for name, value in states:gmatch("([^,=]+)=([^,=]+)") do on[name] = tonumber(value) end
    local bytes = hex == "-" and "" or hex:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end)
    local got = dissector.annotate(bytes, on, kind ~= "-" and kind or nil)
    local parts = { got.packet .. " " .. string.format("%.0f", got.length) }
    local thrown = got.error
    parts[2] = thrown == nil and "fine" or string.format("%s %s %.0f", thrown.reason, thrown.path, thrown.offset)
    for _, span in ipairs(got.walk.spans) do
      if span.what ~= "record" then
        local value = span.what
        if span.what == "number" then
          value = dissector.decimal(span.value)
        elseif span.what == "bool" or span.what == "name" then
          value = tostring(span.value)
        elseif span.what == "bytes" or span.what == "text" then
          value = bytes:sub(span.at + 1, span.stop):gsub(".", function(c) return string.format("%02x", c:byte()) end)
        end
        parts[#parts + 1] = string.format("%s %s %.0f+%.0f %s", span.section, span.path, span.at, span.length, value)
      end
    end
    out[#out + 1] = table.concat(parts, "\n")
  end
  return table.concat(out, "\n\n")
end
`

/** A dissector that runs. */
export interface Running {
  readonly ask: (questions: ReadonlyArray<Question>) => ReadonlyArray<string>
  readonly close: () => void
}

const statesOf = ({ states = {} }: Question): ReadonlyArray<readonly [string, number]> =>
  Object.entries(states).map(([name, value]) => [name, Number(value)])

/** Starts the dissector of a protocol. */
export const run = (models: ReadonlyArray<Model>): Promise<Running> => load(printDissector(models).text)

/** Starts a printed dissector. */
export const load = async (text: string): Promise<Running> => {
  const engine = await new LuaFactory().createEngine()
  engine.global.set("source", text)
  engine.global.set("asker", asker)
  await engine.doString("ask = assert(load(asker))(assert(load(source, '=dissector'))())")
  const ask = engine.global.get("ask") as (lines: string) => string
  return {
    ask: (questions) => {
      const lines = questions.map((one) => {
        const states = statesOf(one).map(([name, value]) => `${name}=${value}`).join(",")
        return `${one.kind ?? "-"} ${states === "" ? "-" : states} ${one.bytes.length === 0 ? "-" : hexOf(one.bytes)}`
      })
      return questions.length === 0 ? [] : ask(lines.join("\n")).split("\n\n")
    },
    close: () => engine.global.close()
  }
}

const encodings = new Set(["ascii", "latin1", "utf16be", "utf16le"])

/** Bytes of text, as the type says how it is spelled. */
const textBytes = (text: string, type: string): string => {
  const encoding = [...encodings].find((one) => type.startsWith(one)) as Encoding | undefined
  const bytes = new Uint8Array(encoding === undefined ? text.length * 3 : boundEncoded(encoding, text))
  const end = encoding === undefined ? encodeText(bytes, 0, text) : putEncoded(bytes, 0, encoding, text, "", "")
  return hexOf(bytes.subarray(0, end))
}

const valueText = ({ length, offset, text, type, value }: Annotation["fields"][number], bytes: Uint8Array): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "empty"
  if (value instanceof Uint8Array) return hexOf(value)
  if (/^f(32|64)/.test(type)) return "float"
  if (type === "domain name" || typeof value === "boolean") return String(value)
  if (type === "literal") return hexOf(Uint8Array.from(String(value), (one) => one.charCodeAt(0)))
  // of what encoding, its name does not say
  if (type === "cstring") return hexOf(bytes.subarray(offset, offset + length - 1))
  return typeof value === "string" ? textBytes(value, type) : typeof value === "number" || typeof value === "bigint" ? String(value) : text
}

/** What the interpreter says, in the words of the answers. */
export const interpreted = (catalog: Catalog, question: Question): string => {
  const { error, fields, length, packet } = annotate(catalog, question.bytes, {
    states: new Map(statesOf(question)),
    ...(question.kind === undefined ? {} : { kind: question.kind })
  })
  return [
    `${packet} ${Math.floor(length)}`,
    error === undefined ? "fine" : `${error.reason} ${error.path} ${error.offset}`,
    ...fields.map((field) => `${field.section} ${field.path} ${field.offset}+${field.length} ${valueText(field, question.bytes)}`)
  ].join("\n")
}
