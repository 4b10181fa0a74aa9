/** Tests against other programs; `npm run test:peers` installs those and runs this. */
import { defineConfig } from "vitest/config"

const conditions = ["@wirewright/source"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/peers/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    // most of them wait for other programs; each has servers of its own on free ports
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
