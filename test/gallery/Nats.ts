/** NATS as npm's client and nats-server 2.9.10 speak it. */
import * as Nats from "@wirewright/examples/gallery/nats"
import { models } from "@wirewright/examples/gallery/nats/Model"
import * as Schemas from "@wirewright/examples/gallery/nats/Schemas"
import type { Gallery } from "./Conversations.ts"

export const nats: Gallery = {
  title: "NATS",
  fixtures: ["nats"],
  spec: "Nats.ts",
  models,
  generated: Nats,
  schemas: Schemas,
  lines: true,
  refused: [
    // spellings that nats-server takes too: small letters, tabs, several spaces, LF alone
    "ping\r\n",
    "sub\tfoo   1\r\n",
    "pub  foo\t 2\r\n",
    "hi\r\n",
    "PiNg\r\n",
    "PING\n",
    "UNSUB   1   1  \r\n",
    // what it answers with an error, and the payloads that it then takes for operations
    "NOTHING\r\n",
    "PUB foo\r\n",
    "PUB foo 5\r\n",
    "abcdefgh\r\n",
    // it answers these before the payload, which then never comes
    "raw error: payload too large, client, 44",
    "raw error: header longer than all, client, 26"
  ]
}
