/** Prints Examples.test.ts: every example of the spec, through the decoder of its direction and back. */
import { Module } from "../Module.ts"
import type { TestRunner } from "../print/Examples.ts"
import type { Printing } from "./Print.ts"

/** Examples.test.ts. */
export const printExamples = ({ model }: Printing, runner: Exclude<TestRunner, "none">): Module => {
  const module = new Module("Examples.test.ts", `Examples of the ${model.name} protocol: decoded, compared and encoded again.`)
  const from = runner === "vitest" ? "vitest" : "node:test"
  module.use(from, "describe")
  module.use(from, "it")
  module.use("@wirewright/codec/TextExamples", "runTextExample")
  module.use("./Decode.ts", "decodeClientMessage")
  module.use("./Decode.ts", "decodeServerMessage")
  module.use("./Encode.ts", "encode")
  module.add({ kind: "statement", text: `import json from "./${model.name}.model.json" with { type: "json" }` })
  module.add({
    kind: "statement",
    text: `const { messages } = json as unknown as ${module.useType("@wirewright/codec/TextModel", "TextModel")}`
  })
  module.add({
    kind: "statement",
    text: `for (const message of messages.filter(({ examples }) => examples.length > 0)) {
  describe(message.name, () => {
    message.examples.forEach((example, index) => {
      it(\`\${index + 1}: \${example.origin}\`, () => runTextExample({ decodeClientMessage, decodeServerMessage, encode }, message, example))
    })
  })
}`
  })
  return module
}
