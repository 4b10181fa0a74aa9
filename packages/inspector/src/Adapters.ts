/** Which adapter a generated protocol needs. */
import { GeneratedAdapter, type GeneratedProtocol } from "./GeneratedAdapter.ts"
import type { ProtocolAdapter } from "./ProtocolAdapter.ts"
import { SharedPort } from "./SharedPort.ts"
import { TextAdapter } from "./TextAdapter.ts"

/** The adapter of one generated protocol; `kind` is that of all packets, when it was said. */
export const adapterOf = (generated: GeneratedProtocol, kind?: string): GeneratedAdapter => {
  const Adapter = generated.models[0]?.frame.over === "text" ? TextAdapter : GeneratedAdapter
  return new Adapter(generated, kind)
}

/** The adapter of a protocol and of the one that its servers speak on the same port, if there is one. */
export const sharing = (adapter: GeneratedAdapter, beside: GeneratedAdapter | undefined): ProtocolAdapter =>
  beside === undefined ? adapter : new SharedPort(adapter, beside)
