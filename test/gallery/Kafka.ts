/** Kafka as kafkajs, @platformatic/kafka and librdkafka speak it; see ORIGIN.md for whose the responses are. */
import * as Kafka from "@wirewright/examples/gallery/kafka"
import { models } from "@wirewright/examples/gallery/kafka/Model"
import * as Schemas from "@wirewright/examples/gallery/kafka/Schemas"
import { readFileSync } from "node:fs"
import type { Conversation, Gallery } from "./Conversations.ts"

const { conversations } = JSON.parse(readFileSync(new URL("../fixtures/gallery/kafka.json", import.meta.url), "utf8")) as {
  readonly conversations: ReadonlyArray<Conversation>
}

/** One conversation for each request, where some must be refused. */
const apart = (whole: Conversation): ReadonlyArray<Conversation> =>
  whole.name !== "Metadata 9–12" && !whole.name.startsWith("librdkafka asks")
    ? [whole]
    : whole.chunks.flatMap(({ from }, i) =>
      from === "server" ? [] : [{ ...whole, name: `${whole.name}: ${i / 2}`, chunks: whole.chunks.slice(i, i + 2) }]
    )

/** What a client asked, one after another: a response does not repeat it. */
const asked = ({ chunks }: Conversation): Array<{ readonly apiKey: number; readonly apiVersion: number }> => {
  const bytes = Buffer.from(chunks.filter(({ from }) => from === "client").map(({ hex }) => hex).join(""), "hex")
  const out: Array<{ readonly apiKey: number; readonly apiVersion: number }> = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
    out.push({ apiKey: bytes.readUInt16BE(at + 4), apiVersion: bytes.readInt16BE(at + 6) })
  }
  return out
}

export const kafka: Gallery = {
  title: "Kafka",
  fixtures: [],
  conversations: conversations.flatMap(apart),
  spec: "Kafka.ts",
  models,
  generated: Kafka,
  schemas: Schemas,
  follow: (conversation) => {
    const questions = asked(conversation)
    return {
      next: (from) => from === "client" ? { kind: "request" } : { kind: "response", states: questions[0] ?? {} },
      saw: (from) => void (from === "server" && questions.shift())
    }
  },
  refused: {
    "librdkafka's broker says 1 for an array of one, which a compact array says of none": [
      "librdkafka asks for ApiVersions 3, is refused, and asks for 0: 0, server, 0"
    ],
    "@platformatic/kafka still says in Metadata 11 whether it wants the cluster's operations, which only 8 to 10 have": [
      "Metadata 9–12: 4, client, 0",
      "Metadata 9–12: 5, client, 0"
    ]
  }
}
