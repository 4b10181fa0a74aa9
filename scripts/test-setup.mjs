/**
 * Before the tests: the command is bundled as it is when it is published, because they start it some hundred times and half of a start from the
 * sources is finding and reading their modules. `packages/cli/test/RunCli.ts` is told by the environment, which processes of tests inherit.
 */
import { fileURLToPath } from "node:url"
import { bundleCommand } from "./bundle-command.mjs"

export const setup = async (project) => {
  const make = () => bundleCommand(".wirewright-command")
  await make()
  process.env.WIREWRIGHT_TEST_COMMAND = fileURLToPath(new URL("../packages/cli/test/bundled.js", import.meta.url))
  project.onTestsRerun(make)
}
