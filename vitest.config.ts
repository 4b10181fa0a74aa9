/** One test run for all packages. What needs real peers runs by `npm run test:peers`. */
import { defineConfig } from "vitest/config"

/** Sources are run as they are: the export condition points at `src/*.ts`, so no build is needed. */
const conditions = ["@wirewright/source"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "codegen/src/**/*.test.ts", "spec/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/peers/**"],
    testTimeout: 60_000,
    // hooks build, install, generate and start servers; those that do much say more
    hookTimeout: 120_000
  }
})
