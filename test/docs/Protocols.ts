/** Test only: the models of every protocol of this repository, ours and the gallery's. */
import type { Model } from "@wirewright/codec/Model"
import config from "../../wirewright.config.ts"
import { path } from "./Guide.ts"

/** A protocol. */
export interface Described {
  readonly name: string
  /** Its models, that which extends none first. */
  readonly models: ReadonlyArray<Model>
}

/** All of them. */
export const described = (): Promise<ReadonlyArray<Described>> =>
  Promise.all(config.targets.map(async ({ out, protocol }) => {
    const { models } = await import(path(`${out}/Model.ts`)) as { readonly models: ReadonlyArray<Model> }
    return { name: protocol ?? models.at(-1)!.name, models }
  }))
