/**
 * `npm run soak:hostile`: 50 hostile and 50 honest clients for 10 minutes, `--seconds N` for another time. With `--peers` the Couchbase SDK and
 * memjs are among the honest, where they are installed; it says who took part. The exit code is 1 when somebody honest saw a wrong answer or
 * waited longer than 500 ms.
 */
import { parseArgs } from "node:util"
import { peers } from "../peers/SoakClients.ts"
import { ours, soak, told } from "./Siege.ts"

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "600" }, peers: { type: "boolean", default: false } }
})
const asked = values.peers ? peers : []
const there = asked.filter(({ available }) => available())
for (const { name } of asked.filter((peer) => !there.includes(peer))) {
  console.log(`${name} is not installed and takes no part; npm run test:peers installs it`)
}
const outcome = await soak({
  seconds: Number(values.seconds),
  hostile: 50,
  honest: 50,
  clients: [...ours, ...there.map(({ connect }) => connect)]
})
console.log(told(outcome))
process.exitCode = outcome.wrong.length === 0 && outcome.longest <= 500 ? 0 : 1
