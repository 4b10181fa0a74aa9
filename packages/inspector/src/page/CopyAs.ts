/** A packet as text for somewhere else: hex, C, JSON, an example of a spec, a test, a command line. Pure. */
import { hexOf } from "@wirewright/codec/Hex"
import { jsonOf } from "@wirewright/codec/JsonPrint"
import { base64Of } from "./Pasted.ts"

/** What is copied. */
export interface Copied {
  readonly bytes: Uint8Array
  /** Name of the packet, and of its kind. */
  readonly packet: string
  readonly kind: string
  /** The decoded packet; nothing when it does not decode. */
  readonly value?: object | undefined
  readonly json?: unknown
  /** Name of the generated function that decodes it. */
  readonly decoder: string
  /** Whether packets are text. */
  readonly isText: boolean
  /** Connection states that are on. */
  readonly states: { readonly [name: string]: boolean | number }
  /** What `--protocol` takes. */
  readonly protocol: string
}

const statesOn = ({ states }: Copied): ReadonlyArray<readonly [string, boolean | number]> =>
  Object.entries(states).filter(([, value]) => value !== false && value !== 0)

/** A value as TypeScript. */
export const literalOf = (value: unknown, indent = ""): string => {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Uint8Array) return value.length === 0 ? "new Uint8Array()" : `bytesOfHex("${hexOf(value)}")`
  if (value instanceof Set) return `new Set(${literalOf([...value], indent)})`
  if (value instanceof Map) return `new Map(${literalOf([...value], indent)})`
  const inner = `${indent}  `
  const block = (open: string, parts: ReadonlyArray<string>, close: string): string => {
    const line = `${open}${open === "{" ? " " : ""}${parts.join(", ")}${close === "}" ? " " : ""}${close}`
    if (parts.length === 0) return open + close
    return line.length + indent.length <= 100 && !line.includes("\n")
      ? line
      : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`
  }
  if (Array.isArray(value)) return block("[", value.map((one) => literalOf(one, inner)), "]")
  if (typeof value === "object" && value !== null) {
    const named = Object.entries(value).filter(([, one]) => one !== undefined)
    const key = (name: string): string => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : `[${JSON.stringify(name)}]`
    return block("{", named.map(([name, one]) => `${key(name)}: ${literalOf(one, inner)}`), "}")
  }
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value)
  return JSON.stringify(value) ?? "undefined"
}

/** As bytes of a C array. */
export const cArray = ({ bytes }: Copied): string => {
  const rows: Array<string> = []
  for (let at = 0; at < bytes.length; at += 12) {
    rows.push(`  ${[...bytes.subarray(at, at + 12)].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(", ")}`)
  }
  return `{\n${rows.join(",\n")}\n}`
}

/** As golden bytes of a spec. */
export const specExample = (copied: Copied): string => {
  const on = statesOn(copied).map(([name]) => name)
  const parts = [
    ...copied.kind === "" || /request|message/i.test(copied.kind) ? [] : [`kind: ${JSON.stringify(copied.kind)}`],
    "origin: \"where these bytes are from\"",
    `hex: "${hexOf(copied.bytes)}"`,
    ...on.length === 0 ? [] : [`states: ${JSON.stringify(on)}`]
  ]
  return `examples: [{ ${parts.join(", ")} }]`
}

/** As a test of the generated code in `./gen`. */
export const testText = (copied: Copied): string => {
  const { bytes, decoder, isText, kind, packet, value } = copied
  const states = statesOn(copied)
  const given = states.length === 0 ? "" : `, 0, { ...noStates, ${states.map(([name, on]) => `${name}: ${on}`).join(", ")} }`
  const stateImport = states.length === 0 ? "" : ", noStates"
  const expected = value === undefined ? "/* does not decode */" : literalOf(value, "  ")
  const hex = hexOf(bytes)
  const literals = ["bytesOfHex", ...isText ? [] : ["encodeWith", "Reader"]]
  const title = JSON.stringify(`${packet} ${kind}`.trim())
  const lines = isText
    ? [
      `  const text = new TextDecoder().decode(bytes).slice(0, -1)`,
      `  const packet = ${decoder}(text)`,
      `  expect(packet).toEqual(${expected})`,
      `  expect(new TextEncoder().encode(encode(packet))).toEqual(bytes)`
    ]
    : [
      `  const packet = ${decoder}(new Reader(bytes)${given})`,
      `  expect(packet).toEqual(${expected})`,
      `  expect(encodeWith((writer) => encode(writer, packet${states.length === 0 ? "" : given.slice(3)}))).toEqual(bytes)`
    ]
  return [
    `import { ${literals.join(", ")} } from "@wirewright/codec"`,
    "import { expect, it } from \"vitest\"",
    `import { ${[decoder, "encode"].join(", ")}${stateImport} } from "./gen/index.ts"`,
    "",
    `it(${title}, () => {`,
    `  const bytes = bytesOfHex("${hex}")`,
    ...lines,
    "})",
    ""
  ].join("\n")
}

/** As a command line. */
export const commandLine = (copied: Copied): string => {
  const states = statesOn(copied).map(([name, value]) => ` --state ${value === true ? name : `${name}=${value}`}`).join("")
  const kind = copied.decoder === "decode" || copied.kind === "" ? "" : ` --kind ${copied.kind}`
  return `wirewright decode --protocol ${copied.protocol}${kind}${states} --hex ${hexOf(copied.bytes)}`
}

/** What a packet is copied as, by name. */
export const copies: ReadonlyArray<{ readonly name: string; readonly text: (copied: Copied) => string }> = [
  { name: "Hex", text: ({ bytes }) => hexOf(bytes) },
  { name: "Base64", text: ({ bytes }) => base64Of(bytes) },
  { name: "C array", text: cArray },
  { name: "JSON", text: ({ json }) => jsonOf(json) ?? "" },
  { name: "Spec example", text: specExample },
  { name: "Test", text: testText },
  { name: "Command", text: commandLine }
]
