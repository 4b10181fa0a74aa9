/** Prints `Examples.test.ts`: every example of the spec decodes to its fields and encodes back to its bytes. */
import { Module } from "../Module.ts"
import { type Context, kindName } from "./Context.ts"
import { customsOf } from "./Customs.ts"

/** Test runners that generated tests can be for. */
export type TestRunner = "vitest" | "node" | "none"

/** Prints the module. */
export const printExamples = (context: Context, runner: Exclude<TestRunner, "none">): Module => {
  const { model } = context
  const module = new Module("Examples.test.ts", `The examples of ${model.name}'s spec, decoded and encoded by the generated code.`)
  const isText = model.frame.over === "text"
  const run = isText ? "runTextExample" : "runExample"
  module.use("@wirewright/codec/Examples", run)
  module.use(context.local("Model"), "model")
  module.use(context.local("Model"), "models")
  const customs = customsOf(context).length === 0 ? "" : `, ${module.use(context.local("Model"), "customs")}`
  const protocol = isText
    ? `{ decoders: { ${
      model.frame.kinds.map(({ name }) => `${JSON.stringify(name)}: ${module.use(context.local("Decode"), `decode${kindName(name)}`)}`)
        .join(", ")
    } }, encode }`
    : `{ ${module.use(context.local("Packets"), "decode")}, encode }`
  module.use(context.local(isText ? "Encode" : "Packets"), "encode")
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
  describe(command.isOpcodeless === true ? command.name : \`\${command.name} (0x\${command.opcode.toString(16)})\`, () => {
    command.examples.forEach((example, index) => {
      it(\`\${example.kind} \${index + 1}: \${example.origin}\`, () => ${run}(models, ${protocol}, command, example${
      isText ? customs : ""
    }))
    })
  })
}`
  })
  return module
}
