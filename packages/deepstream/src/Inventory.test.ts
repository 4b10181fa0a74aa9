/** Every message of the inventory is recognised under its name and in its direction, and comes out of the encoder as it went in. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as Classic from "./gen/index.ts"
import * as Text from "./gen7/index.ts"

interface Entry {
  readonly topic: string
  readonly action: string
  readonly dir: "c2s" | "s2c" | "both"
  readonly name: string
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string; readonly optional?: boolean }>
  readonly v7status: "same" | "changed" | "absent"
}

const inventory = JSON.parse(readFileSync(new URL("../../../test/fixtures/deepstream-messages.json", import.meta.url), "utf8")) as {
  readonly messages: ReadonlyArray<Entry>
  readonly errors: ReadonlyArray<
    { readonly topics: ReadonlyArray<string>; readonly code: string; readonly fields: string; readonly note: string }
  >
}

/** Names in the order of the inventory. */
const names = `
  ConnectionChallenge ConnectionChallengeResponse ConnectionAck ConnectionRedirect ConnectionReject ConnectionPing ConnectionPong
  ConnectionAuthenticationTimeout ConnectionInvalidMessage ConnectionMessageParseError ConnectionUnknownAction
  AuthenticationRequest AuthenticationAck AuthenticationInvalidData AuthenticationTooManyAttempts AuthenticationInvalidMessage
  EventSubscribe EventUnsubscribe EventEmit EventAck EventListen EventUnlisten EventPatternFound EventPatternRemoved
  EventListenAccept EventListenReject
  RecordCreateOrRead RecordData RecordSnapshot RecordHas RecordHasAnswer RecordHead RecordHeadAnswer RecordUpdate RecordPatch
  RecordUpsert RecordUpsertPatch RecordWriteAck RecordDelete RecordDiscard RecordHasProvider RecordAck RecordListen RecordUnlisten
  RecordPatternFound RecordPatternRemoved RecordListenAccept RecordListenReject
  RpcProvide RpcUnprovide RpcRequest RpcRequestAccepted RpcResponse RpcFailure RpcReject RpcAck
  PresenceQueryAll PresenceQueryAllAnswer PresenceQuery PresenceQueryAnswer PresenceSubscribeAll PresenceUnsubscribeAll
  PresenceSubscribe PresenceUnsubscribe PresenceJoin PresenceLeave PresenceAck
  EventError RecordError RpcError PresenceError GlobalUnknownTopic GlobalMessageParseError
`.trim().split(/\s+/)

const samples: { readonly [type: string]: string } = {
  url: "ws://localhost:6020/deepstream",
  json: `{"a":[1]}`,
  typed: "Sabc",
  str: "some/name",
  pattern: "some/.*",
  action: "S",
  ver: "5",
  vers: "[5]",
  cfg: `{"writeSuccess":true}`,
  bool: "T",
  uid: "jx3k-1234",
  int: "7",
  users: `["userA","userB"]`,
  rawmsg: "gibberish"
}

/** Three fields under P|E are the provider's error, whatever they say. */
const nameOf = (name: string, text: string) => name === "RpcError" && text.split("\x1f").length === 5 ? "RpcFailure" : name

/** Texts of a message: with and without its optional fields, with no and with several of the repeated ones. */
const textsOf = ({ topic, action, fields }: Entry): ReadonlyArray<string> => {
  let texts: Array<ReadonlyArray<string>> = [[topic, action]]
  for (const { name, type, optional } of fields) {
    const sample = type.startsWith("lit:") ? type.slice(4) : samples[type]!
    const next = texts.filter((text) => text.length >= 2).map((text) => [...text, sample])
    texts = name.endsWith("...")
      ? [...texts, ...next, ...next.map((text) => [...text, "second"])]
      : optional === true
      ? [...texts, ...next]
      : next
  }
  return texts.map((text) => text.join("\x1f"))
}

const sidesOf = (dir: Entry["dir"]) =>
  dir === "both" ? ["client", "server"] as const : dir === "c2s" ? ["client"] as const : ["server"] as const

describe("the inventory", () => {
  it("has a name for every message", () => expect(names).toHaveLength(inventory.messages.length))

  it.each(inventory.messages.map((entry, index) => [names[index]!, entry] as const))("classic: %s", (name, entry) => {
    for (const text of textsOf(entry)) {
      for (const side of sidesOf(entry.dir)) {
        const message = side === "client" ? Classic.decodeClientMessage(text) : Classic.decodeServerMessage(text)
        expect(message._tag).toBe(nameOf(name, text))
        expect(Classic.encode(message)).toBe(`${text}\x1e`)
      }
    }
  })

  it.each(inventory.messages.map((entry, index) => [names[index]!, entry] as const).filter(([, { v7status }]) => v7status === "same"))(
    "servers 5-7: %s",
    (name, entry) => {
      for (const text of textsOf(entry)) {
        for (const side of sidesOf(entry.dir)) {
          const message = side === "client" ? Text.decodeClientMessage(text) : Text.decodeServerMessage(text)
          expect(message._tag).toBe(name)
          expect(Text.encode(message)).toBe(`${text}\x1e`)
        }
      }
    }
  )

  it("knows what each direction does not send", () => {
    for (const [index, entry] of inventory.messages.entries()) {
      if (entry.dir === "both") continue
      for (const text of textsOf(entry)) {
        const decode = entry.dir === "c2s" ? Classic.decodeServerMessage : Classic.decodeClientMessage
        let tag = "refused"
        try {
          tag = decode(text)._tag
        } catch {}
        expect(tag).not.toBe(names[index])
      }
    }
  })

  it("has a message of its own for every error code", () => {
    for (const { topics, code, fields } of inventory.errors) {
      for (const topic of topics) {
        for (const one of code.split(" | ")) {
          const count = { "name|id": 2, "name|NaN": 2, "name|remoteVersion|remoteData(json)[|config]": 3 }[fields] ??
            (fields.includes("|") ? 2 : 1)
          const values = fields.startsWith("name|remote") ? ["name", "5", "{}"] : fields === "version" ? ["5"] : ["a", "b"].slice(0, count)
          const text = [topic, "E", one, ...values].join("\x1f")
          const message = Classic.decodeServerMessage(text)
          expect(["EventError", "RecordError", "RpcError", "PresenceError", "RpcFailure"], text).not.toContain(message._tag)
          expect(Classic.encode(message)).toBe(`${text}\x1e`)
        }
      }
    }
  })

  it("servers 5-7: what classic servers alone say is unknown or a plain error", () => {
    expect(Text.decodeServerMessage("C\x1fCH")._tag).toBe("UnknownMessage")
    expect(Text.decodeClientMessage("R\x1fH\x1fname")._tag).toBe("UnknownMessage")
    expect(Text.decodeServerMessage("X\x1fE\x1fUNKNOWN_TOPIC\x1fB")._tag).toBe("UnknownMessage")
    expect(Text.decodeServerMessage("P\x1fE\x1fSboom\x1fname\x1f1")).toMatchObject({ _tag: "RpcFailureRelay", error: { text: "Sboom" } })
    expect(Text.decodeClientMessage("P\x1fE\x1fboom\x1fname\x1f1")).toMatchObject({ _tag: "RpcFailure", text: "boom" })
    expect(Classic.decodeServerMessage("P\x1fE\x1fSboom\x1fname\x1f1")).toMatchObject({ _tag: "RpcFailure", text: "Sboom" })
    expect(Text.decodeServerMessage("R\x1fE\x1fRECORD_NOT_FOUND\x1fname")._tag).toBe("RecordNotFound")
  })
})
