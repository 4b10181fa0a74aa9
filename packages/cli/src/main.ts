/** The process of the `wirewright` command. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { endWithReader } from "./Output.ts"
import { run } from "./Run.ts"
import { hearSigterm, teardown } from "./UntilTold.ts"

endWithReader()
hearSigterm()

NodeRuntime.runMain(run(process.argv.slice(2)), { disableErrorReporting: true, teardown })
