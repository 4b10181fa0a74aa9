/** `--inspect`: the inspector beside a command that runs, showing what passes as it passes. */
import type * as InspectorModule from "@wirewright/inspector"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Failure } from "./Failure.ts"
import { failureOfDefect, refuse } from "./Failure.ts"
import { on } from "./Flags.ts"
import type { CaptureSink } from "./ConnectionCapture.ts"
import { protocolModules } from "./Protocols.ts"

/** The flag. */
export const inspectParameter = on(
  "inspect",
  "Serve a page on 127.0.0.1 that shows what passes, packet by packet; its address, which lets see everything, is said"
)

const specifier: string = "@wirewright/inspector"

/** The inspector, which stays where it is installed: it bundles modules that it finds from there. */
export const inspector = async (): Promise<typeof InspectorModule> => await import(specifier) as typeof InspectorModule

/** The script of the page for protocols by name or directory. */
export const inspectorScript = async (protocols: ReadonlyArray<string>): Promise<string> => {
  const { bundleScript } = await inspector()
  const modules = []
  for (const name of protocols) modules.push(await protocolModules(name))
  try {
    return await bundleScript(modules)
  } catch (error) {
    return refuse(`the generated code cannot be bundled: ${(error as Error).message.split("\n").slice(0, 3).join(" ")}`)
  }
}

/** Where what passes goes, and where it is looked at. */
export interface Inspected {
  readonly sink: CaptureSink
  readonly url: string
}

/** Serves a page as long as the scope lives. */
export const inspectLive = (protocols: ReadonlyArray<string>): Effect.Effect<Inspected, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const { LiveCapture, pageHtml, servePage } = yield* Effect.promise(inspector)
    const script = yield* Effect.tryPromise({ try: () => inspectorScript(protocols), catch: failureOfDefect })
    const live = new LiveCapture()
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => servePage({ live, page: (address) => pageHtml(script, { live: address }) }), catch: failureOfDefect }),
      ({ close }) => Effect.promise(close)
    )
    return { sink: live, url: server.url }
  })
