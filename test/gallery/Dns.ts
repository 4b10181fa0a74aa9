/** DNS as BIND's server and tools speak it. */
import * as Dns from "@wirewright/examples/gallery/dns"
import { models } from "@wirewright/examples/gallery/dns/Model"
import * as Schemas from "@wirewright/examples/gallery/dns/Schemas"
import type { Gallery } from "./Conversations.ts"

export const dns: Gallery = {
  title: "DNS",
  fixtures: ["dns"],
  spec: "Dns.ts",
  models,
  generated: Dns,
  schemas: Schemas,
  spellings: true,
  follow: ({ transport }) => ({ next: () => ({ kind: transport === "udp" ? "datagram" : "segment" }) })
}
