/** Starts the command as `bin/wirewright.js` does, from the bundle that `scripts/test-setup.mjs` made of the sources. */
import * as module from "node:module"

module.enableCompileCache()
// what is not in the bundle, the generator and the protocols' code, comes from the sources
module.registerHooks({
  resolve: (specifier, context, next) => next(specifier, { ...context, conditions: ["@wirewright/source", ...context.conditions] })
})
await import(new URL("../.wirewright-command/main.js", import.meta.url).href)
