/** The custom fields of a protocol. */
import type { Model, TypeModel } from "@wirewright/codec/Model"
import { baseOf } from "../Build.ts"
import { compare } from "../Module.ts"
import type { Context } from "./Context.ts"

type Custom = Extract<TypeModel, { readonly kind: "custom" }>

/** Custom fields that a protocol or its bases mention, by name. */
export const customsOf = ({ model }: Context): ReadonlyArray<Custom> => {
  const found = new Map<string, Custom>()
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    const { kind, module, name } = value as Partial<Custom>
    if (kind === "custom" && typeof module === "string" && typeof name === "string") found.set(name, value as Custom)
    for (const one of Object.values(value)) visit(one)
  }
  for (let one: Model | undefined = model; one !== undefined; one = baseOf(one)) {
    visit([one.types, one.frame, one.commands.map(({ request, responses }) => [request, responses])])
  }
  return [...found.values()].sort((a, b) => compare(a.name, b.name))
}

const has = ({ model }: Context, kind: TypeModel["kind"]): boolean => JSON.stringify(model).includes(`"kind":"${kind}"`)

/** Whether the protocol has fields that ask where the packet's content begins. */
export const asksForContent = (context: Context): boolean => has(context, "custom") || has(context, "domainName")

/** Lines of an encoder by which such fields know where the content begins; names of the packet before are forgotten. */
export const contentBegins = (context: Context, at: string): ReadonlyArray<string> => [
  ...(asksForContent(context) ? [`writer.content = ${at}`] : []),
  ...(has(context, "domainName") ? ["writer.names = undefined"] : [])
]
