/** The process of the `wirewright` command. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { endWithReader } from "./Output.ts"
import { run } from "./Run.ts"

endWithReader()

NodeRuntime.runMain(run(process.argv.slice(2)), { disableErrorReporting: true })
