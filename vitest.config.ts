/** One test run for all packages. What needs real peers runs by `npm run test:peers`. */
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

/** Sources are run as they are: the export condition points at `src/*.ts`, so no build is needed. */
const conditions = ["@wirewright/source"]

// compiling is much of what short processes do, those of tests and those that they start
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "node-compile-cache")

/** Files that `npm run test:whole` runs, as CI does, and `npm test` leaves to it: each takes long, and looks at much at once. */
const wholeOnly = [
  // tarballs as npm packs them, and each README's blocks beside them
  "test/package/published.test.ts",
  // how time and memory grow with sizes
  "test/bench/linear/linear.test.ts",
  "test/couchbase/cost.test.ts",
  // an operator's evening, by the clock
  "test/docs/operating.test.ts",
  // every order of events of small worlds, and long stretches of virtual time; simulation.test.ts is in both
  "packages/dcp/src/Exploration.test.ts",
  "test/dcp/links.test.ts",
  "test/dcp/soak.test.ts",
  "test/dcp/many.test.ts",
  "test/hostile/soak.test.ts",
  "test/hostile/memory.test.ts",
  "test/persistence/runners.test.ts",
  "packages/dcp/src/RunnerAddresses.test.ts",
  // a connection that breaks at every byte
  "test/faults/couchbase-client.test.ts",
  // hostile bytes by chance, and every way to compress
  "test/fuzz/fuzz.test.ts",
  "test/words/headers.test.ts",
  "packages/inspector/src/Inflate.test.ts",
  // what processes do with files, and with packets of extreme sizes
  "packages/cli/src/HostileText.test.ts",
  "packages/cli/src/Watch.test.ts",
  "packages/cli/src/Deep.test.ts",
  "packages/cli/src/Inspect.test.ts",
  "packages/cli/src/Conform.test.ts",
  "test/generator/Guest.test.ts"
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "codegen/src/**/*.test.ts", "spec/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/peers/**", ...process.env["WIREWRIGHT_WHOLE"] === "1" ? [] : wholeOnly],
    globalSetup: "scripts/test-setup.mjs",
    // tests and hooks run compilers, generators and servers as processes, also on machines that are slow or busy; what installs says more
    // one more than cores: a third of the time files wait for processes, timers and sockets
    maxWorkers: 3,
    // a worker runs file after file: loading the same modules for each took a quarter of the processor
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000
  }
})
