/** Modbus/TCP as pymodbus and npm's modbus-serial speak it, and the document's examples. */
import * as Modbus from "@wirewright/examples/gallery/modbus"
import { models } from "@wirewright/examples/gallery/modbus/Model"
import * as Schemas from "@wirewright/examples/gallery/modbus/Schemas"
import type { Gallery } from "./Conversations.ts"

export const modbus: Gallery = {
  title: "Modbus/TCP",
  fixtures: ["modbus"],
  spec: "Modbus.ts",
  models,
  generated: Modbus,
  schemas: Schemas,
  follow: () => ({ next: (from) => ({ kind: from === "client" ? "request" : "response" }) })
}
