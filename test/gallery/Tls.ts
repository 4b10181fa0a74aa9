/** TLS as OpenSSL's client and server speak it: records, and the handshake messages that stand in them. */
import * as Tls from "@wirewright/examples/gallery/tls"
import { models } from "@wirewright/examples/gallery/tls/Model"
import * as Schemas from "@wirewright/examples/gallery/tls/Schemas"
import { readFileSync } from "node:fs"
import type { Conversation, Gallery, Side } from "./Conversations.ts"

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/gallery/${name}.json`, import.meta.url), "utf8"))
const records: ReadonlyArray<Conversation> = fixture("tls").conversations
const messages: ReadonlyArray<{ readonly from: Side; readonly hex: string }> = fixture("tls.messages").messages

/** Whether a ServerHello chooses TLS 1.3: its extension 43 says 3.4. */
const isVersion13 = ({ chunks }: Conversation): boolean => chunks.some(({ from, hex }) => from === "server" && hex.includes("002b00020304"))

/** What stands in a side's handshake records until it encrypts. */
const plainHandshake = ({ chunks }: Conversation, side: Side): string => {
  const bytes = Buffer.from(chunks.filter(({ from }) => from === side).map(({ hex }) => hex).join(""), "hex")
  const fragments: Array<string> = []
  let ciphers = 0
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    if (bytes[at] === 20) ciphers++
    // in TLS 1.3, what is encrypted calls itself something else, and the change is for the looks
    if (bytes[at] === 22 && (ciphers === 0 || isVersion13({ name: "", transport: "tcp", chunks }))) fragments.push(bytes.toString("hex", at + 5, end))
    at = end
  }
  return fragments.join("")
}

const handshakes = records.flatMap((one) =>
  (["client", "server"] as const).map((from): Conversation => ({
    name: `${one.name}, handshake of the ${from}`,
    transport: isVersion13(one) ? "TLS 1.3" : "TLS 1.2",
    chunks: [{ from, hex: plainHandshake(one, from) }]
  }))
)

export const tls: Gallery = {
  title: "TLS",
  fixtures: ["tls"],
  conversations: [
    ...handshakes,
    { name: "messages that are encrypted on the wire", transport: "TLS 1.3", chunks: messages }
  ],
  spec: "Tls.ts",
  models,
  generated: Tls,
  schemas: Schemas,
  follow: (conversation) => {
    if (conversation.transport.startsWith("TLS")) {
      return { next: () => ({ kind: "handshakeMessage", states: { version: conversation.transport === "TLS 1.3" ? 13 : 12 } }) }
    }
    const encrypts = { client: false, server: false }
    const is13 = isVersion13(conversation)
    return {
      next: (from) => ({ kind: encrypts[from] ? "ciphertext" : "plaintext" }),
      saw: (from, packet) => {
        if (packet._tag === "ChangeCipherSpec" && !is13) encrypts[from] = true
      }
    }
  }
}
