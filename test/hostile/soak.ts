/**
 * `npm run soak:hostile`: 50 hostile and 50 honest clients for 10 minutes, `--seconds N` for another time. The exit code is 1 when somebody
 * honest saw a wrong answer or waited longer than 500 ms.
 */
import { parseArgs } from "node:util"
import { soak, told } from "./Siege.ts"

const { values } = parseArgs({ options: { seconds: { type: "string", default: "600" } } })
const outcome = await soak({ seconds: Number(values.seconds), hostile: 50, honest: 50 })
console.log(told(outcome))
process.exitCode = outcome.wrong.length === 0 && outcome.longest <= 500 ? 0 : 1
