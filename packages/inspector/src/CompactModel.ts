/**
 * Models as they stand in a page: without what the page does not show, and with what stands in them twice written once. A page is sent
 * compressed, but compression looks back no further than 32 KiB. Pure.
 */

/** What nobody sees in the page. */
const unseen = new Set(["origin", "family", "@generated"])

/** Longest golden bytes that a page brings along, in hexadecimal digits. */
const maxExample = 400

interface Example {
  readonly kind: string
  readonly hex: string
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Of each command one example that is not long, without the values that tests compare. */
const fewExamples = (examples: ReadonlyArray<Example>): ReadonlyArray<unknown> =>
  examples.filter(({ hex }) => hex.length <= maxExample).slice(0, 1)
    .map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== "fields")))

/** What is said of fields, of their bits and of bits with names is shown; what is said of commands, statuses and types is not. */
const isShown = (value: { readonly [key: string]: unknown }): boolean =>
  "type" in value || "role" in value || "bit" in value || "high" in value

const lean = (name: string, value: unknown): unknown => {
  if (unseen.has(name)) return undefined
  if (name === "examples" && Array.isArray(value)) return fewExamples(value as ReadonlyArray<Example>)
  if (isObject(value) && "doc" in value && !isShown(value)) {
    return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "doc"))
  }
  return value
}

/** Shorter text is not worth a name. */
const worthNaming = 24

const keyText = (name: string): string => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : `[${JSON.stringify(name)}]`

/** A module whose default is the model. */
export const compactModel = (text: string): string => {
  const model: unknown = JSON.parse(text, lean)
  const counts = new Map<string, number>()
  /** Text of a value without names, once for each value. */
  const texts = new Map<object, string>()
  const count = (value: unknown): string => {
    const plain = Array.isArray(value)
      ? `[${value.map(count).join()}]`
      : isObject(value)
      ? `{${Object.entries(value).map(([name, one]) => `${keyText(name)}:${count(one)}`).join()}}`
      : JSON.stringify(value) ?? "null"
    if (typeof value === "object" && value !== null) texts.set(value, plain)
    counts.set(plain, (counts.get(plain) ?? 0) + 1)
    return plain
  }
  count(model)
  const names = new Map<string, string>()
  const definitions: Array<string> = []
  const written = (value: unknown): string => {
    const plain = typeof value === "object" && value !== null ? texts.get(value)! : JSON.stringify(value) ?? "null"
    const isNamed = plain.length >= worthNaming && counts.get(plain)! > 1
    const known = names.get(plain)
    if (known !== undefined) return known
    const spelled = Array.isArray(value)
      ? `[${value.map(written).join()}]`
      : isObject(value)
      ? `{${Object.entries(value).map(([name, one]) => `${keyText(name)}:${written(one)}`).join()}}`
      : plain
    if (!isNamed) return spelled
    const name = `m${names.size}`
    names.set(plain, name)
    definitions.push(`const ${name} = ${spelled}`)
    return name
  }
  const body = written(model)
  return `${definitions.join("\n")}\nexport default ${body}\n`
}
