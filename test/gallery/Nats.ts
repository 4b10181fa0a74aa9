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
  refused: {
    "another spelling that nats-server takes too: small letters": ["ping\r\n", "PiNg\r\n"],
    "another spelling that nats-server takes too: tabs, several spaces, spaces at the end": [
      "sub\tfoo   1\r\n",
      "pub  foo\t 2\r\n",
      "UNSUB   1   1  \r\n"
    ],
    "another spelling that nats-server takes too: LF without CR": ["PING\n"],
    "the payload of a line that is none of these packets": ["hi\r\n", "abcdefgh\r\n"],
    "an operation that nats-server answers with an error": ["NOTHING\r\n", "PUB foo\r\n"],
    "a payload of another length than the line says": ["PUB foo 5\r\n"],
    "a line that is answered with an error before its payload, which never comes": [
      "raw error: payload too large, client, 44",
      "raw error: header longer than all, client, 26"
    ]
  }
}
