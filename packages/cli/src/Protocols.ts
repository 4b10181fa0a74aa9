/** Loads a protocol by name; only what is asked for is loaded. */
import { BinaryAdapter, type GeneratedProtocol } from "./BinaryAdapter.ts"
import { deepstreamAdapter } from "./DeepstreamAdapter.ts"
import type { ProtocolAdapter, ProtocolName } from "./ProtocolAdapter.ts"

/** The adapter of a protocol. */
export const loadProtocol = async (name: ProtocolName): Promise<ProtocolAdapter> => {
  if (name === "deepstream") return deepstreamAdapter()
  const generated: string = `@wirewright/${name}/gen/`
  const [codecs, { models }] = await Promise.all([
    import(`${generated}index`) as Promise<Omit<GeneratedProtocol, "models">>,
    import(`${generated}Model`) as Promise<Pick<GeneratedProtocol, "models">>
  ])
  return new BinaryAdapter(name, { ...codecs, models })
}
