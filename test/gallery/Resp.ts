/** RESP2 and RESP3 as redis-server, redis-cli and npm's `redis` and `ioredis` speak it. */
import * as Resp from "@wirewright/examples/gallery/resp"
import { models } from "@wirewright/examples/gallery/resp/Model"
import * as Schemas from "@wirewright/examples/gallery/resp/Schemas"
import type { Gallery } from "./Conversations.ts"

export const resp: Gallery = {
  title: "RESP2 and RESP3",
  fixtures: ["resp"],
  spec: "Resp.ts",
  models,
  generated: Resp,
  schemas: Schemas,
  follow: () => ({ next: (from) => ({ kind: from === "client" ? "request" : "reply" }) }),
  refused: {
    "malformed on purpose, which Redis answers with a protocol error": [
      "raw protocol error: no bulk string, client, 0",
      "raw protocol error: bulk length, client, 0",
      "raw protocol error: array length, client, 0"
    ]
  }
}
