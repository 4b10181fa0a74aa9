/** One test run for all packages. What needs real peers runs by `npm run test:peers`. */
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

/** Sources are run as they are: the export condition points at `src/*.ts`, so no build is needed. */
const conditions = ["@wirewright/source"]

// compiling is much of what short processes do, those of tests and those that they start
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "node-compile-cache")

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "codegen/src/**/*.test.ts", "spec/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/peers/**"],
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
