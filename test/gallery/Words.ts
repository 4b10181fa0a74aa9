/** Test only: counts what a spec is made of, from its model. */
import type { Model } from "@wirewright/codec/Model"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** Calls `visit` with every object of a model. */
const walk = (value: Json, visit: (object: { readonly [key: string]: Json }) => void): void => {
  if (typeof value !== "object" || value === null) return
  if (!Array.isArray(value)) visit(value as { readonly [key: string]: Json })
  for (const one of Object.values(value)) walk(one, visit)
}

const content = (models: ReadonlyArray<Model>): Json =>
  models.map(({ commands, frame, types }) => [
    types,
    frame.kinds,
    commands.map((command) => ({ ...command, examples: [] }))
  ]) as unknown as Json

/** Words of a family that have their own place in the table. */
const spelled = (object: { readonly [key: string]: Json }): string | undefined => {
  const { kind } = object
  if (typeof kind !== "string") return undefined
  if (kind === "int") return String(object["int"])
  if (kind === "float") return `f${String(object["bits"])}`
  if (kind === "text") return String(object["encoding"])
  if (kind === "tagOf") return "by"
  return kind
}

const parts = new Set(["packet", "command", "fields"])

/** The words that a spec uses, in alphabetical order. */
export const wordsUsed = (models: ReadonlyArray<Model>): ReadonlyArray<string> => {
  const words = new Set<string>()
  walk(content(models), (object) => {
    const word = spelled(object)
    if (word !== undefined && !parts.has(word)) words.add(word)
    if (typeof object["high"] === "number") words.add("slice")
    if (object["until"] !== undefined) words.add("until")
    if (object["depth"] !== undefined) words.add("lazy")
    if (Array.isArray(object["trailer"]) && object["trailer"].length > 0) words.add("trailer")
  })
  return [...words].sort()
}

const derived = new Set([
  "lengthOf",
  "countOf",
  "tagOf",
  "prefixed",
  "counted",
  "literal",
  "constant",
  "checksum",
  "align",
  "opcode",
  "bodyLength"
])

/** How many fields of a spec's packets are absent from their types, because they follow from others. */
export const derivedFields = (models: ReadonlyArray<Model>): number => {
  let count = 0
  walk(content(models), (object) => {
    const { header, kind, role, tag } = object
    if (typeof kind === "string" && derived.has(kind)) count++
    if (kind === "choice" && tag !== undefined) count++
    if (object["presenceOf"] !== undefined || typeof object["high"] === "number" && typeof object["value"] === "number") count++
    if (role === "opcode" || role === "bodyLength") count++
    if (typeof header === "object" && header !== null) count += Object.keys(header).length
  })
  return count
}

/** The fields of a spec that only code can say, each once. */
export const customFields = (models: ReadonlyArray<Model>): ReadonlyArray<{ readonly name: string; readonly module: string }> => {
  const found = new Map<string, string>()
  walk(content(models), ({ kind, module, name }) => {
    if (kind === "custom") found.set(String(name), String(module))
  })
  return [...found].map(([name, module]) => ({ name, module }))
}
