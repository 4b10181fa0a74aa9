/** One contender in a process of its own: does what the parent asks for and says how long it took. */
import { contenders } from "./Contenders.ts"

const [name = "", url = ""] = process.argv.slice(2)
const contender = await contenders[name]!(url)

process.on("message", (order: { readonly kind: "run" | "frames"; readonly count: number }) => {
  void (async () => {
    if (order.kind === "frames") return process.send!({ frames: await contender.frames(order.count) })
    const cpu = process.cpuUsage()
    const start = performance.now()
    await contender.run(order.count)
    const seconds = (performance.now() - start) / 1000
    const { system, user } = process.cpuUsage(cpu)
    process.send!({ seconds, micros: (system + user) / order.count })
  })()
})
process.on("disconnect", () => process.exit(0))
process.send!({ ready: true })
