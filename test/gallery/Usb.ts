/** Descriptors of twelve USB devices. */
import * as Usb from "@wirewright/examples/gallery/usb"
import { models } from "@wirewright/examples/gallery/usb/Model"
import * as Schemas from "@wirewright/examples/gallery/usb/Schemas"
import { readFileSync } from "node:fs"
import type { Gallery, Side } from "./Conversations.ts"

const { devices } = JSON.parse(readFileSync(new URL("../fixtures/gallery/usb.json", import.meta.url), "utf8")) as {
  readonly devices: ReadonlyArray<{ readonly name: string; readonly hex: string }>
}

export const usb: Gallery = {
  title: "USB descriptors",
  fixtures: [],
  spec: "Usb.ts",
  models,
  generated: Usb,
  schemas: Schemas,
  conversations: devices.map(({ hex, name }) => ({ name, transport: "usb", chunks: [{ from: "server" as Side, hex }] }))
}
