/** MongoDB's wire protocol as npm's mongodb speaks it, with documents of npm's bson. */
import * as Bson from "@wirewright/examples/gallery/bson"
import { models } from "@wirewright/examples/gallery/bson/Model"
import * as Schemas from "@wirewright/examples/gallery/bson/Schemas"
import type { Gallery } from "./Conversations.ts"

export const bson: Gallery = {
  title: "BSON and OP_MSG",
  fixtures: ["mongodb"],
  spec: "Bson.ts",
  models,
  generated: Bson,
  schemas: Schemas
}
