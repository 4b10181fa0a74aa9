/**
 * A contender's process: `node child.ts CONTENDER [PORT] [silent]`. With a port, a management endpoint listens there; `silent` publishes no
 * metrics of the client.
 */
import * as Operations from "@wirewright/connection/Operations"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Answer, type Contender, keyCount, type Question, valueSize } from "./Contender.ts"
import { contenders } from "./contenders/index.ts"

const [name, ...telemetry] = process.argv.slice(2)
const loading = contenders[name!]!(!telemetry.includes("silent"))
const endpoint = telemetry.find((argument) => argument !== "silent")
if (endpoint !== undefined) Effect.runFork(Layer.launch(Operations.layer({ port: Number(endpoint) })))

const perform = async (contender: Contender, question: Question): Promise<void> => {
  switch (question.kind) {
    case "connect":
      return contender.connect(question.port)
    case "run":
      return contender.run(question.operation, question.inFlight, question.count, question.size ?? valueSize, question.keys ?? keyCount)
    case "close":
      return contender.close()
  }
}

const answer = async (question: Question): Promise<Answer> => {
  const contender = await loading
  const before = process.cpuUsage()
  const start = performance.now()
  await perform(contender, question)
  const seconds = (performance.now() - start) / 1000
  const { system, user } = process.cpuUsage(before)
  return { kind: "done", seconds, processor: (system + user) / 1e6, user: user / 1e6 }
}

process.on("message", (question: Question) => {
  answer(question).then(
    (done) => process.send!(done),
    (cause: unknown) => process.send!({ kind: "failed", message: cause instanceof Error ? cause.stack : String(cause) })
  )
})
process.on("disconnect", () => process.exit())
