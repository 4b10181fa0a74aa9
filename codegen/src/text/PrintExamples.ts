/** Prints Examples.test.ts: every example of the spec, through the decoder of its direction and back. */
import { Module } from "../Module.ts"
import { type Printing, quote } from "./Print.ts"
import { sends, sides } from "./Shape.ts"

/** Examples.test.ts. */
export const printExamples = ({ model }: Printing): Module => {
  const module = new Module("Examples.test.ts", `Examples of the ${model.name} protocol: decoded, compared and encoded again.`)
  module.use("vitest", "describe")
  module.use("vitest", "expect")
  module.use("vitest", "it")
  module.use("./Decode.ts", "decodeClientMessage")
  module.use("./Decode.ts", "decodeServerMessage")
  module.use("./Encode.ts", "encode")
  const rows = model.messages.flatMap((message) =>
    sides.filter((side) => sends(side, message)).flatMap((side) =>
      message.examples.map(({ origin, text, fields }) =>
        `  { name: ${quote(message.name)}, sender: "${side}", origin: ${quote(origin)}, text: ${quote(text)}, fields: ${
          JSON.stringify(fields ?? {})
        } }`
      )
    )
  )
  module.add({ kind: "statement", text: `const examples = [\n${rows.join(",\n")}\n]` })
  module.add({
    kind: "statement",
    text: [
      `describe("examples of ${model.name}", () => {`,
      `  it.each(examples)("$name from the $sender ($origin)", ({ name, sender, text, fields }) => {`,
      `    const message = (sender === "client" ? decodeClientMessage : decodeServerMessage)(text, 0, text.length - 1)`,
      "    expect(message._tag).toBe(name)",
      "    expect(JSON.parse(JSON.stringify(message))).toMatchObject(fields)",
      "    expect(encode(message)).toBe(text)",
      "  })",
      "})"
    ].join("\n")
  })
  return module
}
