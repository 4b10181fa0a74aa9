/** AMQP 0-9-1 as RabbitMQ and npm's amqplib speak it. */
import * as Amqp from "@wirewright/examples/gallery/amqp"
import { models } from "@wirewright/examples/gallery/amqp/Model"
import * as Schemas from "@wirewright/examples/gallery/amqp/Schemas"
import type { Gallery } from "./Conversations.ts"

export const amqp: Gallery = {
  title: "AMQP 0-9-1",
  fixtures: ["amqp"],
  spec: "Amqp.ts",
  models,
  generated: Amqp,
  schemas: Schemas,
  follow: ({ name }) => {
    const said = { client: 0, server: 0 }
    return {
      // a server answers another version with the header of its own
      next: (from) => ({ kind: said[from]++ === 0 && (from === "client" || name === "another protocol's version") ? "greeting" : "frame" })
    }
  }
}
