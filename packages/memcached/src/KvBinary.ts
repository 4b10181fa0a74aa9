/** The client's commands in the binary protocol. Source: memcached `doc/protocol-binary.xml`; 1.6.18 where that differs. */
import { type Writer } from "@wirewright/codec"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Gen from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"

const { Opcode } = Gen
const none: Exit.Exit<Option.Option<never>> = Exit.succeed(Option.none())

/** What encoders need of a request. */
type Fields = Pick<Calls.KvPacket<unknown>, "opaque" | "key" | "value" | "flags" | "expiration" | "cas">

type Encode<Packet> = (writer: Writer, packet: Packet) => void

/** A command that reads one document. */
const read = (operation: string, opcode: number, writes: boolean, encode: Encode<Fields>) =>
  Calls.makeCall<Option.Option<Calls.Document>, Calls.KvPacket<Option.Option<Calls.Document>>, Gen.Response>({
    operation,
    opcode,
    writes,
    encode,
    interpret: (answer, packet) => {
      if (answer._tag === "GetResponse" || answer._tag === "GatResponse") return Exit.succeed(Option.some(answer))
      return answer.status === Gen.Status.KeyEnoent ? none : Calls.refused(answer, packet)
    }
  })

/** A command that changes a document or fails. */
const mutate = (operation: string, opcode: number, encode: Encode<Fields>) =>
  Calls.makeCall<Calls.Mutation, Calls.KvPacket<Calls.Mutation>, Gen.Response>({
    operation,
    opcode,
    writes: true,
    encode,
    interpret: (answer, packet) => answer.status === Gen.Status.Success ? Exit.succeed(answer) : Calls.refused(answer, packet)
  })

/** A command that says whether there was a document. */
const whether = (operation: string, opcode: number, encode: Encode<Fields>) =>
  Calls.makeCall<boolean, Calls.KvPacket<boolean>, Gen.Response>({
    operation,
    opcode,
    writes: true,
    encode,
    interpret: (answer, packet) =>
      answer.status === Gen.Status.Success
        ? Exit.succeed(true)
        : answer.status === Gen.Status.KeyEnoent
        ? Exit.succeed(false)
        : Calls.refused(answer, packet)
  })

const count = (operation: string, opcode: number, encode: Encode<Calls.CountPacket>) =>
  Calls.makeCall<Calls.Counter, Calls.CountPacket, Gen.Response>({
    operation,
    opcode,
    writes: true,
    encode,
    interpret: (answer, packet) =>
      answer._tag === "IncrementResponse" || answer._tag === "DecrementResponse" ? Exit.succeed(answer) : Calls.refused(answer, packet)
  })

/** A command without a key whose success says nothing. */
const plain = (operation: string, opcode: number, writes: boolean, encode: Encode<Fields>) =>
  Calls.makeCall<void, Calls.KvPacket<void>, Gen.Response>({
    operation,
    opcode,
    writes,
    encode,
    interpret: (answer, packet) => answer.status === Gen.Status.Success ? Exit.void : Calls.refused(answer, packet)
  })

const version = Calls.makeCall<string, Calls.KvPacket<string>, Gen.Response>({
  operation: "version",
  opcode: Opcode.Version,
  writes: false,
  encode: Gen.encodeVersion,
  interpret: (answer, packet) => answer._tag === "VersionResponse" ? Exit.succeed(answer.version) : Calls.refused(answer, packet)
})

const stats = Calls.makeCall<ReadonlyMap<string, string>, Calls.StatsPacket, Gen.Response>({
  operation: "stats",
  opcode: Opcode.Stat,
  writes: false,
  ends: (answer) => answer._tag !== "StatResponse" || answer.name === "" && answer.value === "",
  encode: (writer, packet) => Gen.encodeStat(writer, { opaque: packet.opaque, group: packet.key }),
  interpret: (answer, packet) => {
    if (answer._tag !== "StatResponse") return Calls.refused(answer, packet)
    if (answer.name === "" && answer.value === "") return Exit.succeed(packet.found)
    packet.found.set(answer.name, answer.value)
    return undefined
  }
})

