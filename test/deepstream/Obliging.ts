/** A server that does whatever it is asked for, one client at a time, and provokes nothing. */
import { forEachMessage } from "@wirewright/codec/Delimited"
import { decodeClientMessage, delimiting, encode } from "@wirewright/deepstream/gen"
import { Typed } from "@wirewright/deepstream/Typed"
import { type ServerSocket, type WebSockets } from "@wirewright/testing"

type Client = ReturnType<typeof decodeClientMessage>
type Answer = Parameters<typeof encode>[0]

/** Records it has, by name. */
const stored = (name: string): { readonly version: number; readonly data: string } => ({ version: 3, data: JSON.stringify({ name, n: 1 }) })

const answers = (message: Client): ReadonlyArray<Answer> => {
  switch (message._tag) {
    case "ConnectionChallengeResponse":
      return [{ _tag: "ConnectionAck" }]
    case "AuthenticationRequest":
      return [{ _tag: "AuthenticationAck", clientData: Typed.of({ id: "me" }) }]
    case "EventSubscribe":
      return [{ _tag: "EventAck", action: "S", subject: message.name }, { _tag: "EventEmit", name: message.name, value: Typed.of("hi") }]
    case "EventUnsubscribe":
      return [{ _tag: "EventAck", action: "US", subject: message.name }]
    case "EventListen":
      return [{ _tag: "EventAck", action: "L", subject: message.pattern }]
    case "EventUnlisten":
      return [{ _tag: "EventAck", action: "UL", subject: message.pattern }]
    case "RecordListen":
      return [{ _tag: "RecordAck", action: "L", subject: message.pattern }]
    case "RecordUnlisten":
      return [{ _tag: "RecordAck", action: "UL", subject: message.pattern }]
    case "RecordCreateOrRead":
      return [{ _tag: "RecordAck", action: "S", subject: message.name }, {
        _tag: "RecordData",
        name: message.name,
        ...stored(message.name)
      }]
    case "RecordSnapshot":
      return [{ _tag: "RecordData", name: message.name, ...stored(message.name) }]
    case "RecordHas":
      return [{ _tag: "RecordHasAnswer", name: message.name, exists: true }]
    case "RecordHead":
      return [{ _tag: "RecordHeadAnswer", name: message.name, version: 3 }]
    case "RecordDiscard":
      return [{ _tag: "RecordAck", action: "US", subject: message.name }]
    case "RecordDelete":
      return [{ _tag: "RecordAck", action: "D", subject: message.name }]
    case "RecordUpdate":
    case "RecordPatch":
    case "RecordUpsert":
    case "RecordUpsertPatch":
      return message.config?.includes("writeSuccess") === true
        ? [{ _tag: "RecordWriteAck", name: message.name, versions: `[${message.version}]`, result: Typed.of(null) }]
        : []
    case "RpcProvide":
      return [{ _tag: "RpcAck", action: "S", name: message.name }]
    case "RpcUnprovide":
      return [{ _tag: "RpcAck", action: "US", name: message.name }]
    case "RpcRequest":
      return [
        { _tag: "RpcRequestAccepted", name: message.name, id: message.id },
        { _tag: "RpcResponse", name: message.name, id: message.id, value: message.value }
      ]
    case "PresenceQueryAll":
      return [{ _tag: "PresenceQueryAllAnswer", users: ["ann", "bob"] }]
    case "PresenceQuery":
      return [{ _tag: "PresenceQueryAnswer", id: message.id, online: JSON.stringify({ ann: true, eve: false }) }]
    case "PresenceSubscribeAll":
      return [{ _tag: "PresenceAck", action: "S", subject: "S" }]
    case "PresenceUnsubscribeAll":
      return [{ _tag: "PresenceAck", action: "US", subject: "US" }]
    case "PresenceSubscribe":
      return [{ _tag: "PresenceAck", action: "S", subject: `${message.id}` }]
    case "PresenceUnsubscribe":
      return [{ _tag: "PresenceAck", action: "US", subject: `${message.id}` }]
    default:
      return []
  }
}

/** Serves a URL; tells of each connection. */
export const oblige = (network: WebSockets, url: string, connected: (socket: ServerSocket) => void = () => {}): () => void =>
  network.serve(url, (socket: ServerSocket) => {
    connected(socket)
    socket.onFrame = (frame) =>
      forEachMessage(frame, delimiting, (text, start, end) => {
        // each answer is a frame of its own, so that each can be lost by itself
        for (const answer of answers(decodeClientMessage(text, start, end))) socket.send(encode(answer))
      })
    socket.send(encode({ _tag: "ConnectionChallenge" }))
  })
