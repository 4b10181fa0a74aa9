/** Which model extends which. */
import type { Model } from "@wirewright/codec/Model"

const chain = new WeakMap<Model, Model>()

/** Remembers which model a model extends, for the passes that need both. */
export const link = (model: Model, base: Model | undefined): Model => {
  if (base !== undefined) chain.set(model, base)
  return model
}

/** The model a model extends. */
export const baseOf = (model: Model): Model | undefined => chain.get(model)

/** A model and those that it extends, itself first. */
export const lineageOf = (model: Model): ReadonlyArray<Model> => {
  const base = baseOf(model)
  return base === undefined ? [model] : [model, ...lineageOf(base)]
}
