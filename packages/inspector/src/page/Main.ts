/** Starts the page: protocols come from the bundle, what to open from blocks of data in the document. */
import { Catalog } from "@wirewright/codec/Catalog"
import { adapterOf, sharing } from "../Adapters.ts"
import type { GeneratedProtocol } from "../GeneratedAdapter.ts"
import { App, prepare } from "./App.ts"
import { blocks, type PageOptions } from "./Blocks.ts"
import { bytesOfBase64 } from "./Pasted.ts"

/** A protocol of the page, and the one that its servers speak on the same port. */
export interface PageProtocol {
  readonly generated: GeneratedProtocol
  readonly beside?: GeneratedProtocol
}

const textOf = (id: string): string | undefined => document.getElementById(id)?.textContent ?? undefined

/** Starts it. */
export const start = async (protocols: ReadonlyArray<PageProtocol>): Promise<void> => {
  prepare()
  const root = document.getElementById("wirewright")
  if (root === null) throw new Error("the document has no place for the inspector")
  const options = JSON.parse(textOf(blocks.options) ?? "{}") as PageOptions
  const base64 = textOf(blocks.file)
  const bytes = base64 === undefined ? undefined : bytesOfBase64(base64)
  const app = new App(root, {
    adapters: protocols.map(({ beside, generated }) => sharing(adapterOf(generated), beside === undefined ? undefined : adapterOf(beside))),
    commands: protocols.flatMap(({ beside, generated }) => [generated, ...beside === undefined ? [] : [beside]])
      .flatMap(({ models }) => Catalog.of(models).commands),
    file: bytes === undefined ? undefined : { name: options.name ?? "capture", blob: new Blob([new Uint8Array(bytes)]) },
    live: options.live,
    servers: options.servers
  })
  await app.start()
}
