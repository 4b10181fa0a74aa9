/** Prints `Examples.test.ts`: every example of the spec decodes to its fields and encodes back to its bytes. */
import { Module } from "../Module.ts"
import type { Context } from "./Context.ts"

/** Test runners that generated tests can be for. */
export type TestRunner = "vitest" | "node" | "none"

/** Prints the module. */
export const printExamples = (context: Context, runner: Exclude<TestRunner, "none">): Module => {
  const { model } = context
  const module = new Module("Examples.test.ts", `The examples of ${model.name}'s spec, decoded and encoded by the generated code.`)
  module.use("@wirewright/codec/Examples", "runExample")
  module.use(context.local("Model"), "model")
  module.use(context.local("Model"), "models")
  module.use(context.local("Packets"), "decode")
  module.use(context.local("Packets"), "encode")
  if (runner === "vitest") {
    module.use("vitest", "describe")
    module.use("vitest", "it")
  } else {
    module.use("node:test", "describe")
    module.use("node:test", "it")
  }
  module.add({
    kind: "statement",
    text: `for (const command of model.commands.filter(({ examples }) => examples.length > 0)) {
  describe(\`\${command.name} (0x\${command.opcode.toString(16)})\`, () => {
    command.examples.forEach((example, index) => {
      it(\`\${example.kind} \${index + 1}: \${example.origin}\`, () => runExample(models, { decode, encode }, command, example))
    })
  })
}`
  })
  return module
}