/**
 * Quiet gets that tell their keys, and a barrier; all have one opaque, so that a batch costs one request. Misses are silent; the first other
 * refusal is the outcome, once the barrier is answered.
 */
const getMany = Calls.makeCall<ReadonlyMap<string, Calls.Document>, Calls.ManyPacket, Gen.Response>({
  operation: "getMany",
  opcode: Opcode.GetKQ,
  writes: false,
  ends: (answer) => answer.opcode === Opcode.Noop,
  encode: (writer, packet) => {
    const mark = writer.length
    try {
      for (const key of packet.keys) Gen.encodeGetKQ(writer, { opaque: packet.opaque, key })
      Gen.encodeNoop(writer, { opaque: packet.opaque })
    } catch (error) {
      writer.truncate(mark)
      throw error
    }
  },
  interpret: (answer, packet) => {
    if (answer._tag === "GetKQResponse") {
      packet.found.set(answer.key, answer)
      return undefined
    }
    if (answer._tag !== "NoopResponse") packet.refused(answer)
    return answer.opcode === Opcode.Noop ? packet.settled() : undefined
  }
})

/** The table. */
export const binaryCalls: Calls.KvCalls = {
  protocol: "binary",
  get: read("get", Opcode.Get, false, Gen.encodeGet),
  getAndTouch: read("getAndTouch", Opcode.Gat, true, Gen.encodeGat),
  getMany,
  set: mutate("set", Opcode.Set, Gen.encodeSet),
  add: mutate("add", Opcode.Add, Gen.encodeAdd),
  replace: mutate("replace", Opcode.Replace, Gen.encodeReplace),
  append: mutate("append", Opcode.Append, Gen.encodeAppend),
  prepend: mutate("prepend", Opcode.Prepend, Gen.encodePrepend),
  remove: whether("remove", Opcode.Delete, Gen.encodeDelete),
  touch: whether("touch", Opcode.Touch, Gen.encodeTouch),
  increment: count("increment", Opcode.Increment, Gen.encodeIncrement),
  decrement: count("decrement", Opcode.Decrement, Gen.encodeDecrement),
  noop: plain("noop", Opcode.Noop, false, Gen.encodeNoop),
  verbosity: plain(
    "verbosity",
    Opcode.Verbosity,
    true,
    (writer, packet) => Gen.encodeVerbosity(writer, { opaque: packet.opaque, verbosity: packet.flags })
  ),
  flush: plain(
    "flush",
    Opcode.Flush,
    true,
    (writer, packet) =>
      Gen.encodeFlush(
        writer,
        packet.expiration === 0 ? { opaque: packet.opaque } : { opaque: packet.opaque, expiration: packet.expiration }
      )
  ),
  version,
  stats,
  leave: (writer, opaque) => Gen.encodeQuit(writer, { opaque }),
  ...Calls.withoutMeta("binary")
}

export const quit = plain("quit", Opcode.Quit, false, Gen.encodeQuit)

export const mechanisms = Calls.makeCall<string, Calls.KvPacket<string>, Gen.Response>({
  operation: "authenticate",
  opcode: Opcode.SaslListMechs,
  writes: false,
  encode: Gen.encodeSaslListMechs,
  interpret: (answer, packet) => answer._tag === "SaslListMechsResponse" ? Exit.succeed(answer.mechanisms) : Calls.refused(answer, packet)
})

/** Key: the mechanism. Value: what the client says. */
export const authenticate = plain(
  "authenticate",
  Opcode.SaslAuth,
  false,
  (writer, packet) => Gen.encodeSaslAuth(writer, { opaque: packet.opaque, mechanism: packet.key, clientData: packet.value })
)
